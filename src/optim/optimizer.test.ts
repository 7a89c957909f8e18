// Optimizers beyond golden values: groups, state dicts and resuming, rates without recompiling, frozen parameters, errors.
import { describe, expect, it } from "vitest";
import { Linear, Sequential, Tanh } from "../nn/index.ts";
import { mse } from "../nn/losses.ts";
import { compile, Parameter, rand, seed, type Tensor, tensor } from "../tensor/index.ts";
import * as optim from "./index.ts";

function training(make: (model: Sequential) => optim.Optimizer) {
  seed(4);
  const model = new Sequential(new Linear(3, 5), new Tanh(), new Linear(5, 1));
  const x = rand([8, 3]);
  const y = rand([8, 1]);
  const optimizer = make(model);
  const plain = (input: Tensor, target: Tensor): Tensor => {
    const loss = mse(model.forward(input), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  };
  const compiled = compile(plain);
  const weights = (): number[] => model.parameters().flatMap((parameter) => [...parameter.dataSync()]);
  return {
    model,
    optimizer,
    weights,
    compiled,
    step: () => compiled(x, y).itemSync(),
    plain: () => plain(x, y).itemSync(),
  };
}

const all: readonly (readonly [string, (model: Sequential) => optim.Optimizer])[] = [
  ["SGD", (model) => new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9, dampening: 0.1 })],
  ["Adagrad", (model) => new optim.Adagrad(model.parameters(), { lr: 0.1, lrDecay: 0.1 })],
  ["RMSprop", (model) => new optim.RMSprop(model.parameters(), { centered: true, momentum: 0.5 })],
  ["Adadelta", (model) => new optim.Adadelta(model.parameters())],
  ["Adam", (model) => new optim.Adam(model.parameters(), { lr: 0.02, amsgrad: true })],
  ["AdamW", (model) => new optim.AdamW(model.parameters(), { lr: 0.02 })],
  ["Adamax", (model) => new optim.Adamax(model.parameters())],
  ["NAdam", (model) => new optim.NAdam(model.parameters())],
  ["RAdam", (model) => new optim.RAdam(model.parameters())],
  ["Rprop", (model) => new optim.Rprop(model.parameters(), { lr: 0.01 })],
  ["ASGD", (model) => new optim.ASGD(model.parameters(), { lr: 0.05, t0: 3 })],
  ["Lion", (model) => new optim.Lion(model.parameters(), { weightDecay: 0.1 })],
];

describe.each(all)("%s", (_, make) => {
  it("continues from a state dict as if it had not stopped, bit for bit", () => {
    const whole = training(make);
    for (let count = 0; count < 12; count++) whole.step();
    const first = training(make);
    for (let count = 0; count < 7; count++) first.step();
    const [model, state] = [first.model.stateDict(), first.optimizer.stateDict()];
    for (let count = 0; count < 3; count++) first.step();
    const second = training(make);
    second.model.loadStateDict(model);
    // As stored in a file.
    const arrays = Object.fromEntries(
      Object.entries(state.state).map(([name, value]) => [
        name,
        { dtype: value.dtype, shape: value.shape, data: value.dataSync() },
      ]),
    );
    second.optimizer.loadStateDict({ state: arrays, groups: JSON.parse(JSON.stringify(state.groups)) });
    for (let count = 0; count < 5; count++) second.step();
    expect(second.weights()).toEqual(whole.weights());
  });

  it("lowers the loss, compiled and not, with the same result", () => {
    const [a, b] = [training(make), training(make)];
    const losses = Array.from({ length: 6 }, () => [a.step(), b.plain()]);
    for (const [compiled, plain] of losses) expect(plain).toBeCloseTo(compiled ?? 0, 5);
    expect(losses[5]?.[0]).toBeLessThan(losses[0]?.[0] ?? 0);
  });
});

describe("the learning rate", () => {
  it("changes without recompiling", () => {
    const run = training((model) => new optim.SGD(model.parameters(), { lr: 0.1 }));
    run.step();
    run.optimizer.lr = 0;
    const before = run.weights();
    run.step();
    expect(run.weights()).toEqual(before);
    run.optimizer.lr = 0.2;
    run.step();
    expect(run.weights()).not.toEqual(before);
    expect(run.compiled.signatures()).toBe(1);
  });
  it("changes, with the momentum of one cycle, without recompiling", () => {
    const run = training((model) => new optim.Adam(model.parameters()));
    const schedule = new optim.OneCycleLR(run.optimizer, { maxLr: 0.1, totalSteps: 10 });
    for (let count = 0; count < 6; count++) {
      run.step();
      schedule.step();
    }
    expect(run.compiled.signatures()).toBe(1);
  });
  it("can differ between groups", () => {
    const [a, b] = [new Parameter(1), new Parameter(1)];
    const optimizer = new optim.SGD([{ params: [a] }, { params: [b], lr: 0.5 }], { lr: 0.1 });
    a.mul(2).add(b.mul(2)).backward();
    optimizer.step();
    expect([a.itemSync(), b.itemSync()]).toEqual([Math.fround(0.8), 0]);
    expect(optimizer.groups.map(({ lr }) => lr)).toEqual([0.1, 0.5]);
  });
});

