// The minimum and maximum of each option, tested from both sides, and its default.
import { describe, expect, it, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { Parameter, tensor } from "../tensor/index.ts";
import { GradScaler } from "./gradScaler.ts";
import * as optim from "./index.ts";

const weight = (): Parameter => new Parameter(tensor([[1, -2]]));
const sgd = (): optim.SGD => new optim.SGD([weight()], { lr: 0.1, momentum: 0.9 });
const classes: Readonly<Record<string, unknown>> = { ...optim, GradScaler };

/** Makes an instance of the class of this name, from parameters or over an optimizer. */
const make = (name: string, first: unknown, ...rest: readonly unknown[]): unknown =>
  Reflect.construct(classes[name] as new (...given: never) => unknown, [first, ...rest]);
const overParameters = (name: string, options: object): unknown => make(name, [weight()], options);
const overOptimizer =
  (...before: readonly unknown[]) =>
  (name: string, options: object): unknown =>
    make(name, sgd(), ...before, options);
const alone = (name: string, options: object): unknown =>
  Reflect.construct(classes[name] as new (...given: never) => unknown, [options]);

interface Limit {
  /** The name of an option, or of an element of a list option: "betas.0". */
  readonly option: string;
  readonly accepted: readonly number[];
  readonly refused: readonly number[];
}

const from0 = (option: string): Limit => ({ option, accepted: [0, 0.5, 2], refused: [-1e-9, -1, Number.NaN] });
const from0Below1 = (option: string): Limit => ({ option, accepted: [0, 0.5, 0.999], refused: [-1e-9, 1, 2] });
const between0And1 = (option: string): Limit => ({ option, accepted: [0, 0.5, 1], refused: [-1e-9, 1 + 1e-9] });
const apartFrom0And1 = (option: string): Limit => ({ option, accepted: [0.01, 0.99], refused: [0, 1] });
const whole = (option: string, least: number): Limit => ({
  option,
  accepted: [least, least + 1, least + 7],
  refused: [least - 1, least + 0.5, -1],
});
const betas = [from0Below1("betas.0"), from0Below1("betas.1")];
const adam = [...betas, from0("eps"), from0("weightDecay"), from0("lr")];

/** For every class: how to make it, valid options, and their limits. */
const limits: readonly (readonly [string, (name: string, options: object) => unknown, object, readonly Limit[]])[] = [
  ...["Adam", "AdamW", "Adamax", "RAdam"].map((name) => [name, overParameters, { betas: [0.9, 0.99] }, adam] as const),
  ["NAdam", overParameters, { betas: [0.9, 0.99] }, [...adam, from0("momentumDecay")]],
  ["SGD", overParameters, {}, [from0("lr"), from0("momentum"), from0("weightDecay")]],
  ["Adagrad", overParameters, {}, ["lr", "lrDecay", "weightDecay", "initialAccumulatorValue", "eps"].map(from0)],
  ["RMSprop", overParameters, {}, ["lr", "alpha", "eps", "weightDecay", "momentum"].map(from0)],
  ["Adadelta", overParameters, {}, [from0Below1("rho"), from0("eps"), from0("weightDecay"), from0("lr")]],
  ["Lion", overParameters, { betas: [0.9, 0.99] }, [...betas, from0("weightDecay")]],
  ["Adafactor", overParameters, { eps: [null, 1e-3] }, [from0("eps.0"), from0("eps.1"), from0("weightDecay")]],
  ["LAMB", overParameters, { betas: [0.9, 0.99] }, [from0("eps"), from0("weightDecay")]],
  ["Muon", overParameters, {}, [from0("momentum"), from0("weightDecay"), from0("eps")]],
  ["ASGD", overParameters, {}, [from0("weightDecay"), from0("t0")]],
  ["LBFGS", overParameters, {}, [from0("lr"), whole("maxIter", 1), whole("historySize", 1)]],
  ["EMA", overParameters, {}, [between0And1("decay")]],
  ["LRFinder", alone, {}, [whole("steps", 3), from0Below1("smoothing")]],
  ["LRFinder", alone, { endLr: 1 }, [{ option: "startLr", accepted: [1e-9, 0.99], refused: [0, -1, 1, 2] }]],
  [
    "GradScaler",
    alone,
    {},
    [
      { option: "initScale", accepted: [0.5, 1], refused: [0, -1] },
      { option: "growthFactor", accepted: [1.01, 2], refused: [1, 0.5] },
      apartFrom0And1("backoffFactor"),
      whole("growthInterval", 1),
    ],
  ],
  [
    "StepLR",
    (name, { stepSize }: { stepSize?: number }) => make(name, sgd(), stepSize),
    { stepSize: 1 },
    [whole("stepSize", 1)],
  ],
  ["MultiStepLR", (name, { at }: { at?: number }) => make(name, sgd(), [at]), { at: 1 }, [whole("at", 0)]],
  ["ExponentialLR", (name, { gamma }: { gamma?: number }) => make(name, sgd(), gamma), { gamma: 1 }, [from0("gamma")]],
  ["ConstantLR", overOptimizer(), {}, [between0And1("factor"), whole("totalIters", 0)]],
  [
    "LinearLR",
    overOptimizer(),
    {},
    [
      { option: "startFactor", accepted: [0.01, 1], refused: [0, 1.01] },
      between0And1("endFactor"),
      whole("totalIters", 1),
    ],
  ],
  ["PolynomialLR", overOptimizer(), {}, [whole("totalIters", 1)]],
  [
    "CosineAnnealingLR",
    (name, { tMax }: { tMax?: number }) => make(name, sgd(), tMax),
    { tMax: 1 },
    [whole("tMax", 1)],
  ],
  ["CosineAnnealingWarmRestarts", overOptimizer(3), {}, [whole("tMult", 1)]],
  ["OneCycleLR", overOptimizer(), { maxLr: 1, totalSteps: 5 }, [between0And1("pctStart"), whole("totalSteps", 1)]],
  ["CyclicLR", overOptimizer(), { baseLr: 0, maxLr: 1 }, [whole("stepSizeUp", 1), whole("stepSizeDown", 1)]],
  ["SWALR", overOptimizer(), { swaLr: 1 }, [whole("annealEpochs", 0)]],
  ["WarmUp", overOptimizer(3), {}, [from0("startFactor")]],
  ["WarmUp", (name, { steps }: { steps?: number }) => make(name, sgd(), steps), { steps: 1 }, [whole("steps", 1)]],
  ["ReduceLROnPlateau", overOptimizer(), {}, [apartFrom0And1("factor"), whole("patience", 0), whole("cooldown", 0)]],
];

/** The options with one of them changed; in a list, one of its numbers. */
function withOption(options: object, option: string, value: number): object {
  const [name = "", place] = option.split(".");
  if (place === undefined) return { ...options, [name]: value };
  const list: unknown = Reflect.get(options, name);
  if (!Array.isArray(list)) throw new Error(`${name} is a list`);
  return { ...options, [name]: list.with(Number(place), value) };
}

describe.each(limits)("%s", (name, build, options, all) => {
  it.each(all)("$option", ({ option, accepted, refused }) => {
    for (const value of accepted)
      expect(() => build(name, withOption(options, option, value)), `${value}`).not.toThrow();
    for (const value of refused)
      expect(() => build(name, withOption(options, option, value)), `${value}`).toThrow(HebbError);
  });
});

test("options are what they are by default", async () => {
  const lines = Object.entries(classes).flatMap(([name, value]) => {
    if (typeof value !== "function" || !(value.prototype instanceof optim.Optimizer)) return [];
    const { groups } = make(name, [weight()]) as optim.Optimizer;
    return groups.map((group) => `${name}: ${JSON.stringify({ lr: group.lr, ...group.options })}`);
  });
  await expect(`${lines.sort().join("\n")}\n`).toMatchFileSnapshot("defaults.txt");
});

describe("the course of rates", () => {
  type Build = (optimizer: optim.SGD) => { step(metric: number): void };
  const metrics = [
    5, 4, 4, 4.5, 3.9, 4, 4, 4, 4, 4, 4, 3.9, 3.8, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9,
  ];
  const courses: Readonly<Record<string, Build>> = {
    "StepLR(3)": (o) => new optim.StepLR(o, 3),
    "StepLR(1, gamma 0.5)": (o) => new optim.StepLR(o, 1, { gamma: 0.5 }),
    "MultiStepLR([0, 2, 2, 9])": (o) => new optim.MultiStepLR(o, [0, 2, 2, 9]),
    "ExponentialLR(0.9)": (o) => new optim.ExponentialLR(o, 0.9),
    "ConstantLR()": (o) => new optim.ConstantLR(o),
    "ConstantLR(0.5, 0)": (o) => new optim.ConstantLR(o, { factor: 0.5, totalIters: 0 }),
    "LinearLR()": (o) => new optim.LinearLR(o),
    "LinearLR(1 to 0.2, 4)": (o) => new optim.LinearLR(o, { startFactor: 1, endFactor: 0.2, totalIters: 4 }),
    "PolynomialLR()": (o) => new optim.PolynomialLR(o),
    "PolynomialLR(4, power 2)": (o) => new optim.PolynomialLR(o, { totalIters: 4, power: 2 }),
    "CosineAnnealingLR(4)": (o) => new optim.CosineAnnealingLR(o, 4),
    "CosineAnnealingLR(5, 0.01)": (o) => new optim.CosineAnnealingLR(o, 5, { etaMin: 0.01 }),
    "CosineAnnealingWarmRestarts(3)": (o) => new optim.CosineAnnealingWarmRestarts(o, 3),
    "CosineAnnealingWarmRestarts(2, 2, 0.01)": (o) =>
      new optim.CosineAnnealingWarmRestarts(o, 2, { tMult: 2, etaMin: 0.01 }),
    "OneCycleLR()": (o) => new optim.OneCycleLR(o, { maxLr: 1, totalSteps: 30 }),
    "OneCycleLR(linear, 3 phases)": (o) =>
      new optim.OneCycleLR(o, { maxLr: 1, totalSteps: 25, annealStrategy: "linear", threePhase: true, pctStart: 0.4 }),
    "CyclicLR(2, 3)": (o) => new optim.CyclicLR(o, { baseLr: 0.1, maxLr: 1, stepSizeUp: 2, stepSizeDown: 3 }),
    "CyclicLR(triangular2)": (o) =>
      new optim.CyclicLR(o, { baseLr: 0.1, maxLr: 1, stepSizeUp: 2, mode: "triangular2" }),
    "CyclicLR(expRange)": (o) =>
      new optim.CyclicLR(o, {
        baseLr: 0.1,
        maxLr: 1,
        stepSizeUp: 2,
        mode: "expRange",
        gamma: 0.9,
        cycleMomentum: false,
      }),
    "SWALR(cos)": (o) => new optim.SWALR(o, { swaLr: 0.01, annealEpochs: 4 }),
    "SWALR(linear, 0)": (o) => new optim.SWALR(o, { swaLr: 0.01, annealEpochs: 0, annealStrategy: "linear" }),
    "SWALR(linear)": (o) => new optim.SWALR(o, { swaLr: 0.01, annealStrategy: "linear" }),
    "WarmUp(4)": (o) => new optim.WarmUp(o, 4),
    "WarmUp(3, from 0, then a cosine)": (o) =>
      new optim.WarmUp(o, 3, { startFactor: 0, after: new optim.CosineAnnealingLR(o, 5) }),
    "SequentialLR(2, 5)": (o) =>
      new optim.SequentialLR(
        o,
        [new optim.ConstantLR(o), new optim.ExponentialLR(o, 0.5), new optim.LinearLR(o)],
        [2, 5],
      ),
    ChainedScheduler: (o) => new optim.ChainedScheduler([new optim.WarmUp(o, 3), new optim.ExponentialLR(o, 0.9)]),
    "ReduceLROnPlateau(2)": (o) => new optim.ReduceLROnPlateau(o, { patience: 2 }),
    "ReduceLROnPlateau(1, cooldown 2, least 0.02)": (o) =>
      new optim.ReduceLROnPlateau(o, { patience: 1, cooldown: 2, minLr: 0.02, factor: 0.5 }),
    "ReduceLROnPlateau(0, max, abs)": (o) =>
      new optim.ReduceLROnPlateau(o, { patience: 0, mode: "max", thresholdMode: "abs", threshold: 0.5 }),
    "ReduceLROnPlateau(0, eps 0.05)": (o) => new optim.ReduceLROnPlateau(o, { patience: 0, factor: 0.6, eps: 0.05 }),
  };
  test("is as it was, momentum included", async () => {
    const figure = (value: number): string => String(Number(value.toPrecision(10)));
    const lines = Object.entries(courses).map(([name, build]) => {
      const optimizer = sgd();
      const schedule = build(optimizer);
      const steps = metrics.map((metric) => {
        const [group] = optimizer.groups;
        const now = `${figure(optimizer.lr)}${group?.varying("momentum") === 0.9 ? "" : ` m ${figure(group?.varying("momentum") ?? Number.NaN)}`}`;
        schedule.step(metric);
        return now;
      });
      return `${name}: ${[...steps, figure(optimizer.lr)].join(", ")}`;
    });
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("courses.txt");
  });
});

describe("LRFinder", () => {
  /** Falls until a rate of 1e-2, fastest at 1e-3, and rises from there. */
  const lossAt = (lr: number): number => {
    const x = Math.log10(lr);
    return x < -2 ? 2 - 1 / (1 + Math.exp(-4 * (x + 3))) : 1.02 + 3 * (x + 2) ** 2;
  };
  it("tries rates in equal factors, and stops where the loss runs away", () => {
    const finder = new optim.LRFinder({ startLr: 1e-5, endLr: 1, steps: 51, smoothing: 0 });
    while (!finder.done) finder.record(lossAt(finder.lr));
    const { points } = finder;
    points.forEach(({ lr, loss, smoothed }, place) => {
      expect(lr).toBeCloseTo(1e-5 * 10 ** (place / 10), 12);
      expect([loss, smoothed]).toEqual([lossAt(lr), loss]);
    });
    const least = Math.min(...points.map(({ loss }) => loss));
    expect(points.slice(0, -1).every(({ loss }) => loss <= 4 * least)).toBe(true);
    expect(points.at(-1)?.loss).toBeGreaterThan(4 * least);
    const found = finder.suggestion();
    expect(found?.steepest).toBeCloseTo(1e-3, 8);
    expect(found?.lowest).toBeCloseTo(1e-2, 6);
    expect(found?.tenthOfLowest).toBeCloseTo(1e-3, 7);
    expect(() => finder.record(1)).toThrow("the search is over");
  });
  it("averages losses, without the bias of the start, and tries rates in equal distances", () => {
    const finder = new optim.LRFinder({
      startLr: 1,
      endLr: 3,
      steps: 5,
      mode: "linear",
      smoothing: 0.5,
      divergence: 9,
    });
    const losses = [8, 4, 2, 6, 10];
    const open = losses.map((loss) => finder.record(loss));
    expect(open).toEqual([true, true, true, true, false]);
    expect(finder.points.map(({ lr }) => lr)).toEqual([1, 1.5, 2, 2.5, 3]);
    losses.reduce((average, loss, place) => {
      const next = (average + loss) / 2;
      expect(finder.points[place]?.smoothed).toBeCloseTo(next / (1 - 0.5 ** (place + 1)), 12);
      return next;
    }, 0);
  });
  it("by default goes from 1e-7 to 10 in a hundred steps, and keeps nine tenths of its average", () => {
    const finder = new optim.LRFinder();
    expect(finder.lr).toBe(1e-7);
    finder.record(1);
    finder.record(2);
    expect(finder.points[1]?.smoothed).toBeCloseTo((0.9 * 0.1 + 0.1 * 2) / (1 - 0.81), 12);
    expect(finder.lr).toBeCloseTo(1e-7 * 1e8 ** (2 / 99), 12);
    for (let step = 2; step < 100; step++) expect(finder.record(1.5)).toBe(step < 99);
    expect(finder.lr).toBe(10);
  });
  it("stops at a loss that is not a number, and suggests nothing where the loss never fell", () => {
    for (const loss of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const finder = new optim.LRFinder({ steps: 5 });
      finder.record(2);
      expect(finder.record(loss)).toBe(false);
    }
    const rising = new optim.LRFinder({ steps: 4, smoothing: 0 });
    for (const loss of [1, 2, 3, 3.5]) rising.record(loss);
    expect([rising.done, rising.suggestion()]).toEqual([true, undefined]);
    const below0 = new optim.LRFinder({ steps: 4, smoothing: 0 });
    for (const loss of [-1, 5, 50]) expect(below0.record(loss)).toBe(true);
  });
});

test("GradScaler takes an optimizer alone", () => {
  const scaler = new GradScaler();
  for (const wrong of [undefined, null, 3, {}, { groups: [] }, { step: () => {} }, () => {}])
    expect(() => Reflect.apply(scaler.step, scaler, [wrong])).toThrow(HebbError);
  expect(() => scaler.step(sgd())).toThrow("no parameter has a gradient");
  expect(() => scaler.update()).toThrow("nothing was unscaled");
  expect(() => scaler.loadStateDict({ scale: tensor([1, 2]), growthTracker: tensor(0) })).toThrow('"scale"');
});
