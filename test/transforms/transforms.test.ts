// Transforms of functions against torch.func in float64, and their errors.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import {
  cat,
  checkpoint,
  compile,
  functionalCall,
  grad,
  HebbError,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  nn,
  ones,
  Parameter,
  rand,
  ShapeError,
  State,
  scan,
  seed,
  stackModuleState,
  type Tensor,
  tensor,
  useBackend,
  vjp,
  vmap,
  zeros,
} from "../../src/index.ts";

beforeAll(() => useBackend({ backend: "wasm", threads: 1 }));

type Nested = number | readonly Nested[];
const figures: Readonly<Record<string, Nested>> = JSON.parse(
  readFileSync(new URL("figures.json", import.meta.url), "utf8"),
);

/** The numbers of transforms.py. */
function wave(shape: readonly number[], step = 0.7, shift = 0.1): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = Float64Array.from({ length: size }, (_, place) => Math.sin(place * step + shift));
  return tensor(data, { shape: [...shape] });
}
const [x, y, w] = [wave([3]), wave([4, 3], 0.9), wave([3, 3], 1.3)];
const rows = y.slice(0, 0, 3);
const vector = (v: Tensor): Tensor => w.matmul(v).tanh().mul(v.sum());
const scalar = (v: Tensor): Tensor => w.matmul(v).softmax(0).square().sum().add(v.logsumexp(0));
const two = (a: Tensor, b: Tensor): Tensor => a.unsqueeze(1).mul(b).sin().sum(0);
const mixed = (v: Tensor): Tensor =>
  nn.functional.layerNorm(v.sort().values.cumsum(0), [3]).mul(v.cummax(0).values).add(v.prod().mul(v.amax()));

class Layers extends nn.Sequential {
  constructor() {
    super(new nn.Linear(3, 4), new nn.Tanh(), new nn.LayerNorm(4), new nn.Linear(4, 2));
  }
}

/** Sums of a few dozen products of numbers below 10. */
function close(actual: Tensor | readonly Tensor[], name: string, tolerance = 1e-12): void {
  const flat = (value: unknown): number[] => [value].flat(9) as number[];
  const wanted = flat(figures[name]);
  const found = (Array.isArray(actual) ? actual : [actual]).flatMap((value: Tensor) => flat(value.toArraySync()));
  expect(found.length, name).toBe(wanted.length);
  found.forEach((value, place) => {
    expect(Math.abs(value - (wanted[place] ?? Number.NaN)), `${name}[${place}]`).toBeLessThan(tolerance);
  });
}

it("vmap passes on unchanged whatever is not a tensor, nor a list or plain object of tensors", () => {
  interface Ring {
    factor: number;
    self?: Ring;
  }
  const ring: Ring = { factor: 3 };
  ring.self = ring;
  const tripled = vmap((row: Tensor, by: Ring) => row.mul(by.self?.factor ?? 0), { inDims: [0, null] });
  expect([...tripled(wave([2, 2]), ring).dataSync()]).toEqual([...wave([2, 2]).mul(3).dataSync()]);
});

