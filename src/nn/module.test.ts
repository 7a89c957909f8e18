// Modules: names, paths in errors and programs, modes, state dicts, freezing, the summary.
import { describe, expect, it } from "vitest";
import { compile, inspect, noGrad, Parameter, rand, State, seed, type Tensor, tensor, zeros } from "../tensor/index.ts";
import {
  BatchNorm1d,
  CrossEntropyLoss,
  Dropout,
  functional,
  Linear,
  LSTM,
  Module,
  ModuleDict,
  ModuleList,
  MSELoss,
  MultiLabelMarginLoss,
  ReLU,
  Sequential,
} from "./index.ts";

class Block extends Module {
  readonly fc1 = new Linear(4, 3);
  readonly blocks = [new Linear(3, 3), new Linear(3, 3)];
  readonly runningTotal = new State(0, { shape: [3] });
  readonly list = new ModuleList([new Linear(3, 2)]);
  readonly scale = new Parameter(1);

  override forward(x: Tensor): Tensor {
    const hidden = this.blocks.reduce((value, block) => block.forward(value), this.fc1.forward(x));
    return this.list.at(0).forward(hidden).mul(this.scale);
  }
}

describe("names", () => {
  it("are the fields, in order, in PyTorch's spelling", () => {
    const block = new Block();
    expect(block.namedParameters().map(([name]) => name)).toEqual([
      "scale",
      "fc1.weight",
      "fc1.bias",
      "blocks.0.weight",
      "blocks.0.bias",
      "blocks.1.weight",
      "blocks.1.bias",
      "list.0.weight",
      "list.0.bias",
    ]);
    expect(block.namedBuffers().map(([name]) => name)).toEqual(["running_total"]);
    expect(block.namedModules().map(([path]) => path)).toEqual(["", "fc1", "blocks.0", "blocks.1", "list", "list.0"]);
  });

  it("cover lists, records, Maps and Sets at any depth, named like PyTorch's lists and dicts", () => {
    const shared = new Linear(1, 1);
    class Everywhere extends Module {
      readonly ws = [new Parameter(1), new Parameter(2)];
      readonly heads = { left: new Linear(1, 1, { bias: false }), depth: 3, more: { right: [new Parameter(3)] } };
      readonly byName = new Map<string | number, unknown>([
        ["first", new Linear(1, 1, { bias: false })],
        [2, [new Parameter(4)]],
      ]);
      readonly several = new Set([new Parameter(5), shared]);
      readonly again = [{ shared }];
      readonly counts = { seen: new State(0) };
      readonly loop: { self?: unknown; last: Parameter } = { last: new Parameter(6) };
      readonly bare = Object.assign(Object.create(null), { w: new Parameter(7) });
      readonly values = Float32Array.of(1);
      readonly when = new Date(0);
      constructor() {
        super();
        this.loop.self = this.loop;
      }
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    const model = new Everywhere();
    expect(model.namedParameters().map(([name]) => name)).toEqual([
      "ws.0",
      "ws.1",
      "heads.more.right.0",
      "by_name.2.0",
      "several.0",
      "loop.last",
      "bare.w",
      "heads.left.weight",
      "by_name.first.weight",
      "several.1.weight",
      "several.1.bias",
    ]);
    expect(model.namedBuffers().map(([name]) => name)).toEqual(["counts.seen"]);
    expect(model.namedModules().map(([path]) => path)).toEqual(["", "heads.left", "byName.first", "several.1"]);
    const state = model.stateDict();
    const other = new Everywhere();
    other.heads.more.right[0]?.assign(9);
    other.loadStateDict(state);
    expect(other.heads.more.right[0]?.itemSync()).toBe(3);
    expect(
      model
        .freeze()
        .parameters()
        .every(({ requiresGrad }) => !requiresGrad),
    ).toBe(true);
    expect(model.eval().heads.left.training).toBe(false);
  });

  it("are found in any number of nested lists", () => {
    let nested: unknown = new Parameter(1);
    for (let level = 0; level < 20_000; level++) nested = [nested];
    class Deep extends Module {
      readonly list = nested;
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(new Deep().parameters()).toHaveLength(1);
  });

  it("include the fields of a class that extends a container or a recurrent layer", () => {
    class Scaled extends Sequential {
      readonly scale = new Parameter(2);
      constructor() {
        super(new Linear(1, 1));
      }
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(this.scale);
      }
    }
    expect(new Scaled().namedParameters().map(([name]) => name)).toEqual(["scale", "0.weight", "0.bias"]);
    class Named extends ModuleDict<Linear> {
      readonly scale = new Parameter(2);
    }
    expect(new Named({ a: new Linear(1, 1) }).parameters()).toHaveLength(3);
    class Listed extends ModuleList<Linear> {
      readonly scale = new Parameter(2);
    }
    expect(new Listed([new Linear(1, 1)]).parameters()).toHaveLength(3);
    class Longer extends LSTM {
      readonly start = new Parameter(0);
    }
    expect(new Longer(1, 1).namedParameters().map(([name]) => name)).toContain("start");
  });

  it("are refused if they are not unique or cannot be part of a path", () => {
    const holding = (fields: object): Module => {
      class Holder extends Module {
        override forward(x: Tensor): Tensor {
          return x;
        }
      }
      return Object.assign(new Holder(), fields);
    };
    const names = (fields: object) => () => holding(fields).parameters();
    expect(names({ heads: { "a.b": new Parameter(1) } })).toThrow(
      /"heads" holds a Parameter under "a\.b"; name it by a text without a dot/,
    );
    expect(names({ heads: { "": [new Linear(1, 1)] } })).toThrow(/"heads" holds a Linear under ""/);
    expect(names({ heads: new Map([[{}, new Parameter(1)]]) })).toThrow(/under an object; name it by a text/);
    expect(names({ fooBar: new Parameter(1), foo_bar: new Parameter(2) })).toThrow(/two .* are called "foo_bar"/);
    expect(
      names({
        byKey: new Map<unknown, Parameter>([
          [1, new Parameter(1)],
          ["1", new Parameter(2)],
        ]),
      }),
    ).toThrow(/two .* are called "by_key.1"/);
    expect(names({ options: { "a.b": 1, list: [1, 2] } })).not.toThrow();
  });

  it("count a shared parameter once", () => {
    const model = new Sequential(new Linear(2, 2), new Linear(2, 2));
    const shared = model.at(0);
    expect(new Sequential(shared, shared).parameters()).toHaveLength(2);
  });

  it("appear in parameters and programs when a model runs", () => {
    const model = new Sequential(new Linear(2, 3), new ReLU());
    const seen = inspect(() => model.forward(zeros([1, 2])).sum());
    expect(
      model
        .at(0)
        .namedParameters()
        .map(([, parameter]) => parameter.name),
    ).toEqual(["0.weight", "0.bias"]);
    expect(seen.map(({ path }) => path)).toContain("0.weight");
    expect(seen.find(({ op }) => op === "relu")?.path).toBe("1");
  });

  it("of the innermost module prefix errors", () => {
    const block = new Block();
    expect(() => block.forward(zeros([2, 5]))).toThrow(
      /^Linear "fc1": the input \[2, 5\] ends in 5, but the weight \[3, 4\] takes 4 features/,
    );
    expect(() => new Linear(4, 3).forward(zeros([2, 5]))).toThrow(/^Linear: the input/);
    expect(() =>
      new Sequential(new Linear(4, 3), new Sequential(new ReLU(), new Linear(5, 1))).forward(zeros([2, 4])),
    ).toThrow(/^Linear "1\.1": /);
  });

  it("appear once in errors, however the function of a layer names itself", () => {
    const doubled = /^(\w+): \1(?:Loss)?: /i;
    const told = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return error instanceof Error ? error.message : "";
      }
      return "";
    };
    expect(told(() => new LSTM(2, 3).forward(zeros([4])))).toBe("LSTM: takes [T, N, 2] or [T, 2], got [4]");
    expect(told(() => new Sequential(new BatchNorm1d(3)).forward(zeros([2, 4])))).toMatch(/^BatchNorm1d "0": takes/);
    expect(told(() => new MSELoss().forward(zeros([2, 3]), zeros([4])))).toBe(
      "MSELoss: input [2, 3] and target [4] must have the same shape",
    );
    expect(told(() => new MultiLabelMarginLoss().forward(zeros([]), zeros([])))).not.toMatch(doubled);
    expect(told(() => new CrossEntropyLoss().forward(zeros([]), zeros([])))).toMatch(/^CrossEntropyLoss: the input/);
  });

  it("of a module used but not owned are its class", () => {
    const stranger = new Linear(3, 1);
    class Borrower extends Module {
      override forward(x: Tensor): Tensor {
        return stranger.forward(x);
      }
    }
    expect(() => new Borrower().forward(zeros([2, 5]))).toThrow(/^Linear "Linear": /);
  });
});

