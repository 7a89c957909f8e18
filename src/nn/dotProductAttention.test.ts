// Attention of long sequences: computed in tiles, it equals the plain form, with memory linear in the length.
import { describe, expect, it } from "vitest";
import { permitted } from "../../test/conformance/tolerance.ts";
import { compileGraph } from "../compiler/compile.ts";
import { gradients } from "../graph/autodiff.ts";
import { sum } from "../graph/ops/reduce.ts";
import { useBackend } from "../runtime/index.ts";
import { autocast, compile, full, grad, ones, randn, seed, type Tensor, where, zeros } from "../tensor/index.ts";
import { MultiheadAttention } from "./attention.ts";
import { scaledDotProductAttention } from "./dotProductAttention.ts";

const patience = 120_000;

function plain(q: Tensor, k: Tensor, v: Tensor, isCausal: boolean): Tensor {
  const scores = q.mul(1 / Math.sqrt(q.shape.at(-1) ?? 1)).matmul(k.transpose(-2, -1));
  const visible = ones(scores.shape.slice(-2), { dtype: "bool" }).tril();
  return (isCausal ? where(visible, scores, Number.NEGATIVE_INFINITY) : scores).softmax(-1).matmul(v);
}

/** Results and gradients of both forms with respect to q, k and v, for one gradient of the output. */
const both = (given: readonly Tensor[], slope: Tensor, form: (q: Tensor, k: Tensor, v: Tensor) => Tensor): Tensor[] => {
  const run = compile((q: Tensor, k: Tensor, v: Tensor) => [
    form(q, k, v),
    ...grad((a: Tensor, b: Tensor, c: Tensor) => form(a, b, c).mul(slope).sum())(q, k, v),
  ]);
  return run(given[0] as Tensor, given[1] as Tensor, given[2] as Tensor);
};

/**
 * The largest difference, relative to the tolerance. Scores of standard normal numbers stay below 8, so a weight is off by 16 ulps. An element of a
 * gradient is a sum over all keys or queries, and its terms are themselves differences, so the largest element stands for their size.
 */
function worst(found: readonly Tensor[], expected: readonly Tensor[], terms: number): number {
  let most = 0;
  expected.forEach((tensor, place) => {
    const [a, b] = [found[place], tensor].map((x) => Array.from(x?.dataSync() ?? [])) as [number[], number[]];
    const size = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    b.forEach((value, at) => {
      const off = Math.abs((a[at] ?? Number.NaN) - value);
      most = Math.max(most, off / permitted("float32", { ulps: 16, terms }, value, size / Math.sqrt(terms)));
    });
  });
  return most;
}