describe("other options", () => {
  it("that are numbers become cells: retraced once, then never", () => {
    const run = training((model) => new optim.SGD(model.parameters(), { lr: 0.1 }));
    run.step();
    const group = (run.optimizer as optim.SGD).groups[0];
    if (group === undefined) throw new Error("there is a group");
    const weights = [];
    for (const weightDecay of [0.5, 0.2, 0]) {
      group.options = { ...group.options, weightDecay };
      run.step();
      weights.push(run.weights());
    }
    expect(run.compiled.signatures()).toBe(2);
    expect(group.options.weightDecay).toBe(0);
    expect(new Set(weights.map(String)).size).toBe(3);
  });
  it("of another kind retrace", () => {
    const run = training((model) => new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 }));
    run.step();
    const group = (run.optimizer as optim.SGD).groups[0];
    if (group !== undefined) group.options = { ...group.options, nesterov: true };
    run.step();
    expect(run.compiled.signatures()).toBe(2);
  });
});

it("gradients of several batches add up to that of all together", () => {
  const make = (model: Sequential): optim.Optimizer => new optim.SGD(model.parameters(), { lr: 0.1 });
  const [whole, parts] = [training(make), training(make)];
  const [x, y] = [rand([8, 3]), rand([8, 1])];
  const gradient = (model: Sequential, from: number, to: number): void =>
    mse(model.forward(x.slice(0, from, to)), y.slice(0, from, to), { reduction: "sum" }).backward();
  const oneStep = compile(() => {
    whole.optimizer.zeroGrad();
    gradient(whole.model, 0, 8);
    whole.optimizer.step();
  });
  // Accumulated over calls of one compiled function, applied by another.
  const add = [compile(() => gradient(parts.model, 0, 4)), compile(() => gradient(parts.model, 4, 8))];
  const apply = compile(() => parts.optimizer.step());
  for (let count = 0; count < 3; count++) {
    oneStep();
    parts.optimizer.zeroGrad();
    for (const run of add) run();
    apply();
  }
  const expected = whole.weights();
  for (const [place, weight] of parts.weights().entries()) expect(weight).toBeCloseTo(expected[place] ?? 0, 5);
});

it("frozen parameters among trained ones stay unchanged, and continue when unfrozen", () => {
  const run = training((model) => new optim.Adam(model.parameters(), { lr: 0.02 }));
  const [first, ...others] = run.model.parameters();
  if (first === undefined) throw new Error("there is a parameter");
  const before = [...first.dataSync()];
  first.requiresGrad = false;
  run.step();
  run.step();
  expect([...first.dataSync()]).toEqual(before);
  expect(others.every((parameter) => parameter.dataSync().some((value) => value !== 0))).toBe(true);
  first.requiresGrad = true;
  run.step();
  expect([...first.dataSync()]).not.toEqual(before);
});

it("a parameter without a gradient stays unchanged, and later starts its own count", () => {
  const [a, b] = [new Parameter(1), new Parameter(1)];
  const optimizer = new optim.Adam([a, b], { lr: 0.1 });
  for (let count = 0; count < 5; count++) {
    optimizer.zeroGrad();
    (count < 4 ? a.mul(3) : a.mul(3).add(b.mul(3))).backward();
    optimizer.step();
  }
  // The first step of Adam equals the learning rate for any gradient.
  expect(b.itemSync()).toBeCloseTo(0.9, 5);
  expect(optimizer.stateDict().state["0.step"]?.itemSync()).toBe(5);
  expect(optimizer.stateDict().state["1.step"]?.itemSync()).toBe(1);
});

