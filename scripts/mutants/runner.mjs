// A copy of the project for planting faults, with a warm vitest that runs its tests.
import { fork } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const copied = ["src", "test", "scripts", "docs", "package.json", "tsconfig.json", "vitest.config.ts"];
const warm = fileURLToPath(new URL("warm.mjs", import.meta.url));

export class Runner {
  #copy = mkdtempSync(join(tmpdir(), "hebb-mutants-"));
  #child;
  #changed = new Set();

  constructor(root) {
    process.on("exit", () => {
      this.#end();
      rmSync(this.#copy, { recursive: true, maxRetries: 20, force: true });
    });
    for (const name of copied) cpSync(join(root, name), join(this.#copy, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(this.#copy, "node_modules"));
  }

  /** Runs `tests` with `fault` in place: { outcome: "killed" | "killed (time)" | "survived", by }. */
  async run(tests, fault, secondsAllowed) {
    if (fault === undefined) return this.#ask(tests, secondsAllowed);
    const text = readFileSync(join(this.#copy, fault.file), "utf8");
    this.#write(fault.file, text.slice(0, fault.start) + fault.to + text.slice(fault.end));
    const answer = await this.#ask(tests, secondsAllowed);
    this.#write(fault.file, text);
    return answer;
  }

  #write(file, text) {
    writeFileSync(join(this.#copy, file), text);
    this.#changed.add(join(this.#copy, file));
  }

  async #ask(tests, secondsAllowed) {
    const child = await this.#started();
    return new Promise((resolve) => {
      const settle = (answer) => {
        clearTimeout(timer);
        child.off("message", heard).off("exit", ended);
        resolve(answer);
      };
      const timer = setTimeout(() => {
        this.#end();
        settle({ outcome: "killed (time)", by: "" });
      }, 1000 * secondsAllowed);
      const heard = ({ failed, cases, error, passed }) => {
        if (failed !== undefined) {
          const test = cases.length > 0 ? cases.join(" | ") : "its imports fail";
          settle({ outcome: "killed", by: `${relative(this.#copy, failed)}: ${test}` });
        } else if (error !== undefined) settle({ outcome: "killed", by: error });
        else if (passed !== tests.length) throw new Error(`${passed} of ${tests.length} files of tests have run`);
        else settle({ outcome: "survived", by: "" });
      };
      const ended = () => {
        this.#child = undefined;
        settle({ outcome: "killed", by: "the tests' process ended" });
      };
      child.once("message", heard).once("exit", ended);
      child.send({ changed: [...this.#changed], tests: tests.map((test) => join(this.#copy, test)) });
      this.#changed.clear();
    });
  }

  async #started() {
    if (this.#child === undefined) {
      this.#child = fork(warm, [this.#copy], { cwd: this.#copy, stdio: "ignore", detached: true });
      await new Promise((resolve) => this.#child.once("message", resolve));
    }
    return this.#child;
  }

  #end() {
    if (this.#child === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has already ended by itself.
    }
    this.#child = undefined;
  }
}
