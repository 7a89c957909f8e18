// 20 steps of every optimizer, clipping, and 30 rates of every schedule, against figures of PyTorch.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { Shape } from "../../src/graph/shape.ts";
import { mse } from "../../src/nn/losses.ts";
import * as optim from "../../src/optim/index.ts";
import { compile, Parameter, State, stack, type Tensor, tensor } from "../../src/tensor/index.ts";
import { everywhere, expectClose, type Figure, type FloatDType, tensorOf } from "./figures.ts";

type OptionValue = number | string | boolean | readonly number[];
type Argument = OptionValue | readonly Argument[] | { readonly [name: string]: Argument };

interface Case {
  readonly name: string;
  readonly optimizer: string;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly clip: { readonly kind: "norm" | "value"; readonly limit: number; readonly type?: string } | null;
  readonly norms: readonly number[];
  /** Options that change after a step. */
  readonly later: Readonly<Record<string, Readonly<Record<string, OptionValue>>>>;
  /** Each parameter's own options; null: frozen. */
  readonly groups: readonly (Readonly<Record<string, OptionValue>> | null)[] | null;
  readonly trajectory: readonly (readonly number[])[];
}

interface ScheduleCase {
  readonly name: string;
  readonly schedule: string;
  readonly arguments: readonly Argument[];
  readonly metrics: readonly number[] | null;
  readonly byHand: readonly (readonly number[])[];
  readonly rates: readonly (readonly number[])[];
  readonly momenta: readonly number[];
}

const golden: {
  torch: string;
  kept: readonly number[];
  x: readonly number[];
  y: readonly number[];
  start: readonly Figure[];
  cases: readonly Case[];
  schedules: readonly ScheduleCase[];
  searches: readonly {
    readonly name: string;
    readonly options: optim.LBFGSOptions;
    readonly losses: readonly number[];
    readonly trajectory: readonly (readonly number[])[];
  }[];
  averages: readonly {
    readonly name: "EMA" | "SWA";
    readonly options: { readonly decay?: number };
    readonly trajectory: readonly (readonly number[])[];
  }[];
} = JSON.parse(readFileSync(new URL("optimizers.json", import.meta.url), "utf8"));

type MakeOptimizer = new (
  params: readonly Parameter[] | readonly { readonly params: readonly Parameter[] }[],
  options: Readonly<Record<string, OptionValue>>,
) => optim.Optimizer;
type MakeSchedule = new (
  optimizer: optim.Optimizer,
  ...args: readonly unknown[]
) => optim.Schedule | optim.ReduceLROnPlateau;
const exported = new Map(Object.entries(optim)) as ReadonlyMap<string, unknown>;

/** The part of a case that a problem needs. */
type Setting = Pick<Case, "optimizer" | "options" | "clip" | "groups">;

function problem({ optimizer, options, clip, groups }: Setting, float: FloatDType) {
  const params = golden.start.map((figure) => new Parameter(tensorOf(figure, float)));
  const Make = exported.get(optimizer) as MakeOptimizer | undefined;
  if (Make === undefined) throw new Error(`there is no optimizer ${optimizer}`);
  for (const [place, own] of (groups ?? []).entries()) {
    const parameter = params[place];
    if (own === null && parameter !== undefined) parameter.requiresGrad = false;
  }
  const grouped = groups?.flatMap((own, place) =>
    own === null ? [] : [{ ...own, params: params.slice(place, place + 1) }],
  );
  const made = new Make(grouped ?? params, options);
  const [a, b, c] = params as [Parameter, Parameter, Parameter];
  const x = tensor(golden.x, { dtype: float }).reshape([6, 3]);
  const y = tensor(golden.y, { dtype: float }).reshape([6, 2]);
  const norm = new State(0, { dtype: float });
  const step = (): Tensor => {
    made.zeroGrad();
    const loss = mse(x.matmul<Shape, Shape>(a.t()).add(b).tanh().matmul<Shape, Shape>(c.t()), y);
    loss.backward();
    if (clip?.kind === "norm")
      norm.assign(
        optim.clipGradNorm(params, clip.limit, {
          normType: clip.type === "inf" ? Number.POSITIVE_INFINITY : Number(clip.type),
        }),
      );
    else if (clip?.kind === "value") optim.clipGradValue(params, clip.limit);
    made.step();
    return loss;
  };
  return { params, step, norm, made };
}

/** Options take effect at the next step. The first change of a number traces the step again; later ones do not. */
function change(made: optim.Optimizer, { lr, ...options }: Readonly<Record<string, OptionValue>>): void {
  for (const group of made.groups) {
    if (typeof lr === "number") group.lr = lr;
    group.options = { ...group.options, ...options };
  }
}

/** The state of a case after a step. */
interface Reached {
  readonly step: number;
  readonly norm: readonly number[];
  readonly parameters: readonly number[];
}