describe("as torch.func", () => {
  it("vjp, jvp and linearize", () => {
    const along = wave([3], 0.2);
    const [value, pullback] = vjp(vector, x);
    expect(value.toArraySync()).toEqual(vector(x).toArraySync());
    close(pullback(along), "vjp");
    close(vjp(two, x, rows)[1](along), "vjp of two");
    close(jvp(vector, [x], [along])[1], "jvp");
    close(linearize(vector, x)[1](along), "jvp");
  });

  it("jacrev, jacfwd and hessian", () => {
    close(jacrev(vector)(x), "jacrev");
    close(jacfwd(vector)(x), "jacfwd");
    close(jacrev(two, { argnums: 1 })(x, rows), "jacrev of the second");
    close(jacfwd(two, { argnums: -1 })(x, rows), "jacrev of the second");
    close(jacrev(two, { argnums: [0, 1] })(x, rows), "jacrev of both");
    close(jacfwd((m) => m.matmul(m))(rows), "jacobian of a matrix");
    close(hessian(scalar)(x), "hessian");
    close(hessian(vector)(x), "hessian of a vector");
    close(jacrev(jacrev(vector))(x), "jacrev of jacrev");
  });

  it("vmap", () => {
    close(vmap(vector)(y), "vmap");
    close(vmap(two, { inDims: [0, null], outDims: 1 })(y, rows), "vmap in and out dims");
    const both = vmap((a: Tensor, b: Tensor) => a.mul(b).add(a.sin()), { inDims: [null, 0] });
    close(vmap(both, { inDims: [0, null] })(x, x), "vmap of vmap");
    close(vmap(mixed)(y), "vmap of mixed");
    close(vmap(jacrev(mixed))(y), "vmap of jacrev of mixed");
    close(vmap(hessian(scalar))(y), "vmap of hessian");
    close(jacrev(vmap(vector))(y), "jacrev of vmap");
    close(compile((v: Tensor) => vmap(hessian(scalar))(v))(y), "vmap of hessian");
  });

  it("the gradient of every example, with vmap, grad and functionalCall", () => {
    const model = new Layers();
    const values = Object.fromEntries(
      model.namedParameters().map(([name, { shape }], place) => [name, wave(shape, 0.37, place).to("float32")]),
    );
    const loss = (given: typeof values, row: Tensor, label: Tensor): Tensor =>
      nn.functional.crossEntropy(functionalCall(model, given, row).unsqueeze(0), label.unsqueeze(0));
    const each = vmap(grad(loss, { argnums: 0 }), { inDims: [null, 0, 0] });
    const inputs = y.to("float32");
    const labels = tensor([0, 1, 1, 0], { dtype: "int32" });
    // Layers hold float32: 2⁻²⁴ for each of a few dozen terms.
    const found = each(values, inputs, labels);
    const inOrder = Object.keys(values).map((name) => found[name] as Tensor);
    close(inOrder, "per-sample gradients", 1e-5);
    expect(() => Object.values(each(values, inputs, labels.add(1)))[0]?.dataSync()).toThrow("label 2 is out of range");
  });
});

describe("vmap", () => {
  it("maps loops over time, convolutions, embeddings and recurrent layers as one example after another", () => {
    seed(3);
    const layers = [
      [new nn.Conv2d(2, 3, 3, { padding: 1 }), wave([4, 2, 5, 5])],
      [new nn.GRU(3, 2), wave([4, 5, 1, 3])],
      [
        new nn.Embedding(7, 3),
        tensor(
          [
            [1, 2, 6],
            [0, 0, 3],
            [5, 4, 1],
            [2, 2, 2],
          ],
          { dtype: "int32" },
        ),
      ],
    ] as const;
    for (const [layer, inputs] of layers) {
      const run = (example: Tensor): Tensor => {
        const given = layer instanceof nn.Embedding ? example : example.to("float32");
        const output = layer.forward(given) as Tensor | readonly [Tensor, ...unknown[]];
        return Array.isArray(output) ? (output[0] as Tensor) : (output as Tensor);
      };
      const single = Array.from({ length: 4 }, (_, place) => run(inputs.select(0, place)).unsqueeze(0));
      const wanted = cat(single).dataSync();
      vmap(run)(inputs)
        .dataSync()
        .forEach((value, place) => {
          expect(value).toBeCloseTo(wanted[place] as number, 5);
        });
    }
    const sums = (v: Tensor): Tensor =>
      scan((s: Tensor, r: Tensor) => [s.mul(0.5).add(r), s.add(r)], x.sum(), v)[1] as Tensor;
    const alone = [0, 1, 2, 3].map((place) => sums(y.select(0, place)).toArraySync());
    expect(vmap(sums)(y).toArraySync()).toEqual(alone);
  });

  it("draws random numbers for each example, once for all, or not at all", () => {
    const noisy = (v: Tensor): Tensor => v.add(rand(3));
    expect(() => vmap(noisy)(y)).toThrow('pass { randomness: "different" }');
    const [first, second] = vmap(noisy, { randomness: "same" })(y.mul(0)).toArraySync() as number[][];
    expect(first).toEqual(second);
    const [third, fourth] = vmap(noisy, { randomness: "different" })(y.mul(0)).toArraySync() as number[][];
    expect(third).not.toEqual(fourth);
  });

  it("passes on structures, and values that are not tensors", () => {
    const mapped = vmap(({ a, b }: { a: Tensor; b: Tensor }, power: number) => ({ sum: a.add(b).pow(power), b }));
    const { sum, b } = mapped({ a: y, b: y }, 2);
    expect(sum.toArraySync()).toEqual(y.mul(2).square().toArraySync());
    expect(b.toArraySync()).toEqual(y.toArraySync());
  });

  it("propagates gradients to the arguments and to parameters", () => {
    const weight = new Parameter(wave([3]));
    const input = wave([4, 3]);
    input.requiresGrad = true;
    vmap((v: Tensor) => v.mul(weight).sum())(input)
      .sum()
      .backward();
    expect(weight.grad?.toArraySync()).toEqual(input.sum(0).toArraySync());
    expect(input.grad?.toArraySync()).toEqual([0, 1, 2, 3].map(() => weight.toArraySync()));
  });

  it("refuses unsupported calls with a message", () => {
    expect(() => vmap(vector)(tensor(1))).toThrow(ShapeError);
    expect(() => vmap(two)(y, rows)).toThrow("all need the same number");
    expect(() => vmap(two, { inDims: [0] })(y, rows)).toThrow("inDims has 1 dims for 2 arguments");
    expect(() => vmap(vector, { inDims: null })(y)).toThrow("no argument has a batch dim");
    expect(() => vmap(vector, { outDims: null })(y)).toThrow("outDims is null");
    expect(() => vmap((v: Tensor) => v.mul(v.sum().itemSync()))(y)).toThrow(
      "functions under vmap are recorded before they run",
    );
    const state = new State(0);
    expect(() => vmap((v: Tensor) => v.mul(state.assign(v.sum())))(y)).toThrow(
      "vmap: a state or parameter is assigned",
    );
    const backward = (v: Tensor): Tensor => {
      v.sum().backward();
      return v;
    };
    expect(() => vmap(backward)(y)).toThrow(HebbError);
  });
});

