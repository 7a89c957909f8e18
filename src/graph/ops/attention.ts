// Tiled attention: the matrix of all queries by all keys is never in memory, forward or backward.
// Source: Dao, FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning, 2023.
import { at } from "../at.ts";
import { isHalf } from "../dtype.ts";
import type { Node } from "../node.ts";
import type { Shape } from "../shape.ts";
import { withGradient } from "./alias.ts";
import { expand } from "./broadcast.ts";
import { full, iota } from "./creation.ts";
import { add, cast, div, eq, exp, le, log, logicalAnd, maximum, mul, scalarLike, sub, where } from "./elementwise.ts";
import { dot } from "./matmul.ts";
import { cat, pad, permute, reshape, slice } from "./movement.ts";
import { max, sum } from "./reduce.ts";
import { finalOf, loop, stackOf } from "./scan.ts";
import { stepLeaf } from "./scanBody.ts";

/** Maximum queries and keys per tile, and maximum elements in the tiles of all heads computed at once. */
export interface TileSizes {
  readonly queries: number;
  readonly keys: number;
  readonly together: number;
}

/**
 * The two tiles per head of the gradient fit a cache of 1 MB and keep the products at full speed. If many tiles are hidden, smaller ones
 * follow the diagonal more closely.
 */
const tileSizes = (isCausal: boolean): TileSizes =>
  isCausal ? { queries: 256, keys: 256, together: 256 * 256 } : { queries: 512, keys: 256, together: 512 * 256 };

/** A loop skips hidden tiles only as a whole. More loops skip more, and take longer to compile. */
const mostRuns = 8;

export interface AttentionAttributes {
  readonly scale: number;
  /** Query i attends to keys up to i. */
  readonly isCausal: boolean;
}

/**
 * softmax(Q Kᵀ · scale) V of query [heads, L, E], key [heads, S, E] and value [heads, S, Ev] → [heads, L, Ev]. Memory is linear in L and S.
 * The gradient recomputes the weights of a tile from the logarithm of each query's sum. The second-order gradient is that of the loops
 * and keeps every tile.
 */
export function tiledAttention(
  query: Node,
  key: Node,
  value: Node,
  { scale, isCausal }: AttentionAttributes,
  tiles = tileSizes(isCausal),
): Node {
  const [heads = 0, length = 0] = query.shape;
  if (isHalf(query.dtype)) {
    // Sums over many keys would overflow float16, and lose most of bfloat16's precision between tiles.
    const [q, k, v] = [query, key, value].map((x) => cast(x, "float32")) as [Node, Node, Node];
    return cast(tiledAttention(q, k, v, { scale, isCausal }, tiles), query.dtype);
  }
  if (isCausal && at(key.shape, 1) > length)
    return tiledAttention(query, slice(key, 1, 0, length), slice(value, 1, 0, length), { scale, isCausal }, tiles);
  const queries = cutInto(length, tiles.queries);
  const keys = cutInto(at(key.shape, 1), tiles.keys);
  const group = largestDivisor(heads, tiles.together / (queries.size * keys.size));
  const plan: Plan = { isCausal, queries, keys };
  const factor = scalarLike(scale, query);
  const scaled = mul(query, factor);
  const [output, logs] = overHeads([scaled, key, value], group, (own) => forward(own, plan)) as [Node, Node];
  return withGradient(output, [query, key, value], (grad) => {
    const inputs = [scaled, key, value, grad, logs, sum(mul(grad, output), -1)];
    const [ofScaled, ofKey, ofValue] = overHeads(inputs, group, (own) => backward(own, plan));
    return [mul(ofScaled as Node, factor), ofKey, ofValue];
  });
}

/** A dim in blocks of one size; the last may extend beyond it. */
interface Blocks {
  readonly extent: number;
  readonly count: number;
  readonly size: number;
}

interface Plan {
  readonly isCausal: boolean;
  readonly queries: Blocks;
  readonly keys: Blocks;
}

function cutInto(extent: number, most: number): Blocks {
  const count = Math.ceil(extent / most);
  return { extent, count, size: Math.ceil(extent / count) };
}

function largestDivisor(of: number, most: number): number {
  let divisor = Math.max(1, Math.min(of, Math.floor(most)));
  while (of % divisor !== 0) divisor--;
  return divisor;
}

/** The loops over `count` blocks, each as a half-open range. */
function runsOf(count: number, isCausal: boolean): { readonly from: number; readonly to: number }[] {
  const runs = isCausal ? Math.min(count, mostRuns) : 1;
  const edge = (run: number): number => Math.floor((run * count) / runs);
  return Array.from({ length: runs }, (_, run) => ({ from: edge(run), to: edge(run + 1) }));
}

