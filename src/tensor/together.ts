// Runs collectives on values: one by one in lazy evaluation, in buckets while the parts of a compiled step run.
import { at } from "../graph/at.ts";
import { allocate, byteSize, type DType, type TypedArray } from "../graph/dtype.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import type { CollectiveAttributes } from "../graph/ops/collective.ts";
import { sizeOf } from "../graph/shape.ts";
import { type Cell, type Communicator, cellMemory, memoryOf, type Pending, Storage } from "../runtime/index.ts";

/** Values of one dtype are sent together up to this size: few messages, most of which fit in cache while they are summed. */
const bucketBytes = 2 * 2 ** 20;
/** The largest part of a value that is sent together with others. */
const packedBytes = 64 * 2 ** 10;

const kindOf = (node: Node): CollectiveAttributes["collective"] => (node.attributes as CollectiveAttributes).collective;

export function hostValue(value: Storage): TypedArray {
  const memory = memoryOf(value.place);
  if (memory.device.asynchronous && value.place.host === undefined)
    throw new HebbError(
      `ranks communicate through host memory, and ${memory.device.description} is asynchronous; use the c or wasm backend`,
    );
  return memory.read(value);
}

/** Writes elements of a state in place, from index `start` on. `beforeWrite` has been called. */
function writePart(cell: Cell, elements: TypedArray, start: number): void {
  const memory = cellMemory(cell);
  const { device } = memory;
  if (device.asynchronous) throw new InternalError("ranks write a state on an asynchronous device");
  device.write(memory.cellBlock(cell), elements, start);
}

/** The value of a collective, from the value of its input. */
export const carryOutCollective = (world: Communicator, node: Node, value: Storage): Storage =>
  new Storage(node.dtype, node.shape, world[kindOf(node)](hostValue(value)));

/** A value that the ranks compute together, by its place among the values, and the place of this rank's input. */
export interface Made {
  readonly node: Node;
  readonly place: number;
  readonly input: number;
  /** Its distance from the sources of the graph, in nodes. Gradients become ready in this order. */
  readonly depth: number;
}

export interface Member extends Made {
  /** The position of its values among those that this rank contributes to the bucket, or receives from it. */
  readonly start: number;
  readonly end: number;
}

/** Values that are sent together. */
export interface Bucket {
  readonly kind: CollectiveAttributes["collective"];
  readonly dtype: DType;
  readonly members: readonly Member[];
  /** The number of values in one rank's part; for allReduce, of the whole bucket. */
  readonly length: number;
  /** The number of values in the bucket's memory. */
  readonly room: number;
  /** The states that the members become, if nothing else reads the values: they are written there as they arrive. */
  readonly lands?: readonly Cell[] | undefined;
}

/** A bucket in one run: its memory holds what this rank contributes, and then the result of all ranks. */
export class Travel {
  readonly bucket: Bucket;
  readonly memory: TypedArray;
  readonly #world: Communicator;
  /** For reduceScatter: the memory for the sums. */
  readonly #sums: TypedArray | undefined;
  #pending: Pending<unknown> | undefined;
  #settled = false;

  constructor(world: Communicator, bucket: Bucket) {
    this.bucket = bucket;
    this.#world = world;
    const kind = allocate(bucket.dtype, 0);
    this.memory = world.borrow(kind, bucket.lands === undefined ? bucket.room : bucket.length);
    this.#sums = bucket.kind === "reduceScatter" ? world.borrow(kind, bucket.length) : undefined;
  }

  /** Where a program may write this rank's contribution to a member; undefined if it is not contiguous there. */
  placeOf({ start, end }: Member): TypedArray | undefined {
    const { bucket, memory } = this;
    const { rank, size } = this.#world;
    if (bucket.kind === "allReduce") return memory.subarray(start, end);
    if (bucket.members.length > 1) return undefined;
    if (bucket.lands !== undefined) return memory;
    if (bucket.kind === "reduceScatter") return memory.subarray(0, size * (end - start));
    const own = memory.subarray(rank * (end - start), (rank + 1) * (end - start));
    return own.byteOffset % line === memory.byteOffset % line ? own : undefined;
  }

  put({ start, end }: Member, value: TypedArray): void {
    const { bucket, memory } = this;
    const { rank, size } = this.#world;
    const part = end - start;
    if (bucket.kind === "allReduce" || bucket.lands !== undefined) memory.set(value, start);
    else if (bucket.kind === "allGather") memory.set(value, rank * bucket.length + start);
    else
      for (let to = 0; to < size; to++)
        memory.set(value.subarray(to * part, (to + 1) * part), to * bucket.length + start);
  }

