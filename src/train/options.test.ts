// The options of fit: each is compared with a run that does the same in another way.
import { describe, expect, test } from "vitest";
import { blobs, curve, Dataset, moons, TokenSequence } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { Parameter, seed } from "../tensor/index.ts";
import { type FitOptions, findLr, type History, residentOf, type TrainEvent, fit as trainModel } from "./index.ts";

const train = moons({ count: 64, seed: 1 });
const validation = moons({ count: 40, seed: 2 });

async function run(
  options: Partial<FitOptions> = {},
  make: () => nn.Module = () => new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2)),
): Promise<{ history: History; events: TrainEvent[]; weights: number[]; model: nn.Module }> {
  seed(1);
  const model = make();
  const events: TrainEvent[] = [];
  const history = await trainModel(model, {
    train,
    optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
    epochs: 2,
    batchSize: 16,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { history, events, model, weights: model.parameters().flatMap((parameter) => [...parameter.dataSync()]) };
}

function expectNear(a: readonly number[], b: readonly number[]): void {
  expect(a.length).toBe(b.length);
  for (const [place, value] of a.entries()) expect(value).toBeCloseTo(b[place] ?? Number.NaN, 5);
}

describe("batches", () => {
  test("gradients of several batches make the update of one large batch, even if the last is smaller", async () => {
    for (const count of [64, 56]) {
      const rows = moons({ count, seed: 1 });
      const large = await run({ train: rows, batchSize: 32 });
      const small = await run({ train: rows, batchSize: 8, accumulate: 4 });
      expectNear(small.weights, large.weights);
      const progress = small.events.find(({ type }) => type === "start");
      expect(progress?.type === "start" && progress.stepsPerEpoch).toBe(2);
    }
  });

  test("limits of gradients limit the step", async () => {
    seed(1);
    const start = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 2))
      .parameters()
      .flatMap((parameter) => [...parameter.dataSync()]);
    const moved = async (options: Partial<FitOptions>): Promise<number[]> => {
      const { weights } = await run({ epochs: 1, batchSize: 64, ...options });
      return weights.map((weight, place) => weight - (start[place] ?? 0));
    };
    const norm = (values: readonly number[]): number => Math.hypot(...values);
    expect(norm(await moved({}))).toBeGreaterThan(0.1 * 0.02);
    expect(norm(await moved({ clipNorm: 0.02 }))).toBeCloseTo(0.1 * 0.02, 5);
    expect(Math.max(...(await moved({ clipValue: 0.001 })).map(Math.abs))).toBeCloseTo(0.1 * 0.001, 6);
  });
});

describe("weights of rows and classes", () => {
  /** Three rows of class 0 for each of class 1. */
  const uneven = ((): Dataset => {
    const all = moons({ count: 160, seed: 3 });
    const rows = [...all.targets.data.keys()].filter((row) => all.targets.data[row] === 0 || row % 3 === 0);
    return all.subset(rows);
  })();

  test("balanced classes equal rows weighted by hand", async () => {
    const counts = [0, 1].map((label) => Array.from(uneven.targets.data).filter((one) => one === label).length);
    const perClass = counts.map((count) => uneven.length / (2 * count));
    const weighted = new Dataset({
      features: uneven.features.data,
      featureShape: [2],
      targets: uneven.targets.data,
      weights: Float32Array.from(uneven.targets.data, (label) => perClass[label] ?? 0),
    });
    const byClass = await run({ train: uneven, classWeights: "balanced" });
    const byRow = await run({ train: weighted });
    expectNear(byClass.weights, byRow.weights);
    expectNear((await run({ train: uneven, classWeights: perClass })).weights, byRow.weights);
    expect(byRow.weights).not.toEqual((await run({ train: uneven })).weights);
  });

  test("a row of weight 0 has no effect", async () => {
    const doubled = new Dataset({
      features: Float32Array.from([...train.features.data, ...validation.features.data]),
      featureShape: [2],
      targets: Int32Array.from([...train.targets.data, ...validation.targets.data]),
      weights: Float32Array.from({ length: 104 }, (_, row) => (row < 64 ? 1 : 0)),
    });
    for (const loss of ["crossEntropy", "mse"] as const) {
      const all = { batchSize: 200, epochs: 3, loss };
      expectNear((await run({ ...all, train: doubled })).weights, (await run(all)).weights);
    }
  });

  test("refuses weights where they have no meaning", async () => {
    await expect(run({ train: curve({ count: 20 }), classWeights: "balanced" })).rejects.toThrow(
      /weigh classes, but the target is a number/,
    );
    await expect(run({ classWeights: [1, 2, 3] })).rejects.toThrow(/2 numbers of 0 or more/);
    await expect(
      run({ classWeights: "balanced", loss: (output, target) => nn.functional.crossEntropy(output, target) }),
    ).rejects.toThrow(/does not take row weights/);
  });
});

