// 20 steps of every optimizer, clipping, and 30 rates of every schedule, against figures of PyTorch.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { Shape } from "../../src/graph/shape.ts";
import { mse } from "../../src/nn/losses.ts";
import * as optim from "../../src/optim/index.ts";
import { compile, Parameter, State, type Tensor, tensor } from "../../src/tensor/index.ts";
import { everywhere, expectClose, type Figure, type FloatDType, tensorOf } from "./figures.ts";

type OptionValue = number | string | boolean | readonly number[];

interface Case {
  readonly name: string;
  readonly optimizer: string;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly clip: { readonly kind: "norm" | "value"; readonly limit: number; readonly type?: string } | null;
  readonly norms: readonly number[];
  readonly trajectory: readonly (readonly number[])[];
}

interface ScheduleCase {
  readonly name: string;
  readonly schedule: string;
  readonly arguments: readonly (OptionValue | Readonly<Record<string, OptionValue>>)[];
  readonly metrics: readonly number[] | null;
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
} = JSON.parse(readFileSync(new URL("optimizers.json", import.meta.url), "utf8"));

type MakeOptimizer = new (
  params: readonly Parameter[],
  options: Readonly<Record<string, OptionValue>>,
) => optim.Optimizer;
type MakeSchedule = new (
  optimizer: optim.Optimizer,
  ...args: ScheduleCase["arguments"]
) => optim.Schedule | optim.ReduceLROnPlateau;
const exported = new Map(Object.entries(optim)) as ReadonlyMap<string, unknown>;

function problem({ optimizer, options, clip }: Case, float: FloatDType) {
  const params = golden.start.map((figure) => new Parameter(tensorOf(figure, float)));
  const Make = exported.get(optimizer) as MakeOptimizer | undefined;
  if (Make === undefined) throw new Error(`there is no optimizer ${optimizer}`);
  const made = new Make(params, options);
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
  return { params, step, norm };
}

function follow(entry: Case, float: FloatDType, compiled: boolean): void {
  const { params, step, norm } = problem(entry, float);
  const run = compiled ? compile(step) : step;
  for (let count = 1; count <= 20; count++) {
    run();
    const place = golden.kept.indexOf(count);
    // Each step adds its roundings to those before it.
    const operations = 16 * count;
    if (entry.norms[count - 1] !== undefined)
      expectClose(`norm at step ${count}`, norm.dataSync(), [entry.norms[count - 1] ?? 0], float, operations);
    if (place < 0) continue;
    const now = params.flatMap((parameter) => [...parameter.dataSync()]);
    expectClose(`parameters after step ${count}`, now, entry.trajectory[place] ?? [], float, operations);
  }
}

everywhere(`optimizers of PyTorch ${golden.torch}`, (float, start) => {
  beforeAll(start);
  it.each(golden.cases.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => follow(entry, float, true));
  const plain = golden.cases.filter(
    ({ options }, place) =>
      Object.keys(options).length > 0 && golden.cases[place - 1]?.optimizer !== golden.cases[place]?.optimizer,
  );
  it.each(plain.map((entry) => [entry.name, entry] as const))("without compile: %s", (_, entry) =>
    follow(entry, float, false),
  );
});

describe(`schedules of PyTorch ${golden.torch}`, () => {
  it.each(golden.schedules.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
    const group = (lr: number): { params: Parameter[]; lr: number } => ({ params: [new Parameter(0)], lr });
    const optimizer = new optim.SGD([group(0.1), group(0.02)], { momentum: 0.9 });
    const Make = exported.get(entry.schedule) as MakeSchedule | undefined;
    if (Make === undefined) throw new Error(`there is no schedule ${entry.schedule}`);
    const schedule = new Make(optimizer, ...entry.arguments);
    for (const [step, rates] of entry.rates.entries()) {
      expectClose(`rates at step ${step}`, schedule.lastLr, rates, "float64");
      const momentum = optimizer.groups[0]?.varying("momentum") ?? 0.9;
      expectClose(`momentum at step ${step}`, [momentum], [entry.momenta[step] ?? 0], "float64");
      if (schedule instanceof optim.ReduceLROnPlateau) schedule.step(entry.metrics?.[step] ?? 0);
      else schedule.step();
    }
  });
});

it("has figures for every optimizer", () => {
  const optimizers = [...exported]
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof optim.Optimizer)
    .map(([name]) => name);
  expect(optimizers.filter((name) => !golden.cases.some(({ optimizer }) => optimizer === name))).toEqual([]);
});