/** q [heads, L, E], k [heads, S, E], v [heads, S, Ev] → the output [heads, L, Ev], and log Σ exp of each query's scores [heads, L]. */
function forward([query, key, value]: readonly Node[], plan: Plan): readonly Node[] {
  const { queries, keys, isCausal } = plan;
  const q = blocked(query as Node, queries);
  const stacks = [blocked(key as Node, keys), blocked(value as Node, keys), iota([keys.count], 0)];
  const runs = runsOf(queries.count, isCausal).map(({ from, to }) => {
    const seen = isCausal ? Math.min(keys.count, Math.ceil((to * queries.size) / keys.size)) : keys.count;
    const visible = stacks.map((x) => slice(x, 0, 0, seen));
    const own = [q, iota([queries.count], 0)].map((x) => slice(x, 0, from, to));
    return overRows(own, [], ([qi, i]) => {
      const [most, total, mixed] = oneQueryBlock(qi as Node, i as Node, visible, plan);
      return { outputs: [div(mixed, along(total, mixed)), add(most, log(total))] };
    }).stacks;
  });
  return [0, 1].map((place) => joined(cat(stacksAt(runs, place), 0), queries));
}

/** For a block of queries after all keys: the largest score, Σ exp(score − largest), and Σ exp(score − largest) · value. */
function oneQueryBlock(query: Node, i: Node, stacks: readonly Node[], plan: Plan): readonly [Node, Node, Node] {
  const rows = query.shape.slice(0, 2);
  const width = at((stacks[1] as Node).shape, 3);
  const lowest = full(rows, Number.NEGATIVE_INFINITY, query.dtype);
  const start = [lowest, zeros(query, rows), zeros(query, [...rows, width])];
  const { finals } = overRows(stacks, start, ([key, value, j], [before, total, mixed]) => {
    const product = dot(query, swapped(key as Node), 1, 1);
    const scores = whereVisible(product, [i, j as Node], plan, Number.NEGATIVE_INFINITY);
    const most = maximum(before as Node, max(scores, -1));
    // If all scores so far are −∞, subtract 0, because −∞ − (−∞) is NaN.
    const shift = where(eq(most, lowest), zeros(query, rows), most);
    const weights = exp(sub(scores, along(shift, scores)));
    const kept = exp(sub(before as Node, shift));
    return {
      next: [
        most,
        add(mul(total as Node, kept), sum(weights, -1)),
        add(mul(mixed as Node, along(kept, mixed as Node)), dot(weights, value as Node, 1, 1)),
      ],
    };
  });
  return finals as [Node, Node, Node];
}

/**
 * The gradients of q, k and v. Further inputs: the gradient of the output, the logarithms, and Σ gradient · output of each query. The
 * outer loop is over keys: the gradients of a key block accumulate in place while those of the queries stream through.
 */
function backward([query, key, value, ...others]: readonly Node[], plan: Plan): readonly Node[] {
  const { queries, keys, isCausal } = plan;
  const ofKeys = [blocked(key as Node, keys), blocked(value as Node, keys), iota([keys.count], 0)];
  const ofQueries = [...[query as Node, ...others].map((x) => blocked(x, queries)), iota([queries.count], 0)];
  let slopes = zeros(query as Node, (ofQueries[0] as Node).shape);
  let first = 0;
  const finished: Node[] = [];
  const runs = runsOf(keys.count, isCausal).map(({ from, to }) => {
    // Queries before the first key of the run do not attend to it.
    const hidden = isCausal ? Math.floor((from * keys.size) / queries.size) : 0;
    if (hidden > first) finished.push(slice(slopes, 0, 0, hidden - first));
    const before = slice(slopes, 0, hidden - first);
    const seeing = ofQueries.map((x) => slice(x, 0, hidden));
    const own = ofKeys.map((x) => slice(x, 0, from, to));
    const { finals, stacks } = overRows(own, [before], (keyBlock, [slopesSoFar]) => {
      const { finals: outputs, stacks: next } = oneKeyBlock(keyBlock, [...seeing, slopesSoFar as Node], plan);
      return { next, outputs };
    });
    slopes = finals[0] as Node;
    first = hidden;
    return stacks;
  });
  const [ofKey, ofValue] = [0, 1].map((place) => joined(cat(stacksAt(runs, place), 0), keys));
  return [joined(cat([...finished, slopes], 0), queries), ofKey as Node, ofValue as Node];
}

