// Cases of ops that rearrange elements: reshape, permute, expand, slice, pad, cat, and their composites.
import type { DType } from "../../../src/graph/dtype.ts";
import type { Node } from "../../../src/graph/node.ts";
import { expand, repeat } from "../../../src/graph/ops/broadcast.ts";
import { padWith } from "../../../src/graph/ops/conv.ts";
import { cat, flip, pad, permute, reshape, slice } from "../../../src/graph/ops/movement.ts";
import { all, at, type Case, floats, input, spread, tabulate, type ValueCase } from "../case.ts";
import { inputNode, type Value } from "../run.ts";

const node = (shape: readonly number[], dtype: DType = "float32"): Node => inputNode({ shape, dtype });

/** A case whose result consists of elements of its one input, given by index. */
function moved(
  op: string,
  name: string,
  shape: readonly number[],
  build: (x: Node) => Node,
  out: readonly number[],
  from: (index: readonly number[]) => readonly number[],
  kind: "forward" | "edge" = "forward",
): ValueCase {
  return {
    op,
    kind,
    name,
    dtypes: all,
    inputs: [spread(shape, 51, 0, 9)],
    build,
    gradient: kind === "forward",
    truth: (x: Value) => tabulate(out, (index) => at(x, from(index))),
  };
}

const empty = (op: string, shape: readonly number[], build: (x: Node) => Node): ValueCase => ({
  op,
  kind: "edge",
  name: "an empty tensor",
  dtypes: all,
  inputs: [spread(shape, 50, 0, 9)],
  build,
  truth: () => [],
  gradient: false,
});

