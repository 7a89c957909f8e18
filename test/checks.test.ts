// Checks of indices are effects: even if the value is dropped, a wrong index is an error that names it, before anything is assigned.
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { compileGraph } from "../src/compiler/compile.ts";
import { HebbError } from "../src/graph/errors.ts";
import { iota } from "../src/graph/ops/creation.ts";
import { gather } from "../src/graph/ops/indexing.ts";
import * as nn from "../src/nn/index.ts";
import * as optim from "../src/optim/index.ts";
import { backendInfo, useBackend } from "../src/runtime/index.ts";
import {
  arange,
  compile,
  flush,
  grad,
  inspect,
  noGrad,
  oneHot,
  ones,
  Parameter,
  State,
  type Tensor,
  tensor,
  where,
  zeros,
} from "../src/tensor/index.ts";
import { inputNode } from "./conformance/run.ts";

const F = nn.functional;
const before = backendInfo();
afterAll(() => {
  useBackend(before);
});

const integers = (values: readonly number[], shape = [values.length]): Tensor =>
  tensor(Int32Array.from(values)).reshape(shape);

/** Runs the function and everything that is pending. */
const run = (body: () => unknown): void => {
  body();
  flush();
};

/** Expressions with a wrong index, and the error's message. */
const wrong: readonly (readonly [name: string, body: (x: Tensor, index: Tensor) => Tensor, message: RegExp])[] = [
  ["gather", (x, i) => x.gather(0, i.reshape([2, 1])), /gather along dim 0: at \[1, 0\], index 7 .* below 4, the size/],
  ["indexSelect", (x, i) => x.indexSelect(1, i), /indexSelect along dim 1: at \[1\], index 7 .* below 3, the size/],
  [
    "scatterAdd",
    (x, i) => x.scatterAdd(0, i.reshape([2, 1]), ones([2, 1])),
    /scatterAdd along dim 0: at \[1, 0\], index 7/,
  ],
  ["oneHot", (_, i) => oneHot(i, 5), /oneHot: at \[1\], class 7 is out of range, .* below 5, the number of classes/],
  [
    "embedding",
    (x, i) => F.embedding(i, x),
    /embedding: at \[1\], index 7 .* below 4, the number of rows in the table/,
  ],
  ["embeddingBag", (x, i) => F.embeddingBag(i.reshape([1, 2]), x), /embeddingBag: at \[0, 1\], index 7 .* below 4/],
  [
    "crossEntropy",
    (x, i) => F.crossEntropy(x.slice(0, 0, 2), i),
    /crossEntropy: in row 1, label 7 .* below 3, the number of classes/,
  ],
  ["nll", (x, i) => F.nll(x.slice(0, 0, 2), i), /nll: in row 1, label 7 .* below 3, the number of classes/],
  ["nll with weights", (x, i) => F.nll(x.slice(0, 0, 2), i, { weight: ones([3]) }), /nll: in row 1, label 7/],
  [
    "crossEntropy, smoothed",
    (x, i) => F.crossEntropy(x.slice(0, 0, 2), i, { labelSmoothing: 0.1 }),
    /crossEntropy: in row 1, label 7/,
  ],
  ["multiMargin", (x, i) => F.multiMargin(x.slice(0, 0, 2), i), /multiMargin: in row 1, label 7 .* below 3/],
  [
    "multilabelMargin",
    (x, i) => F.multilabelMargin(x.slice(0, 0, 1).slice(1, 0, 2), i.reshape([1, 2])),
    /multilabelMargin: in row 0 at \[1\], label 7 .* below 2/,
  ],
  [
    "maxUnpool1d",
    (x, i) => F.maxUnpool1d(x.slice(0, 0, 1).slice(1, 0, 2), i.reshape([1, 2]), 2),
    /maxUnpool1d: at \[0, 1\], index 7 .* below 4/,
  ],
];

/** Ways to drop a value before it is returned. */
const losses: readonly (readonly [name: string, lose: (value: Tensor) => Tensor])[] = [
  ["kept", (value) => value.sum()],
  ["dropped", () => zeros([])],
  ["cut away", (value) => value.flatten().slice(0, 0, 1)],
  ["masked", (value) => where(arange(0, 1).eq(1), value.flatten().slice(0, 0, 1), 0)],
  ["times nothing", (value) => value.expand([0, ...value.shape]).sum()],
  ["only its shape", (value) => ones(value.shape).sum()],
  ["detached", (value) => value.detach().mul(0).sum()],
];

const backends = ["reference", "wasm", "c"] as const;

