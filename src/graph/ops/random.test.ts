// Threefry against its published test vectors, and the distributions against their moments.
import { describe, expect, it } from "vitest";
import { evaluate, inputNode, valueOf } from "../../../test/conformance/run.ts";
import { createReferenceDevice } from "../../backends/reference/index.ts";
import { apply } from "../apply.ts";
import { type Node, notDifferentiable } from "../node.ts";
import { constant, type Scalar } from "../scalar.ts";
import { full } from "./creation.ts";
import * as random from "./random.ts";

const device = createReferenceDevice();

/** The values drawn with a key and a draw number, from further inputs. */
function draw(
  build: (key: Node, draw: Node, ...inputs: Node[]) => Node,
  inputs: readonly number[][] = [],
  seed = [42, 0],
  call = 7,
): readonly number[] {
  const given = inputs.map((data) => valueOf("float64", [data.length], data));
  const [value] = evaluate(
    device,
    [valueOf("int32", [2], seed), valueOf("int32", [], [call]), ...given],
    ([key, number, ...rest]) => [build(key as Node, number as Node, ...rest)],
  );
  return value?.data ?? [];
}

const drawOf =
  (key: Node, call: Node): random.Uniform =>
  (shape, dtype) =>
    random.uniform(key, call, shape, dtype);

const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;

describe("Threefry-2x32, 20 rounds", () => {
  // Random123, kat_vectors: counter, key, result.
  const vectors = [
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ] as const;

  it.each(vectors)("counter %j, key %j", (counter, key, expected) => {
    const words = (pair: readonly [number, number]): [Scalar, Scalar] => [
      constant(pair[0] | 0, "int32"),
      constant(pair[1] | 0, "int32"),
    ];
    const op = (word: 0 | 1) => ({
      name: `threefry.${word}`,
      infer: () => ({ shape: [], dtype: "int32" as const }),
      gradient: notDifferentiable("a test"),
      rule: { kind: "element" as const, element: () => random.threefry(words(key), words(counter))[word] },
    });
    const found = evaluate(device, [], () => [apply(op(0), [], {}), apply(op(1), [], {})]);
    expect(found.map(({ data }) => (data[0] ?? 0) >>> 0)).toEqual(expected);
  });

  it("counts elements and draws: a shorter draw is a prefix of a longer one", () => {
    const long = draw((key, call) => random.randomBits(key, call, [4, 8]));
    expect(draw((key, call) => random.randomBits(key, call, [8]))).toEqual(long.slice(0, 8));
    expect(new Set([...long, ...draw((key, call) => random.randomBits(key, call, [32]), [], [42, 0], 8)]).size).toBe(
      64,
    );
  });
});

