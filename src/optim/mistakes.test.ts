// Common mistakes with optimizers and schedules: each error says what to write instead.
import { describe, expect, it } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { Linear, Sequential } from "../nn/index.ts";
import { compile, Parameter, State, tensor } from "../tensor/index.ts";
import * as optim from "./index.ts";

type Make = (...given: readonly unknown[]) => unknown;

/** Every class of src/optim by its kind, so that a new one cannot be omitted. */
const exported = Object.entries(optim) as readonly (readonly [string, unknown])[];
const kinds = (base: abstract new (...given: never) => unknown): readonly (readonly [string, Make])[] =>
  exported.flatMap(([name, value]) =>
    typeof value === "function" && value.prototype instanceof base
      ? [[name, (...given: readonly unknown[]) => Reflect.construct(value, given)] as const]
      : [],
  );
const optimizers: readonly (readonly [string, Make])[] = [
  ...kinds(optim.Optimizer),
  ["LBFGS", (...given) => Reflect.construct(optim.LBFGS, given)],
];

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(HebbError);
    return error instanceof Error ? error.message : "";
  }
  throw new Error("nothing was refused");
}

const weight = (): Parameter => new Parameter(0, { shape: [2] });

describe.each(optimizers)("%s", (name, make) => {
  it.each<[string, unknown, RegExp]>([
    ["a rate in place of options", 0.1, /options must be an object such as \{ lr: … \}, got 0.1/],
    ["a list in place of options", [0.1], /options must be an object/],
    ["null", null, /options must be an object .* got null/],
    ["a misspelt rate", { Lr: 0.1 }, /there is no option Lr; did you mean lr\?/],
    ["a misspelt option", { wieghtDecay: 0.1, historysize: 1 }, /there is no option \w+/],
    ["a text for a rate", { lr: "0.1" }, /lr must be a number, got "0.1"/],
    ["NaN for a rate", { lr: Number.NaN }, /lr must be a number, got NaN/],
  ])("options: %s", (_, options, message) => {
    const said = refusal(() => make([weight()], options));
    expect(said).toMatch(message);
    expect(said.startsWith(`${name}:`)).toBe(true);
  });

  it("undefined options get their defaults", () => {
    const options = { lr: undefined, weightDecay: undefined, betas: undefined, maxIter: undefined };
    const own = make([weight()]) as { readonly groups?: readonly optim.ParameterGroup[] };
    const known = Object.fromEntries(
      Object.entries(options).filter(([key]) => key === "lr" || own.groups?.some((group) => key in group.options)),
    );
    const made = make([weight()], known) as typeof own;
    expect(made.groups?.map(({ lr, options: all }) => [lr, all])).toEqual(
      own.groups?.map(({ lr, options: all }) => [lr, all]),
    );
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a model", () => new Linear(2, 1), /got a Linear; give its .parameters\(\)/],
    ["a list of models", () => [new Linear(2, 1)], /got a Linear; give its .parameters\(\)/],
    ["one parameter", weight, /takes a list of parameters, got one; write \[parameter\]/],
    ["a tensor", () => [tensor([1])], /wrap the values to learn in a Parameter/],
    ["a state", () => [new State(1)], /wrap the values to learn in a Parameter/],
    ["nothing", () => undefined, /got undefined; give model.parameters\(\)/],
    ["a number", () => 3, /got 3; give model.parameters\(\)/],
    [
      "parameters with names",
      () => new Linear(2, 1).namedParameters(),
      /without their names; give model.parameters\(\)/,
    ],
    ["a function", () => new Linear(2, 1).parameters, /give model.parameters\(\)/],
    ["no parameters", () => [], /list of parameters is empty/],
  ])("parameters: %s", (_, given, message) => {
    expect(refusal(() => make(given()))).toMatch(message);
  });
});