/** Runs 20 steps of all cases, as one program or without compile. */
function follow(entries: readonly Case[], float: FloatDType, compiled: boolean): Map<Case, Reached[]> {
  const followed = entries.map((entry) => ({ entry, reached: [] as Reached[], ...problem(entry, float) }));
  const whole = compile(() => followed.map(({ step }) => step()));
  for (let count = 1; count <= 20; count++) {
    if (compiled) whole();
    else for (const { step } of followed) step();
    for (const { entry, params, norm, made, reached } of followed) {
      reached.push({
        step: count,
        norm: entry.norms[count - 1] === undefined ? [] : [...norm.dataSync()],
        parameters: golden.kept.includes(count) ? params.flatMap((parameter) => [...parameter.dataSync()]) : [],
      });
      const changes = entry.later[String(count)];
      if (changes !== undefined) change(made, changes);
    }
  }
  const changed = entries.some(({ later }) => Object.keys(later).length > 0);
  if (compiled) expect(whole.signatures()).toBeLessThanOrEqual(changed ? 2 : 1);
  return new Map(followed.map(({ entry, reached }) => [entry, reached]));
}

function compareWith(entry: Case, float: FloatDType, reached: readonly Reached[]): void {
  expect(reached.length).toBe(20);
  for (const { step, norm, parameters } of reached) {
    // Each step adds its rounding to the earlier ones.
    const operations = 16 * step;
    const expected = entry.norms[step - 1];
    if (expected !== undefined) expectClose(`norm at step ${step}`, norm, [expected], float, operations);
    const place = golden.kept.indexOf(step);
    if (place >= 0)
      expectClose(`parameters after step ${step}`, parameters, entry.trajectory[place] ?? [], float, operations);
  }
}

/** Cases in one program, so that the compiler runs once for all of them. Options that change trace their program again. */
const together = 12;
const steady = golden.cases.filter(({ later }) => Object.keys(later).length === 0);

everywhere(`optimizers of PyTorch ${golden.torch}`, (float, start) => {
  beforeAll(start);
  const results = new Map<Case, readonly Reached[]>();
  it.each(golden.cases.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
    if (!results.has(entry)) {
      const first = steady.indexOf(entry);
      const group = first < 0 ? [entry] : steady.slice(first, first + together);
      for (const [one, reached] of follow(group, float, true)) results.set(one, reached);
    }
    compareWith(entry, float, results.get(entry) ?? []);
  });
  const plain = golden.cases.filter(
    ({ options }, place) =>
      Object.keys(options).length > 0 && golden.cases[place - 1]?.optimizer !== golden.cases[place]?.optimizer,
  );
  it.each(plain.map((entry) => [entry.name, entry] as const))("without compile: %s", (_, entry) =>
    compareWith(entry, float, follow([entry], float, false).get(entry) ?? []),
  );
});

describe(`averages of PyTorch ${golden.torch}`, () => {
  it.each(golden.averages.map((entry) => [entry.name, entry] as const))("%s", (_, { name, options, trajectory }) => {
    const { params, step } = problem({ optimizer: "SGD", options: { lr: 0.1 }, clip: null, groups: null }, "float64");
    const average = name === "EMA" ? new optim.EMA(params, options) : new optim.SWA(params);
    const run = compile(() => {
      step();
      average.update();
    });
    for (let count = 1; count <= 20; count++) {
      run();
      const place = golden.kept.indexOf(count);
      if (place < 0) continue;
      const read = (): number[] => params.flatMap((parameter) => [...parameter.dataSync()]);
      const before = read();
      expectClose(`averages after step ${count}`, average.use(read), trajectory[place] ?? [], "float64");
      expect(read()).toEqual(before);
    }
    expect(run.signatures()).toBe(1);
  });
});

describe(`L-BFGS of PyTorch ${golden.torch}`, () => {
  it.each(golden.searches.map((entry) => [entry.name, entry] as const))("%s", (_, { options, losses, trajectory }) => {
    const [a, b, c] = golden.start.map((figure) => new Parameter(tensorOf(figure, "float64"))) as [
      Parameter,
      Parameter,
      Parameter,
    ];
    const x = tensor(golden.x, { dtype: "float64" }).reshape([6, 3]);
    const y = tensor(golden.y, { dtype: "float64" }).reshape([6, 2]);
    const optimizer = new optim.LBFGS([a, b, c], options);
    const closure = compile(() => {
      optimizer.zeroGrad();
      const loss = mse(x.matmul<Shape, Shape>(a.t()).add(b).tanh().matmul<Shape, Shape>(c.t()), y);
      loss.backward();
      return loss;
    });
    for (const [step, weights] of trajectory.entries()) {
      const loss = optimizer.step(closure);
      expectClose(`loss at step ${step}`, [loss], [losses[step] ?? 0], "float64");
      const now = [a, b, c].flatMap((parameter) => [...parameter.dataSync()]);
      expectClose(`weights after step ${step}`, now, weights, "float64");
    }
    expect(closure.signatures()).toBe(1);
  });
});

