// Training on an asynchronous device: the same bits, events and saved states as on the reference, and failures reported in time.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { data, nn, optim, seed, type Tensor, Trainer, fit as trainModel } from "../../src/index.ts";
import { useDevice } from "../../src/runtime/index.ts";
import {
  arraysOfLater,
  type Callback,
  Evaluator,
  type FitOptions,
  findLr,
  findLrLater,
  Gpt,
  generate,
  LrSchedule,
  makeObjective,
  residentOf,
  type TrainEvent,
  type TrainState,
} from "../../src/train/index.ts";
import { both, leave, useLater, useReference } from "./both.ts";
import { createLaterDevice } from "./device.ts";

afterEach(leave);

const train = data.moons({ count: 30, seed: 1 });
const validation = data.moons({ count: 20, seed: 2 });
const targetsOf = (count: number): Float32Array => Float32Array.from({ length: count }, (_, row) => Math.sin(row));
const numbers = new data.Dataset({
  features: train.features.data,
  featureShape: [2],
  targets: targetsOf(30),
  targetShape: [1],
});
const heldNumbers = new data.Dataset({
  features: validation.features.data,
  featureShape: [2],
  targets: targetsOf(20),
  targetShape: [1],
});

const classifier = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Linear(2, 6),
    new nn.BatchNorm1d(6),
    new nn.ReLU(),
    new nn.Dropout(0.2),
    new nn.Linear(6, 2),
  );
const regressor = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 6), new nn.Tanh(), new nn.Linear(6, 1));

type Chosen = Partial<FitOptions> & { readonly rate?: number };

/** Everything that a training reports and leaves behind, except times. */
async function trained(model: nn.Module, { rate = 0.05, ...options }: Chosen): Promise<unknown> {
  const optimizer = new optim.AdamW(model.parameters(), { lr: rate });
  const events: TrainEvent[] = [];
  const saved: TrainState[] = [];
  const history = await trainModel(model, {
    train,
    optimizer,
    epochs: 4,
    batchSize: 8,
    seed: 3,
    onEvent: (event) => events.push(event),
    save: (state) => saved.push(state),
    saveEvery: 0,
    ...options,
  });
  return timeless({
    history,
    // Saves within an epoch depend on the clock.
    events: events.filter(({ type }) => type !== "progress" && type !== "start" && type !== "checkpoint"),
    saved: history.stopped === "diverged" ? undefined : saved.at(-1),
    weights: await arraysOfLater(model.stateDict()),
    slots: await arraysOfLater(optimizer.stateDict().state),
  });
}

/** A copy without durations. */
function timeless(value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(timeless);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (key === "seconds" ? [] : [[key, timeless(part)]])),
  );
}