describe("attention of long sequences", () => {
  it.each([
    ["wasm", false],
    ["wasm", true],
    ["auto", true],
  ] as const)(
    "on %s, causal %s: the plain form and its gradients",
    (backend, isCausal) => {
      useBackend({ backend });
      seed(7);
      const [q, k, v, slope] = [randn([2, 1100, 8]), randn([2, 1000, 8]), randn([2, 1000, 4]), randn([2, 1100, 4])];
      const tiled = both([q, k, v], slope, (a, b, c) => scaledDotProductAttention(a, b, c, { isCausal }));
      const matrix = both([q, k, v], slope, (a, b, c) => plain(a, b, c, isCausal));
      const off = worst(tiled, matrix, 1100);
      expect(off).toBeLessThan(1);
      expect(off).toBeGreaterThan(0);
    },
    patience,
  );

  it(
    "shares heads, and broadcasts dims before them",
    () => {
      useBackend({ backend: "wasm" });
      seed(8);
      const [q, k] = [randn([2, 4, 1024, 4]), randn([1, 2, 1024, 4])];
      const shared = scaledDotProductAttention(q, k, k, { enableGqa: true, isCausal: true });
      const repeated = k.unsqueeze(2).expand([1, 2, 2, 1024, 4]).reshape([1, 4, 1024, 4]);
      expect(worst([shared], [plain(q, repeated, repeated, true)], 1024)).toBeLessThan(1);
    },
    patience,
  );

  it(
    "needs no weights in MultiheadAttention where nobody asks for them",
    () => {
      useBackend({ backend: "wasm" });
      seed(9);
      const layer = new MultiheadAttention(8, 2);
      const x = randn([1024, 1, 8]);
      for (const isCausal of [false, true]) {
        const [output, weights] = layer.forward(x, x, x, { needWeights: false, isCausal });
        const [same] = layer.forward(x, x, x, { isCausal });
        expect(weights).toBeUndefined();
        expect(worst([output], [same], 1024)).toBeLessThan(1);
      }
    },
    patience,
  );

  it.each([false, true])("plans memory linear in the length, causal %s", (isCausal) => {
    const planned = (length: number): number => {
      const given = (): Tensor => zeros([4, length, 64]).add(1);
      const { node } = scaledDotProductAttention(given(), given(), given(), { isCausal });
      const inputs = node.composite?.inputs.flatMap((input) => input ?? []) ?? [];
      const outputs = [node, ...gradients(sum(node), inputs)].flatMap((output) => (output ? [{ node: output }] : []));
      expect(outputs.length).toBe(4);
      return compileGraph("attention", outputs).program.arenaBytes;
    };
    const [at2048, at4096] = [planned(2048), planned(4096)];
    expect(at4096 / at2048).toBeLessThan(2.05);
    expect(at4096).toBeLessThan(4 * 4096 * 4096);
  });

  it(
    "adds up 16-bit floats in float32: more than float16 holds, and with the digits that bfloat16 has",
    () => {
      useBackend({ backend: "wasm" });
      const [q, k] = [zeros([1, 256, 4], { dtype: "float16" }), zeros([1, 8192, 4], { dtype: "float16" })];
      const tens = full([1, 8192, 4], 10, { dtype: "float16" });
      expect(new Set(scaledDotProductAttention(q, k, tens).dataSync())).toEqual(new Set([10]));
      seed(10);
      const [a, b] = [randn([1, 1024, 8]).to("bfloat16"), randn([1, 1024, 8]).to("bfloat16")];
      const slope = randn([1, 1024, 8]).to("bfloat16");
      const tiled = both([a, b, b], slope, (x, y, z) => scaledDotProductAttention(x, y, z));
      const wide = [a, b, b].map((x) => x.to("float32"));
      const exact = both(wide, slope.to("float32"), (x, y, z) => plain(x, y, z, false));
      // The output is rounded once. A gradient is rounded too, and depends on that output and on a gradient summed from rounded parts.
      expect(tiled.map(({ dtype }) => dtype)).toEqual(tiled.map(() => "bfloat16"));
      for (const [place, x] of exact.entries()) {
        const [found = [], right = []] = [tiled[place], x].map((y) => Array.from(y?.to("float32").dataSync() ?? []));
        const size = right.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const off = right.reduce((most, value, at) => Math.max(most, Math.abs((found[at] ?? Number.NaN) - value)), 0);
        expect(off / size).toBeLessThan(2 ** -8);
      }
    },
    patience,
  );

  it("takes 16-bit floats under autocast at every length", () => {
    useBackend({ backend: "wasm" });
    for (const length of [8, 1024]) {
      const q = zeros([1, length, 4]);
      expect(autocast(() => scaledDotProductAttention(q, q, q)).dtype).toBe("bfloat16");
      expect(autocast(() => scaledDotProductAttention(q, q.to("bfloat16"), q)).dtype).toBe("bfloat16");
    }
  });

  it("is listed as attention, also in tiles", () => {
    const q = zeros([1, 1024, 4]);
    const { composite } = scaledDotProductAttention(q, q, q).node;
    expect(composite?.name).toBe("scaledDotProductAttention");
    expect(composite?.attributes).toEqual({ dropoutP: 0, isCausal: false, scale: 0.5, enableGqa: false });
  });

  it("uses the plain form for short sequences, masks and dropout", () => {
    const loops = (x: Tensor): boolean => {
      const text = compileGraph("attention", [{ node: x.node }]).program.kernels;
      return text.some(({ kind }) => kind === "repeat");
    };
    const [short, long] = [randn([1, 256, 4]), randn([1, 1024, 4])];
    const attnMask = ones([1024, 1024], { dtype: "bool" });
    expect(loops(scaledDotProductAttention(long, long, long))).toBe(true);
    expect(loops(scaledDotProductAttention(short, short, short))).toBe(false);
    expect(loops(scaledDotProductAttention(long, long, long, { dropoutP: 0.1 }))).toBe(false);
    expect(loops(scaledDotProductAttention(long, long, long, { attnMask }))).toBe(false);
    expect(loops(scaledDotProductAttention(short.slice(1, 0, 1), long, long))).toBe(false);
  });
});
