// Batches: every sample once an epoch, and a position that can be saved and restored mid-epoch.
import { describe, expect, test } from "vitest";
import { Dataset, gatherSamples } from "./dataset.ts";
import { Random } from "./random.ts";
import { BatchSampler, batchesIn, type SamplerOptions } from "./sampler.ts";

const epoch = (sampler: BatchSampler): number[][] => [...sampler.batches()].map((batch) => [...batch]);

test("without shuffling the order is that of the data; the last batch is smaller or dropped", () => {
  expect(epoch(new BatchSampler(5, { batchSize: 2 }))).toEqual([[0, 1], [2, 3], [4]]);
  expect(epoch(new BatchSampler(5, { batchSize: 2, dropLast: true }))).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect(new BatchSampler(3).batchSize).toBe(1);
  expect(epoch(new BatchSampler(1))).toEqual([[0]]);
});

test("shuffled epochs hold each sample once, differ from each other, and follow from the seed", () => {
  const sampler = new BatchSampler(50, { batchSize: 8, shuffle: true, seed: 3 });
  const first = epoch(sampler).flat();
  const second = epoch(sampler).flat();
  expect([...first].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(second).not.toEqual(first);
  const again = new BatchSampler(50, { batchSize: 8, shuffle: true, seed: 3 });
  expect(epoch(again).flat()).toEqual(first);
  expect(epoch(new BatchSampler(50, { batchSize: 8, shuffle: true, seed: 4 })).flat()).not.toEqual(first);
});

describe("a state saved at any batch resumes exactly", () => {
  const options: SamplerOptions = { batchSize: 3, shuffle: true, seed: 9 };
  const all = (() => {
    const sampler = new BatchSampler(10, options);
    return [epoch(sampler), epoch(sampler), epoch(sampler)];
  })();

  test.each([1, 2, 3, 4])("inside epoch 1, after batch %i", (stopAfter) => {
    const sampler = new BatchSampler(10, options);
    epoch(sampler);
    let saved = "";
    let seen = 0;
    for (const batch of sampler.batches()) {
      expect([...batch]).toEqual(all[1]?.[seen]);
      // Saved while the batch is in use, as in a training loop after its step.
      if (++seen === stopAfter) saved = JSON.stringify(sampler.state());
      if (seen === stopAfter) break;
    }
    const resumed = new BatchSampler(10, options);
    resumed.restore(JSON.parse(saved));
    expect(resumed.epoch).toBe(1);
    expect(epoch(resumed)).toEqual(all[1]?.slice(stopAfter));
    expect(epoch(resumed)).toEqual(all[2]);
  });
});

/** Cuts an epoch's order into batches. */
function cut(order: readonly number[], { batchSize = 1, dropLast = false, joinSingle = false }: SamplerOptions) {
  const batches: number[][] = [];
  for (let rest = order; rest.length > 0; rest = rest.slice(batchSize)) batches.push(rest.slice(0, batchSize));
  const last = batches.at(-1) ?? [];
  if (last.length === batchSize) return batches;
  if (dropLast) return batches.slice(0, -1);
  if (!(joinSingle && last.length === 1 && batches.length > 1)) return batches;
  return [...batches.slice(0, -2), [...(batches.at(-2) ?? []), ...last]];
}

test("batches of every size are cut from the epoch's order, which is a contract", () => {
  for (let length = 1; length <= 13; length++)
    for (let batchSize = 1; batchSize <= 14; batchSize++)
      for (const dropLast of [false, true])
        for (const joinSingle of [false, true])
          for (const shuffle of [false, true]) {
            if (dropLast && length < batchSize) continue;
            const options = { batchSize, dropLast, joinSingle, shuffle, seed: 5 };
            const sampler = new BatchSampler(length, options);
            for (const at of [0, 1]) {
              const order = shuffle
                ? [...new Random(5, 0x10000000 + at).permutation(length)]
                : Array.from({ length }, (_, row) => row);
              const expected = cut(order, options);
              expect(sampler.batchCount).toBe(expected.length);
              expect(batchesIn(length, { batchSize, dropLast, joinSingle })).toBe(expected.length);
              expect(sampler.epoch).toBe(at);
              expected.forEach((batch, place) => {
                expect(sampler.batchesLeft).toBe(expected.length - place);
                expect([...(sampler.take() ?? [])]).toEqual(batch);
              });
              expect(sampler.batchesLeft).toBe(0);
              expect(sampler.take()).toBeUndefined();
              sampler.startEpoch(at + 1);
            }
          }
});

test("defaults match PyTorch", () => {
  expect(new BatchSampler(3).state()).toEqual({
    epoch: 0,
    batch: 0,
    seed: 0,
    length: 3,
    batchSize: 1,
    shuffle: false,
    dropLast: false,
    joinSingle: false,
  });
  expect(batchesIn(3, {})).toBe(3);
});

test("epochs run from 0 to the last stream", () => {
  const sampler = new BatchSampler(4);
  for (const epoch of [-1, 0.5, 0xe0000001]) {
    expect(() => sampler.startEpoch(epoch)).toThrow(`epoch ${epoch} is not a whole number`);
    expect(() => sampler.restore({ ...sampler.state(), epoch })).toThrow(`epoch ${epoch} is not a whole number`);
  }
  for (const epoch of [0, 0xe0000000]) {
    sampler.startEpoch(epoch);
    expect(sampler.epoch).toBe(epoch);
  }
});

test("restores a position from the first to the last of an epoch, and requires the same settings", () => {
  const sampler = new BatchSampler(10, { batchSize: 3, shuffle: true });
  for (let batch = 0; batch <= 4; batch++) {
    sampler.restore({ ...sampler.state(), epoch: 2, batch });
    expect([sampler.epoch, sampler.batchesLeft]).toEqual([2, 4 - batch]);
  }
  const state = sampler.state();
  const others = { length: 11, batchSize: 2, shuffle: false, dropLast: true, joinSingle: true, seed: 1 };
  for (const [key, value] of Object.entries(others))
    expect(() => sampler.restore({ ...state, [key]: value })).toThrow(`${key} ${value}, and this loader has`);
  expect(sampler.state()).toEqual(state);
});

test("refuses sizes that make no batch", () => {
  for (const batchSize of [0, -1, 1.5])
    expect(() => new BatchSampler(3, { batchSize })).toThrow(`batchSize ${batchSize} is not a whole number`);
  for (const length of [0, -1, 1.5]) expect(() => new BatchSampler(length)).toThrow("give at least one sample");
  expect(new BatchSampler(3, { batchSize: 3, dropLast: true }).batchCount).toBe(1);
  expect(() => new BatchSampler(3, JSON.parse('{ "batchsize": 2 }'))).toThrow("batchsize");
  expect(() => batchesIn(3, JSON.parse('{ "batchsize": 2 }'))).toThrow("batchsize");
});

test("refuses a state of other data or settings, or a damaged one", () => {
  const sampler = new BatchSampler(10, { batchSize: 3 });
  const state = sampler.state();
  expect(() => new BatchSampler(11, { batchSize: 3 }).restore(state)).toThrow(/length 10, and this loader has 11/);
  expect(() => new BatchSampler(10, { batchSize: 3, seed: 1 }).restore(state)).toThrow(/seed 0, and this loader has 1/);
  for (const batch of [99, 5, -1, 0.5])
    expect(() => sampler.restore({ ...state, batch })).toThrow(`at batch ${batch}, but an epoch has 4`);
  expect(() => new BatchSampler(10, { batchSize: 0 })).toThrow(/batchSize 0/);
  expect(() => new BatchSampler(0)).toThrow(/at least one/);
  expect(() => new BatchSampler(3, { batchSize: 4, dropLast: true })).toThrow(/leaves no batch of 3 samples/);
});

describe("Dataset", () => {
  const data = new Dataset({
    features: Float32Array.of(1, 2, 3, 4, 5, 6),
    featureShape: [2],
    targets: Int32Array.of(7, 8, 9),
    weights: Float32Array.of(1, 0, 2),
  });

  test("gathers samples and subsets in the requested order", () => {
    expect(Array.from(gatherSamples(data.features, [2, 0]))).toEqual([5, 6, 1, 2]);
    const subset = data.subset([1, 1, 2]);
    expect(Array.from(subset.targets.data)).toEqual([8, 8, 9]);
    expect(Array.from(subset.weights ?? [])).toEqual([0, 0, 2]);
    expect(subset.targets.dtype).toBe("int32");
  });

  test("refuses values that do not fit together", () => {
    expect(() => gatherSamples(data.features, [3])).toThrow(/there is no sample 3; the data set has 3/);
    expect(() => new Dataset({ features: new Float32Array(5), featureShape: [2], targets: new Int32Array(2) })).toThrow(
      /5 values do not divide into samples of shape \[2\]/,
    );
    expect(() => new Dataset({ features: new Float32Array(4), featureShape: [2], targets: new Int32Array(3) })).toThrow(
      /2 samples of features but 3 targets/,
    );
    expect(
      () =>
        new Dataset({
          features: new Float32Array(2),
          featureShape: [1],
          targets: new Int32Array(2),
          weights: Float32Array.of(1, -1),
        }),
    ).toThrow(/finite and not negative/);
  });
});
