// Weighted means: batches with different weights, sizes or numbers of counted labels give the same as one batch of all rows.
import { describe, expect, test } from "vitest";
import { Dataset, moons, Random } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { seed, type Tensor, tensor } from "../tensor/index.ts";
import { Evaluator, type FitOptions, makeObjective, RowStream, samplesOf, fit as trainModel } from "./index.ts";

interface Ended {
  readonly weights: readonly number[];
  readonly losses: readonly number[];
  readonly held: readonly number[];
  readonly steps: number;
  readonly seen: readonly number[];
}

async function run(options: Partial<FitOptions>, make: () => nn.Module, lr = 0.1): Promise<Ended> {
  seed(1);
  const model = make();
  const seen: number[] = [];
  let steps = 0;
  const history = await trainModel(model, {
    train: moons(),
    optimizer: new optim.SGD(model.parameters(), { lr }),
    epochs: 2,
    restoreBest: false,
    callbacks: [
      {
        stepEnd: ({ loss }): undefined => {
          seen.push(loss);
          steps++;
        },
      },
    ],
    ...options,
  });
  return {
    weights: model.parameters().flatMap((parameter) => [...parameter.dataSync()]),
    losses: history.epochs.map(({ train }) => train["loss"] ?? Number.NaN),
    held: history.epochs.map(({ validation }) => validation?.["loss"] ?? Number.NaN),
    steps,
    seen,
  };
}

function expectNear(a: readonly number[], b: readonly number[]): void {
  expect(a.length).toBe(b.length);
  // Sums of up to 40 rounded terms in another order: 40 × 2⁻²⁴ ≈ 2.4e-6 for values of about 1, twice over.
  for (const [place, value] of a.entries()) expect(Math.abs(value - (b[place] ?? Number.NaN))).toBeLessThan(5e-6);
}

const count = 23;
const random = new Random(3);
const draws = (length: number): Float32Array => Float32Array.from({ length }, () => random.uniform(-1, 1));
const features = draws(2 * count);
const uneven = Float32Array.from({ length: count }, (_, row) => [0.1, 5, 1, 0, 2.5][row % 5] ?? 1);
const labels = Int32Array.from({ length: count }, (_, row) => row % 3);
const some = labels.map((label, row) => (row % 4 === 1 || (row >= 5 && row < 10) ? -100 : label));
const rows = (
  targets: Int32Array | Float32Array,
  weights?: Float32Array,
  targetShape: readonly number[] = [],
): Dataset =>
  new Dataset({ features, featureShape: [2], targets, targetShape, ...(weights === undefined ? {} : { weights }) });

/** The scores of classes at each of four positions, as in an image of 2 × 2. */
class Places extends nn.Module {
  readonly layer = new nn.Linear(2, 12);
  override forward(x: Tensor): Tensor {
    return this.layer.forward(x).reshape([-1, 3, 4]);
  }
}
const places = Int32Array.from({ length: 4 * count }, (_, k) => (k % 7 < 2 ? -100 : (k * k) % 3));
const classWeight = tensor([0.2, 1, 4]);

const three = (): nn.Module => new nn.Linear(2, 3);
const cases: readonly (readonly [string, Partial<FitOptions>, () => nn.Module])[] = [
  ["weights of rows", { train: rows(labels, uneven) }, three],
  ["weights of classes", { train: rows(labels), classWeights: [0.1, 5, 1] }, three],
  ["both", { train: rows(labels, uneven), classWeights: "balanced" }, three],
  ["labels left out", { train: rows(some) }, three],
  ["labels left out, weights of rows and classes", { train: rows(some, uneven), classWeights: [0.3, 1, 2] }, three],
  ["labels left out at places of a row", { train: rows(places, uneven, [4]) }, () => new Places()],
  [
    "numbers with weights of rows",
    { train: rows(draws(2 * count), uneven, [2]), loss: "huber" },
    () => new nn.Linear(2, 2),
  ],
  [
    "two classes with weights of rows",
    {
      train: rows(
        labels.map((label) => Math.min(1, label)),
        uneven,
      ),
      loss: "bceWithLogits",
    },
    () => new nn.Linear(2, 1),
  ],
  [
    "a loss of one's own that says what it is a mean over",
    {
      train: rows(labels),
      loss: (output, target) => ({
        loss: nn.functional.crossEntropy(output, target, { weight: classWeight }),
        weight: classWeight.indexSelect(0, target).sum(),
      }),
    },
    three,
  ],
];

