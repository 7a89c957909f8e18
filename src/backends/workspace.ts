// Scratch memory of running programs: one block for the whole device, as large as the most demanding loaded program needs.
import { HebbError } from "../graph/errors.ts";
import type { Block } from "./backend.ts";

/** A program's claim on the workspace, from its first byte. */
export interface Claim {
  readonly bytes: number;
}

/** The allocator of the device. */
interface Memory {
  allocate(bytes: number): Block;
  free(block: Block): void;
}

/** A workspace that grows step by step reserves this factor, so that few steps need new memory. */
const growth = 1.25;
const mostReserveBytes = 64 * 2 ** 20;

/**
 * Runs are serial, and the contents of arena and scratch are dead after a run, so all programs of a device share one block. It is
 * allocated at the first run, moves when a larger program needs it, and shrinks when that program is released.
 */
export class Workspace {
  readonly #memory: Memory;
  readonly #claims = new Set<Claim>();
  #largestBytes = 0;
  #current: Block | undefined;
  /** The size of the last block that was too small. */
  #outgrownBytes = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Ensures that the block has at least this many bytes whenever a program runs. */
  claim(bytes: number): Claim {
    const claim = { bytes };
    this.#claims.add(claim);
    if (bytes > this.#largestBytes) this.#largestBytes = bytes;
    const current = this.#current;
    if (current !== undefined && current.bytes < bytes) {
      this.#outgrownBytes = current.bytes;
      this.#drop(current);
    }
    return claim;
  }

  release(claim: Claim): void {
    if (!this.#claims.delete(claim) || claim.bytes < this.#largestBytes) return;
    this.#largestBytes = 0;
    for (const { bytes } of this.#claims) this.#largestBytes = Math.max(this.#largestBytes, bytes);
    const current = this.#current;
    if (current !== undefined && current.bytes > growth * this.#largestBytes) {
      this.#outgrownBytes = 0;
      this.#drop(current);
    }
  }

  /**
   * The block for the run that is about to begin. A loaded program that claims more than there is fails when it runs; the others
   * continue in a block of the size they need.
   */
  block({ bytes }: Claim): Block {
    if (this.#current !== undefined && this.#current.bytes < bytes) this.#drop(this.#current);
    this.#current ??= this.#allocate(bytes);
    return this.#current;
  }

  #allocate(bytes: number): Block {
    const most = this.#sizeNow();
    try {
      return this.#memory.allocate(most);
    } catch (error) {
      if (!(error instanceof HebbError) || most === bytes) throw error;
      return this.#memory.allocate(bytes);
    }
  }

  #sizeNow(): number {
    const reserve = Math.min(growth * this.#outgrownBytes, this.#outgrownBytes + mostReserveBytes);
    return Math.max(this.#largestBytes, Math.floor(reserve));
  }

  #drop(block: Block): void {
    this.#current = undefined;
    this.#memory.free(block);
  }
}
