// A compiled training step with a wrong index stops with an error before it assigns anything.
import { afterAll, expect, test } from "vitest";
import * as nn from "../src/nn/index.ts";
import * as optim from "../src/optim/index.ts";
import { backendInfo, useBackend } from "../src/runtime/index.ts";
import { compile, State, seed, type Tensor, tensor } from "../src/tensor/index.ts";

const before = backendInfo();
afterAll(() => {
  useBackend(before);
});

const cases = [
  { backend: "reference", threads: 1, width: 4 },
  { backend: "wasm", threads: 1, width: 4 },
  { backend: "wasm", threads: 2, width: 160 },
  { backend: "c", threads: 1, width: 4 },
  { backend: "c", threads: 2, width: 160 },
] as const;

const integers = (values: readonly number[]): Tensor => tensor(Int32Array.from(values));

/** Classifies words of a vocabulary of 8 into 3 classes, with every kind of state. */
function classifier(width: number) {
  seed(5);
  const model = new nn.Sequential(
    new nn.Embedding(8, width),
    new nn.Linear(width, width),
    new nn.BatchNorm1d(width),
    new nn.ReLU(),
    new nn.Dropout(0.2),
    new nn.Linear(width, 3),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const step = compile((words: Tensor, classes: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(words), classes);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const state = (): Record<string, unknown> => {
    const all = { ...model.stateDict(), ...optimizer.stateDict().state };
    return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value.toArraySync()]));
  };
  return { step, state };
}

for (const { backend, threads, width } of cases) {
  test(`${backend}, ${threads} thread${threads === 1 ? "" : "s"}: weights stay unchanged, and training continues`, ({
    skip,
  }) => {
    try {
      useBackend({ backend, threads });
    } catch (error) {
      if (backend === "c") return skip(`the C backend is not available: ${error}`);
      throw error;
    }
    const rows = 16 * width;
    const words = integers(Array.from({ length: rows }, (_, row) => row % 8));
    const classes = integers(Array.from({ length: rows }, (_, row) => (row % 8) % 3));
    const { step, state } = classifier(width);
    const first = step(words, classes).itemSync();
    const kept = state();
    expect(Object.keys(kept).length).toBeGreaterThan(20);
    const wrongWord = integers(Array.from({ length: rows }, (_, row) => (row === rows - 2 ? 8 : row % 8)));
    expect(() => step(wrongWord, classes)).toThrow(/8 is out of range, .*weights.* as it was before/);
    expect(state()).toEqual(kept);
    const wrongClass = integers(Array.from({ length: rows }, (_, row) => (row === rows - 3 ? -1 : (row % 8) % 3)));
    expect(() => step(words, wrongClass)).toThrow(
      new RegExp(
        `crossEntropy: in row ${rows - 3}, label -1 is out of range, .* below 3, the number of classes; .* as it was`,
      ),
    );
    expect(state()).toEqual(kept);
    for (let more = 0; more < 20; more++) step(words, classes);
    expect(step(words, classes).itemSync()).toBeLessThan(first);
  });
}

test("a check comes before all assignments, even those that do not depend on it", () => {
  useBackend({ backend: "wasm", threads: 1 });
  const states = Array.from({ length: 100 }, (_, i) => new State(new Float32Array(i + 2)));
  const last = new State(0, { name: "last" });
  const step = compile((table: Tensor, at: Tensor) => {
    for (const state of states) state.assign(state.add(1));
    last.assign(table.indexSelect(0, at).sum());
  });
  const table = tensor([1, 2]);
  expect(() => step(table, integers([2]))).toThrow(/2 is out of range/);
  for (const state of [...states, last]) expect(state.dataSync()[0]).toBe(0);
});

test("a state is assigned after the check when the index is computed from its new value", () => {
  useBackend({ backend: "wasm", threads: 1 });
  const total = new State(0, { name: "total", dtype: "int32" });
  const step = compile((table: Tensor, by: Tensor) => {
    total.assign(total.add(by));
    return table.gather(0, total.reshape([1]));
  });
  const table = tensor([1, 2, 4]);
  expect(step(table, integers([2]).reshape([])).dataSync()[0]).toBe(4);
  expect(() => step(table, integers([1]).reshape([]))).toThrow(/gather along dim 0: at \[0\], index 3 is out of range/);
  expect(total.itemSync()).toBe(2);
});
