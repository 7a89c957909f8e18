// Memory shared by the ranks of one machine: each has its own region in every slab, at the same offsets, and can read those of the others.
import { randomUUID } from "node:crypto";
import { closeSync, openSync, unlinkSync } from "node:fs";
import { koffi, type NativeFunction } from "../backends/c/native.ts";
import { byteSize, type ElementType, type TypedArray, viewOf } from "../graph/dtype.ts";
import { broadcastText, type Communicator } from "../runtime/index.ts";

/** The minimum size of a slab. */
const slabBytes = 8 * 2 ** 20;
/** Cache line size, the alignment of blocks. */
const line = 64;
/** Vector loads may read a little past the last element. */
const slack = 256;
/** Linux's values of PROT_READ | PROT_WRITE and MAP_SHARED. */
const readAndWrite = 3;
const mapShared = 1;
const folder = "/dev/shm";

interface Slab {
  /** By rank. */
  readonly regions: readonly ArrayBuffer[];
  readonly bytes: number;
  used: number;
}

interface Block {
  readonly slab: Slab;
  readonly start: number;
  readonly bytes: number;
}

const roundUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

/** All ranks borrow and give back in the same order, so that a block has the same position in every region. */
export class SharedMemory {
  readonly #world: Communicator;
  readonly #slabs = new Map<ArrayBufferLike, Slab>();
  /** Sorted by size, smallest first. */
  readonly #free: Block[] = [];
  readonly #lent = new Map<ArrayBufferLike, Map<number, Block>>();
  /** The system has no more shared memory. */
  #full = false;

  constructor(world: Communicator) {
    this.#world = world;
  }

  /** Uninitialised memory; undefined, on all ranks, if there is no more. */
  borrow(dtype: ElementType, length: number): TypedArray | undefined {
    const bytes = Math.max(line, roundUp(length * byteSize(dtype), line));
    const fits = this.#free.findIndex((each) => each.bytes >= bytes);
    const found = this.#free[fits];
    const block = found !== undefined && found.bytes <= 2 * bytes ? this.#free.splice(fits, 1)[0] : this.#carve(bytes);
    if (block === undefined) return undefined;
    const own = block.slab.regions[this.#world.rank] as ArrayBuffer;
    const lent = this.#lent.get(own) ?? new Map<number, Block>();
    this.#lent.set(own, lent.set(block.start, block));
    return viewOf(dtype, own, block.start, length);
  }

  /** Whether the memory was lent from here. */
  giveBack({ buffer, byteOffset }: TypedArray): boolean {
    const lent = this.#lent.get(buffer);
    const block = lent?.get(byteOffset);
    if (lent === undefined || block === undefined) return false;
    lent.delete(byteOffset);
    const place = this.#free.findIndex(({ bytes }) => bytes >= block.bytes);
    this.#free.splice(place < 0 ? this.#free.length : place, 0, block);
    return true;
  }

  /** The same part of memory in each rank's region; undefined if it was not lent from here. */
  ofAll<T extends TypedArray>(values: T, dtype: ElementType): T[] | undefined {
    const slab = this.#slabs.get(values.buffer);
    return slab?.regions.map((region) => viewOf(dtype, region, values.byteOffset, values.length) as T);
  }

  #carve(bytes: number): Block | undefined {
    let slab = [...this.#slabs.values()].find((each) => each.used + bytes <= each.bytes);
    if (slab === undefined) {
      if (this.#full) return undefined;
      slab = this.#map(Math.max(slabBytes, bytes));
      if (slab === undefined) {
        this.#full = true;
        return undefined;
      }
      this.#slabs.set(slab.regions[this.#world.rank] as ArrayBuffer, slab);
    }
    const start = slab.used;
    slab.used += bytes;
    return { slab, start, bytes };
  }

  /** Rank 0 creates a file in memory, all ranks map it, and rank 0 unlinks it: the memory is freed when the last process ends. */
  #map(bytes: number): Slab | undefined {
    const { rank, size } = this.#world;
    const each = roundUp(bytes + slack, 65_536);
    const own = rank === 0 ? makeFile(size * each) : "";
    const path = broadcastText(this.#world, own);
    if (path === "") return undefined;
    const start = mapFile(path, size * each);
    const all = this.#world.allReduce(Float64Array.of(start === undefined ? 0 : 1), { combine: "min" })[0] === 1;
    if (rank === 0) unlinkSync(path);
    if (start === undefined || !all) return undefined;
    const regions = Array.from({ length: size }, (_, k) => koffi().view(BigInt(start + k * each), each));
    return { regions, bytes, used: 0 };
  }
}

interface System {
  readonly reserve: NativeFunction;
  readonly map: NativeFunction;
}

let system: System | undefined;

function functions(): System {
  const process = koffi().load(null);
  system ??= {
    reserve: process.func("int posix_fallocate(int file, int64_t from, int64_t bytes)"),
    map: process.func("uint64_t mmap(uint64_t at, uint64_t bytes, int protection, int flags, int file, int64_t from)"),
  };
  return system;
}

/** The path of a new file whose memory is reserved; "" if there is not enough. */
function makeFile(bytes: number): string {
  const path = `${folder}/hebb-${randomUUID()}`;
  let file: number;
  try {
    file = openSync(path, "wx+", 0o600);
  } catch {
    return "";
  }
  const refused = functions().reserve(file, 0, bytes) !== 0;
  closeSync(file);
  if (refused) unlinkSync(path);
  return refused ? "" : path;
}

function mapFile(path: string, bytes: number): number | undefined {
  let file: number;
  try {
    file = openSync(path, "r+");
  } catch {
    return undefined;
  }
  const start = Number(functions().map(0, bytes, readAndWrite, mapShared, file, 0));
  closeSync(file);
  return start > 0 && start < 2 ** 52 ? start : undefined;
}