describe("modes", () => {
  it("apply to all modules, and retrace a compiled function", () => {
    seed(1);
    const model = new Sequential(new Linear(4, 8), new Sequential(new Dropout(0.5)));
    const run = compile((x: Tensor) => model.forward(x));
    const x = rand([3, 4]);
    const first = run(x).dataSync();
    expect(run(x).dataSync()).not.toEqual(first);
    model.eval();
    expect(run(x).dataSync()).toEqual(run(x).dataSync());
    expect(run.signatures()).toBe(2);
    model.train();
    run(x);
    expect(run.signatures()).toBe(2);
  });

  it("freeze stops gradients, also in a function compiled earlier", () => {
    const model = new Sequential(new Linear(2, 2), new Linear(2, 1));
    const gradients = compile((x: Tensor) => {
      model.zeroGrad();
      model.forward(x).sum().backward();
      return model.parameters().map(({ grad }) => grad ?? zeros([]));
    });
    expect(gradients(rand([3, 2])).map(({ rank }) => rank)).toEqual([2, 1, 2, 1]);
    model.at(0).freeze();
    expect(gradients(rand([3, 2])).map(({ rank }) => rank)).toEqual([0, 0, 2, 1]);
    model.unfreeze();
    expect(gradients(rand([3, 2])).map(({ rank }) => rank)).toEqual([2, 1, 2, 1]);
  });
});