describe("the monitored metric", () => {
  test("improvements report the previous value, and another metric may have another best epoch", async () => {
    const { events, history } = await run({ validation, epochs: 12, monitor: "accuracy" });
    const improved = events.flatMap((event) => (event.type === "improvement" ? [event] : []));
    expect(improved[0]?.previous).toBeNull();
    for (const [place, event] of improved.entries()) {
      expect(event.metric).toBe("accuracy");
      if (place > 0) {
        expect(event.previous).toBe(improved[place - 1]?.value);
        expect(event.value).toBeGreaterThan(event.previous ?? Number.POSITIVE_INFINITY);
      }
    }
    expect(history.bestEpoch).toBe(improved.at(-1)?.epoch);
    await expect(run({ monitor: "acuracy" })).rejects.toThrow(/no metric "acuracy".*loss/);
  });

  test("custom metrics, and top-5 accuracy for many classes", async () => {
    const { history } = await run({
      validation,
      metrics: { mistakes: (predictions, targets) => targets.length - Math.round(predictions.length / 2) },
    });
    expect(history.epochs[0]?.validation?.["mistakes"]).toBe(0);
    const many = blobs({ count: 240, seed: 1 });
    const classes = Int32Array.from(many.targets.data, (_, row) => row % 12);
    const twelve = new Dataset({ features: many.features.data, featureShape: [2], targets: classes });
    const wide = await run({ train: twelve, validation: twelve }, () => new nn.Linear(2, 12));
    const figures = wide.history.epochs.at(-1)?.validation;
    expect(figures?.["top5"]).toBeGreaterThan(figures?.["accuracy"] ?? 1);
  });

  test("its mode, under any name, determines best epoch, weights, early stopping and plateaus alike", async () => {
    // Falls, then rises: the minimum is in epoch 2, the maximum in epoch 0.
    const course = [5, 3, 1, 2, 2.5, 4, 4.5];
    for (const [mode, best, length] of [
      ["min", 2, 5],
      ["max", 0, 3],
    ] as const) {
      let at = 0;
      const { history, weights, events } = await run({
        validation,
        epochs: 7,
        monitor: "accuracyGap",
        mode,
        metrics: { accuracyGap: () => course[at++] ?? Number.NaN },
        earlyStopping: { patience: 2 },
      });
      expect(history.bestEpoch).toBe(best);
      expect(history.stopped).toBe("early");
      expect(history.epochs.length).toBe(length);
      const improved = events.flatMap((event) => (event.type === "improvement" ? [event.epoch] : []));
      expect(improved.at(-1)).toBe(best);
      // The weights of the best epoch equal those of a run that ends there.
      expect(weights).toEqual((await run({ validation, epochs: best + 1, restoreBest: false })).weights);
    }
    const plateau = (mode: "min" | "max", options: Partial<FitOptions>) => {
      const optimizer = new optim.SGD([new Parameter(1)]);
      return run({ ...options, schedule: new optim.ReduceLROnPlateau(optimizer, { mode }) });
    };
    await expect(plateau("min", { validation, monitor: "accuracy" })).rejects.toThrow(
      /mode is "min", but it watches the accuracy, of which higher is better; build it with mode: "max"/,
    );
    await expect(plateau("max", {})).rejects.toThrow(/watches the loss, of which lower is better/);
    await expect(plateau("max", { validation, monitor: "accuracy" })).resolves.toBeDefined();
    await expect(plateau("max", { validation, monitor: "accuracy", scheduleEvery: "update" })).rejects.toThrow(
      /the loss/,
    );
  });

  test("callbacks see every update and epoch, and can end training", async () => {
    const steps: number[] = [];
    const epochs: number[] = [];
    const { history } = await run({
      epochs: 9,
      callbacks: [
        {
          stepEnd: ({ step, loss }) => {
            steps.push(step);
            expect(loss).toBeGreaterThan(0);
            return undefined;
          },
          epochEnd: ({ epoch }) => {
            epochs.push(epoch);
            return epoch === 2 ? "stop" : undefined;
          },
        },
      ],
    });
    expect(history.stopped).toBe("interrupted");
    expect(epochs).toEqual([0, 1, 2]);
    expect(steps).toEqual(Array.from({ length: 12 }, (_, k) => k + 1));
  });

  test("the minimum change that counts", async () => {
    const patient = await run({ validation, epochs: 40, earlyStopping: { patience: 2 } });
    const strict = await run({ validation, epochs: 40, earlyStopping: { patience: 2, minDelta: 0.05 } });
    expect(strict.history.stopped).toBe("early");
    expect(strict.history.epochs.length).toBeLessThan(patient.history.epochs.length);
  });
});

