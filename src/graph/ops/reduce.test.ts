// Edge cases of reductions: ties, NaN, zeros in products, rows of -∞.
import { describe, expect, it } from "vitest";
import { evaluate, inputNode, valueOf } from "../../../test/conformance/run.ts";
import { createReferenceDevice } from "../../backends/reference/index.ts";
import { gradients } from "../autodiff.ts";
import type { Node } from "../node.ts";
import { full } from "./creation.ts";
import { mul } from "./elementwise.ts";
import * as rd from "./reduce.ts";
import * as st from "./statistics.ts";

const device = createReferenceDevice();
const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;

function run(
  shape: readonly number[],
  data: readonly number[],
  build: (x: Node) => Node | undefined,
): readonly number[] {
  const [value] = evaluate(device, [valueOf("float64", shape, data)], ([x]) => [build(x as Node) as Node]);
  return value?.data ?? [];
}

const slope =
  (build: (x: Node) => Node) =>
  (x: Node): Node | undefined =>
    gradients(rd.sum(build(x)), [x])[0];

describe("extremes", () => {
  it("share the gradient among ties", () => {
    expect(
      run(
        [4],
        [3, 1, 3, 3],
        slope((x) => rd.max(x)),
      ),
    ).toEqual([1 / 3, 0, 1 / 3, 1 / 3]);
    expect(
      run(
        [2, 2],
        [1, 1, 2, 0],
        slope((x) => rd.min(x, 1)),
      ),
    ).toEqual([0.5, 0.5, 0, 1]);
  });

  it("find the first index; NaN counts as the most extreme", () => {
    expect(run([4], [1, 3, 3, 2], (x) => rd.argmax(x))).toEqual([1]);
    expect(run([2, 3], [1, nan, nan, -1, -1, 5], (x) => rd.argmax(x, 1))).toEqual([1, 2]);
    expect(run([2, 3], [1, nan, 0, -1, -1, 5], (x) => rd.argmin(x, -1))).toEqual([1, 0]);
    expect(run([2], [-inf, -inf], (x) => rd.argmax(x))).toEqual([0]);
  });

  it("reject a dim without elements", () => {
    const x = inputNode({ shape: [2, 0], dtype: "float32" });
    expect(() => rd.max(x, 1)).toThrow(/dim 1 of size 0/);
    expect(() => rd.argmax(x, 1)).toThrow(/no element along dim 1/);
  });
});

describe("products", () => {
  it("have the right slopes with no, one and two zeros", () => {
    expect(
      run(
        [3, 3],
        [2, 3, 4, 2, 0, 4, 0, 0, 4],
        slope((x) => rd.prod(x, 1)),
      ),
    ).toEqual([12, 8, 6, 0, 8, 0, 0, 0, 0]);
    expect(
      run(
        [2, 2],
        [2, 3, 4, 5],
        slope((x) => rd.prod(x)),
      ),
    ).toEqual([60, 40, 30, 24]);
  });
});

describe("any and all", () => {
  it("reduce over any dims", () => {
    expect(run([2, 2], [0, 0, 0, nan], (x) => rd.any(x, 1))).toEqual([0, 1]);
    expect(run([2, 2], [1, 0, 2, nan], (x) => rd.all(x, 1))).toEqual([0, 1]);
    expect(run([0], [], (x) => rd.all(x))).toEqual([1]);
  });
});

describe("logsumexp, softmax, logSoftmax", () => {
  const rows = [1e4, -1e4, 0, 1, 2, 3, -inf, 0, 0];
  it("are accurate at ±1e4 and with some elements -∞", () => {
    const close = (found: readonly number[], expected: readonly number[]): void =>
      expected.forEach((value, k) => {
        if (Number.isFinite(value)) expect(found[k]).toBeCloseTo(value, 14);
        else expect(found[k]).toBe(value);
      });
    const [a, b, c] = [1, 2, 3].map((x) => Math.exp(x) / (Math.exp(1) + Math.exp(2) + Math.exp(3)));
    const shares = [1, 0, 0, a, b, c, 0, 0.5, 0.5] as readonly number[];
    close(
      run([3, 3], rows, (x) => rd.softmax(x)),
      shares,
    );
    close(
      run([3, 3], rows, (x) => rd.logSoftmax(x)),
      [0, -2e4, -1e4, ...shares.slice(3).map(Math.log)],
    );
    close(
      run([3, 3], rows, (x) => rd.logsumexp(x, 1)),
      [1e4, 3 - Math.log(c as number), Math.LN2],
    );
    close(
      run(
        [3, 3],
        rows,
        slope((x) => rd.logsumexp(x, 1)),
      ),
      shares,
    );
  });

  it("a row of -∞ gives -∞ with zero gradient, and NaN probabilities", () => {
    expect(run([2], [-inf, -inf], (x) => rd.logsumexp(x))).toEqual([-inf]);
    expect(
      run(
        [2],
        [-inf, -inf],
        slope((x) => rd.logsumexp(x)),
      ),
    ).toEqual([0, 0]);
    expect(run([2], [-inf, -inf], (x) => rd.softmax(x))).toEqual([nan, nan]);
  });

  it("masked entries get a gradient of 0", () => {
    const weights = (x: Node): Node => full(x.shape, 3, x.dtype);
    const found = run(
      [3],
      [-inf, 0, 0],
      slope((x) => mul(mul(rd.softmax(x), rd.softmax(x)), weights(x))),
    );
    expect(found[0]).toBeCloseTo(0, 30);
    expect(found.every(Number.isFinite)).toBe(true);
  });

  it("accept integers, scalars and empty tensors", () => {
    const whole = inputNode({ shape: [3], dtype: "int32" });
    expect([rd.softmax(whole), rd.logSoftmax(whole), rd.logsumexp(whole)].map(({ dtype }) => dtype)).toEqual([
      "float32",
      "float32",
      "float32",
    ]);
    expect(rd.softmax(inputNode({ shape: [], dtype: "float32" })).shape).toEqual([]);
    expect(run([2, 0], [], (x) => rd.softmax(x))).toEqual([]);
  });
});

describe("variance", () => {
  it("divides by n − correction", () => {
    expect(run([4], [1, 2, 3, 6], (x) => st.variance(x))).toEqual([14 / 3]);
    expect(run([4], [1, 2, 3, 6], (x) => st.variance(x, 0, 0))).toEqual([3.5]);
    expect(run([1], [5], (x) => st.variance(x))).toEqual([nan]);
  });
});