describe("fit", () => {
  it.each<[string, () => nn.Module, (model: nn.Module) => Chosen]>([
    ["classes, with everything that looks on", classifier, () => ({ validation, doctor: true, histograms: 1 })],
    ["numbers", regressor, () => ({ train: numbers, validation: heldNumbers, doctor: true })],
    ["early stopping", classifier, () => ({ validation, epochs: 30, rate: 0.5, earlyStopping: { patience: 2 } })],
    ["averaged weights and clipped gradients", classifier, () => ({ validation, ema: 0.9, clipNorm: 0.5 })],
    ["several batches for an update", classifier, () => ({ accumulate: 3, classWeights: "balanced" })],
    ["a rate so high that weights overflow", classifier, () => ({ rate: 1e38 })],
  ])("%s", async (_, build, options) => {
    const [expected, found] = await both(async () => {
      const model = build();
      return trained(model, options(model));
    });
    expect(found).toEqual(expected);
  });

  it("gives a schedule the loss of each update before the next one", async () => {
    const [expected, found] = await both(async () => {
      const model = classifier();
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      const schedule = new optim.ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5 });
      await trainModel(model, { train, optimizer, epochs: 3, batchSize: 8, schedule, scheduleEvery: "update" });
      return [optimizer.lr, await arraysOfLater(model.stateDict())];
    });
    expect(found).toEqual(expected);
    expect(found[0]).toBeLessThan(0.1);
  });

  it("resumes from a state saved in the middle of an epoch, to the same bits", async () => {
    const run = async (stops: readonly number[]): Promise<unknown> => {
      seed(4);
      let resume: TrainState | undefined;
      for (const stop of [...stops, Number.POSITIVE_INFINITY]) {
        const model = classifier();
        const optimizer = new optim.AdamW(model.parameters(), { lr: 0.05 });
        const schedule = new optim.CosineAnnealingLR(optimizer, 20);
        const callbacks: Callback[] = [{ stepEnd: ({ step }) => (step === stop ? "stop" : undefined) }];
        const history = await trainModel(model, {
          ...{ train, validation, optimizer, schedule, callbacks, resume, epochs: 4, batchSize: 8, seed: 3 },
          ...{ scheduleEvery: "update", ema: 0.9, earlyStopping: { patience: 9 }, doctor: true, saveEvery: 0 },
          save: (state) => {
            resume = state;
          },
        });
        if (history.stopped === "finished")
          return timeless([history, await arraysOfLater(model.stateDict()), resume?.tensors]);
      }
      return undefined;
    };
    useReference();
    const expected = await run([]);
    useLater();
    expect(await run([])).toEqual(expected);
    expect(await run([3, 6, 9])).toEqual(expected);
  });

  it("awaits the answers of callbacks", async () => {
    useLater();
    const model = classifier();
    const losses: number[] = [];
    const history = await trainModel(model, {
      train,
      optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
      epochs: 9,
      batchSize: 8,
      callbacks: [
        {
          stepEnd: async (moment) => {
            expect(() => moment.loss).toThrow(/await moment.item\(\) instead of moment.loss/);
            losses.push(await moment.item());
            return moment.step === 6 ? "stop" : undefined;
          },
        },
      ],
    });
    expect([losses.length, history.stopped]).toEqual([6, "interrupted"]);
    expect(new Set(losses).size).toBe(6);
  });
});

describe("a label out of range", () => {
  const broken = new data.Dataset({
    features: train.features.data,
    featureShape: [2],
    targets: Int32Array.from(train.targets.data, (label, row) => (row === 17 ? 5 : label)),
  });

  const loss = (output: Tensor, target: Tensor): Tensor => nn.functional.crossEntropy(output, target);

  it.each([1, 3])(
    "ends fit with its message and step, and leaves the weights as before (batches in an update: %i)",
    async (accumulate) => {
      useReference();
      const run = async (): Promise<{ message: string; weights: unknown; saved: number }> => {
        seed(4);
        const model = classifier();
        const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
        let saved = -1;
        const options = { train: broken, loss, optimizer, epochs: 3, batchSize: 4, seed: 3, accumulate, doctor: false };
        const save: FitOptions["save"] = (_, { step }) => {
          saved = step;
        };
        const failure = await trainModel(model, { ...options, save, saveEvery: 0 }).catch((error) => error);
        return { message: failure.message, weights: await arraysOfLater(model.stateDict()), saved };
      };
      const expected = await run();
      useLater();
      const found = await run();
      expect(found.message).toMatch(/^step \d: crossEntropy: in row \d, label 5 is out of range/);
      expect(found.message.replace(/^step \d: /, "")).toBe(expected.message);
      expect(found.weights).toEqual(expected.weights);
      expect(found.saved).toBeGreaterThanOrEqual(0);
      expect(found.saved).toBeLessThan(Number(found.message[5]));
    },
  );

  it("stops a Trainer until it goes back", async () => {
    useLater();
    const model = classifier();
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
    const trainer = new Trainer(model, { train: broken, loss, optimizer, batchSize: 4, seed: 3 });
    await trainer.beginLater();
    const begun = await trainer.stateLater();
    const failure = await trainer.goTo(8).catch((error) => error);
    const step = Number(/^step (\d): crossEntropy/.exec(failure.message)?.[1]);
    expect(trainer.steps).toBe(step - 1);
    expect(() => trainer.step()).toThrow(failure.message);
    await expect(trainer.stateLater()).rejects.toThrow(failure.message);
    await trainer.restoreLater(begun);
    await trainer.goTo(step - 1);
    expect(trainer.steps).toBe(step - 1);
    expect(trainer.loss).toBeGreaterThan(0);
  });
});

