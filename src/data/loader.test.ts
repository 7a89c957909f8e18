// The loader: batches as tensors of the right shape and dtype, the same samples as its index batches, and an exact resume.
import { expect, test } from "vitest";
import { Dataset } from "./dataset.ts";
import { DataLoader } from "./loader.ts";

const data = new Dataset({
  features: Float32Array.from({ length: 20 }, (_, i) => i),
  featureShape: [2],
  targets: Int32Array.from({ length: 10 }, (_, i) => i),
});
const options = { batchSize: 4, shuffle: true, seed: 2 };

test("yields features and targets of the samples in each batch", async () => {
  const indices = [...new DataLoader(data, options).indexBatches()];
  const loader = new DataLoader(data, options);
  expect(loader.length).toBe(3);
  let batch = 0;
  for (const [x, y] of loader) {
    const wanted = Array.from(indices[batch++] ?? []);
    expect([x.shape, x.dtype, y.shape, y.dtype]).toEqual([[wanted.length, 2], "float32", [wanted.length], "int32"]);
    expect(await x.toArray()).toEqual(wanted.map((i) => [2 * i, 2 * i + 1]));
    expect(await y.toArray()).toEqual(wanted);
  }
  expect(batch).toBe(3);
  expect(loader.epoch).toBe(1);
});

test("a state saved inside an epoch resumes with the next batch", async () => {
  const whole: unknown[] = [];
  for (const [, y] of new DataLoader(data, options)) whole.push(await y.toArray());
  const first = new DataLoader(data, options);
  for (const _ of first) break;
  const second = new DataLoader(data, options);
  second.restore(JSON.parse(JSON.stringify(first.state())));
  const rest: unknown[] = [];
  for (const [, y] of second) rest.push(await y.toArray());
  expect(rest).toEqual(whole.slice(1));
});