describe("averages and rates", () => {
  test("the average is measured, and kept at the end", async () => {
    const { model, history } = await run({ validation, ema: 0.9, epochs: 6, restoreBest: false });
    const plain = await run({ validation, epochs: 6, restoreBest: false });
    // Evaluating without an optimizer step in between gives the metrics of the last epoch again.
    const { features, targets } = residentOf(validation);
    const output = nn.functional.crossEntropy(model.forward(features), targets);
    expect(output.itemSync()).toBeCloseTo(history.epochs.at(-1)?.validation?.["loss"] ?? 0, 5);
    expect(history.epochs.at(-1)?.validation?.["loss"]).not.toBe(plain.history.epochs.at(-1)?.validation?.["loss"]);
    expect(history.epochs.at(-1)?.train).toEqual(plain.history.epochs.at(-1)?.train);
  });

  test("the finder restores everything", () => {
    seed(1);
    const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Dropout(0.2), new nn.Tanh(), new nn.Linear(8, 2));
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.123 });
    const values = (): number[] => model.parameters().flatMap((parameter) => [...parameter.dataSync()]);
    const before = values();
    const first = findLr(model, { train, optimizer, batchSize: 16 });
    expect(values()).toEqual(before);
    expect(optimizer.lr).toBe(0.123);
    expect(findLr(model, { train, optimizer, batchSize: 16 })).toEqual(first);
    expect(first.suggested).toBeLessThan(first.highest ?? 0);
    expect(() => findLr(model, { train, optimizer, from: 1, to: 0.1 })).toThrow(/startLr/);
  });

  test("texts have no classes and accept no augmentation", async () => {
    const tokens = new TokenSequence(
      Int32Array.from({ length: 60 }, (_, k) => k % 3),
      4,
      3,
    );
    await expect(run({ train: tokens, augment: (values) => values })).rejects.toThrow(/not to text/);
    await expect(run({ train: tokens, loss: "mse" })).rejects.toThrow(/crossEntropy/);
    await expect(run({ augment: (values) => values.slice(1) })).rejects.toThrow(/keep the shape/);
  });
});