describe.each(backends)("%s", (backend) => {
  beforeEach(({ skip }) => {
    try {
      if (backendInfo().backend !== backend) useBackend({ backend, threads: 1 });
    } catch (error) {
      if (backend === "c" && error instanceof HebbError)
        return skip(`the C backend is not available: ${error.message}`);
      throw error;
    }
  });

  describe.each(wrong)("%s", (_, body, message) => {
    const x = (): Tensor => tensor(Float32Array.from({ length: 12 }, (__, i) => i / 10)).reshape([4, 3]);

    it("is reported when compiled, even if the value is dropped", () => {
      const step = compile((value: Tensor, index: Tensor) => losses.map(([, lose]) => lose(body(value, index))));
      step(x(), integers([0, 1]));
      expect(() => step(x(), integers([0, 7]))).toThrow(message);
      for (const [, lose] of losses) {
        const single = compile((value: Tensor, index: Tensor) => lose(body(value, index)));
        expect(() => single(x(), integers([0, 7]))).toThrow(message);
      }
    });

    it("is reported when evaluated lazily, even if the value is dropped", () => {
      for (const [, lose] of losses) {
        expect(() => run(() => lose(body(x(), integers([0, 7]))))).toThrow(message);
        run(() => lose(body(x(), integers([0, 1]))));
      }
    });

    it("is reported over constants", () => {
      expect(() => run(() => body(ones([4, 3]), integers([0, 7])))).toThrow(message);
      expect(() => run(() => body(ones([4, 3]), arange(0, 2).mul(7)))).toThrow(message);
      const step = compile(() => body(ones([4, 3]), arange(0, 2).mul(7)));
      expect(() => step()).toThrow(message);
    });

    it("is reported before a parameter changes, though the loss is not returned", () => {
      const [weight, count] = [new Parameter(x()), new State(0)];
      const optimizer = new optim.Adam([weight], { lr: 0.1 });
      const train = (index: Tensor): void => {
        count.assign(count.add(1));
        const loss = body(weight, index).to("float32").mul(weight.sum()).sum();
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
      };
      const step = compile(train);
      const state = () => [weight, ...Object.values(optimizer.stateDict().state)].map((value) => value.toArraySync());
      step(integers([0, 1]));
      train(integers([1, 0]));
      const kept = state();
      const made = count.itemSync();
      expect(() => step(integers([0, 7]))).toThrow(message);
      expect([state(), count.itemSync()]).toEqual([kept, made]);
      expect(() => run(() => train(integers([7, 7])))).toThrow(/ 7 is out of range/);
      // Without compile, each line runs after the one before.
      expect([state(), count.itemSync()]).toEqual([kept, made + 1]);
      step(integers([0, 1]));
      run(() => train(integers([1, 0])));
      expect(state()).not.toEqual(kept);
    });
  });

  it("names the row of a wrong label of a batch, and its position in images", () => {
    const labels = integers([0, 1, 1, 0, 0, 2], [2, 1, 3]);
    expect(() => F.crossEntropy(zeros([2, 2, 1, 3]), labels).itemSync()).toThrow(
      "crossEntropy: in row 1 at [0, 2], label 2 is out of range, it must be at least 0 and below 2, the number of classes",
    );
    expect(() => F.crossEntropy(zeros([2]), integers([2], [])).itemSync()).toThrow(
      "crossEntropy: label 2 is out of range",
    );
    // An ignored label is not a class and is not checked.
    expect(F.crossEntropy(zeros([2, 2]), integers([-100, 1])).itemSync()).toBeCloseTo(Math.log(2), 6);
    expect(() => F.crossEntropy(zeros([2, 2]), integers([-100, -1])).itemSync()).toThrow(/in row 1, label -1/);
  });

  it("names the layer", () => {
    const model = new nn.Sequential(new nn.Embedding(8, 2), new nn.Flatten());
    expect(() => model.forward(integers([0, 8, 1, 1], [2, 2])).toArraySync()).toThrow(
      /embedding: at \[0, 1\], index 8 is out of range, .* below 8, the number of rows in the table \(in "0"\)/,
    );
  });

  it("applies in gradients, in functions of gradients, in inspection and without history", () => {
    const at = integers([3]);
    const pick = (x: Tensor): Tensor => x.square().gather(0, at).sum();
    expect(() => grad(pick)(ones([3])).toArraySync()).toThrow(/index 3 is out of range/);
    expect(() => grad((x: Tensor) => grad(pick)(x).sum())(ones([3])).toArraySync()).toThrow(/index 3 is out of range/);
    expect(() => inspect(() => pick(ones([3])))).toThrow(/index 3 is out of range/);
    expect(() => noGrad(() => pick(ones([3]))).itemSync()).toThrow(/index 3 is out of range/);
    expect(() => grad((x: Tensor) => x.scatterAdd(0, at, x.slice(0, 0, 1)).sum())(ones([3])).toArraySync()).toThrow(
      /index 3 is out of range/,
    );
    flush();
  });

  it("applies to a value from outside a compiled function, and to one that is read again", () => {
    const value = ones([3]).gather(0, integers([5]));
    expect(() => ones([2]).sum().itemSync()).toThrow(/index 5/);
    expect(ones([2]).sum().itemSync()).toBe(2);
    expect(() => value.toArraySync()).toThrow(/index 5/);
    const step = compile((x: Tensor) => x.add(value));
    expect(() => step(ones([1]))).toThrow(/index 5/);
  });

  it("reports the first of several wrong indices in the order of the program", () => {
    const step = compile((a: Tensor, b: Tensor) =>
      ones([3])
        .gather(0, a)
        .add(ones([4]).gather(0, b)),
    );
    expect(() => step(integers([0, 4]), integers([5, 6]))).toThrow(/at \[1\], index 4/);
    expect(() => step(integers([0, 1]), integers([6, 5]))).toThrow(/at \[0\], index 6/);
    expect(() =>
      run(() =>
        ones([3])
          .gather(0, integers([0, 4]))
          .add(ones([4]).gather(0, integers([5, 6]))),
      ),
    ).toThrow(/at \[1\], index 4/);
  });

  it("reports the lowest position of a wrong index among many", () => {
    const many = Int32Array.from({ length: 300_000 }, (_, i) => i % 10);
    many[299_000] = 11;
    many[123_456] = -12;
    expect(() => ones([10]).gather(0, tensor(many)).sum().itemSync()).toThrow(
      /at \[123456\], index -12 is out of range/,
    );
  });

  it("an empty dim has no valid index, and an empty index needs none", () => {
    expect(() => zeros([0, 3]).indexSelect(0, integers([0]))).toThrow(
      /the size of that dim is 0, so there is no index/,
    );
    expect(zeros([0, 3]).indexSelect(0, integers([])).shape).toEqual([0, 3]);
    expect(zeros([3]).gather(0, integers([])).toArraySync()).toEqual([]);
  });
});

