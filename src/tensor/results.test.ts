// Async functions where a graph is recorded: refused with a clear error. Their abandoned promises cause no unhandled rejection.
import { afterAll, beforeAll, expect, it } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { LBFGS } from "../optim/index.ts";
import {
  compile,
  customGradient,
  flush,
  grad,
  gradCheck,
  inspect,
  inspectStep,
  jvp,
  Parameter,
  type Tensor,
  tensor,
  valueAndGrad,
} from "./index.ts";

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => void process.on("unhandledRejection", note));
afterAll(() => void process.off("unhandledRejection", note));

/** Rejections are reported after the microtasks. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

// As in plain JavaScript: an async function passed as a function of tensors.
const reads = async (x: Tensor): Promise<Tensor> => x.mul(await x.sum().item());
const waits = async (x: Tensor): Promise<Tensor> => {
  await settled();
  return x.mul(x.itemSync());
};
const fails = async (): Promise<Tensor> => {
  throw new Error("of its own");
};
const x = (): Tensor => tensor([2]);

const weight = new Parameter(x());

const misuses: readonly (readonly [name: string, misuse: (fn: (x: Tensor) => Promise<Tensor>) => unknown])[] = [
  ["compile", (fn) => compile(fn)(x())],
  ["compile", (fn) => compile((a: Tensor) => [a, { deep: [fn(a), fn(a)] }])(x())],
  ["grad", (fn) => Reflect.apply(grad, undefined, [fn])(x())],
  ["grad", (fn) => Reflect.apply(valueAndGrad, undefined, [fn])(x())],
  ["grad", (fn) => Reflect.apply(gradCheck, undefined, [fn, [tensor([2], { dtype: "float64" })]])],
  ["jvp", (fn) => Reflect.apply(jvp, undefined, [fn, [x()], [x()]])],
  ["customGradient", (fn) => Reflect.apply(customGradient, undefined, [fn, () => []])(x())],
  [
    "customGradient",
    (fn) => grad((a: Tensor) => Reflect.apply(customGradient, undefined, [(b: Tensor) => b, fn])(a).sum())(x()),
  ],
  ["LBFGS", (fn) => Reflect.apply(LBFGS.prototype.step, new LBFGS([weight]), [() => fn(weight)])],
  ["inspect", (fn) => Reflect.apply(inspect, undefined, [() => fn(x())])],
  ["inspectStep", (fn) => Reflect.apply(inspectStep, undefined, [() => fn(weight)])],
];

it.each(misuses)("%s refuses an async function, whose rejected promise does no harm", async (name, misuse) => {
  unhandled.length = 0;
  for (const fn of [reads, waits, fails]) {
    expect(() => misuse(fn)).toThrow(HebbError);
    expect(() => misuse(fn)).toThrow(`${name}: the function is async`);
  }
  await settled();
  await settled();
  expect(unhandled).toEqual([]);
  flush();
});

it("reading a value while tracing is refused at once, awaited or not", async () => {
  unhandled.length = 0;
  for (const read of [(a: Tensor) => a.item(), (a: Tensor) => a.data(), (a: Tensor) => a.toArray()]) {
    const step = compile((a: Tensor) => {
      void read(a.sum());
      return a;
    });
    expect(() => step(x())).toThrow(/a value was read inside a compiled function/);
  }
  await settled();
  expect(unhandled).toEqual([]);
  await expect(tensor([1, 2]).item()).rejects.toThrow(/only a tensor with one element has an item/);
});

it("a function that returns no tensor is named", () => {
  expect(() => Reflect.apply(grad, undefined, [() => 3])(x())).toThrow(
    /grad: the function must return a tensor.*got 3/,
  );
  expect(() => Reflect.apply(inspect, undefined, [() => [x()]])).toThrow(/inspect: .* got an array/);
});