describe("random numbers in a loop under vmap", () => {
  const x = ones([3, 5, 4]);
  const noise = (row: Tensor): Tensor => scan((sum, part) => [sum.add(part), rand([4])], zeros([4]), row)[1];

  it("differ from example to example and from step to step, compiled or not", () => {
    const drawn = (wrap: typeof compile): number[] => {
      seed(3);
      return [...wrap((all: Tensor) => vmap(noise, { randomness: "different" })(all))(x).dataSync()];
    };
    const plain = drawn(((fn: unknown) => fn) as typeof compile);
    expect(new Set(plain).size).toBe(3 * 5 * 4);
    expect(drawn(compile)).toEqual(plain);
  });

  it("reach a gradient through dropout", () => {
    const ones3 = ones([3, 5, 4]);
    const kept = (row: Tensor): Tensor =>
      scan((sum, part) => [nn.functional.dropout(sum.add(part), 0.5), undefined], zeros([4]), row)[0].sum();
    const found = vmap(grad(kept), { randomness: "different" })(ones3).dataSync();
    // The gradient of a step's row is a product of the factors 0 or 2 of that step and all later ones.
    for (const [place, value] of found.entries()) expect([0, 2 ** (5 - (Math.floor(place / 4) % 5))]).toContain(value);
    expect(new Set(found).size).toBeGreaterThan(2);
  });
});

describe("functionalCall", () => {
  it("leaves the module unchanged, and refuses names and shapes that do not fit", () => {
    const model = new nn.Linear(3, 2);
    const before = model.weight.toArraySync();
    const values = { weight: model.weight.mul(0), bias: tensor([1, 2]) };
    expect(functionalCall(model, values, [wave([3]).to("float32")]).toArraySync()).toEqual([1, 2]);
    expect(model.weight.toArraySync()).toEqual(before);
    expect(() => functionalCall(model, { wieght: tensor([1]) }, [x])).toThrow('did you mean "weight"?');
    expect(() => functionalCall(model, { weight: tensor([1]) }, [x])).toThrow("must be float32[2, 3]");
    expect(() => functionalCall(model, {}, [x], { strict: true })).toThrow('"weight", "bias" are missing');
    const norm = new nn.BatchNorm1d(3);
    const state = { running_mean: tensor([0, 0, 0]) };
    expect(() => functionalCall(norm, state, [y.to("float32")])).toThrow("which was given as a value");
  });

  it("runs several modules at once, from their stacked states", () => {
    const models = [new nn.Linear(3, 2), new nn.Linear(3, 2)];
    const [parameters] = stackModuleState(models);
    const input = wave([3]).to("float32");
    const all = vmap((values: typeof parameters) => functionalCall(models[0] as nn.Linear, values, [input]))(
      parameters,
    );
    const wanted = models.map((model) => model.forward(input).toArraySync() as number[]);
    (all.toArraySync() as number[][]).forEach((row, k) => {
      row.forEach((value, i) => {
        expect(value).toBeCloseTo(wanted[k]?.[i] as number, 6);
      });
    });
  });
});

