// Depth is not limited: long chains, deep networks and nested modules compute, or end with an error that says why.
import { afterEach, describe, expect, it } from "vitest";
import {
  backendInfo,
  cat,
  compile,
  nn,
  ones,
  Parameter,
  rand,
  stack,
  type Tensor,
  tensor,
  useBackend,
} from "../src/index.ts";

const { backend } = backendInfo();
afterEach(() => {
  useBackend({ backend });
});

/** 2 x - x, repeated: every value is exactly x again, and no operation can be optimised away. */
function chain(x: Tensor, length: number): Tensor {
  let y = x;
  for (let i = 0; i < length / 2; i++) y = y.add(y).sub(x);
  return y;
}

const values = [0.5, -1.25, 3, 1024];

describe("operations one after another", () => {
  it("compile: 100,000 of them", () => {
    const step = compile((x: Tensor) => chain(x, 100_000));
    expect(step(tensor(values)).toArraySync()).toEqual(values);
  });

  it.each(["reference", "wasm"] as const)("are evaluated when read: 20,000 of them on %s", (name) => {
    useBackend({ backend: name });
    expect(chain(tensor(values), 20_000).toArraySync()).toEqual(values);
  });

  it("are listed, node by node and kernel by kernel", () => {
    const step = compile((x: Tensor) => chain(x, 5_000));
    step(tensor(values));
    expect(step.explain().split("\n").length).toBeGreaterThan(5_000);
  });

  it("have gradients: 3,000 layers of one weight", () => {
    const weight = new Parameter(tensor(1));
    let y: Tensor = tensor(1);
    for (let i = 0; i < 3_000; i++) y = y.mul(weight);
    y.backward();
    expect(weight.grad?.itemSync()).toBe(3_000);
  });

  it("may be sums, each of the one before", () => {
    const step = compile((x: Tensor) => {
      let y = x;
      for (let i = 0; i < 1_000; i++) y = x.add(y.sum(0, true).mul(0.25));
      return y;
    });
    // The sum S of all elements follows s ← S + s: 4 elements with a quarter each.
    expect(step(ones([4])).toArraySync()).toEqual([1001, 1001, 1001, 1001]);
  });
});

describe("movements one after another", () => {
  it("alternate: 200 permutes and reshapes that do not simplify", () => {
    const x = Float32Array.from({ length: 6 * 35 * 11 }, (_, i) => i);
    const shapes = [
      [10, 21, 11],
      [6, 35, 11],
    ] as const;
    let byHand: number[] = [...x];
    let shape: readonly number[] = [6, 35, 11];
    for (let i = 0; i < 200; i++) {
      const [a = 1, b = 1, c = 1] = shape;
      const turned: number[] = [];
      for (let k = 0; k < c; k++) for (let at = 0; at < a * b; at++) turned.push(byHand[at * c + k] ?? Number.NaN);
      byHand = turned;
      shape = shapes[i % 2] ?? [];
    }
    const step = compile((given: Tensor) => {
      let y = given;
      for (let i = 0; i < 200; i++) y = y.permute([2, 0, 1]).reshape([...(shapes[i % 2] ?? [])]);
      return y;
    });
    expect([...step(tensor(x, { shape: [6, 35, 11] })).dataSync()]).toEqual(byHand);
  });

  it("pad and slice a convolution 2,000 times", () => {
    const convolution = new nn.Conv1d(1, 1, 3);
    const step = compile((x: Tensor) => {
      let y: Tensor = convolution.forward(x);
      for (let i = 0; i < 1_000; i++) y = nn.functional.pad(y, [1, 0]).slice(2, 1);
      return y;
    });
    const x = rand([1, 1, 8]);
    expect(step(x).toArraySync()).toEqual(convolution.forward(x).toArraySync());
  });
});

describe("a large number of parts", () => {
  it("form one tensor: 5,000 numbers", () => {
    const step = compile((x: Tensor) => stack(Array.from({ length: 5_000 }, (_, i) => x.add(i))));
    const { length } = step(tensor(7)).dataSync();
    expect(length).toBe(5_000);
    expect([0, 255, 256, 4_999].map((i) => step(tensor(7)).dataSync()[i])).toEqual([7, 262, 263, 5_006]);
  });

  it("may lie along the last dim too", () => {
    const parts = Array.from({ length: 600 }, (_, i) => tensor([[i], [-1 - i]]));
    const joined = cat(parts, 1).dataSync();
    expect(Array.from({ length: 600 }, (_, i) => [joined[i], joined[600 + i]])).toEqual(
      parts.map((_, i) => [i, -1 - i]),
    );
  });
});

describe("20,000 modules inside one another", () => {
  const levels = 20_000;
  const innermost = new nn.Linear(2, 2);
  let model: nn.Sequential = new nn.Sequential(innermost);
  for (let level = 1; level < levels; level++) model = new nn.Sequential(model);

  it("are found under names that lead to them", () => {
    expect(model.modules()).toHaveLength(levels + 1);
    const [[path = "", parameter] = []] = model.namedParameters();
    expect(path).toBe(`${"0.".repeat(levels)}weight`);
    expect(parameter).toBe(innermost.weight);
    expect(Object.keys(model.stateDict())).toEqual([path, path.replace("weight", "bias")]);
    model.loadStateDict(model.stateDict());
  });

  it("switch between training and evaluation, all of them", () => {
    expect(innermost.eval().training).toBe(false);
    expect(model.train().training && innermost.training).toBe(true);
  });

  it("print on one page", () => {
    expect(String(model)).toContain("Sequential(…)");
    expect(String(model).length).toBeLessThan(10_000);
    expect(model.summary()).toContain("…0.0.0");
  });

  it("overflow the stack with a clear error, and the next model runs", () => {
    const x = rand([1, 2]);
    for (const run of [model.forward, compile((given: Tensor) => model.forward(given))])
      expect(() => run(x)).toThrow(/^forward: \d+ modules inside one another overflow JavaScript's stack; nest fewer/);
    const flat = new nn.Sequential(...Array.from({ length: 1_000 }, () => new nn.Identity()), innermost);
    expect(flat.forward(x).toArraySync()).toEqual(innermost.forward(x).toArraySync());
  });
});

describe("nested arrays", () => {
  const nested = (levels: number, inside: unknown): unknown => {
    let value = inside;
    for (let level = 0; level < levels; level++) value = [value];
    return value;
  };
  const itself: unknown[] = [];
  itself.push(itself);

  it("are arguments and results of compiled functions up to a depth", () => {
    const first = compile((value: unknown): unknown => value);
    expect(first(nested(100, ones([])))).toEqual(expect.anything());
    for (const deep of [nested(20_000, 1), itself])
      expect(() => first(deep)).toThrow("compile: arguments are nested more than 256 levels deep");
    expect(() => compile(() => itself)()).toThrow("compile: results are nested more than 256 levels deep");
  });

  it("become tensors of up to 64 dims", () => {
    const deepest = tensor(nested(64, 5) as number[]);
    expect(deepest.shape).toHaveLength(64);
    expect(deepest.add(1).sum().itemSync()).toBe(6);
    for (const deep of [nested(65, 5), itself])
      expect(() => tensor(deep as number[])).toThrow("tensor: 65 dims are more than a tensor can have");
    expect(() => deepest.unsqueeze(0)).toThrow(/65 dims are more than a tensor can have, which is 64/);
  });
});