it("steps do not wait, and losses are read together", async () => {
  const device = createLaterDevice();
  useDevice(device);
  const model = regressor();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
  const schedule = new optim.CosineAnnealingLR(optimizer, 20);
  const callbacks = [new LrSchedule(schedule, "update")];
  const trainer = new Trainer(model, { train: numbers, optimizer, batchSize: 1, ema: 0.9, callbacks });
  await trainer.beginLater();
  const before = device.reads;
  while (!trainer.mustWait) trainer.step();
  expect([trainer.steps, device.reads - before]).toEqual([8, 0]);
  await trainer.ready();
  expect(device.reads - before).toBe(8);
  while (!trainer.mustWait) trainer.step();
  expect(trainer.steps).toBe(16);
  await trainer.ready();
  expect(trainer.loss).toBeGreaterThan(0);
  expect(await trainer.readLossesLater()).toBe(true);
  expect(device.reads - before).toBe(16);
});

describe("a Trainer", () => {
  const make = (): Trainer => {
    const model = classifier();
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
    return new Trainer(model, { train, validation, optimizer, batchSize: 8, seed: 3, moments: { most: 4, every: 3 } });
  };

  it("goes back and forward to the same bits", async () => {
    const [expected, found] = await both(async () => {
      const trainer = make();
      await trainer.goTo(13);
      const there = await arraysOfLater(trainer.model.stateDict());
      await trainer.goTo(5);
      await trainer.goTo(13);
      expect(await arraysOfLater(trainer.model.stateDict())).toEqual(there);
      return timeless([there, await trainer.stateLater(), trainer.loss, trainer.epochLoss, trainer.records]);
    });
    expect(found).toEqual(expected);
  });

  it("says what to await where a synchronous call would have to wait", async () => {
    useLater();
    const trainer = make();
    expect(() => trainer.step()).toThrow(
      /begin\(\) needs values synchronously, .* await trainer.beginLater\(\) instead/,
    );
    await trainer.ready();
    expect(() => trainer.state()).toThrow(/await trainer.stateLater\(\) instead/);
    expect(() => trainer.readLosses()).toThrow(/await trainer.readLossesLater\(\) instead/);
    while (!trainer.epochOver) {
      if (trainer.mustWait) await trainer.ready();
      expect(trainer.step()).toBe(true);
    }
    expect(() => trainer.step()).toThrow(/endEpoch\(\) .* await trainer.endEpochLater\(\) instead/);
    expect(await trainer.endEpochLater()).toBe(true);
    expect(trainer.records.length).toBe(1);
  });
});

describe("next to fit", () => {
  beforeEach(useReference);

  it("findLr", async () => {
    const [expected, found] = await both(async () => {
      const model = classifier();
      return findLrLater(model, { train, optimizer: new optim.Adam(model.parameters()), batchSize: 8, steps: 40 });
    });
    expect(found).toEqual(expected);
    useReference();
    seed(4);
    const model = classifier();
    expect(findLr(model, { train, optimizer: new optim.Adam(model.parameters()), batchSize: 8, steps: 40 })).toEqual(
      found,
    );
  });

  it("generate", async () => {
    const text = "to be, or not to be, that is the question. ";
    const vocabulary = data.CharacterVocabulary.of(text);
    const [expected, found] = await both(async () => {
      const model = new Gpt({ vocabulary: vocabulary.size, context: 8, layers: 1, width: 8, heads: 2, dropout: 0.1 });
      const sequence = new data.TokenSequence(vocabulary.encode(text), 8, vocabulary.size);
      const optimizer = new optim.AdamW(model.parameters(), { lr: 0.02 });
      const { epochs } = await trainModel(model, { train: sequence, optimizer, epochs: 2, batchSize: 4 });
      const written: number[] = [];
      for await (const token of generate(model, { prompt: vocabulary.encode("to "), count: 12, context: 8 }))
        written.push(token);
      return { epochs, written: vocabulary.decode(written) };
    });
    expect(found).toEqual(expected);
    expect(found.written.length).toBe(12);
  });

  it("evaluation in many batches, with custom metrics", async () => {
    const many = data.moons({ count: 256 * 18, seed: 5 });
    const [expected, found] = await both(async () => {
      const objective = makeObjective("crossEntropy", { kind: "classes", count: 2 });
      const own = { positives: (predictions: Float32Array) => predictions.filter((p) => p > 0.5).length };
      return new Evaluator(classifier(), objective, own).evaluateLater(residentOf(many));
    });
    expect(found).toEqual(expected);
  });
});