/** The functions used for the figures. */
const known: Readonly<Record<string, (step: number) => number>> = {
  halving: (step) => 0.5 ** step,
  waves: (step) => 1 + 0.1 * (step % 3),
};

function makeSchedule(name: string, optimizer: optim.Optimizer, args: readonly Argument[]) {
  const Make = exported.get(name) as MakeSchedule | undefined;
  if (Make === undefined) throw new Error(`there is no schedule ${name}`);
  const made = (value: Argument): unknown => {
    if (Array.isArray(value)) return (value as readonly Argument[]).map(made);
    if (typeof value !== "object") return value;
    const tree = value as { readonly [name: string]: Argument };
    if (typeof tree["fn"] === "string") return known[tree["fn"]];
    if (typeof tree["make"] === "string")
      return makeSchedule(tree["make"], optimizer, tree["with"] as readonly Argument[]);
    return Object.fromEntries(Object.entries(tree).map(([key, part]) => [key, made(part)]));
  };
  // The only one whose optimizer comes last.
  return name === "ChainedScheduler"
    ? new optim.ChainedScheduler(args.map(made)[0] as optim.Schedule[], optimizer)
    : new Make(optimizer, ...args.map(made));
}

describe(`schedules of PyTorch ${golden.torch}`, () => {
  const begin = (entry: ScheduleCase) => {
    const group = (lr: number): { params: Parameter[]; lr: number } => ({ params: [new Parameter(1)], lr });
    const optimizer = new optim.SGD([group(0.1), group(0.02)], { momentum: 0.9 });
    const schedule = makeSchedule(entry.schedule, optimizer, entry.arguments);
    const step = (count: number): void => {
      if (schedule instanceof optim.ReduceLROnPlateau) schedule.step(entry.metrics?.[count] ?? 0);
      else schedule.step();
    };
    return { optimizer, schedule, step };
  };
  const compare = ({ optimizer, schedule }: ReturnType<typeof begin>, entry: ScheduleCase, step: number): void => {
    expectClose(`rates at step ${step}`, schedule.lastLr, entry.rates[step] ?? [], "float64");
    const momentum = optimizer.groups[0]?.varying("momentum") ?? 0.9;
    expectClose(`momentum at step ${step}`, [momentum], [entry.momenta[step] ?? 0], "float64");
  };
  it.each(golden.schedules.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
    const run = begin(entry);
    for (const step of entry.rates.keys()) {
      compare(run, entry, step);
      run.step(step);
    }
  });
  it.each(golden.schedules.map((entry) => [entry.name, entry] as const))("with rates set by hand: %s", (_, entry) => {
    const run = begin(entry);
    for (const [step, rates] of entry.byHand.entries()) {
      expectClose(`rates at step ${step}`, run.schedule.lastLr, rates, "float64");
      for (const group of run.optimizer.groups)
        if (step === 6) group.lr *= 3;
        else if (step === 14) group.lr = 0.05;
      if (step < 20) {
        run.step(step);
        continue;
      }
      // Saved and restored at each of the last steps, together with the optimizer's rate.
      const state: unknown = JSON.parse(JSON.stringify(run.schedule.stateDict()));
      for (const group of run.optimizer.groups) group.lr = 1;
      run.schedule.loadStateDict(state as optim.ScheduleState & optim.PlateauState);
      run.step(step);
    }
  });
  it.each(golden.schedules.map((entry) => [entry.name, entry] as const))("resumes from its state: %s", (_, entry) => {
    const first = begin(entry);
    for (let step = 0; step < 13; step++) first.step(step);
    const state: unknown = JSON.parse(JSON.stringify(first.schedule.stateDict()));
    const second = begin(entry);
    second.schedule.loadStateDict(state as optim.ScheduleState & optim.PlateauState);
    for (let step = 13; step < entry.rates.length; step++) {
      compare(second, entry, step);
      second.step(step);
    }
  });
  it.each(golden.schedules.map((entry) => [entry.name, entry] as const))("does not recompile: %s", (_, entry) => {
    const { optimizer, step } = begin(entry);
    const parameters = optimizer.groups.flatMap(({ params }) => params);
    const run = compile(() => {
      optimizer.zeroGrad();
      stack(parameters).square().sum().backward();
      optimizer.step();
    });
    for (let count = 0; count < 5; count++) {
      run();
      step(count);
    }
    expect(run.signatures()).toBe(1);
  });
});

it("has figures for every optimizer", () => {
  const optimizers = [...exported]
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof optim.Optimizer)
    .map(([name]) => name);
  expect(optimizers.filter((name) => !golden.cases.some(({ optimizer }) => optimizer === name))).toEqual([]);
});

it("has figures for every schedule", () => {
  const schedules = [...exported]
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof optim.Schedule)
    .map(([name]) => name);
  // WarmUp is not PyTorch's.
  expect(schedules.filter((name) => !golden.schedules.some(({ schedule }) => schedule === name)).sort()).toEqual(
    ["FactorSchedule", "WarmUp"].filter((name) => exported.has(name)),
  );
});