  begin(): void {
    const { bucket, memory } = this;
    const world = this.#world;
    switch (bucket.kind) {
      case "allReduce":
        this.#pending = world.beginAllReduce(memory, { into: memory });
        return;
      case "allGather": {
        if (bucket.lands !== undefined) {
          for (const cell of bucket.lands) cellMemory(cell).beforeWrite(cell);
          this.#pending = world.beginAllGatherInto(memory, (piece, place) => this.#land(piece, place));
          return;
        }
        const own = memory.subarray(world.rank * bucket.length, (world.rank + 1) * bucket.length);
        this.#pending = world.beginAllGather(own, { into: memory });
        return;
      }
      case "reduceScatter":
        this.#pending = world.beginReduceScatter(memory, { into: this.#sums as TypedArray });
    }
  }

  /** Waits, and returns the value of a member. Must not be read after `end`. */
  take({ start, end }: Member): TypedArray {
    this.arrive();
    const { bucket, memory } = this;
    if (bucket.kind === "allReduce") return memory.subarray(start, end);
    if (bucket.kind === "reduceScatter") return (this.#sums as TypedArray).subarray(start, end);
    const { size } = this.#world;
    const part = end - start;
    if (bucket.members.length === 1) return memory.subarray(0, size * part);
    const whole = allocate(bucket.dtype, size * part);
    for (let from = 0; from < size; from++)
      whole.set(memory.subarray(from * bucket.length + start, from * bucket.length + end), from * part);
    return whole;
  }

  /** Writes a piece of the gathered values, which starts at `place`, to the states. A piece belongs to one rank. */
  #land(piece: TypedArray, place: number): void {
    const { members, length, lands = [] } = this.bucket;
    const from = Math.floor(place / length);
    const first = place - from * length;
    members.forEach(({ start, end }, k) => {
      const cell = at(lands, k);
      const [low, high] = [Math.max(first, start), Math.min(first + piece.length, end)];
      const there = from * (end - start) + low - start;
      // After the last value of a state there are zeros, up to a multiple of the ranks.
      const count = Math.min(high - low, cell.length - there);
      if (count > 0) writePart(cell, piece.subarray(low - first, low - first + count), there);
    });
  }

  arrive(): void {
    this.#pending?.wait();
    this.#pending = undefined;
  }

  /** Waits, and releases the memory that was sent if the results lie elsewhere. */
  settle(): void {
    if ((this.#sums === undefined && this.bucket.lands === undefined) || this.#settled) return;
    this.arrive();
    this.#world.giveBack(this.memory);
    this.#settled = true;
  }

  /** Releases its memory. */
  end(): void {
    this.arrive();
    if (!this.#settled) this.#world.giveBack(this.memory);
    if (this.#sums !== undefined) this.#world.giveBack(this.#sums);
  }
}

interface Filling {
  length: number;
  readonly members: Member[];
}

/** The alignment, in bytes, of values that programs write. */
const line = 64;

/** The buckets of a part, in the order in which its gradients become ready. It depends on the graph alone, so it is the same on all ranks. */
export function bucketsOf(collectives: readonly Made[], ranks: number): Bucket[] {
  const open = new Map<string, Filling[]>();
  for (const made of [...collectives].sort((a, b) => a.depth - b.depth)) {
    const { node } = made;
    const kind = kindOf(node);
    // This rank's share: for a gathered value, its part.
    const own = sizeOf(kind === "allGather" ? (node.inputs[0] as Node).shape : node.shape);
    const bytes = byteSize(node.dtype);
    const perLine = line / bytes;
    const length = kind === "allReduce" ? perLine * Math.ceil(own / perLine) : own;
    // Parts of several values are not contiguous, which costs copies. Large ones are sent alone.
    const alone = kind !== "allReduce" && own * bytes > packedBytes;
    const key = `${kind} ${node.dtype} ${alone}`;
    const buckets = open.get(key) ?? [];
    open.set(key, buckets);
    let bucket = buckets.at(-1);
    if (bucket === undefined || alone || bucket.length * bytes >= bucketBytes) {
      bucket = { length: 0, members: [] };
      buckets.push(bucket);
    }
    bucket.members.push({ ...made, start: bucket.length, end: bucket.length + own });
    bucket.length += length;
  }
  return [...open.values()]
    .flat()
    .map(({ length, members }): Bucket => {
      const { node } = at(members, 0);
      const kind = kindOf(node);
      return { kind, dtype: node.dtype, members, length, room: kind === "allReduce" ? length : ranks * length };
    })
    .sort((a, b) => at(a.members, 0).depth - at(b.members, 0).depth);
}