describe("state dicts", () => {
  const model = (): Sequential => new Sequential(new Linear(3, 2), new BatchNorm1d(2));

  it("are snapshots, and restore their values", () => {
    const net = model();
    const saved = net.stateDict();
    const before = saved["0.weight"]?.dataSync();
    noGrad(() => net.forward(rand([4, 3])));
    for (const parameter of net.parameters()) parameter.assign(7);
    expect(saved["0.weight"]?.dataSync()).toEqual(before);
    expect(net.stateDict()["1.num_batches_tracked"]?.itemSync()).toBe(1);
    net.loadStateDict(saved);
    expect(net.stateDict()["0.weight"]?.dataSync()).toEqual(before);
    expect(net.stateDict()["1.num_batches_tracked"]?.itemSync()).toBe(0);
  });

  it("load arrays from files", () => {
    const net = new Linear(2, 1);
    net.loadStateDict({
      weight: { dtype: "float32", shape: [1, 2], data: Float32Array.of(3, 4) },
      bias: { dtype: "float32", shape: [1], data: Float32Array.of(5) },
    });
    expect(net.forward(tensor([[1, 1]])).itemSync()).toBe(12);
  });

  it("that do not match are refused as a whole, with all reasons", () => {
    const net = model();
    const { "0.bias": _, ...rest } = net.stateDict();
    const wrong = { ...rest, "0.weight": zeros([3, 2]), extra: zeros([1]) };
    const before = net.at(0).parameters()[0]?.dataSync();
    expect(() => net.loadStateDict(wrong)).toThrow(
      'missing "0.bias"; unexpected "extra"; shapes differ: "0.weight" is [3, 2] and must be [2, 3]',
    );
    expect(net.at(0).parameters()[0]?.dataSync()).toEqual(before);
    expect(net.loadStateDict({ ...rest, extra: zeros([1]) }, { strict: false })).toEqual({
      missing: ["0.bias"],
      unexpected: ["extra"],
    });
  });

  it("have only their own names", () => {
    expect(() => new Linear(1, 1).loadStateDict({ weight: zeros([1, 1]) })).toThrow('missing "bias"');
    expect(new Linear(1, 1).stateDict()["constructor"]).toBeUndefined();
  });
});

it("the summary shows shapes and counts, and changes nothing", () => {
  const net = new Sequential(new Linear(3, 2), new BatchNorm1d(2), new Dropout());
  net.at(0).freeze();
  const text = net.summary([4, 3]);
  expect(text).toMatch(/^0 +Linear +\[4, 2\] +weight \[2, 3\], bias \[2\] +56 +8$/m);
  expect(text).toContain(
    "for an input of [4, 3]: 94 FLOP; memory: 68 B parameters and buffers, 48 B input, 96 B activations",
  );
  expect(text).toMatch(/12 parameters, 8 of them frozen$/);
  expect(net.training).toBe(true);
  expect(net.stateDict()["1.num_batches_tracked"]?.itemSync()).toBe(0);
});