describe("errors", () => {
  const weight = (): Parameter => new Parameter(0, { shape: [2] });
  it.each<[string, () => unknown, string]>([
    ["no parameters", () => new optim.SGD([]), "empty"],
    [
      "one twice",
      () => {
        const twice = weight();
        return new optim.Adam([twice, twice]);
      },
      "given twice",
    ],
    ["a rate below zero", () => new optim.SGD([weight()], { lr: -1 }), "got -1"],
    [
      "a beta of 1",
      () => new optim.Adam([weight()], { betas: [1, 0.9] }),
      "betas[0] must be 0 or more and below 1, got 1",
    ],
    ["nesterov alone", () => new optim.SGD([weight()], { nesterov: true }), "nesterov needs a momentum"],
    [
      "another model's state",
      () => new optim.SGD([weight()]).loadStateDict(new optim.SGD([weight(), weight()]).stateDict()),
      "groups of [2] parameters, this optimizer [1]",
    ],
    [
      "another optimizer's state",
      () => new optim.AdamW([weight()]).loadStateDict(new optim.Adam([weight()]).stateDict()),
      "the state is of Adam, this optimizer is AdamW; continue with Adam, or start AdamW without the saved state",
    ],
    [
      "a search's state",
      () =>
        Reflect.apply(optim.SGD.prototype.loadStateDict, new optim.SGD([weight()]), [
          new optim.LBFGS([weight()]).stateDict(),
        ]),
      "the state is of LBFGS, this optimizer is SGD",
    ],
    [
      "a state in a search",
      () =>
        Reflect.apply(optim.LBFGS.prototype.loadStateDict, new optim.LBFGS([weight()]), [
          new optim.SGD([weight()]).stateDict(),
        ]),
      "the state is of SGD, this optimizer is LBFGS",
    ],
    ["no gradients to clip", () => optim.clipGradNorm([weight()], 1), "between backward() and step()"],
    [
      "no momentum to cycle",
      () => new optim.OneCycleLR(new optim.SGD([weight()]), { maxLr: 1, totalSteps: 5 }),
      "no momentum to cycle",
    ],
  ])("%s", (_, run, message) => expect(run).toThrow(message));
});

describe("schedules", () => {
  const optimizer = (): optim.SGD => new optim.SGD([new Parameter(0)], { lr: 1 });
  const rates = (schedule: optim.Schedule, count: number): number[] =>
    Array.from({ length: count }, () => {
      const [rate = 0] = schedule.lastLr;
      schedule.step();
      return rate;
    });
  it("warm up, then hand over", () => {
    const target = optimizer();
    expect(rates(new optim.WarmUp(target, 4), 6)).toEqual([0.25, 0.4375, 0.625, 0.8125, 1, 1]);
    const other = optimizer();
    expect(
      rates(new optim.WarmUp(other, 2, { startFactor: 0.5, after: new optim.StepLR(other, 2, { gamma: 0.5 }) }), 6),
    ).toEqual([0.5, 0.75, 1, 1, 0.5, 0.5]);
  });
  it("run one after another", () => {
    const target = optimizer();
    const schedule = new optim.SequentialLR(
      target,
      [new optim.LinearLR(target, { startFactor: 0.5, totalIters: 2 }), new optim.ExponentialLR(target, 0.5)],
      [2],
    );
    expect(rates(schedule, 5)).toEqual([0.5, 0.75, 1, 0.5, 0.25]);
  });
  it("continue from their state", () => {
    const schedule = new optim.StepLR(optimizer(), 2);
    rates(schedule, 3);
    const resumed = new optim.StepLR(optimizer(), 2);
    resumed.loadStateDict(JSON.parse(JSON.stringify(schedule.stateDict())));
    expect(rates(resumed, 3)).toEqual(rates(schedule, 3));
    const plateau = new optim.ReduceLROnPlateau(optimizer(), { patience: 1 });
    for (const metric of [1, 1, 1]) plateau.step(metric);
    const again = new optim.ReduceLROnPlateau(optimizer(), { patience: 1 });
    again.loadStateDict(JSON.parse(JSON.stringify(plateau.stateDict())));
    expect(again.stateDict()).toEqual(plateau.stateDict());
    expect(again.lastLr).toEqual([0.1]);
  });
});

