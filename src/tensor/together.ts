// Carrying out collectives on values: one by one where tensors are evaluated, in buckets between the parts of a compiled step.
import { allocate, byteSize, type DType, type TypedArray } from "../graph/dtype.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import type { CollectiveAttributes } from "../graph/ops/collective.ts";
import { sizeOf } from "../graph/shape.ts";
import { type Communicator, memoryOf, Storage } from "../runtime/index.ts";

/** Values of one dtype travel together up to this size: few messages, which fit in a cache while they are packed and added up. */
const bucketBytes = 2 * 2 ** 20;

const kindOf = (node: Node): CollectiveAttributes["collective"] => (node.attributes as CollectiveAttributes).collective;

function hostValue(value: Storage): TypedArray {
  const memory = memoryOf(value.place);
  if (memory.device.asynchronous && value.place.host === undefined)
    throw new HebbError(
      `ranks talk through the memory of the host, and ${memory.device.description} gives values later; use the c or wasm backend`,
    );
  return memory.read(value);
}

/** The value of a collective, from that of its input. */
export const carryOutCollective = (world: Communicator, node: Node, value: Storage): Storage =>
  new Storage(node.dtype, node.shape, world[kindOf(node)](hostValue(value)));

/** A value that ranks make together, by its place among values, and the place of what this rank gives. */
interface Made {
  readonly node: Node;
  readonly place: number;
  readonly input: number;
}

interface Member extends Made {
  /** Where its values stand among those that this rank gives, or gets, of the bucket. */
  readonly start: number;
  readonly end: number;
}

interface Bucket {
  readonly kind: CollectiveAttributes["collective"];
  readonly dtype: DType;
  readonly members: readonly Member[];
  /** Values of one rank's part: of all of it, where all get all. */
  readonly length: number;
  /** What is sent, and of a sum what arrives: the same memory in every run. Undefined: the value of the only member is sent as it is. */
  readonly memory: TypedArray | undefined;
}

/** The collectives behind one part of a step. */
export class Exchange {
  readonly #buckets: readonly Bucket[];
  readonly #ranks: number;
  /** Values that outlive the run, by place: they are copied. */
  readonly #kept: ReadonlySet<number>;

  constructor(
    collectives: readonly Made[],
    { ranks, kept }: { readonly ranks: number; readonly kept: ReadonlySet<number> },
  ) {
    this.#ranks = ranks;
    this.#kept = kept;
    this.#buckets = bucketsOf(collectives, ranks);
  }

  carryOut(world: Communicator, values: (Storage | undefined)[]): void {
    if (world.size !== this.#ranks) throw new InternalError("a step runs among other ranks than it was traced for");
    const given = (place: number): TypedArray => {
      const value = values[place];
      if (value === undefined) throw new InternalError("a collective comes before its input");
      return hostValue(value);
    };
    const pending = this.#buckets.map((bucket) => begin(bucket, world, given));
    pending.forEach((begun, k) => {
      const { members } = this.#buckets[k] as Bucket;
      const take = begun();
      for (const member of members) {
        const { node, place } = member;
        const value = take(member);
        values[place] = new Storage(node.dtype, node.shape, this.#kept.has(place) ? value.slice() : value);
      }
    });
  }
}

/** What waits for the values of a bucket, and then gives those of a member. */
type Begun = () => (member: Member) => TypedArray;

type Given = (place: number) => TypedArray;

function begin({ kind, dtype, members, length, memory }: Bucket, world: Communicator, given: Given): Begun {
  const { size } = world;
  switch (kind) {
    case "allReduce": {
      if (memory === undefined) throw new InternalError("a sum has no memory");
      for (const { input, start } of members) memory.set(given(input), start);
      const sum = world.beginAllReduce(memory, { into: memory });
      return () => {
        sum.wait();
        return ({ start, end }) => memory.subarray(start, end);
      };
    }
    case "allGather":
      return () => {
        if (memory === undefined) {
          const whole = world.allGather(given((members[0] as Member).input));
          return () => whole;
        }
        for (const { input, start } of members) memory.set(given(input), start);
        const all = world.allGather(memory.subarray(0, length));
        return ({ start, end }) => {
          const part = end - start;
          const whole = allocate(dtype, size * part);
          for (let rank = 0; rank < size; rank++)
            whole.set(all.subarray(rank * length + start, rank * length + end), rank * part);
          return whole;
        };
      };
    case "reduceScatter":
      return () => {
        if (memory === undefined) {
          const sum = world.reduceScatter(given((members[0] as Member).input));
          return () => sum;
        }
        for (const { input, start, end } of members) {
          const part = end - start;
          const value = given(input);
          for (let rank = 0; rank < size; rank++)
            memory.set(value.subarray(rank * part, (rank + 1) * part), rank * length + start);
        }
        const sum = world.reduceScatter(memory.subarray(0, size * length));
        return ({ start, end }) => sum.subarray(start, end);
      };
  }
}

interface Filling {
  length: number;
  readonly members: Member[];
}

function bucketsOf(collectives: readonly Made[], ranks: number): Bucket[] {
  const open = new Map<string, Filling[]>();
  for (const made of collectives) {
    const { node } = made;
    const kind = kindOf(node);
    // What a rank has of it: of a gathered value, its part.
    const length = sizeOf(kind === "allGather" ? (node.inputs[0] as Node).shape : node.shape);
    const key = `${kind} ${node.dtype}`;
    const buckets = open.get(key) ?? [{ length: 0, members: [] }];
    open.set(key, buckets);
    let bucket = buckets.at(-1) as Filling;
    if (bucket.length > 0 && (bucket.length + length) * byteSize(node.dtype) > bucketBytes) {
      bucket = { length: 0, members: [] };
      buckets.push(bucket);
    }
    bucket.members.push({ ...made, start: bucket.length, end: bucket.length + length });
    bucket.length += length;
  }
  // Sums are under way all at once. Of the others one follows the other, so they share their memory.
  const shared = new Map<DType, TypedArray>();
  const filled = [...open.values()].flat().map(({ length, members }) => {
    const { node } = members[0] as Member;
    return { kind: kindOf(node), dtype: node.dtype, members, length };
  });
  const sentOf = ({ kind, length }: Omit<Bucket, "memory">): number =>
    kind === "reduceScatter" ? ranks * length : length;
  for (const bucket of filled)
    if (bucket.kind !== "allReduce" && bucket.members.length > 1) {
      const known = shared.get(bucket.dtype);
      if (known === undefined || known.length < sentOf(bucket))
        shared.set(bucket.dtype, allocate(bucket.dtype, sentOf(bucket)));
    }
  return filled.map((bucket) => {
    const { kind, dtype, members, length } = bucket;
    // Sums are padded to equal parts, so that they need no copy on their way.
    if (kind === "allReduce") return { ...bucket, memory: allocate(dtype, ranks * Math.ceil(length / ranks)) };
    return { ...bucket, memory: members.length > 1 ? shared.get(dtype) : undefined };
  });
}
