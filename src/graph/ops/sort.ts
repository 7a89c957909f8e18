// Sorting: short rows by counting the elements before each one, longer ones digit by digit (a stable radix sort).

import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { type Node, notDifferentiable, type Op, type TensorType, type TileContext, type TileElement } from "../node.ts";
import * as scalar from "../scalar.ts";
import { type Shape, sizeOf, wrapAxis } from "../shape.ts";
import { sum } from "./broadcast.ts";
import { full, int, iota } from "./creation.ts";
import * as el from "./elementwise.ts";
import { cumsum, trustedGather, trustedScatterAdd } from "./indexing.ts";
import { pad, permute, reshape, slice } from "./movement.ts";
import { wordsOf } from "./sortKeys.ts";

/** Longer rows are sorted digit by digit. */
const longestCounted = 128;
/** Bits per digit: the counters of all digits stay in the L1 cache. */
const digitBits = 8;
const digits = 2 ** digitBits;
/** Elements per chunk, which are processed sequentially. */
const chunkLength = 4096;

/** The lowest bit of the digit. */
type DigitAttributes = { readonly shift: number };

/**
 * Orders indices (input 2) by a digit of their keys (input 1, both [..., chunks, length]), stably. Input 0 has the first target of each digit
 * of each chunk, [..., chunks · digits]. The result: the next targets, the indices and their keys.
 */
export const distributeOp: Op<DigitAttributes> = {
  name: "distribute",
  infer: ([starts, keys]) => {
    const { shape, dtype } = starts as TensorType;
    const lead = shape.slice(0, -1);
    return { shape: [...lead, at(shape, lead.length) + 2 * countOf(keys as TensorType)], dtype };
  },
  gradient: notDifferentiable("a sort order consists of indices, and indices have no gradient"),
  rule: {
    kind: "tile",
    startsAsCopy: true,
    points: (_, [, keys]) => (keys as TensorType).shape,
    serialAxes: (_, [, keys]) => [(keys as TensorType).shape.length - 1],
    elements: distributed,
  },
};

/** Elements of a row, over all its chunks. */
const countOf = ({ shape }: TensorType): number => sizeOf(shape.slice(-2));

function distributed({ attributes, type, inputTypes, point, ...of }: TileContext<DigitAttributes>): TileElement[] {
  const { add, binary, int, mul } = scalar;
  const row = point.slice(0, -2);
  const count = countOf(inputTypes[1] as TensorType);
  const key = of.share(of.input(1, point));
  const digit = binary("and", binary("shr", key, int(attributes.shift)), int(digits - 1));
  const counter = [...row, add(mul(at(point, row.length), int(digits)), digit)];
  const to = of.share(scalar.guard(of.own(counter), count));
  const first = at(type.shape, row.length) - 2 * count;
  return [
    { index: counter, value: add(to, int(1)) },
    { index: [...row, add(to, int(first))], value: of.input(2, point) },
    { index: [...row, add(to, int(first + count))], value: key },
  ];
}

/** Indices that sort a dim, stably; NaN is the largest (torch.sort with stable=True). */
export function argsort(x: Node, dim = -1, descending = false): Node {
  const axis = wrapAxis(dim, x.shape.length, "sort");
  if (x.shape.length === 0 || at(x.shape, axis) <= 1 || x.shape.includes(0)) return full(x.shape, 0, "int32");
  const order = [...x.shape.keys()].filter((place) => place !== axis);
  order.push(axis);
  const rows = permute(el.stopGradient(x), order);
  const lead = rows.shape.slice(0, -1);
  const extent = at(x.shape, axis);
  const places = (extent <= longestCounted ? counted : byDigits)(wordsOf(rows, descending), lead, extent);
  const back = x.shape.map((_, place) => order.indexOf(place));
  return composed("argsort", [x], { dim: axis, descending }, permute(places, back));
}

/** Sorts by the number of elements of the row before each one. */
function counted(words: readonly Node[], lead: Shape, extent: number): Node {
  const dim = lead.length;
  const shape = [...lead, extent];
  let isBefore: Node = el.lt(iota([1, extent], 1), iota([extent, 1], 0));
  for (const word of words) {
    const mine = reshape(word, [...shape, 1]);
    const theirs = reshape(word, [...lead, 1, extent]);
    isBefore = el.where(el.eq(theirs, mine), isBefore, el.lt(theirs, mine));
  }
  const rank = sum(el.cast(isBefore, "int32"), [dim + 1]);
  return trustedScatterAdd(full(shape, 0, "int32"), dim, rank, iota(shape, dim));
}

/** Sorts by one digit of the keys at a time, least significant first. */
function byDigits(words: readonly Node[], lead: Shape, extent: number): Node {
  const dim = lead.length;
  const chunks = Math.ceil(extent / chunkLength);
  const length = Math.ceil(extent / chunks);
  const shape = [...lead, chunks, length];
  const width = chunks * length;
  const none = full([...lead, chunks, digits], 0, "int32");
  const ones = full(shape, 1, "int32");
  let places = iota([...lead, width], dim);
  for (const [number, word] of words.entries()) {
    // Keys as unsigned integers. The padding is as large as the largest key, and sorts after equal ones.
    const padded = pad(
      el.bitwiseXor(word, int(-(2 ** 31))),
      [...lead.map(() => [0, 0] as const), [0, width - extent]],
      -1,
    );
    let keys: Node = number === 0 ? padded : trustedGather(padded, dim, places);
    for (let shift = 0; shift < 32; shift += digitBits) {
      keys = reshape(keys, shape);
      const digit = el.bitwiseAnd(el.shiftRight(keys, int(shift)), int(digits - 1));
      const counts = trustedScatterAdd(none, dim + 1, digit, ones);
      // A digit of a chunk comes after the same digit in earlier chunks, and after all smaller digits.
      const upTo = chunks === 1 ? counts : cumsum(counts, dim);
      const totals = slice(upTo, dim, chunks - 1);
      const starts = el.add(el.sub(upTo, counts), el.sub(cumsum(totals, dim + 1), totals));
      const given = [reshape(starts, [...lead, chunks * digits]), keys, reshape(places, shape)];
      const result = apply(distributeOp, given, { shift });
      places = slice(result, dim, -2 * width, -width);
      keys = slice(result, dim, -width);
    }
  }
  return slice(places, dim, 0, extent);
}

/** Values sorted along a dim, and their original indices. The gradient of the values follows the indices. */
export function sort(x: Node, dim = -1, descending = false): { values: Node; indices: Node } {
  const indices = argsort(x, dim, descending);
  if (x.shape.includes(0) || x.shape.length === 0) return { values: x, indices };
  const values = trustedGather(x, dim, indices);
  composed("sort", [x], { dim: wrapAxis(dim, x.shape.length, "sort"), descending }, values, indices);
  return { values, indices };
}