describe("checkpoint", () => {
  const width = 64;
  const build = (kept: boolean) => {
    seed(1);
    const blocks = Array.from({ length: 8 }, () => {
      const layers = [new nn.Linear(width, width), new nn.Linear(width, width), new nn.Linear(width, width)];
      return (v: Tensor): Tensor => layers.reduce((h, layer) => layer.forward(h).tanh().softmax(-1), v);
    });
    const weight = new Parameter(wave([width]).to("float32"));
    const step = compile((v: Tensor) => {
      weight.grad = undefined;
      const start = v.mul(weight);
      const output = blocks.reduce((h, block) => (kept ? block(h) : checkpoint(block, h)), start);
      output.square().sum().backward();
      return weight.grad as Tensor | undefined;
    });
    const gradient = step(wave([256, width]).to("float32"))?.toArraySync();
    const [, size = "", unit = ""] = /([\d.]+) ([kM]?)B arena/.exec(step.explain()) ?? [];
    return { gradient, bytes: Number(size) * (unit === "M" ? 1e6 : 1e3) };
  };

  it("gives the same gradients from less planned memory", () => {
    const [kept, again] = [build(true), build(false)];
    expect(again.gradient).toEqual(kept.gradient);
    expect(again.bytes).toBeLessThan(0.6 * kept.bytes);
  });

  it("draws the same random numbers twice, and has second gradients", () => {
    const noisy = (v: Tensor): Tensor => v.mul(rand(3)).sin();
    const both = (f: (v: Tensor) => Tensor) => {
      seed(5);
      const first = grad((v: Tensor) => f(v).square().sum());
      return grad((v: Tensor) => first(v).square().sum())(x.to("float32")).dataSync();
    };
    const wanted = both(noisy);
    both((v) => checkpoint(noisy, v)).forEach((value, place) => {
      expect(value).toBeCloseTo(wanted[place] as number, 6);
    });
  });
});

describe("a differentiated compiled function", () => {
  const x = tensor([1, 2, 3]);
  const square = compile((given: Tensor) => given.mul(given));
  const total = compile((given: Tensor) => square(given).sum());

  it("has the derivative of its computation", () => {
    square(x);
    total(x);
    expect(grad(total)(x).toArraySync()).toEqual([2, 4, 6]);
    expect(grad((given: Tensor) => square(given).mul(given).sum())(x).toArraySync()).toEqual([3, 12, 27]);
    expect(jvp(square, [x], [ones([3])])[1].toArraySync()).toEqual([2, 4, 6]);
    expect(vjp(square, x)[1](ones([3])).toArraySync()).toEqual([2, 4, 6]);
    expect(linearize(square, x)[1](ones([3])).toArraySync()).toEqual([2, 4, 6]);
    const diagonal = [2, 4, 6].map((value, row) => [0, 1, 2].map((column) => (column === row ? value : 0)));
    expect(jacrev(square)(x).toArraySync()).toEqual(diagonal);
    expect(jacfwd(square)(x).toArraySync()).toEqual(diagonal);
    expect(hessian(total)(x).toArraySync()).toEqual(diagonal.map((row) => row.map((value) => (value === 0 ? 0 : 2))));
  });

  it("keeps its gradient inside checkpoint", () => {
    const weight = new Parameter(tensor([1, 2, 3]));
    checkpoint(square, weight).sum().backward();
    expect(weight.grad?.toArraySync()).toEqual([2, 4, 6]);
  });

  it("runs compiled again afterwards, even after an error", () => {
    expect(() =>
      grad(() => {
        throw new Error("stop");
      })(x),
    ).toThrow("stop");
    const before = square.signatures();
    expect(square(x).requiresGrad).toBe(false);
    square(ones([4]));
    expect(square.signatures()).toBe(before + 1);
  });
});
