// An append-only file of a run: truncates the rest of a failed write, and follows no links.
import { ftruncateSync } from "node:fs";
import { attempt, saveError, writeAll, writeFileAtomic } from "./atomic.ts";
import { placeOf, type Run } from "./runFolder.ts";

export class LogFile {
  readonly path: string;
  readonly #run: Run;
  #file: number | undefined;
  #length: number;

  /** Starts a file with these bytes and replaces an existing one. Throws HebbError if it cannot be created. */
  constructor(run: Run, names: readonly string[], beginning: Uint8Array = new Uint8Array()) {
    this.#run = run;
    this.path = placeOf(run, ...names.slice(0, -1), names.at(-1) ?? "").path;
    writeFileAtomic(this.path, beginning, run.operations);
    this.#length = beginning.length;
    try {
      this.#file = run.operations.open(this.path, "a");
    } catch (error) {
      throw saveError(this.path, error);
    }
  }

  /** Throws HebbError if the bytes cannot all be written; then none of them remain. */
  append(bytes: Uint8Array): void {
    const file = this.#file;
    if (file === undefined) return;
    try {
      writeAll(file, bytes, this.#run.operations);
      this.#length += bytes.length;
    } catch (error) {
      attempt(() => ftruncateSync(file, this.#length));
      throw saveError(this.path, error);
    }
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) attempt(() => this.#run.operations.close(file));
  }
}
