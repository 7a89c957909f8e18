// Stopped at any step and resumed: equal bit for bit, for every optimizer and every schedule, with dropout and batch norm.
import { describe, expect, test } from "vitest";
import { moons, Random, TokenSequence } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import { seed } from "../tensor/index.ts";
import {
  arraysOf,
  type FitOptions,
  Gpt,
  type History,
  makeOptimizer,
  makeSchedule,
  type OptimizerName,
  optimizerNames,
  RowStream,
  type ScheduleName,
  scheduleNames,
  type TrainState,
  fit as trainModel,
  updatesIn,
} from "./index.ts";

const train = moons({ count: 44, seed: 1 });
const validation = moons({ count: 20, seed: 2 });
const epochs = 4;
const batchSize = 8;

function network(): nn.Module {
  seed(3);
  return new nn.Sequential(
    new nn.Linear(2, 6),
    new nn.BatchNorm1d(6),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(6, 2),
  );
}

interface Recipe {
  readonly optimizer: OptimizerName;
  readonly schedule: ScheduleName;
  readonly warmup?: number;
  readonly options?: Partial<FitOptions>;
  readonly model?: () => nn.Module;
}

const rates: Partial<Record<OptimizerName, number>> = { adadelta: 1, lion: 1e-3, sgd: 0.1 };

/** A whole run, one that stops after some updates, or one that continues from there. */
async function run(
  { optimizer: name, schedule: how, warmup = 0, options = {}, model: make = network }: Recipe,
  part: { readonly stopAfter?: number; readonly from?: TrainState } = {},
): Promise<{ history: History; weights: ReturnType<typeof arraysOf>; saved: TrainState | undefined }> {
  const model = make();
  const lr = rates[name] ?? 0.01;
  const optimizer = makeOptimizer({ optimizer: name, lr, weightDecay: 0.01 }, model);
  const rows = options.train ?? train;
  const stepsPerEpoch = updatesIn(rows.length, { batchSize, accumulate: options.accumulate ?? 1 });
  const schedule = makeSchedule({ schedule: how, lr, warmup, epochs, stepsPerEpoch }, optimizer);
  let saved: TrainState | undefined;
  const history = await trainModel(model, {
    train,
    validation,
    optimizer,
    epochs,
    batchSize,
    seed: 7,
    restoreBest: false,
    ...(schedule === undefined ? {} : { schedule: schedule.schedule, scheduleEvery: schedule.every }),
    callbacks: [{ stepEnd: ({ step }) => (step === part.stopAfter ? "stop" : undefined) }],
    save: (state) => {
      // As stored in a file.
      saved = { tensors: structuredClone(state.tensors), json: JSON.parse(JSON.stringify(state.json)) };
    },
    resume: part.from,
    ...options,
  });
  return { history, weights: arraysOf(model.stateDict()), saved };
}

async function expectExact(recipe: Recipe, stops: readonly number[]): Promise<void> {
  const whole = await run(recipe);
  expect(whole.history.stopped).toBe("finished");
  for (const stopAfter of stops) {
    const cut = await run(recipe, { stopAfter });
    expect(cut.history.stopped).toBe("interrupted");
    if (cut.saved === undefined) throw new Error("nothing was saved");
    const rest = await run(recipe, { from: cut.saved });
    expect(rest.weights).toEqual(whole.weights);
    expect(rest.history.epochs).toEqual(whole.history.epochs);
    expect(rest.history.bestEpoch).toBe(whole.history.bestEpoch);
    expect(cut.weights).not.toEqual(whole.weights);
  }
}

const steps = Math.ceil(train.length / batchSize) * epochs;
const random = new Random(Date.now());
const anyStep = (): number => 1 + random.integer(steps - 1);

/**
 * oneCycle changes the momentum as well as the rate, so it is paired with every optimizer. The others only change the rate, which is the same cell
 * for all optimizers: each optimizer is paired with two of them. HEBB_LONG=1 tries all pairs.
 */
const pairs = optimizerNames.map((optimizer, place) => {
  const others = scheduleNames.filter((name) => name !== "oneCycle");
  const two = [0, 1].map((next) => others[(2 * place + next) % others.length] ?? "constant");
  return [optimizer, process.env["HEBB_LONG"] === "1" ? scheduleNames : ["oneCycle" as const, ...two]] as const;
});

describe.each(pairs)("%s", (optimizer, schedules) => {
  test.each(schedules)("%s", async (schedule) => {
    const stop = anyStep();
    try {
      await expectExact({ optimizer, schedule }, [stop]);
    } catch (error) {
      throw new Error(`stopped after step ${stop}: ${String(error)}`);
    }
  });
});

test("every schedule is in a pair", () => {
  expect(new Set(pairs.flatMap(([, schedules]) => schedules))).toEqual(new Set(scheduleNames));
});

