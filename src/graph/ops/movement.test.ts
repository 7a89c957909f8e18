// Concatenating many parts, and how slices, pads and reshapes undo each other.
import { describe, expect, it } from "vitest";
import { evaluate, inputNode, valueOf } from "../../../test/conformance/run.ts";
import { createReferenceDevice } from "../../backends/reference/index.ts";
import { compileGraph } from "../../compiler/compile.ts";
import { gradients } from "../autodiff.ts";
import type { Node } from "../node.ts";
import { expand, repeat } from "./broadcast.ts";
import { mul } from "./elementwise.ts";
import { cat, flip, pad, permute, reshape, slice } from "./movement.ts";
import { diagonal } from "./rearrange.ts";
import { sum } from "./reduce.ts";

const device = createReferenceDevice();
const counted = (...shape: number[]) =>
  valueOf(
    "float64",
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
  );

function run(shape: readonly number[], build: (x: Node) => Node | undefined): readonly number[] {
  const [value] = evaluate(device, [counted(...shape)], ([x]) => [build(x as Node) as Node]);
  return value?.data ?? [];
}

describe("cat", () => {
  it("joins many parts of different sizes, including empty ones", () => {
    const sizes = [3, 0, 1, 4, 2, 0, 5];
    const values = sizes.map((size, k) =>
      valueOf(
        "int32",
        [2, size],
        Array.from({ length: 2 * size }, (_, i) => 100 * k + i),
      ),
    );
    const [joined] = evaluate(device, values, (parts) => [cat(parts, 1)]);
    const row = (r: number): number[] =>
      values.flatMap(({ data }, k) => data.slice(r * (sizes[k] ?? 0), (r + 1) * (sizes[k] ?? 0)));
    expect(joined?.shape).toEqual([2, 15]);
    expect(joined?.data).toEqual([...row(0), ...row(1)]);
  });

  it("gives each part its own slice of the gradient", () => {
    const build = (x: Node): Node => {
      const joined = cat([slice(x, 0, 0, 2), x, slice(x, 0, 3, 4)], 0);
      return sum(mul(joined, joined));
    };
    // x₀, x₁ and x₃ occur twice.
    expect(run([4], (x) => gradients(build(x), [x])[0])).toEqual([4, 8, 6, 16]);
  });
});

describe("slice and pad", () => {
  it("read backwards and skip elements", () => {
    expect(run([6], (x) => slice(x, 0, -2, undefined, -2))).toEqual([5, 3, 1]);
    expect(run([6], (x) => slice(x, 0, 10, 0, -1))).toEqual([6, 5, 4, 3, 2]);
    expect(run([2, 3], (x) => flip(x, [0, 1]))).toEqual([6, 5, 4, 3, 2, 1]);
    expect(run([3], (x) => slice(x, 0, 2, 1))).toEqual([]);
  });

  it("are transposes of each other, including steps and gaps", () => {
    for (const step of [3, -3]) {
      expect(run([8], (x) => gradients(sum(slice(x, 0, step > 0 ? 1 : 7, undefined, step)), [x])[0])).toEqual([
        0, 1, 0, 0, 1, 0, 0, 1,
      ]);
    }
    expect(run([3], (x) => pad(x, [[1, 2, 1]], 9))).toEqual([9, 1, 9, 2, 9, 3, 9, 9]);
    expect(run([3], (x) => pad(x, [[-1, 1]], 0))).toEqual([2, 3, 0]);
    expect(run([3], (x) => gradients(sum(mul(pad(x, [[1, 0, 2]], 5), pad(x, [[1, 0, 2]], 5))), [x])[0])).toEqual([
      2, 4, 6,
    ]);
  });

  it("reject invalid steps", () => {
    const x = inputNode({ shape: [3], dtype: "float32" });
    expect(() => slice(x, 0, 0, 3, 0)).toThrow(/a whole number other than 0/);
    expect(() => pad(x, [[-2, -2]], 0)).toThrow(/cannot crop 2 and 2 from dim 0 of size 3/);
  });
});

describe("reshape, permute, expand, repeat", () => {
  it("keep the row-major order when splitting and merging dims", () => {
    const order = Array.from({ length: 24 }, (_, i) => i + 1);
    expect(run([2, 3, 4], (x) => reshape(x, [6, 2, 2]))).toEqual(order);
    expect(run([2, 3, 4], (x) => reshape(reshape(x, [4, 1, 6]), [3, -1]))).toEqual(order);
    expect(run([4, 6], (x) => permute(reshape(permute(x, [1, 0]), [3, 8]), [1, 0])).slice(0, 3)).toEqual([1, 3, 5]);
  });

  it("repeat and expand sum their gradients", () => {
    expect(run([2], (x) => repeat(x, [2, 2]))).toEqual([1, 2, 1, 2, 1, 2, 1, 2]);
    expect(run([2], (x) => gradients(sum(repeat(x, [2, 2])), [x])[0])).toEqual([4, 4]);
    expect(run([2, 1], (x) => gradients(sum(expand(x, [5, -1, 3])), [x])[0])).toEqual([15, 15]);
  });

  it("report what does not fit", () => {
    const x = inputNode({ shape: [2, 3], dtype: "float32" });
    expect(() => reshape(x, [4, -1])).toThrow(/4 does not divide them/);
    expect(() => permute(x, [0, 0])).toThrow(/must name each of the 2 dims/);
    expect(() => expand(x, [4, 3])).toThrow(/\[2, 3\] cannot become \[4, 3\]/);
  });
});

it("slice rejects fractional positions", () => {
  const x = inputNode(counted(4));
  for (const [start, end] of [
    [0.5, 2],
    [0, 1.5],
    [Number.NaN, 2],
  ] as const)
    expect(() => slice(x, 0, start, end)).toThrow(
      /slice: positions must be whole numbers, got (0\.5|1\.5|NaN) for dim 0/,
    );
  expect(slice(x, 0, 1, Number.POSITIVE_INFINITY).shape).toEqual([3]);
});

describe("more elements than int32 can index", () => {
  const row = inputNode(counted(70_000));
  const product = mul(reshape(row, [70_000, 1]), row);

  it("are allowed if no tensor of that size is in memory", () => {
    expect(() => compileGraph("sum", [{ node: sum(product) }])).not.toThrow();
  });

  it("are rejected if one would be, or if a reshape would index them", () => {
    expect(() => compileGraph("all", [{ node: product }])).toThrow(
      /mul: float64\[70000, 70000\] has 4900000000 elements, and a tensor in memory can have at most 2147418112/,
    );
    expect(() => reshape(product, [-1])).toThrow(
      /reshape: \[4900000000\] has a dim of 4900000000, and a dim can have 2147418112 elements at most/,
    );
  });
});

it("a diagonal is as long as rows and columns allow, and empty outside the matrix", () => {
  const matrix = inputNode({ shape: [3, 5], dtype: "float32" });
  const lengths = [-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((offset) => diagonal(matrix, offset, 0, 1).shape);
  expect(lengths).toEqual([[0], [0], [1], [2], [3], [3], [3], [2], [1], [0], [0]]);
});