describe("distributions", () => {
  const count = 20_000;

  it("uniform: multiples of 2⁻²⁴ and 2⁻⁵³ in [0, 1)", () => {
    const single = draw((key, call) => random.uniform(key, call, [count]));
    const double = draw((key, call) => random.uniform(key, call, [count], "float64"));
    for (const [values, grid] of [
      [single, 2 ** 24],
      [double, 2 ** 53],
    ] as const) {
      expect(values.every((x) => x >= 0 && x < 1 && Number.isInteger(x * grid))).toBe(true);
      expect(Math.abs(mean(values) - 0.5)).toBeLessThan(4 / Math.sqrt(12 * count));
    }
    expect(double.some((x) => !Number.isInteger(x * 2 ** 30))).toBe(true);
  });

  it("normal: moments, and the right fractions within one and two standard deviations", () => {
    const values = draw((key, call) => random.normal(key, call, [count]));
    expect(Math.abs(mean(values))).toBeLessThan(4 / Math.sqrt(count));
    expect(Math.abs(mean(values.map((x) => x * x)) - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    expect(Math.abs(mean(values.map((x) => x ** 4)) - 3)).toBeLessThan(4 * Math.sqrt(96 / count));
    for (const [bound, share] of [
      [1, 0.6826894921],
      [2, 0.9544997361],
    ] as const) {
      expect(Math.abs(mean(values.map((x) => Number(Math.abs(x) < bound))) - share)).toBeLessThan(
        4 * Math.sqrt((share * (1 - share)) / count),
      );
    }
  });

  it("normal in float64 refines the normal in float32", () => {
    const single = draw((key, call) => random.normal(key, call, [1000]));
    const double = draw((key, call) => random.normal(key, call, [1000], "float64"));
    const worst = Math.max(...single.map((x, i) => Math.abs(x - (double[i] ?? 0))));
    expect(worst).toBeLessThan(2e-6);
  });

  it("bernoulli: never for probability 0, always for 1", () => {
    const values = draw(
      (key, call, p) => random.bernoulli(drawOf(key, call), p),
      [[...new Array(500).fill(0), ...new Array(500).fill(1), ...new Array(9000).fill(0.25)]],
    );
    expect(values.slice(0, 500)).toEqual(new Array(500).fill(0));
    expect(values.slice(500, 1000)).toEqual(new Array(500).fill(1));
    expect(Math.abs(mean(values.slice(1000)) - 0.25)).toBeLessThan(4 * Math.sqrt(0.1875 / 9000));
  });

  it("randint: each of its numbers, no others", () => {
    const values = draw((key, call) => random.randint(key, call, -3, 4, [7000]));
    const counts = [-3, -2, -1, 0, 1, 2, 3].map((x) => values.filter((value) => value === x).length);
    expect(counts.reduce((a, b) => a + b)).toBe(7000);
    expect(counts.every((found) => Math.abs(found - 1000) < 4 * Math.sqrt(1000))).toBe(true);
    const [key, call] = [inputNode({ shape: [2], dtype: "int32" }), inputNode({ shape: [], dtype: "int32" })];
    expect(() => random.randint(key, call, 3, 3, [2])).toThrow(/low < high that int32 holds/);
    expect(() => random.randint(key, call, -(2 ** 31), 2 ** 31, [2])).toThrow(/less than 2³¹ apart/);
  });

  it("permutation: every number once, in a different order for each draw", () => {
    const [first, second] = [1, 2].map((call) =>
      draw((key, number) => random.permutation(key, number, 50), [], [42, 0], call),
    );
    const all = Array.from({ length: 50 }, (_, i) => i);
    expect([...(first ?? [])].sort((a, b) => a - b)).toEqual(all);
    expect(first).not.toEqual(second);
    expect(first).not.toEqual(all);
    expect(draw((key, call) => random.permutation(key, call, 1))).toEqual([0]);
  });
});

describe("multinomial", () => {
  const weights = [0, 1, 0, 3, 4];

  it("draws in proportion to the weights, and never at weight 0", () => {
    const values = draw((key, call, w) => random.multinomial(drawOf(key, call), w, 8000, true), [weights]);
    weights.forEach((weight, place) => {
      const share = weight / 8;
      const found = values.filter((value) => value === place).length / 8000;
      expect(Math.abs(found - share)).toBeLessThanOrEqual(4 * Math.sqrt((share * (1 - share)) / 8000));
    });
  });

  it("without replacement, draws each once, and positive weights first", () => {
    for (let call = 0; call < 20; call++) {
      const values = draw(
        (key, number, w) => random.multinomial(drawOf(key, number), w, 3, false),
        [weights],
        [1, 2],
        call,
      );
      expect([...values].sort()).toEqual([1, 3, 4]);
    }
  });

  it("draws for each row", () => {
    const rows = draw((key, call) => {
      const certain = full([3, 1], 2, "float32");
      return random.multinomial(drawOf(key, call), certain, 2, true);
    });
    expect(rows).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("reports invalid draws", () => {
    const [key, call] = [inputNode({ shape: [2], dtype: "int32" }), inputNode({ shape: [], dtype: "int32" })];
    const row = inputNode({ shape: [3], dtype: "float32" });
    expect(() => random.multinomial(drawOf(key, call), row, 4, false)).toThrow(
      /cannot draw 4 of 3 without replacement/,
    );
    expect(() => random.multinomial(drawOf(key, call), row, 0, true)).toThrow(/at least 1, got 0/);
    expect(() => random.multinomial(drawOf(key, call), inputNode({ shape: [0], dtype: "float32" }), 1, true)).toThrow(
      /nothing to draw from/,
    );
  });
});
