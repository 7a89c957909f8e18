// A cache of compiled programs, bounded in bytes: the least recently used are evicted first.
import type { BoundProgram } from "./execution.ts";

interface Entry {
  readonly program: BoundProgram;
  readonly bytes: number;
}

/** Keys are long texts, two bytes a character. */
const bytesPerCharacter = 2;

export class ProgramCache {
  readonly #entries = new Map<string, Entry>();
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The program of this key, which becomes the most recently used. */
  get(key: string): BoundProgram | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.program;
  }

  /** Caches the program, even if it alone exceeds the cache. */
  add(key: string, program: BoundProgram): void {
    const bytes = program.bytes + bytesPerCharacter * key.length;
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes + bytes <= this.#mostBytes) break;
      this.#remove(oldest, entry);
    }
    this.#entries.set(key, { program, bytes });
    this.#bytes += bytes;
  }

  clear(): void {
    for (const [key, entry] of this.#entries) this.#remove(key, entry);
  }

  #remove(key: string, { program, bytes }: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= bytes;
    program.release();
  }
}
