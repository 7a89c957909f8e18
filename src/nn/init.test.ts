// Initialisers: bounds, moments, orthogonality, and that one seed determines all of them.
import { describe, expect, it } from "vitest";
import type { Shape } from "../graph/shape.ts";
import { Parameter, rand, type State, seed, type Tensor } from "../tensor/index.ts";
import { Conv2d, init, Linear } from "./index.ts";

const parameter = (...shape: number[]): Parameter => new Parameter(0, { shape });

function moments(state: State): { mean: number; std: number; least: number; most: number } {
  const data = [...state.dataSync()];
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const std = Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length);
  return { mean, std, least: Math.min(...data), most: Math.max(...data) };
}

/** Within five standard errors: 10,000 draws fail once in two million. */
const near = (actual: number, expected: number, std: number): void =>
  expect(Math.abs(actual - expected)).toBeLessThan((5 * std) / 100);

describe("distributions", () => {
  const weight = (): Parameter => {
    seed(3);
    return parameter(100, 100);
  };
  const uniformBounds = (state: State, bound: number): void => {
    const { mean, std, least, most } = moments(state);
    expect(least).toBeGreaterThanOrEqual(-bound);
    expect(most).toBeLessThanOrEqual(bound);
    expect(most).toBeGreaterThan(0.99 * bound);
    near(mean, 0, bound / Math.sqrt(3));
    near(std, bound / Math.sqrt(3), bound / 2);
  };
  const normalMoments = (state: State, mean: number, std: number): void => {
    near(moments(state).mean, mean, std);
    near(moments(state).std, std, std);
  };

  it("uniform and normal", () => {
    uniformBounds(init.uniform(weight(), -2, 2), 2);
    normalMoments(init.normal(weight(), 3, 0.5), 3, 0.5);
  });
  it("xavier", () => {
    uniformBounds(init.xavierUniform(weight(), 2), 2 * Math.sqrt(6 / 200));
    normalMoments(init.xavierNormal(weight()), 0, Math.sqrt(2 / 200));
  });
  it("kaiming", () => {
    uniformBounds(init.kaimingUniform(weight(), { a: Math.sqrt(5) }), 1 / Math.sqrt(100));
    normalMoments(init.kaimingNormal(weight(), { nonlinearity: "relu", mode: "fanOut" }), 0, Math.sqrt(2 / 100));
  });
  it("truncated normal", () => {
    const state = init.truncNormal(weight(), 1, 2, 0, 3);
    const { mean, std, least, most } = moments(state);
    expect(least).toBeGreaterThanOrEqual(0);
    expect(most).toBeLessThanOrEqual(3);
    // A normal distribution truncated at -0.5 and 1 standard deviations.
    const [a, b, area] = [-0.5, 1, 0.8413447460685429 - 0.3085375387259869];
    const density = (t: number): number => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
    const shift = (density(a) - density(b)) / area;
    const spread = Math.sqrt(1 + (a * density(a) - b * density(b)) / area - shift ** 2);
    near(mean, 1 + 2 * shift, 2 * spread);
    near(std, 2 * spread, 2 * spread);
  });
});

it.each([
  [4, 6],
  [6, 4],
  [5, 5],
])("orthogonal %i × %i", (rows, columns) => {
  seed(2);
  const state: Tensor = init.orthogonal(parameter(rows, columns), 2).detach().to("float64");
  const [left, right] = rows <= columns ? [state, state.t()] : [state.t(), state];
  const gram = left.matmul<Shape, Shape>(right);
  const size = Math.min(rows, columns);
  const data = gram.dataSync();
  for (let place = 0; place < size * size; place++)
    expect(data[place]).toBeCloseTo(place % (size + 1) === 0 ? 4 : 0, 5);
});

it("eye, constants, gains", () => {
  expect(init.eye(parameter(2, 3)).toArraySync()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  expect(init.constant(parameter(2), 3).toArraySync()).toEqual([3, 3]);
  expect(init.ones(init.zeros(parameter(1))).toArraySync()).toEqual([1]);
  expect(init.calculateGain("tanh")).toBeCloseTo(5 / 3, 15);
  expect(init.calculateGain("leakyRelu", 0)).toBeCloseTo(Math.SQRT2, 15);
  expect(init.fans([8, 3, 5, 5])).toEqual({ fanIn: 75, fanOut: 200 });
  expect(() => init.xavierNormal(parameter(3))).toThrow("at least 2 dims");
});

it("layers are initialised as in PyTorch, and identically for the same seed", () => {
  const make = (): number[] => {
    seed(9);
    return [...new Linear(64, 32).parameters(), ...new Conv2d(4, 8, 3).parameters()].flatMap((state) => [
      ...state.dataSync(),
    ]);
  };
  expect(make()).toEqual(make());
  const conv = new Conv2d(4, 64, 3);
  expect(moments(conv.weight).most).toBeLessThanOrEqual(1 / 6);
  expect(moments(conv.weight).most).toBeGreaterThan(0.99 / 6);
});

it("dirac makes a convolution the identity, in each group", () => {
  const layer = new Conv2d(4, 4, 3, { padding: 1, groups: 2, bias: false });
  init.dirac(layer.weight, 2);
  const x = rand([1, 4, 3, 3]);
  expect([...layer.forward(x).dataSync()]).toEqual([...x.dataSync()]);
  expect(() => init.dirac(parameter(2, 2))).toThrow("3 to 5 dims");
});

it("sparse sets a fraction of each column to 0", () => {
  seed(1);
  const weight = parameter(10, 4);
  init.sparse(weight, 0.25);
  const zeros = weight.eq(0).to("int32").sum(0);
  expect([...zeros.dataSync()]).toEqual([3, 3, 3, 3]);
});