describe.each(kinds(optim.Optimizer))("groups of %s", (_, make) => {
  it.each<[string, () => unknown, RegExp]>([
    ["one alone", () => ({ params: [weight()] }), /takes a list of groups, got one; write \[\{ params/],
    ["a misspelt option", () => [{ params: [weight()], weightdecy: 0 }], /a group: there is no option weightdecy/],
    ["a model", () => [{ params: new Linear(2, 1) }], /a group: .*got a Linear; give its .parameters\(\)/],
    ["no parameters", () => [{ params: [] }], /a group has no parameters/],
    ["a text for a rate", () => [{ params: [weight()], lr: "1" }], /a group: lr must be a number/],
  ])("%s", (_name, given, message) => {
    expect(refusal(() => make(given()))).toMatch(message);
  });

  it("changed options are checked too", () => {
    const [group] = (make([weight()]) as optim.Optimizer).groups;
    if (group === undefined) throw new Error("there is a group");
    expect(
      refusal(() => {
        Object.assign(group, { options: { ...group.options, misspelt: 1 } });
      }),
    ).toMatch(/there is no option misspelt/);
    expect(
      refusal(() => {
        Object.assign(group, { lr: "0.1" });
      }),
    ).toMatch(/learning rate must be a number of 0 or more, got "0.1"/);
  });
});

describe("states", () => {
  it.each(kinds(optim.Optimizer))("of %s through JSON", (name, make) => {
    const build = (): { readonly optimizer: optim.Optimizer; step(): void } => {
      // Muon takes only matrices.
      const parameter = name === "Muon" ? new Parameter(tensor([[1, -2]])) : weight();
      const optimizer = make([parameter], name === "SGD" ? { momentum: 0.9 } : {}) as optim.Optimizer;
      return {
        optimizer,
        step: compile(() => {
          parameter.sub(1).square().sum().backward();
          optimizer.step();
        }),
      };
    };
    const { optimizer, step } = build();
    step();
    const { state, groups } = optimizer.stateDict();
    // Tensors without values.
    const slots = Object.fromEntries(Object.keys(state).map((key) => [key, { shape: [2], dtype: "float32" }]));
    const other = build();
    other.step();
    const before = [...other.optimizer.groups.flatMap(({ params }) => params)].map((one) => [...one.dataSync()]);
    if (Object.keys(state).length > 0)
      expect(
        refusal(() => Reflect.apply(other.optimizer.loadStateDict, other.optimizer, [{ state: slots, groups }])),
      ).toMatch(/"0\.\w+" is an object, not a tensor, nor an array \{ dtype, shape, data \} of its size/);
    // Arrays are accepted, and the groups are plain data.
    const arrays = Object.fromEntries(
      Object.entries(state).map(([key, value]) => [
        key,
        { dtype: value.dtype, shape: value.shape, data: value.dataSync() },
      ]),
    );
    other.optimizer.loadStateDict({ state: arrays, groups: JSON.parse(JSON.stringify(groups)) });
    expect([...other.optimizer.groups.flatMap(({ params }) => params)].map((one) => [...one.dataSync()])).toEqual(
      before,
    );
  });

  it.each<[string, (optimizer: optim.Optimizer) => unknown, RegExp]>([
    [
      "nothing",
      (one) => Reflect.apply(one.loadStateDict, one, []),
      /takes what stateDict\(\) of an optimizer returned.*got undefined/,
    ],
    [
      "a model's",
      (one) => Reflect.apply(one.loadStateDict, one, [new Linear(2, 1).stateDict()]),
      /takes what stateDict\(\)/,
    ],
    [
      "a misspelt option",
      (one) => {
        const { state, groups } = one.stateDict();
        one.loadStateDict({ state, groups: groups.map((group) => ({ ...group, options: { betaz: 1 } })) });
      },
      /there is no option betaz; did you mean betas\?/,
    ],
  ])("that do not fit: %s", (_, load, message) => {
    expect(refusal(() => load(new optim.Adam([weight()])))).toMatch(message);
  });

  it("of schedules and averages", () => {
    const schedule = new optim.StepLR(new optim.SGD([weight()]), 2);
    for (const wrong of [undefined, {}, { step: 1, baseLrs: "x", lrs: [1] }, { step: -1, baseLrs: [1], lrs: [1] }])
      expect(refusal(() => Reflect.apply(schedule.loadStateDict, schedule, [wrong]))).toMatch(/^loadStateDict: /);
    const plateau = new optim.ReduceLROnPlateau(new optim.SGD([weight()]));
    for (const wrong of [undefined, {}, { ...plateau.stateDict(), best: "1" }])
      expect(refusal(() => Reflect.apply(plateau.loadStateDict, plateau, [wrong]))).toMatch(/^loadStateDict: /);
    const ema = new optim.EMA([weight()]);
    for (const wrong of [undefined, { state: JSON.parse('{"0": {}, "updates": {}}') }])
      expect(refusal(() => Reflect.apply(ema.loadStateDict, ema, [wrong]))).toMatch(/^loadStateDict: /);
    const search = new optim.LBFGS([weight()]);
    expect(refusal(() => Reflect.apply(search.loadStateDict, search, [undefined]))).toMatch(/of an LBFGS returned/);
    const fresh = search.stateDict();
    for (const [damage, message] of [
      [{ iterations: undefined }, /"iterations" of an LBFGS must be a finite number, got undefined/],
      [{ scale: null }, /"scale" of an LBFGS must be a finite number, got null/],
      [{ iterations: 1 }, /the state is of 0 weights/],
      [{ moves: [{ step: [1, 2], change: [1, 2] }] }, /the state is of 2 weights/],
      [{ moves: [{}] }, /the state is of an unknown number of weights/],
    ] as const) {
      expect(refusal(() => Reflect.apply(search.loadStateDict, search, [{ ...fresh, ...damage }]))).toMatch(message);
      expect(search.stateDict()).toEqual(fresh);
    }
    expect(() => search.loadStateDict(JSON.parse(JSON.stringify(search.stateDict())))).not.toThrow();
  });
});

describe("schedules", () => {
  const sgd = (): optim.SGD => new optim.SGD([weight()], { lr: 0.1, momentum: 0.9 });
  /** The valid arguments after the optimizer, with an options object last. */
  const right: Readonly<Record<string, () => readonly unknown[]>> = {
    StepLR: () => [3, {}],
    MultiStepLR: () => [[3], {}],
    ConstantLR: () => [{}],
    LinearLR: () => [{}],
    PolynomialLR: () => [{}],
    CosineAnnealingLR: () => [5, {}],
    CosineAnnealingWarmRestarts: () => [5, {}],
    OneCycleLR: () => [{ maxLr: 1, totalSteps: 5 }],
    CyclicLR: () => [{ baseLr: 0.1, maxLr: 1 }],
    SWALR: () => [{ swaLr: 0.1 }],
    WarmUp: () => [3, {}],
    ReduceLROnPlateau: () => [{}],
  };
  const withoutOptions = ["ExponentialLR", "LambdaLR", "MultiplicativeLR", "SequentialLR", "ChainedScheduler"];
  const schedules: readonly (readonly [string, Make])[] = [
    ...kinds(optim.Schedule),
    ["ReduceLROnPlateau", (...given) => Reflect.construct(optim.ReduceLROnPlateau, given)],
  ];

  it("are all covered", () => {
    expect(schedules.map(([name]) => name).sort()).toEqual([...Object.keys(right), ...withoutOptions].sort());
  });

  it.each(schedules.filter(([name]) => name in right))("%s refuses unknown options", (name, make) => {
    const rest = right[name]?.() ?? [];
    const last = rest.at(-1) as object;
    const before = rest.slice(0, -1);
    expect(() => make(sgd(), ...rest)).not.toThrow();
    expect(refusal(() => make(sgd(), ...before, { ...last, misspelt: 1 }))).toMatch(
      new RegExp(`^${name}: there is no option misspelt`),
    );
    expect(refusal(() => make(sgd(), ...before, 0.3))).toMatch(new RegExp(`^${name}: options must be an object`));
    expect(refusal(() => make(new Sequential(), ...rest))).toMatch(/takes an optimizer first/);
    expect(refusal(() => make(undefined, ...rest))).toMatch(/takes an optimizer first/);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "a misspelt choice",
      () => new optim.SWALR(sgd(), { swaLr: 1, annealStrategy: "cosine" as "cos" }),
      /"cosine" does not exist; use "cos" or "linear"/,
    ],
    [
      "a text for steps",
      () => Reflect.construct(optim.StepLR, [sgd(), "3"]),
      /stepSize must be a whole number of 1 or more, got "3"/,
    ],
    [
      "a number for milestones",
      () => Reflect.construct(optim.MultiStepLR, [sgd(), 3]),
      /milestones must be a list of steps such as \[30, 80\], got 3/,
    ],
    [
      "no function",
      () => Reflect.construct(optim.LambdaLR, [sgd(), 0.5]),
      /takes a function of the step, or a list of them, got 0.5/,
    ],
    [
      "options for gamma",
      () => Reflect.construct(optim.ExponentialLR, [sgd(), { gamma: 0.9 }]),
      /gamma must be a number, got an object/,
    ],
    [
      "no highest rate",
      () => Reflect.construct(optim.OneCycleLR, [sgd(), { totalSteps: 3 }]),
      /maxLr must be a learning rate, or a list/,
    ],
    [
      "no steps",
      () => Reflect.construct(optim.OneCycleLR, [sgd(), { maxLr: 1 }]),
      /totalSteps must be a whole number of 1 or more, got undefined/,
    ],
    ["the optimizer first", () => Reflect.construct(optim.ChainedScheduler, [sgd(), []]), /takes the schedules first/],
    [
      "schedules apart",
      () => Reflect.construct(optim.ChainedScheduler, [new optim.StepLR(sgd(), 2)]),
      /takes a list of schedules/,
    ],
    [
      "an optimizer among schedules",
      () => Reflect.construct(optim.ChainedScheduler, [[sgd()]]),
      /schedule 0 must be a schedule/,
    ],
    [
      "a plateau among schedules",
      () => Reflect.construct(optim.ChainedScheduler, [[new optim.ReduceLROnPlateau(sgd())]]),
      /needs a metric at each step/,
    ],
    [
      "two optimizers",
      () => new optim.ChainedScheduler([new optim.StepLR(sgd(), 2), new optim.StepLR(sgd(), 2)]),
      /schedule 1 belongs to another optimizer/,
    ],
    ["no schedules", () => new optim.SequentialLR(sgd(), [], []), /at least one schedule/],
    [
      "no figure",
      () => Reflect.apply(optim.ReduceLROnPlateau.prototype.step, new optim.ReduceLROnPlateau(sgd()), []),
      /step takes the metric of this epoch/,
    ],
  ])("%s", (_, run, message) => expect(refusal(run)).toMatch(message));

  it("OneCycleLR takes one step for each batch, and refuses one more", () => {
    const optimizer = sgd();
    const schedule = new optim.OneCycleLR(optimizer, { maxLr: 0.5, totalSteps: 4, annealStrategy: "linear" });
    for (let batch = 0; batch < 4; batch++) {
      expect(optimizer.lr).toBeGreaterThan(0);
      schedule.step();
    }
    expect(optimizer.lr).toBeCloseTo(0.5 / 25 / 1e4, 15);
    expect(refusal(() => schedule.step())).toMatch(/step 5 is beyond totalSteps 4/);
  });

  it("momentum cycles inside another schedule too", () => {
    const optimizer = sgd();
    const schedule = new optim.SequentialLR(
      optimizer,
      [
        new optim.ConstantLR(optimizer, { totalIters: 2 }),
        new optim.CyclicLR(optimizer, { baseLr: 0.1, maxLr: 1, stepSizeUp: 2 }),
      ],
      [2],
    );
    const momenta = Array.from({ length: 5 }, () => {
      schedule.step();
      return optimizer.groups[0]?.varying("momentum");
    });
    expect(momenta.slice(1)).toEqual([0.9, 0.8500000000000001, 0.8, 0.8500000000000001]);
  });
});

describe("clipping and averages", () => {
  it("gradients of float32 and float64 have a common norm", () => {
    const [a, b] = [new Parameter(tensor([3])), new Parameter(tensor([4], { dtype: "float64" }))];
    a.to("float64").mul(3).add(b.mul(4)).sum().backward();
    const norm = optim.clipGradNorm([a, b], 1);
    expect([norm.dtype, norm.itemSync()]).toEqual(["float64", 5]);
    expect(a.grad?.itemSync()).toBeCloseTo(0.6, 6);
    expect(b.grad?.itemSync()).toBeCloseTo(0.8, 6);
    expect([a.grad?.dtype, b.grad?.dtype]).toEqual(["float32", "float64"]);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "a model to clip",
      () => Reflect.apply(optim.clipGradNorm, undefined, [new Linear(2, 1), 1]),
      /give its .parameters\(\)/,
    ],
    [
      "no limit",
      () => Reflect.apply(optim.clipGradNorm, undefined, [[weight()]]),
      /maxNorm must be a number, got undefined/,
    ],
    [
      "a norm in place of options",
      () => Reflect.apply(optim.clipGradNorm, undefined, [[weight()], 1, 2]),
      /options must be an object/,
    ],
    [
      "no value",
      () => Reflect.apply(optim.clipGradValue, undefined, [[weight()], "1"]),
      /clipValue must be a number, got "1"/,
    ],
    [
      "a model to average",
      () => Reflect.construct(optim.EMA, [new Linear(2, 1)]),
      /EMA: takes parameters .*; give model.parameters\(\)/,
    ],
    [
      "a decay in place of options",
      () => Reflect.construct(optim.EMA, [[weight()], 0.9]),
      /EMA: options must be an object/,
    ],
    ["a misspelt decay", () => Reflect.construct(optim.EMA, [[weight()], { deca: 0.9 }]), /did you mean decay\?/],
    [
      "a misspelt option of the finder",
      () => Reflect.construct(optim.LRFinder, [{ endLR: 1 }]),
      /did you mean endLr\?/,
    ],
    [
      "a model to search",
      () => Reflect.apply(optim.findLearningRate, undefined, [new Linear(2, 1), () => 1]),
      /takes an optimizer first/,
    ],
    [
      "a tensor for a loss",
      () => Reflect.apply(optim.findLearningRate, undefined, [new optim.SGD([weight()]), () => tensor(1)]),
      /takes the loss of a step as a number, got a Tensor; give await loss.item\(\)/,
    ],
  ])("%s", (_, run, message) => expect(refusal(run)).toMatch(message));
});
