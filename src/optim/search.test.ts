// Line searches and the steps of LBFGS: their end points satisfy the conditions, and their paths match the snapshots.
import { expect, it, test } from "vitest";
import { Parameter, tensor } from "../tensor/index.ts";
import { LBFGS, type LBFGSOptions } from "./index.ts";
import { strongWolfe } from "./lineSearch.ts";

type Line = readonly [value: (x: number) => number, slope: (x: number) => number];
/** Each has a negative slope at 0. */
const lines: Readonly<Record<string, Line>> = {
  parabola: [(x) => (x - 1) ** 2, (x) => 2 * (x - 1)],
  "a far parabola": [(x) => (x - 50) ** 2, (x) => 2 * (x - 50)],
  "a near parabola": [(x) => (x - 0.003) ** 2, (x) => 2 * (x - 0.003)],
  quartic: [(x) => (x - 2) ** 4 + x, (x) => 4 * (x - 2) ** 3 + 1],
  waves: [(x) => -Math.sin(3 * x) - 0.2 * x, (x) => -3 * Math.cos(3 * x) - 0.2],
  "a wall": [(x) => -x + Math.exp(8 * (x - 1)), (x) => -1 + 8 * Math.exp(8 * (x - 1))],
  "a valley behind a hill": [
    (x) => -x * Math.exp(-x) + 0.01 * (x - 9) ** 2,
    (x) => (x - 1) * Math.exp(-x) + 0.02 * (x - 9),
  ],
  "a kink": [(x) => Math.abs(x - 1.3), (x) => Math.sign(x - 1.3)],
  endless: [(x) => -x, () => -1],
};
const figure = (value: number): string => String(Number(value.toPrecision(7)));

test("searches along a line", async () => {
  const told = Object.entries(lines).flatMap(([name, [value, slope]]) =>
    [0.01, 0.5, 1, 1.3, 4, 60].map((size) => {
      const seen: number[] = [];
      const evaluate = (x: number) => {
        seen.push(x);
        return { loss: value(x), gradient: Float64Array.of(slope(x)) };
      };
      const start = { ...evaluate(0), size, slope: slope(0) };
      seen.pop();
      const found = strongWolfe(evaluate, Float64Array.of(1), start, 1e-9);
      expect(found.evaluations).toBe(seen.length);
      expect([found.loss, found.gradient[0]]).toEqual([value(found.size), slope(found.size)]);
      if (found.evaluations < 25) {
        expect(found.loss).toBeLessThanOrEqual(start.loss + 1e-4 * found.size * start.slope);
        if (name !== "a kink") expect(Math.abs(slope(found.size))).toBeLessThanOrEqual(0.9 * Math.abs(start.slope));
      }
      return `${name} from ${size}: ${figure(found.size)} by ${seen.map(figure).join(", ")}`;
    }),
  );
  await expect(`${told.join("\n")}\n`).toMatchFileSnapshot("searches.txt");
});

const options: Readonly<Record<string, LBFGSOptions>> = {
  defaults: {},
  "line search": { lineSearchFn: "strongWolfe" },
  "a history of two": { historySize: 2, lineSearchFn: "strongWolfe" },
  "few iterations": { maxIter: 2, lr: 0.1 },
  "few evaluations": { maxEval: 3, lr: 0.1 },
  "few evaluations in a line search": { maxEval: 6, lineSearchFn: "strongWolfe" },
  "a gradient that is small enough": { toleranceGrad: 1, lineSearchFn: "strongWolfe" },
  "changes that are small enough": { toleranceChange: 0.05, lineSearchFn: "strongWolfe" },
  "one iteration": { maxIter: 1, lr: 0.01 },
};

test("steps down a curved valley", async () => {
  const told = Object.entries(options).map(([name, own]) => {
    const [x, y] = [-1.2, 1].map((value) => new Parameter(tensor([value], { dtype: "float64" })));
    if (x === undefined || y === undefined) throw new Error("two parameters");
    const optimizer = new LBFGS([x, y], own);
    let evaluations = 0;
    const losses = Array.from({ length: 4 }, () => {
      const before = evaluations;
      const loss = optimizer.step(() => {
        evaluations++;
        optimizer.zeroGrad();
        const value = x.neg().add(1).square().add(y.sub(x.square()).square().mul(5)).sum();
        value.backward();
        return value;
      });
      return `${figure(loss)} (${evaluations - before})`;
    });
    const [at, bottom] = [x.itemSync(), y.itemSync()];
    return `${name}: ${losses.join(", ")}, ends at ${figure(at)}, ${figure(bottom)}`;
  });
  await expect(`${told.join("\n")}\n`).toMatchFileSnapshot("valleys.txt");
});

it("saves its state, and continues from it to the same weights", () => {
  const problem = (own: LBFGSOptions) => {
    const x = new Parameter(tensor([-1.2, 1], { dtype: "float64" }));
    const optimizer = new LBFGS([x], own);
    const step = (): number =>
      optimizer.step(() => {
        optimizer.zeroGrad();
        const value = x
          .sub(0.3)
          .square()
          .mul(tensor([1, 7], { dtype: "float64" }))
          .sum();
        value.backward();
        return value;
      });
    return { x, optimizer, step };
  };
  const own: LBFGSOptions = { maxIter: 2, lr: 0.2 };
  const [whole, first, rest] = [problem(own), problem(own), problem(own)];
  for (let count = 0; count < 5; count++) whole.step();
  for (let count = 0; count < 2; count++) first.step();
  rest.x.assign(first.x.detach());
  rest.optimizer.loadStateDict(JSON.parse(JSON.stringify(first.optimizer.stateDict())));
  for (let count = 0; count < 3; count++) rest.step();
  expect([...rest.x.dataSync()]).toEqual([...whole.x.dataSync()]);
  expect(rest.optimizer.stateDict()).toEqual(whole.optimizer.stateDict());
  const short = { ...first.optimizer.stateDict(), direction: [1] };
  expect(() => rest.optimizer.loadStateDict(short)).toThrow("the state is of 1 weights, this optimizer has 2");
});
