// One peer with one workload in a child process: prepared once, then one repetition per request.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Seconds to warm up and to measure. */
export interface Timing {
  readonly target: number;
  readonly warmUp: number;
  readonly maxSteps: number;
}

export interface Prepared {
  readonly check: number | null;
  readonly steps: number;
  readonly version: string;
}

type Answer = Readonly<Record<string, unknown>>;

/** Settings of the calling shell that would slow a peer down: a pinned BLAS kernel halves every OpenBLAS figure. */
const harmful = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NODE_OPTIONS"];

export function childEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of harmful) delete env[name];
  return { ...env, ...extra };
}

export class Peer {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #errors = "";
  #ended = false;

  constructor(name: string, command: Command, timing: Timing) {
    this.name = name;
    this.#child = spawn(command.file, [...command.args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: childEnvironment({ ...command.env, BENCH_TIMING: JSON.stringify(timing) }),
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error(`${name}: the child process has no pipes`);
    createInterface({ input: stdout }).on("line", (line) => {
      if (line.startsWith("{")) this.#waiting.shift()?.(JSON.parse(line) as Answer);
    });
    stderr.on("data", (chunk) => {
      this.#errors = (this.#errors + String(chunk)).slice(-2000);
    });
    const end = (reason: string): void => {
      this.#ended = true;
      for (const answer of this.#waiting.splice(0)) answer({ error: reason });
    };
    this.#child.on("error", (error) => end(error.message));
    this.#child.on("close", (code) => end(this.#errors.trim().split("\n").at(-1) || `exit ${code}`));
    this.#child.stdin?.on("error", () => {});
  }

  #ask(cmd: string, work?: unknown): Promise<Answer> {
    if (this.#ended) return Promise.resolve({ error: this.#errors.trim().split("\n").at(-1) ?? "ended" });
    const answered = new Promise<Answer>((resolve) => this.#waiting.push(resolve));
    this.#child.stdin?.write(`${JSON.stringify({ cmd, work })}\n`);
    return answered;
  }

  /** `work`: the workload, for a peer that runs several in turn. */
  async prepare(work?: unknown): Promise<Prepared> {
    const answer = await this.#ask("prepare", work);
    if (answer["ready"] !== true) throw new Error(String(answer["error"] ?? "no answer"));
    const check = answer["check"];
    return {
      check: typeof check === "number" ? check : null,
      steps: Number(answer["steps"]),
      version: String(answer["version"]),
    };
  }

  /** Seconds of one step, the mean over one repetition. */
  async go(): Promise<number> {
    const answer = await this.#ask("go");
    if (typeof answer["seconds"] !== "number") throw new Error(String(answer["error"] ?? "no answer"));
    return answer["seconds"];
  }

  /** Ends the process; returns its peak resident memory in MB. */
  async quit(): Promise<number | null> {
    const answer = await this.#ask("quit");
    this.#child.stdin?.end();
    return typeof answer["peakMB"] === "number" ? answer["peakMB"] : null;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
