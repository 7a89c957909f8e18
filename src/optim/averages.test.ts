// Averages of weights, update by update, against plain numbers; swapped, restored, and refused where they do not match.
import { describe, expect, it, test } from "vitest";
import { compile, Parameter, State, tensor } from "../tensor/index.ts";
import { EMA, SWA } from "./index.ts";

const values = [3, 5, -1, 4, 8, 2];
const parameter = (value = 0): Parameter => new Parameter(tensor([value], { dtype: "float64" }));

/** The average after each value. The first value is copied; then the average moves by `share(n)` towards each. */
function plain(share: (count: number) => number): number[] {
  let average = 0;
  return values.map((value, count) => {
    average += (value - average) * (count === 0 ? 1 : share(count));
    return average;
  });
}

describe("after each update", () => {
  const cases = {
    "EMA by default": [(state: Parameter) => new EMA([state]), () => 0.001],
    "EMA of a half": [(state: Parameter) => new EMA([state], { decay: 0.5 }), () => 0.5],
    "EMA that begins with less": [
      (state: Parameter) => new EMA([state], { decay: 0.3, warmup: true }),
      (count: number) => 1 - Math.min(0.3, (1 + count) / (10 + count)),
    ],
    SWA: [(state: Parameter) => new SWA([state]), (count: number) => 1 / (count + 1)],
  } as const;
  it.each(Object.entries(cases))("%s", (_, [make, share]) => {
    const state = parameter();
    const average = make(state);
    const expected = plain(share);
    values.forEach((value, place) => {
      state.assign(tensor([value], { dtype: "float64" }));
      average.update();
      const { "0": now, updates } = average.stateDict().state;
      expect(now?.itemSync()).toBeCloseTo(expected[place] ?? Number.NaN, 12);
      expect(updates?.itemSync()).toBe(place + 1);
      expect(average.use(() => state.itemSync())).toBeCloseTo(expected[place] ?? Number.NaN, 12);
      expect(state.itemSync()).toBe(value);
    });
    average.copyTo();
    expect(state.itemSync()).toBeCloseTo(expected.at(-1) ?? Number.NaN, 12);
  });
});

test("a changed decay takes effect at the next update", () => {
  const state = parameter(1);
  const average = new EMA([state], { decay: 0 });
  average.update();
  average.decay = 1;
  state.assign(tensor([9], { dtype: "float64" }));
  average.update();
  expect(average.stateDict().state["0"]?.itemSync()).toBe(1);
  average.decay = 0.25;
  average.update();
  expect(average.stateDict().state["0"]?.itemSync()).toBe(7);
  for (const decay of [-0.01, 1.01, Number.NaN])
    expect(() => {
      average.decay = decay;
    }).toThrow(/decay must/);
});

test("whole numbers are copied, and 16-bit floats are averaged exactly and used rounded", () => {
  const count = new State(tensor([1], { dtype: "int32" }));
  const half = new Parameter(tensor([1], { dtype: "bfloat16" }));
  const average = new SWA([count, half]);
  for (const value of [1, 1.015625, 1.0078125]) {
    half.assign(tensor([value], { dtype: "bfloat16" }));
    count.assign(tensor([Math.round(value * 100)], { dtype: "int32" }));
    average.update();
  }
  const { "0": whole, "1": exact } = average.stateDict().state;
  expect([whole?.itemSync(), whole?.dtype, exact?.dtype]).toEqual([101, "int32", "float32"]);
  expect(exact?.itemSync()).toBeCloseTo((1 + 1.015625 + 1.0078125) / 3, 6);
  const before = exact?.itemSync();
  expect(average.use(() => half.itemSync())).toBe(1.0078125);
  expect(average.stateDict().state["1"]?.itemSync()).toBe(before);
  expect(half.itemSync()).toBe(1.0078125);
});

test("swapped averages are swapped back after an error, and cannot be updated meanwhile", () => {
  const state = parameter(4);
  const average = new SWA([state]);
  average.update();
  state.assign(tensor([10], { dtype: "float64" }));
  expect(() =>
    average.use(() => {
      expect(state.itemSync()).toBe(4);
      average.update();
    }),
  ).toThrow("the averages are swapped in");
  expect(state.itemSync()).toBe(10);
  average.update();
  expect(average.stateDict().state["0"]?.itemSync()).toBe(7);
});

test("swapped averages are not saved, loaded or copied, which would take the weights for them", () => {
  const state = parameter(4);
  const average = new SWA([state]);
  average.update();
  state.assign(tensor([10], { dtype: "float64" }));
  const saved = average.stateDict();
  average.swap();
  expect(() => average.stateDict()).toThrow("call swap() to restore the weights before the averages are saved");
  expect(() => average.loadStateDict(saved)).toThrow("restore the weights before others are loaded");
  expect(() => average.copyTo()).toThrow("restore the weights before the averages are copied");
  average.swap();
  expect([state.itemSync(), average.stateDict().state["0"]?.itemSync()]).toEqual([10, 4]);
  average.copyTo();
  expect(state.itemSync()).toBe(4);
});

test("a state continues where it was saved, and one that does not match changes nothing", () => {
  const [first, second] = [parameter(2), parameter(3)];
  const [saved, rest] = [new SWA([first]), new SWA([second])];
  saved.update();
  first.assign(tensor([4], { dtype: "float64" }));
  saved.update();
  rest.loadStateDict(saved.stateDict());
  second.assign(tensor([9], { dtype: "float64" }));
  rest.update();
  expect(rest.stateDict().state["0"]?.itemSync()).toBe(5);
  const { state } = saved.stateDict();
  const wrong = [
    [{}, '"0" is missing'],
    [{ "0": state["0"] }, '"updates" is missing'],
    [{ ...state, "0": tensor([1, 2]) }, '"0" is [2] and must be [1]'],
    [{ ...state, "0": tensor([[1]]) }, '"0" is [1, 1] and must be [1]'],
  ] as const;
  for (const [given, message] of wrong)
    expect(() => Reflect.apply(rest.loadStateDict, rest, [{ state: given }])).toThrow(message);
  for (const given of [null, 3]) expect(() => Reflect.apply(rest.loadStateDict, rest, [given])).toThrow("{ state }");
  expect(rest.stateDict().state["0"]?.itemSync()).toBe(5);
  expect(() => new SWA([])).toThrow("needs parameters");
});

describe("a compiled function", () => {
  const told = (body: () => void): string => {
    try {
      body();
      return "done";
    } catch (error) {
      return String(error);
    }
  };

  test("that updates the averages refuses to run while they are swapped in", () => {
    const state = parameter(1);
    const average = new EMA([state]);
    const update = compile(() => average.update());
    update();
    update();
    average.swap();
    expect(told(update)).toContain("swap() to restore the weights");
    average.swap();
    expect(told(update)).toBe("done");
    expect(average.stateDict().state["updates"]?.itemSync()).toBe(3);
  });

  test("that swaps, swaps at each call", () => {
    const course = (wrap: (body: () => void) => () => void): unknown[] => {
      const state = parameter(1);
      const average = new EMA([state], { decay: 0.5 });
      average.update();
      state.assign(tensor([5], { dtype: "float64" }));
      const swap = wrap(() => average.swap());
      return Array.from({ length: 5 }, () => {
        swap();
        return [state.itemSync(), told(() => average.update())];
      });
    };
    expect(course((body) => compile(body))).toEqual(course((body) => body));
  });
});