export const movementCases: readonly Case[] = [
  {
    ...moved(
      "reshape",
      "joining and cutting dims",
      [2, 6],
      (x) => reshape(x, [3, 4]),
      [3, 4],
      ([i = 0, j = 0]) => [Math.floor((i * 4 + j) / 6), (i * 4 + j) % 6],
    ),
  },
  moved(
    "reshape",
    "a size to work out",
    [4, 3],
    (x) => reshape(x, [2, -1]),
    [2, 6],
    ([i = 0, j = 0]) => [i * 2 + Math.floor(j / 3), j % 3],
  ),
  moved(
    "reshape",
    "to a scalar",
    [1, 1],
    (x) => reshape(x, []),
    [],
    () => [0, 0],
    "edge",
  ),
  moved(
    "reshape",
    "after permute",
    [2, 3],
    (x) => reshape(permute(x, [1, 0]), [6]),
    [6],
    ([i = 0]) => [i % 2, Math.floor(i / 2)],
    "edge",
  ),
  empty("reshape", [0, 3], (x) => reshape(x, [3, 0, 2])),
  {
    op: "reshape",
    kind: "error",
    name: "sizes",
    build: () => reshape(node([2, 3]), [4]),
    message: /\[2, 3\] holds 6 elements, \[4\] would hold 4/,
  },
  {
    op: "reshape",
    kind: "error",
    name: "a size that does not divide",
    build: () => reshape(node([2, 3]), [4, -1]),
    message: /4 does not divide/,
  },

  moved(
    "permute",
    "three dims",
    [2, 3, 4],
    (x) => permute(x, [2, 0, 1]),
    [4, 2, 3],
    ([i = 0, j = 0, k = 0]) => [j, k, i],
  ),
  moved(
    "permute",
    "negative dims",
    [2, 3],
    (x) => permute(x, [-1, -2]),
    [3, 2],
    ([i = 0, j = 0]) => [j, i],
    "edge",
  ),
  empty("permute", [0, 3], (x) => permute(x, [1, 0])),
  {
    op: "permute",
    kind: "error",
    name: "a dim twice",
    build: () => permute(node([2, 3]), [0, 0]),
    message: /must name each of the 2 dims/,
  },

  moved(
    "expand",
    "dims of size 1 and new dims",
    [2, 1],
    (x) => expand(x, [3, 2, 4]),
    [3, 2, 4],
    ([, i = 0]) => [i, 0],
  ),
  moved(
    "expand",
    "a scalar",
    [],
    (x) => expand(x, [2, 2]),
    [2, 2],
    () => [],
    "edge",
  ),
  empty("expand", [1, 3], (x) => expand(x, [0, 3])),
  {
    op: "expand",
    kind: "error",
    name: "a dim that is not 1",
    build: () => expand(node([2, 3]), [2, 6]),
    message: /\[2, 3\] cannot become \[2, 6\]: only dims of size 1/,
  },

  moved(
    "slice",
    "a range with steps",
    [3, 8],
    (x) => slice(x, 1, 1, 7, 2),
    [3, 3],
    ([i = 0, j = 0]) => [i, 1 + 2 * j],
  ),
  moved(
    "slice",
    "backwards",
    [3, 5],
    (x) => slice(x, 1, undefined, undefined, -2),
    [3, 3],
    ([i = 0, j = 0]) => [i, 4 - 2 * j],
  ),
  moved(
    "slice",
    "negative and overlong positions",
    [5],
    (x) => slice(x, -1, -3, 100),
    [3],
    ([i = 0]) => [i + 2],
    "edge",
  ),
  empty("slice", [4], (x) => slice(x, 0, 3, 1)),
  {
    op: "slice",
    kind: "error",
    name: "a step of 0",
    build: () => slice(node([3]), 0, 0, 3, 0),
    message: /step must be a whole number other than 0/,
  },
  {
    op: "slice",
    kind: "error",
    name: "a dim that does not exist",
    build: () => slice(node([3]), 1, 0, 1),
    message: /dim 1 does not exist in a tensor of 1 dims/,
  },
  moved(
    "flip",
    "two dims",
    [2, 3],
    (x) => flip(x, [0, 1]),
    [2, 3],
    ([i = 0, j = 0]) => [1 - i, 2 - j],
  ),
  empty("flip", [0], (x) => flip(x, [0])),

  moved(
    "pad",
    "around",
    [2, 3],
    (x) =>
      pad(
        x,
        [
          [1, 0],
          [2, 1],
        ],
        0,
      ),
    [3, 6],
    ([i = 0, j = 0]) => [i - 1, j - 2],
  ),
  moved(
    "pad",
    "between neighbours",
    [3],
    (x) => pad(x, [[1, 1, 2]], 0),
    [9],
    ([i = 0]) => ((i - 1) % 3 === 0 ? [(i - 1) / 3] : [-1]),
  ),
  moved(
    "pad",
    "negative amounts crop",
    [4, 4],
    (x) =>
      pad(
        x,
        [
          [-1, 1],
          [0, -2],
        ],
        0,
      ),
    [4, 2],
    ([i = 0, j = 0]) => [i + 1, j],
    "edge",
  ),
  {
    op: "pad",
    kind: "edge",
    name: "an infinite value around nothing",
    dtypes: floats,
    inputs: [input([0, 2])],
    build: (x) =>
      pad(
        x,
        [
          [1, 1],
          [0, 0],
        ],
        Number.NEGATIVE_INFINITY,
      ),
    truth: () => tabulate([2, 2], () => Number.NEGATIVE_INFINITY),
    gradient: false,
  },
  {
    op: "pad",
    kind: "error",
    name: "number of pairs",
    build: () => pad(node([2, 3]), [[1, 1]], 0),
    message: /1 pairs do not fit the 2 dims/,
  },
  {
    op: "pad",
    kind: "error",
    name: "more cropped than there is",
    build: () => pad(node([2]), [[-2, -1]], 0),
    message: /cannot crop/,
  },
  moved(
    "padWith",
    "reflect",
    [1, 1, 4],
    (x) =>
      padWith(
        x,
        [
          [0, 0],
          [0, 0],
          [2, 3],
        ],
        "reflect",
      ),
    [1, 1, 9],
    ([, , i = 0]) => [0, 0, 3 - Math.abs(3 - Math.abs(i - 2))],
  ),
  moved(
    "padWith",
    "replicate",
    [3],
    (x) => padWith(x, [[2, 1]], "replicate"),
    [6],
    ([i = 0]) => [Math.min(2, Math.max(0, i - 2))],
  ),
  moved(
    "padWith",
    "circular",
    [3],
    (x) => padWith(x, [[2, 3]], "circular"),
    [8],
    ([i = 0]) => [(i + 1) % 3],
  ),
  {
    op: "padWith",
    kind: "error",
    name: "reflect too far",
    build: () => padWith(node([3]), [[3, 0]], "reflect"),
    message: /"reflect" padding 3 is too large for a dim of 3/,
  },

  {
    op: "cat",
    kind: "forward",
    name: "three along the last dim",
    dtypes: all,
    inputs: [spread([2, 1], 52, 0, 9), spread([2, 3], 53, 0, 9), spread([2, 2], 54, 0, 9)],
    build: (a, b, c) => cat([a, b, c], -1),
    gradient: true,
    truth: (a, b, c) =>
      tabulate([2, 6], ([i = 0, j = 0]) => (j < 1 ? at(a, [i, j]) : j < 4 ? at(b, [i, j - 1]) : at(c, [i, j - 4]))),
  },
  {
    op: "cat",
    kind: "edge",
    name: "one part empty",
    dtypes: all,
    inputs: [spread([0, 2], 55), spread([2, 2], 56, 0, 9), spread([1, 2], 57, 0, 9)],
    build: (a, b, c) => cat([a, b, c], 0),
    truth: (_, b, c) => [...b.data, ...c.data],
    gradient: false,
  },
  {
    op: "cat",
    kind: "edge",
    name: "the same tensor twice",
    dtypes: floats,
    inputs: [spread([2], 58)],
    build: (a) => cat([a, a], 0),
    truth: (a) => [...a.data, ...a.data],
    gradient: true,
  },
  {
    op: "cat",
    kind: "error",
    name: "other dims",
    build: () => cat([node([2, 3]), node([2, 4])], 0),
    message: /differ in a dim other than 0/,
  },
  { op: "cat", kind: "error", name: "nothing", build: () => cat([], 0), message: /at least one tensor/ },
  moved(
    "repeat",
    "twice and thrice",
    [2, 2],
    (x) => repeat(x, [2, 1, 3]),
    [2, 2, 6],
    ([, i = 0, j = 0]) => [i, j % 2],
  ),
  empty("repeat", [2], (x) => repeat(x, [0])),
];
