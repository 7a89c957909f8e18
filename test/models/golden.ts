// The tiny models of test/golden/models, for tests.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { readSafetensors } from "../../src/formats/index.ts";
import { type Tensor, tensor } from "../../src/tensor/index.ts";

export const folderOf = (name: string): string => fileURLToPath(new URL(`../golden/models/${name}`, import.meta.url));

/** The tensors of a file of these folders. */
export function tensorsIn(file: string): ReadonlyMap<string, Tensor> {
  const { tensors } = readSafetensors(readFileSync(folderOf(file)));
  return new Map(Object.entries(tensors).map(([key, { data, shape }]) => [key, tensor(data).reshape(shape)]));
}

/** The inputs of a model and the outputs of transformers. */
export const goldenOf = (name: string): ReadonlyMap<string, Tensor> => tensorsIn(`${name}/golden.safetensors`);

export function named(golden: ReadonlyMap<string, Tensor>, ...names: readonly string[]): Tensor {
  const found = names.map((name) => golden.get(name)).find((one) => one !== undefined);
  if (found === undefined) throw new Error(`none of ${names.join(", ")}`);
  return found;
}

export const inputOf = (golden: ReadonlyMap<string, Tensor>): Tensor =>
  named(golden, "input.input_ids", "input.pixel_values", "input.input_features");

/** Float32 sums of about a hundred terms in another order: 1e-5 of the largest value. */
export function close(actual: Tensor, expected: Tensor, bound = 1e-5): void {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  let [worst, largest] = [0, 1];
  for (let place = 0; place < b.length; place++) {
    worst = Math.max(worst, Math.abs((a[place] ?? 0) - (b[place] ?? 0)));
    largest = Math.max(largest, Math.abs(b[place] ?? 0));
  }
  expect(worst / largest).toBeLessThan(bound);
}