describe("one update", () => {
  test.each(cases)("of several batches equals that of one batch: %s", async (_, options, make) => {
    const whole = await run({ ...options, batchSize: count }, make);
    expect(whole.steps).toBe(2);
    for (const batchSize of [1, 5, 8]) {
      const parts = await run({ ...options, batchSize, accumulate: 100 }, make);
      expect(parts.steps).toBe(2);
      expectNear(parts.weights, whole.weights);
      expectNear(parts.losses, whole.losses);
      expectNear(parts.seen, whole.seen);
    }
  });

  test("of rows with weights 0.1 and 5, one at a time", async () => {
    // Gradient of (w − y)² at w = 0: −2y, weighted (0.1 × 1 + 5 × −1) / 5.1.
    const two = new Dataset({
      features: Float32Array.of(1, 1),
      featureShape: [1],
      targets: Float32Array.of(1, -1),
      targetShape: [1],
      weights: Float32Array.of(0.1, 5),
    });
    const make = (): nn.Module => {
      const layer = new nn.Linear(1, 1, { bias: false });
      layer.weight.assign(0);
      return layer;
    };
    for (const parts of [{ batchSize: 2 }, { batchSize: 1, accumulate: 2 }]) {
      const { weights } = await run({ train: two, epochs: 1, ...parts }, make);
      expect(weights[0]).toBeCloseTo((0.1 * 2 * (0.1 - 5)) / 5.1, 6);
    }
  });
});

describe("the loss of an epoch", () => {
  test.each(cases)("is the mean over the data: %s", async (_, options, make) => {
    const { train } = options;
    if (!(train instanceof Dataset)) throw new Error("rows in memory");
    // More rows than are evaluated at once; the last part is small and has another weight.
    const many = train.subset(Int32Array.from({ length: 263 }, (_, k) => (k < 256 ? k % 5 : k % count)));
    const whole = await run({ ...options, train: many, batchSize: 263, epochs: 1 }, make, 0);
    const parts = await run({ ...options, train: many, validation: many, batchSize: 7, epochs: 1 }, make, 0);
    expectNear(parts.losses, whole.losses);
    expectNear(parts.held, whole.losses);
  });

  test("a batch of weight 0 changes nothing", async () => {
    const none = new Float32Array(count).fill(1);
    none.fill(0, 0, 8);
    const order = await run({ train: rows(labels, none), batchSize: 1, epochs: 1 }, three);
    expect(order.weights.every(Number.isFinite)).toBe(true);
    expect(order.losses.every(Number.isFinite)).toBe(true);
  });

  test("ignored labels are not measured either", async () => {
    seed(1);
    const model = new nn.Linear(2, 3);
    const [all, kept] = [rows(some), rows(some).subset([...some.keys()].filter((row) => some[row] !== -100))];
    const optimizer = new optim.SGD(model.parameters(), { lr: 0 });
    const first = await trainModel(model, { train: all, validation: all, optimizer, epochs: 1 });
    const second = await trainModel(model, { train: all, validation: kept, optimizer, epochs: 1 });
    const figures = first.epochs[0]?.validation ?? {};
    expect(Object.keys(figures).length).toBeGreaterThan(3);
    for (const [name, value] of Object.entries(figures))
      expect(value).toBeCloseTo(second.epochs[0]?.validation?.[name] ?? Number.NaN, 6);
  });

  test("of data with ignored labels, after data without, and of a stream whose sample has none", async () => {
    seed(1);
    const model = new nn.Linear(2, 3);
    const objective = makeObjective("crossEntropy", { kind: "classes", count: 3 });
    const both = new Evaluator(model, objective);
    const lossOf = (evaluator: Evaluator, data: Dataset): number =>
      evaluator.evaluate(samplesOf(data)).metrics["loss"] ?? Number.NaN;
    const [all, kept] = [rows(labels), rows(some)];
    const wanted = [all, kept].map((data) => lossOf(new Evaluator(model, objective), data));
    expect([lossOf(both, all), lossOf(both, kept)]).toEqual(wanted);
    const part = kept.subset(Int32Array.from({ length: 12 }, (_, k) => k));
    const stream = new RowStream({
      length: 24,
      sample: all.subset([0, 1]),
      parts: async function* () {
        yield all.subset(Int32Array.from({ length: 12 }, (_, k) => k));
        yield part;
      },
    });
    const { losses } = await run({ train: stream, batchSize: 6, epochs: 1 }, three, 0);
    const memory = new Dataset({
      features: Float32Array.of(...features.subarray(0, 24), ...features.subarray(0, 24)),
      featureShape: [2],
      targets: Int32Array.of(...labels.subarray(0, 12), ...some.subarray(0, 12)),
    });
    expectNear(losses, (await run({ train: memory, batchSize: 24, epochs: 1 }, three, 0)).losses);
  });

  test("refuses data in which nothing counts", async () => {
    const of = (train: Dataset, options: Partial<FitOptions> = {}): Promise<Ended> => run({ train, ...options }, three);
    await expect(of(rows(labels, new Float32Array(count)))).rejects.toThrow(
      /no row of train has both a target that counts/,
    );
    await expect(of(rows(new Int32Array(count).fill(-100)))).rejects.toThrow(/every target of train is -100/);
    await expect(of(rows(some), { loss: "mse" })).rejects.toThrow(/row 1 of train is -100.*mse does not/);
    await expect(of(rows(labels), { validation: rows(new Int32Array(count).fill(-100)) })).rejects.toThrow(/measure/);
  });
});