describe("a check costs little", () => {
  const checksOf = (fn: (x: Tensor, index: Tensor) => unknown, index: Tensor): number => {
    useBackend({ backend: "wasm", threads: 1 });
    const step = compile(fn);
    step(ones([4, 3]), index);
    const lines = step.explain().split("\n");
    return lines.filter((line) => line.startsWith("  check ")).length;
  };

  it("for an index that is looked up several times: one check", () => {
    const lookUps = (x: Tensor, i: Tensor): Tensor =>
      x
        .indexSelect(0, i)
        .add(F.embedding(i, x))
        .add(x.gather(0, i.unsqueeze(1).expand([2, 3])));
    expect(checksOf(lookUps, integers([0, 1]))).toBe(1);
    const losses = (x: Tensor, i: Tensor): Tensor =>
      F.crossEntropy(x.slice(0, 0, 2), i, { weight: ones([3]) }).add(F.nll(x.slice(0, 0, 2), i));
    expect(checksOf(losses, integers([0, 1]))).toBe(1);
    expect(checksOf((x, i) => x.indexSelect(0, i).sum().add(x.indexSelect(1, i).sum()), integers([0, 1]))).toBe(2);
  });

  it("for gradients as well", () => {
    const table = new Parameter(ones([4, 3]));
    const learn = (_: Tensor, i: Tensor): Tensor => {
      const loss = F.crossEntropy(F.embedding(i, table), i);
      loss.backward();
      table.assign(table.sub(table.grad ?? 0));
      return loss;
    };
    expect(checksOf(learn, integers([0, 1, 1]))).toBe(2);
  });

  it("for an index known to be in range: none", () => {
    expect(checksOf((x) => x.topk(2, 1).values.add(x.sort(1).values.slice(1, 0, 2)), integers([]))).toBe(0);
    expect(checksOf((x, i) => ones([256]).gather(0, i).add(x.sum()), tensor(Uint8Array.of(255)))).toBe(0);
    expect(checksOf((x, i) => ones([255]).gather(0, i).add(x.sum()), tensor(Uint8Array.of(254)))).toBe(1);
    const places = iota([6], 0);
    const program = (extent: number) =>
      compileGraph("known", [{ node: gather(inputNode({ shape: [extent], dtype: "float32" }), 0, places) }]).program;
    expect([program(6).checks.length, program(5).checks.length]).toEqual([0, 1]);
  });
});
