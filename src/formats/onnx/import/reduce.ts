// Reductions over axes that are an attribute in old versions and an input in new ones.

import { at } from "../../../graph/at.ts";
import { computedIn, rangeOf } from "../../../graph/dtype.ts";
import type { Tensor } from "../../../tensor/index.ts";
import { int, maybeInts } from "./attributes.ts";
import { smallHost } from "./hosts.ts";
import { type Call, type Operators, type Output, type Rule, rule, typed } from "./rule.ts";
import { TensorValue } from "./values.ts";

interface ReduceAttributes {
  readonly axes: readonly number[] | undefined;
  readonly keepdims: number;
  readonly noop_with_empty_axes: number;
}
type Reduction = (x: Tensor, dims: number[], keepdim: boolean) => Tensor;

/** The dims to reduce; undefined if none. */
function dimsOf(call: Call<ReduceAttributes>, rank: number): number[] | undefined {
  const given = call.maybeNumbers(1) ?? call.attributes.axes ?? [];
  if (given.length > 0) return call.axes(given, rank);
  return call.attributes.noop_with_empty_axes === 1 ? undefined : [...Array(rank).keys()];
}

const reduction = (
  reduce: Reduction,
  {
    alone = (x: Tensor): Tensor => x,
    onHost,
  }: { alone?: (x: Tensor) => Tensor; onHost?: (a: number, b: number) => number } = {},
): Rule =>
  rule(
    { axes: maybeInts, keepdims: int(1), noop_with_empty_axes: int(0) },
    (call): Output => {
      const value = call.value(0);
      const dims = dimsOf(call, value.rank);
      if (dims === undefined) return typed(alone(value.tensor).to(value.tensor.dtype), value.type);
      const keepdim = call.attributes.keepdims === 1;
      const host = onHost && value.rank === 1 ? smallHost(value) : undefined;
      if (host !== undefined && onHost !== undefined && host.length > 0)
        return TensorValue.known([Array.from(host).reduce(onHost)], keepdim ? [1] : [], value.type);
      if (dims.length === 0) return typed(alone(value.tensor).to(value.tensor.dtype), value.type);
      return typed(reduce(value.tensor, dims, keepdim).to(value.tensor.dtype), value.type);
    },
    { fixed: [1] },
  );

/** The maximum or minimum; booleans are compared as integers. */
const extreme =
  (side: "amax" | "amin"): Reduction =>
  (x, dims, keepdim) => {
    const none = x.shape.some((size, dim) => size === 0 && dims.includes(dim));
    if (none) {
      if (x.dtype === "bool") return x.sum(dims, keepdim).add(side === "amax" ? 0 : 1);
      const edge = rangeOf(computedIn(x.dtype))[side === "amax" ? 0 : 1];
      return x.sum(dims, keepdim).to(x.dtype).add(edge);
    }
    const numbers = x.dtype === "bool" ? x.to("int32") : x;
    return side === "amax" ? numbers.amax(dims, keepdim) : numbers.amin(dims, keepdim);
  };

const place = (side: "argmax" | "argmin"): Rule =>
  rule({ axis: int(0), keepdims: int(1), select_last_index: int(0) }, (call) => {
    const x = call.tensor(0);
    const { keepdims, select_last_index } = call.attributes;
    const dim = call.axis(call.attributes.axis, x.rank);
    const keepdim = keepdims === 1;
    const find = (t: Tensor): Tensor => (side === "argmax" ? t.argmax(dim, keepdim) : t.argmin(dim, keepdim));
    if (select_last_index === 0) return typed(find(x), "int64");
    return typed(
      find(x.flip(dim))
        .neg()
        .add(at(x.shape, dim) - 1),
      "int64",
    );
  });

const logarithm = (x: Tensor): Tensor => x.log();

export const reductions: Operators = {
  ReduceSum: reduction((x, dims, keepdim) => x.sum(dims, keepdim), { onHost: (a, b) => a + b }),
  ReduceProd: reduction((x, dims, keepdim) => x.prod(dims, keepdim), { onHost: (a, b) => a * b }),
  ReduceMean: reduction((x, dims, keepdim) => x.mean(dims, keepdim)),
  ReduceMax: reduction(extreme("amax"), { onHost: Math.max }),
  ReduceMin: reduction(extreme("amin"), { onHost: Math.min }),
  ReduceL1: reduction((x, dims, keepdim) => x.abs().sum(dims, keepdim), { alone: (x) => x.abs() }),
  ReduceL2: reduction((x, dims, keepdim) => x.norm(2, dims, keepdim), { alone: (x) => x.abs() }),
  ReduceSumSquare: reduction((x, dims, keepdim) => x.square().sum(dims, keepdim), { alone: (x) => x.square() }),
  ReduceLogSum: reduction((x, dims, keepdim) => x.sum(dims, keepdim).log(), { alone: logarithm }),
  ReduceLogSumExp: reduction((x, dims, keepdim) => x.logsumexp(dims, keepdim)),
  ArgMax: place("argmax"),
  ArgMin: place("argmin"),
};
