// Lookahead and SAM against the papers' formulas, written out with PyTorch; interrupted and resumed, and as part of a program.
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { compile, HebbError, nn, optim, Parameter, type Tensor, tensor, useBackend } from "../../src/index.ts";

beforeAll(() => useBackend({ backend: "wasm", threads: 1 }));

const figures: Readonly<Record<string, readonly number[]>> = JSON.parse(
  readFileSync(new URL("wrapped.json", import.meta.url), "utf8"),
);
const wave = (shape: readonly number[], step: number): Tensor =>
  tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, place) => Math.sin(place * step + 0.3)),
    { shape: [...shape] },
  );

const sgd = (params: Parameter[]) => new optim.SGD(params, { lr: 0.1, momentum: 0.9 });
const adam = (params: Parameter[]) => new optim.Adam(params, { lr: 0.05 });

interface Steps {
  zeroGrad(): void;
  step(closure: () => Tensor): unknown;
}

function problem<M extends Steps>(make: (params: Parameter[]) => M) {
  const params = [new Parameter(wave([4, 3], 0.4)), new Parameter(wave([4], 0.9)), new Parameter(wave([2, 4], 1.7))];
  const [a, b, c] = params as [Parameter, Parameter, Parameter];
  const [x, y] = [wave([6, 3], 0.7), wave([6, 2], 1.1)];
  const made = make(params);
  const closure = (): Tensor => {
    made.zeroGrad();
    const loss = nn.functional.mseLoss(x.matmul(a.T).add(b).tanh().matmul(c.T), y);
    loss.backward();
    return loss;
  };
  return { made, closure, values: () => params.flatMap((parameter) => [...parameter.dataSync()]) };
}

const lookahead = (make: typeof sgd | typeof adam, options: optim.LookaheadOptions) => (params: Parameter[]) => {
  const whole = new optim.Lookahead<optim.CommonOptions>(make(params) as optim.Optimizer<optim.CommonOptions>, options);
  return {
    zeroGrad: () => whole.zeroGrad(),
    step: (closure: () => Tensor) => {
      closure();
      whole.step();
    },
    whole,
  };
};
const sam = (make: typeof sgd | typeof adam, options: optim.SamOptions) => (params: Parameter[]) =>
  new optim.SAM<optim.CommonOptions>(make(params) as optim.Optimizer<optim.CommonOptions>, options);

const cases: Readonly<Record<string, (params: Parameter[]) => Steps>> = {
  "Lookahead of SGD": lookahead(sgd, {}),
  "Lookahead of Adam": lookahead(adam, { k: 3, alpha: 0.8 }),
  "SAM of SGD": sam(sgd, {}),
  "SAM of Adam": sam(adam, { rho: 0.2 }),
  "adaptive SAM of SGD": sam(sgd, { rho: 0.5, adaptive: true }),
};

it.each(Object.entries(cases))("%s, by itself and compiled", (name, make) => {
  for (const compiled of [false, true]) {
    const { made, closure, values } = problem(make);
    const once = (): void => void made.step(closure);
    const step = compiled ? compile(once) : once;
    for (let count = 0; count < 12; count++) step();
    const wanted = figures[name] ?? [];
    // A few hundred roundings of float64, carried through twelve steps.
    values().forEach((value, place) => {
      expect(Math.abs(value - (wanted[place] ?? Number.NaN))).toBeLessThan(1e-11);
    });
  }
});

it("Lookahead resumes from a saved state", () => {
  const first = problem(lookahead(adam, { k: 3 }));
  for (let count = 0; count < 4; count++) first.made.step(first.closure);
  const second = problem(lookahead(adam, { k: 3 }));
  const moved = second.values();
  expect(moved).not.toEqual(first.values());
  const wrong = { ...first.made.whole.stateDict(), slow: [] };
  expect(() => second.made.whole.loadStateDict(wrong)).toThrow(HebbError);
  second.made.whole.loadStateDict(first.made.whole.stateDict());
  second.made.whole.inner.groups[0]?.params.forEach((parameter, place) => {
    const from = first.made.whole.inner.groups[0]?.params[place];
    if (from !== undefined) parameter.assign(from);
  });
  for (let count = 0; count < 5; count++) for (const run of [first, second]) run.made.step(run.closure);
  expect(second.values()).toEqual(first.values());
});

it("refuses arguments that do not fit", () => {
  expect(() => new optim.Lookahead({} as optim.SGD)).toThrow("must be an optimizer");
  const inner = sgd([new Parameter(wave([2], 1))]);
  expect(() => new optim.Lookahead(inner, { k: 0 })).toThrow("k must be a whole number of at least 1");
  expect(() => new optim.SAM(inner).step(() => tensor(1))).toThrow("no parameter has a gradient");
  expect(() => new optim.Adafactor([new Parameter(wave([2], 1))], { d: 0.5 })).toThrow("d must be at least 1");
});
