// Ranks, quantiles and the first k of long rows against a sort: ties, signed zeros, NaN, infinities, the gradient.
import { describe, expect, it } from "vitest";
import { evaluate, valueOf } from "../../../test/conformance/run.ts";
import { createReferenceDevice } from "../../backends/reference/index.ts";
import type { DType } from "../dtype.ts";
import type { Node } from "../node.ts";
import { full } from "./creation.ts";
import { trustedGather } from "./indexing.ts";
import { slice } from "./movement.ts";
import { placeOfRank } from "./selection.ts";
import { argsort } from "./sort.ts";
import { topk } from "./topk.ts";

const device = createReferenceDevice();
const special = [Number.NaN, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** -140, -(2 ** -140), 1e30];

/** Numbers of both signs and many magnitudes, with few distinct values, and all special values. */
const draws = (count: number, dtype: DType): number[] =>
  Array.from({ length: count }, (_, i) => {
    const pick = Math.imul(i + 1, 2654435761) >>> 24;
    if (dtype === "int32") return pick % 5 === 0 ? 2 ** 31 - 1 : pick % 5 === 1 ? -(2 ** 31) : (pick % 13) - 6;
    if (dtype === "uint8") return pick;
    return pick % 3 === 0 ? (special[pick % special.length] as number) : ((pick % 17) - 8) * 2 ** ((pick % 5) * 8 - 20);
  });

function run(
  dtype: DType,
  shape: readonly number[],
  build: (x: Node) => readonly Node[],
): readonly (readonly number[])[] {
  const data = draws(
    shape.reduce((a, b) => a * b, 1),
    dtype,
  );
  return evaluate(device, [valueOf(dtype, shape, data)], ([x]) => build(x as Node) as Node[]).map(({ data }) => data);
}

describe.each<DType>(["float32", "float16", "bfloat16", "int32", "uint8"])("%s", (dtype) => {
  it.each([0, 1])("indices of ranks along dim %i match a stable sort", (dim) => {
    const shape = dim === 0 ? [40, 3] : [3, 40];
    const rest = dim === 0 ? [1, 3] : [3, 1];
    const ranks = [0, 1, 7, 19, 20, 33, 38, 39];
    const found = run(dtype, shape, (x) => {
      const order = argsort(x, dim);
      return ranks.flatMap((rank) => {
        const given = full(rest, rank, "int32");
        return [placeOfRank(x, dim, given), trustedGather(order, dim, given)];
      });
    });
    ranks.forEach((_, k) => {
      expect(found[2 * k]).toEqual(found[2 * k + 1]);
    });
  });

  it.each([21, 30, 50])("the first %i of long rows match a stable sort", (k) => {
    const found = run(dtype, [2, 200], (x) =>
      [true, false].flatMap((largest) => [topk(x, k, 1, largest).indices, slice(argsort(x, 1, largest), 1, 0, k)]),
    );
    expect(found[0]).toEqual(found[1]);
    expect(found[2]).toEqual(found[3]);
  });
});
