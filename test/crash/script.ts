// Runs a script of the crash tests in a separate process, which reports line by line besides its output.
import { spawn } from "node:child_process";

/** Throws the script's output if it exits with a code other than 0. */
export async function runScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  report: (line: string) => void,
): Promise<void> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    env: { ...process.env, HEBB_BACKEND: "wasm", HEBB_THREADS: "1", ...env },
  });
  let [stderr, lines] = ["", ""];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [, , , reports] = child.stdio;
  reports?.on("data", (part: Buffer) => {
    const whole = `${lines}${part.toString()}`.split("\n");
    lines = whole.pop() ?? "";
    for (const line of whole) report(line);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
}
