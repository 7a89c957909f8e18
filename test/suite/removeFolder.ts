// Removes a folder to which something may still be writing: a compiler, or a browser that is closing.
import { rmSync } from "node:fs";

const [attempts, pauseMilliseconds] = [100, 50] as const;
const busy = new Set(["ENOTEMPTY", "EBUSY", "EPERM"]);

/**
 * Removes `path` and all in it. `maxRetries` of `rmSync` retries only the folder, not files added meanwhile; this starts again from the beginning.
 */
export function removeFolder(path: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      return rmSync(path, { recursive: true, force: true });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (attempt === attempts || !busy.has(code)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMilliseconds);
    }
  }
}