it("forward gets a second input", () => {
  class Pair extends Module {
    override forward(a: Tensor, b: Tensor): Tensor {
      return functional.mse(a, b);
    }
  }
  expect(new Pair().forward(tensor([1, 2]), tensor([1, 4])).itemSync()).toBe(2);
});

describe("hooks", () => {
  it("see and change inputs and outputs, compiled too, until they are removed", () => {
    const first = new Linear(2, 2);
    const model = new Sequential(first, new ReLU());
    const run = compile((x: Tensor) => model.forward(x));
    const x = tensor([[1, -2]]);
    const before = run(x).toArraySync();
    const seen: string[] = [];
    const handles = [
      first.registerForwardPreHook(([input]) => (input === undefined ? undefined : [input.mul(0)])),
      first.registerForwardHook((inputs, output) => {
        seen.push(`${inputs.length} → ${output.shape}`);
        return output.mul(0).add(3);
      }),
    ];
    expect(run(x).toArraySync()).toEqual([[3, 3]]);
    expect(seen).toEqual(["1 → 1,2"]);
    for (const handle of handles) handle.remove();
    expect(run(x).toArraySync()).toEqual(before);
  });

  it("see and change gradients in the backward pass", () => {
    const layer = new Linear(2, 1, { bias: false });
    layer.parameters()[0]?.assign(Float32Array.of(2, 3));
    const shapes: unknown[] = [];
    const handle = layer.registerFullBackwardHook(([input], output) => {
      shapes.push(input?.shape, output.shape);
      return input?.mul(10);
    });
    const x = tensor([[1, 1]], { requiresGrad: true });
    layer.forward(x).sum().backward();
    expect(shapes).toEqual([
      [1, 2],
      [1, 1],
    ]);
    expect(x.grad?.toArraySync()).toEqual([[20, 30]]);
    handle.remove();
    const again = tensor([[1, 1]], { requiresGrad: true });
    layer.forward(again).sum().backward();
    expect(again.grad?.toArraySync()).toEqual([[2, 3]]);
  });

  it("see the gradient of the output when no input needs one", () => {
    const layer = new Linear(2, 1);
    let found: number | undefined;
    layer.registerFullBackwardHook((inputs, output) => {
      expect(inputs).toEqual([undefined]);
      found = output.itemSync();
      return undefined;
    });
    layer
      .forward(tensor([[1, 1]]))
      .mul(4)
      .sum()
      .backward();
    expect(found).toBe(4);
  });
});

describe("containers refuse anything but a module", () => {
  // As plain JavaScript may call them.
  const call = (make: (...args: never[]) => unknown, ...args: unknown[]): unknown =>
    Reflect.apply(make, undefined, args);
  const sequential = (...layers: never[]): Sequential => new Sequential(...layers);

  it("and name the remedy", () => {
    expect(() => call(sequential, [new Linear(2, 2), new ReLU()])).toThrow(
      "Sequential: takes its layers one by one, got an array of 2; write new Sequential(a, b), or new Sequential(...layers)",
    );
    expect(() => call(sequential, new Linear(2, 2), ReLU)).toThrow(
      "Sequential: module 1 is the class ReLU, not a layer; write new ReLU(…)",
    );
    expect(() => call(sequential, functional.relu)).toThrow(/module 0 is a function; give a layer/);
    expect(() => call(sequential, undefined)).toThrow("Sequential: module 0 is of type undefined; give a layer");
    const model = new Sequential(new ReLU());
    expect(() => call((layer: never) => model.append(layer), [new ReLU()])).toThrow("Sequential: module 1 is an array");
    expect(() => call((layer: never) => new ModuleList(layer), new ReLU())).toThrow(
      "ModuleList: takes an array of modules; write new ModuleList([a, b])",
    );
    expect(() => call((entries: never) => new ModuleDict(entries), { act: 3 })).toThrow(
      'ModuleDict: module "act" is of type number',
    );
  });
});

it("a compiled function that evaluates and continues training is traced once", () => {
  const model = new Sequential(new Linear(2, 2), new Dropout(0.5));
  let traces = 0;
  const both = compile((x: Tensor) => {
    traces++;
    const judged = model.eval().forward(x);
    return [judged, model.train().forward(x)];
  });
  const x = tensor([[1, 2]]);
  const expected = model.eval().forward(x).toArraySync();
  for (let call = 0; call < 3; call++) {
    expect(both(x)[0]?.toArraySync()).toEqual(expected);
    expect(model.training).toBe(true);
  }
  expect(traces).toBeLessThan(3);
});