/** Finals: the gradients of a block of keys and of its values. Stacks: those of the queries, with this block's contribution added. */
function oneKeyBlock([key, value, j]: readonly Node[], stacks: readonly Node[], plan: Plan): LoopResult {
  const [k, v] = [key as Node, value as Node];
  return overRows(stacks, [zeros(k, k.shape), zeros(v, v.shape)], (queryBlock, [ofKey, ofValue]) => {
    const [q, grad, logs, drift, i, slopesSoFar] = queryBlock as [Node, Node, Node, Node, Node, Node];
    const scores = dot(q, swapped(k), 1, 1);
    const weights = whereVisible(exp(sub(scores, along(logs, scores))), [i, j as Node], plan, 0);
    const ofWeights = dot(grad, swapped(v), 1, 1);
    const ofScores = mul(weights, sub(ofWeights, along(drift, ofWeights)));
    return {
      next: [
        add(ofKey as Node, dot(swapped(ofScores), q, 1, 1)),
        add(ofValue as Node, dot(swapped(weights), grad, 1, 1)),
      ],
      outputs: [add(slopesSoFar, dot(ofScores, k, 1, 1))],
    };
  });
}

/** Tile (i, j) where its queries attend to its keys, `other` elsewhere. */
function whereVisible(
  tile: Node,
  [i, j]: readonly [Node, Node],
  { isCausal, queries, keys }: Plan,
  other: number,
): Node {
  const isFull = keys.count * keys.size === keys.extent;
  if (!isCausal && isFull) return tile;
  const places = (block: Node, size: number, dim: number): Node => {
    const first = reshape(mul(block, scalarLike(size, block)), [1, 1, 1]);
    return add(iota(tile.shape, dim), expand(first, tile.shape));
  };
  const key = places(j, keys.size, 2);
  const inside = isFull ? undefined : le(key, full(key.shape, keys.extent - 1, "int32"));
  const before = isCausal ? le(key, places(i, queries.size, 1)) : undefined;
  const seen = inside && before ? logicalAnd(inside, before) : (inside ?? before);
  return seen === undefined ? tile : where(seen, tile, full(tile.shape, other, tile.dtype));
}

const zeros = (like: Node, shape: Shape): Node => full(shape, 0, like.dtype);
/** [heads, a, b] → [heads, b, a]. */
const swapped = (x: Node): Node => permute(x, [0, 2, 1]);
/** One number per row, expanded to every element of the row. */
const along = (x: Node, like: Node): Node => expand(reshape(x, [...x.shape, 1]), like.shape);
const stacksAt = (runs: readonly (readonly Node[])[], place: number): Node[] =>
  runs.map((stacks) => stacks[place] as Node);

/** [heads, extent, …] → [blocks, heads, size, …], padded with zeros. */
function blocked(x: Node, { extent, count, size }: Blocks): Node {
  const [heads = 0, , ...rest] = x.shape;
  const missing = count * size - extent;
  const filled = pad(
    x,
    x.shape.map((_, dim) => [0, dim === 1 ? missing : 0]),
    0,
  );
  return permute(reshape(filled, [heads, count, size, ...rest]), [1, 0, 2, ...rest.map((_, dim) => dim + 3)]);
}

/** [blocks, heads, size, …] → [heads, extent, …]. */
function joined(x: Node, { extent, count, size }: Blocks): Node {
  const [, heads = 0, , ...rest] = x.shape;
  const inOrder = permute(x, [1, 0, 2, ...rest.map((_, dim) => dim + 3)]);
  return slice(reshape(inOrder, [heads, count * size, ...rest]), 1, 0, extent);
}

interface LoopResult {
  /** Carried values after the last step. */
  readonly finals: readonly Node[];
  /** Outputs of all steps. */
  readonly stacks: readonly Node[];
}
type Step = (
  rows: readonly Node[],
  carried: readonly Node[],
) => { readonly next?: readonly Node[]; readonly outputs?: readonly Node[] };

/** A loop over the rows of the stacks. */
function overRows(stacked: readonly Node[], initial: readonly Node[], step: Step): LoopResult {
  const carried = initial.map((x) => stepLeaf(x));
  const rows = stacked.map(({ shape, dtype }) => stepLeaf({ shape: shape.slice(1), dtype }));
  const { next = [], outputs = [] } = step(rows, carried);
  const steps = at((stacked[0] as Node).shape, 0);
  const whole = loop({ carried, rows, next, outputs, keeps: "costly" }, { initial, stacked, steps, reverse: false });
  return { finals: initial.map((_, place) => finalOf(whole, place)), stacks: outputs.map((x) => stackOf(whole, x)) };
}

/** A loop over groups of heads. Inputs and results are [heads, …]. */
function overHeads(
  inputs: readonly Node[],
  group: number,
  body: (own: readonly Node[]) => readonly Node[],
): readonly Node[] {
  const heads = at((inputs[0] as Node).shape, 0);
  if (group === heads) return body(inputs);
  const groups = inputs.map((x) => reshape(x, [heads / group, group, ...x.shape.slice(1)]));
  const { stacks } = overRows(groups, [], (own) => ({ outputs: body(own) }));
  return stacks.map((x) => reshape(x, [heads, ...x.shape.slice(2)]));
}
