// Cases of attention in tiles of a few numbers, against sums over all keys.
import { tiledAttention } from "../../../src/graph/ops/attention.ts";
import { at, type Case, floats, type InputSpec, input, spread, tabulate, type ValueCase } from "../case.ts";
import type { Value } from "../run.ts";

interface Shape {
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
}

const scale = 0.5;

/** Combines, for each query, the weights of the keys with their values. */
function mixed(
  [q, k, v]: readonly Value[],
  isCausal: boolean,
  element: (weights: readonly number[], values: readonly number[]) => number,
): number[] {
  if (q === undefined || k === undefined || v === undefined) return [];
  const [heads = 0, length = 0, width = 0] = q.shape;
  const [, sources = 0] = k.shape;
  return tabulate([heads, length, v.shape[2] ?? 0], ([head = 0, i = 0, column = 0]) => {
    const scores = Array.from({ length: isCausal ? Math.min(i + 1, sources) : sources }, (_, j) => {
      let score = 0;
      for (let e = 0; e < width; e++) score += at(q, [head, i, e]) * scale * at(k, [head, j, e]);
      return score;
    });
    const most = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - most));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return element(
      powers.map((power) => power / total),
      powers.map((_, j) => at(v, [head, j, column])),
    );
  });
}

const weighted = (weights: readonly number[], values: readonly number[]): number =>
  weights.reduce((sum, weight, j) => sum + weight * (values[j] ?? 0), 0);

function attention(
  name: string,
  inputs: readonly InputSpec[],
  { isCausal, queries, keys, together }: { isCausal: boolean; queries: number; keys: number; together: number },
  kind: ValueCase["kind"] = "forward",
): ValueCase {
  return {
    op: "tiledAttention",
    kind,
    name,
    dtypes: floats,
    inputs,
    build: (q, k, v) => tiledAttention(q, k, v, { scale, isCausal }, { queries, keys, together }),
    truth: (...given) => mixed(given, isCausal, weighted),
    magnitude: (...given) => mixed(given, isCausal, (weights, values) => weighted(weights, values.map(Math.abs))),
    // A score of up to 8 is off by a few of its ulps, and its exponential is off by the score times that.
    bound: { ulps: 24, terms: inputs[1]?.shape[1] ?? 1 },
  };
}

const given = ({ heads, queries, keys }: Shape, seed: number): InputSpec[] => [
  spread([heads, queries, 3], seed),
  spread([heads, keys, 3], seed + 1),
  spread([heads, keys, 2], seed + 2),
];

const hidden = Number.NEGATIVE_INFINITY;

export const attentionCases: readonly Case[] = [
  attention("tiles that fill all, a head at a time", given({ heads: 2, queries: 4, keys: 6 }, 301), {
    isCausal: false,
    queries: 2,
    keys: 3,
    together: 6,
  }),
  attention("last tiles that are not full, all heads at once", given({ heads: 2, queries: 5, keys: 7 }, 311), {
    isCausal: false,
    queries: 2,
    keys: 3,
    together: 100,
  }),
  attention("causal, a loop for each block", given({ heads: 2, queries: 6, keys: 6 }, 321), {
    isCausal: true,
    queries: 3,
    keys: 2,
    together: 6,
  }),
  attention("causal, more queries than keys", given({ heads: 1, queries: 7, keys: 4 }, 331), {
    isCausal: true,
    queries: 2,
    keys: 3,
    together: 6,
  }),
  attention("causal, more keys than queries", given({ heads: 1, queries: 3, keys: 8 }, 341), {
    isCausal: true,
    queries: 2,
    keys: 2,
    together: 4,
  }),
  attention(
    "scores of −∞ in a whole tile, and of ±1e4",
    [
      input([1, 2, 1], 1, 2),
      input([1, 5, 1], hidden, hidden, 1e4, 1e4, -1e4),
      input([1, 5, 2], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    ],
    { isCausal: false, queries: 1, keys: 2, together: 2 },
    "edge",
  ),
];