describe("averages of weights", () => {
  it("continue from their state, and swap in and out", () => {
    const weight = new Parameter(tensor([1, 2]));
    const ema = new optim.EMA([weight], { decay: 0.5 });
    ema.update();
    weight.assign(Float32Array.of(3, 6));
    ema.update();
    ema.swap();
    expect([...weight.dataSync()]).toEqual([2, 4]);
    expect(() => ema.update()).toThrow("call swap() to restore the weights");
    ema.swap();
    expect([...weight.dataSync()]).toEqual([3, 6]);
    const again = new optim.EMA([weight], { decay: 0.5 });
    again.loadStateDict(ema.stateDict());
    for (const each of [ema, again]) each.update();
    expect(again.use(() => [...weight.dataSync()])).toEqual(ema.use(() => [...weight.dataSync()]));
    ema.copyTo();
    expect([...weight.dataSync()]).toEqual([2.5, 5]);
    expect(() => new optim.EMA([new Parameter(1)]).loadStateDict(ema.stateDict())).toThrow("is [2] and must be []");
  });
  it("change their decay without recompiling, and warm up", () => {
    const weight = new Parameter(0);
    const ema = new optim.EMA([weight], { warmup: true });
    const run = compile(() => {
      weight.assign(weight.add(1));
      ema.update();
    });
    run();
    run();
    // The second update keeps (1 + 1) / (10 + 1) of the average 1.
    expect(ema.use(() => weight.itemSync())).toBeCloseTo(2 - 2 / 11, 6);
    ema.decay = 0;
    run();
    expect(ema.use(() => weight.itemSync())).toBe(3);
    expect(run.signatures()).toBe(1);
  });
});

describe("the learning-rate finder", () => {
  it("finds where a parabola falls fastest, and restores the rate", () => {
    const weight = new Parameter(1);
    const optimizer = new optim.SGD([weight], { lr: 0.3 });
    const step = compile(() => {
      optimizer.zeroGrad();
      const loss = weight.square().mul(5);
      loss.backward();
      optimizer.step();
      return loss;
    });
    const finder = optim.findLearningRate(optimizer, () => step().itemSync(), {
      startLr: 1e-5,
      endLr: 10,
      smoothing: 0.5,
    });
    const found = finder.suggestion();
    // The slope is 10·w: rates above 0.2 diverge.
    expect(found?.steepest).toBeGreaterThan(1e-3);
    expect(found?.steepest).toBeLessThan(0.2);
    expect(optimizer.lr).toBe(0.3);
    expect(step.signatures()).toBe(1);
    expect(() => finder.record(1)).toThrow("the search is over");
  });
  it("also tries equal differences, and suggests nothing for a loss that never falls", () => {
    const finder = new optim.LRFinder({ startLr: 1, endLr: 3, steps: 3, mode: "linear" });
    const rates = [];
    while (!finder.done) {
      rates.push(finder.lr);
      finder.record(1);
    }
    expect(rates).toEqual([1, 2, 3]);
    expect(finder.suggestion()).toBeUndefined();
  });
});

it("L-BFGS continues from its state bit for bit, and refuses to be compiled", () => {
  const problem = () => {
    const weight = new Parameter(tensor([2, -1], { dtype: "float64" }));
    const optimizer = new optim.LBFGS([weight], { maxIter: 3 });
    const closure = (): Tensor => {
      optimizer.zeroGrad();
      const [a, b] = [weight.slice(0, 0, 1), weight.slice(0, 1)];
      const loss = b.sub(a.square()).square().mul(10).add(a.neg().add(1).square()).sum();
      loss.backward();
      return loss;
    };
    return { weight, optimizer, step: () => optimizer.step(closure) };
  };
  const whole = problem();
  for (let count = 0; count < 4; count++) whole.step();
  const first = problem();
  for (let count = 0; count < 2; count++) first.step();
  const second = problem();
  second.weight.assign(first.weight.dataSync());
  second.optimizer.loadStateDict(JSON.parse(JSON.stringify(first.optimizer.stateDict())));
  for (let count = 0; count < 2; count++) second.step();
  expect([...second.weight.dataSync()]).toEqual([...whole.weight.dataSync()]);
  expect(() => compile(() => tensor(whole.step()))()).toThrow("cannot be compiled");
});

it("a compiled step uses the step counts of a loaded state, even if they differ between parameters that started together", () => {
  const make = () => {
    const parameters = [new Parameter(tensor([1, 2])), new Parameter(tensor([3, 4]))] as const;
    const optimizer = new optim.Adam(parameters, { lr: 0.1 });
    const step = (count: number): void => {
      optimizer.zeroGrad();
      for (const parameter of parameters.slice(0, count)) parameter.square().sum().backward();
      optimizer.step();
    };
    return { parameters, optimizer, step };
  };
  const apart = make();
  for (const count of [1, 1, 2]) apart.step(count);
  const together = make();
  const step = compile(() => together.step(2));
  step();
  step();
  for (const [place, parameter] of together.parameters.entries())
    parameter.assign((apart.parameters[place] as Parameter).dataSync());
  together.optimizer.loadStateDict(apart.optimizer.stateDict());
  apart.step(2);
  step();
  for (const [place, parameter] of together.parameters.entries())
    expect(parameter.dataSync()).toEqual((apart.parameters[place] as Parameter).dataSync());
});