describe("other options and models", () => {
  test("warm-up, gradients of several batches, clipping, class weights, histograms, the doctor", async () => {
    await expectExact(
      {
        optimizer: "adamw",
        schedule: "cosine",
        warmup: 3,
        options: {
          accumulate: 4,
          clipNorm: 0.5,
          clipValue: 0.1,
          classWeights: "balanced",
          histograms: 1,
          doctor: true,
          monitor: "accuracy",
        },
      },
      [1, 2, 3, 5, 7],
    );
  });

  test("a moving average of the weights", async () => {
    await expectExact({ optimizer: "adamw", schedule: "cosine", options: { ema: 0.9 } }, [2, 6, 13]);
    await expectExact({ optimizer: "sgd", schedule: "constant", options: { ema: 0.9, accumulate: 2 } }, [1, 4]);
  });

  test("data that are augmented in every epoch, by seed, epoch and sample", async () => {
    const augment: NonNullable<FitOptions["augment"]> = (
      features,
      { seed: from, epoch, samples, shape: [size = 1] },
    ) => {
      for (const [row, sample] of samples.entries()) {
        const draw = new Random(from, 1000 * epoch + sample);
        for (let k = 0; k < size; k++) features[row * size + k] = (features[row * size + k] ?? 0) + draw.normal(0, 0.1);
      }
      return features;
    };
    await expectExact({ optimizer: "adam", schedule: "constant", options: { augment } }, [4, 9, 20]);
    const plain = await run({ optimizer: "adam", schedule: "constant" });
    const changed = await run({ optimizer: "adam", schedule: "constant", options: { augment } });
    expect(changed.weights).not.toEqual(plain.weights);
  });

  test("rows streamed in parts", async () => {
    const parts = [0, 20, 36].map((from, place, all) =>
      train.subset(Int32Array.from({ length: (all[place + 1] ?? 44) - from }, (_, k) => from + k)),
    );
    const stream = new RowStream({
      length: 44,
      sample: train.subset([0, 1, 2]),
      parts: async function* (epoch) {
        // A different order in each epoch, but always the same for the same epoch.
        for (let k = 0; k < 3; k++) {
          const part = parts[(k + epoch) % 3];
          if (part !== undefined) yield part;
        }
      },
    });
    await expectExact({ optimizer: "adam", schedule: "constant", options: { train: stream } }, [1, 3, 4, 9, 14]);
    await expectExact(
      { optimizer: "adam", schedule: "constant", options: { train: stream, accumulate: 2 } },
      [1, 2, 5, 8],
    );
  });

  test("early stopping continues its count", async () => {
    const recipe: Recipe = { optimizer: "momentum", schedule: "plateau", options: { earlyStopping: { patience: 1 } } };
    const whole = await run(recipe);
    const cut = await run(recipe, { stopAfter: 4 });
    const rest = await run(recipe, cut.saved === undefined ? {} : { from: cut.saved });
    expect(rest.weights).toEqual(whole.weights);
    expect(rest.history.epochs).toEqual(whole.history.epochs);
    expect(rest.history.stopped).toBe(whole.history.stopped);
  });

  test("a GPT with dropout over windows that shift from epoch to epoch", async () => {
    const tokens = (from: number, count: number): TokenSequence =>
      new TokenSequence(
        Int32Array.from({ length: count }, (_, k) => ((k + from) * (k + 3)) % 11),
        8,
        11,
      );
    await expectExact(
      {
        optimizer: "adamw",
        schedule: "cosine",
        warmup: 4,
        model: () => {
          seed(5);
          return new Gpt({ vocabulary: 11, context: 8, layers: 1, width: 8, heads: 2, dropout: 0.2 });
        },
        options: { train: tokens(0, 500), validation: tokens(5, 120) },
      },
      [3, 14, 21],
    );
  });

  test("a pause", async () => {
    const recipe: Recipe = { optimizer: "nadam", schedule: "oneCycle" };
    const whole = await run(recipe);
    const first = await run({ ...recipe, options: { pauseAfter: 1 } });
    expect(first.history.stopped).toBe("paused");
    const second = await run(
      { ...recipe, options: { pauseAfter: 3 } },
      first.saved === undefined ? {} : { from: first.saved },
    );
    expect(second.history.epochs.length).toBe(3);
    const last = await run(recipe, second.saved === undefined ? {} : { from: second.saved });
    expect(last.weights).toEqual(whole.weights);
    expect(last.history.epochs).toEqual(whole.history.epochs);
  });

  test("another optimizer is refused", async () => {
    const { saved } = await run({ optimizer: "adam", schedule: "constant", options: { pauseAfter: 1 } });
    const from = saved === undefined ? {} : { from: saved };
    await expect(run({ optimizer: "adamw", schedule: "constant" }, from)).rejects.toThrow(
      "the state is of Adam, this optimizer is AdamW",
    );
  });
});