describe("the last batch", () => {
  const steps = async (length: number, batchSize: number, accumulate: number, parts: readonly number[]) => {
    const data = moons({ count: length, seed: 1 });
    const cut = parts.map((from, k) =>
      data.subset(Int32Array.from({ length: (parts[k + 1] ?? length) - from }, (_, place) => from + place)),
    );
    const stream = new RowStream({
      length,
      sample: data.subset([0, 1]),
      parts: async function* () {
        yield* cut;
      },
    });
    const make = (): nn.Module => new nn.Sequential(new nn.Linear(2, 4), new nn.BatchNorm1d(4), new nn.Linear(4, 2));
    const events: number[] = [];
    const options: Partial<FitOptions> = {
      batchSize,
      accumulate,
      epochs: 1,
      doctor: false,
      onEvent: (event) => {
        if (event.type === "start") events.push(event.stepsPerEpoch);
      },
    };
    const [memory, streamed] = [
      await run({ train: data, ...options }, make),
      await run({ train: stream, ...options }, make),
    ];
    return [memory.steps, streamed.steps, ...events];
  };

  // A single row is not a batch of its own, because batch norm cannot train on it. Schedules are built for these counts.
  test.each([
    [9, 4, 1, [0], 2],
    [9, 8, 1, [0, 8], 1],
    [9, 4, 2, [0, 4, 8], 1],
    [13, 4, 2, [0, 5], 2],
    [17, 4, 2, [0, 1, 2, 16], 2],
    [16, 4, 1, [0, 5, 10], 4],
    [23, 4, 2, [0, 9, 10, 22], 3],
    [5, 8, 3, [0, 2], 1],
  ])("%i rows in batches of %i, %i for an update, in parts from %j: %i updates", async (...given) => {
    const [length, batchSize, accumulate, parts, wanted] = given;
    expect(await steps(length, batchSize, accumulate, parts)).toEqual([wanted, wanted, wanted, wanted]);
  });

  test("a stream whose rows do not match its length is refused", async () => {
    const data = moons({ count: 8 });
    const stream = new RowStream({
      length: 9,
      sample: data,
      parts: async function* () {
        yield data;
      },
    });
    await expect(run({ train: stream }, () => new nn.Linear(2, 2))).rejects.toThrow(/yielded 8 rows in epoch 1.*9/);
  });
});
