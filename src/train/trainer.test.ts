// Trainer: update by update, back and ahead with the same bits; losses read on request; states that do not match are refused as a whole.
import { describe, expect, test } from "vitest";
import { BatchSampler, Dataset, moons, Random } from "../data/index.ts";
import type { JsonObject } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { seed } from "../tensor/index.ts";
import type { StepMoment } from "./callback.ts";
import {
  arraysOf,
  type Callback,
  DoctorCallback,
  EarlyStopping,
  LrSchedule,
  RowStream,
  type TrainEvent,
  Trainer,
  type TrainerOptions,
  fit as trainModel,
} from "./index.ts";

const train = moons({ count: 30, seed: 1 });
const validation = moons({ count: 20, seed: 2 });

function network(): nn.Module {
  seed(3);
  return new nn.Sequential(
    new nn.Linear(2, 6),
    new nn.BatchNorm1d(6),
    new nn.Tanh(),
    new nn.Dropout(0.2),
    new nn.Linear(6, 2),
  );
}

function trainerOf(options: Partial<TrainerOptions> = {}, schedule = true): Trainer {
  const model = network();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
  const trainer = new Trainer(model, { train, validation, optimizer, batchSize: 8, seed: 4, ...options });
  return schedule ? trainer.use(new LrSchedule(new optim.CosineAnnealingLR(optimizer, 30), "update")) : trainer;
}

const weightsOf = ({ model }: Trainer): unknown => arraysOf(model.stateDict());

describe("one loop", () => {
  test("fit is a loop over it: the same bits, records and best epoch", async () => {
    const trainer = trainerOf();
    trainer.advance(12);
    const model = network();
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
    const history = await trainModel(model, {
      train,
      validation,
      optimizer,
      batchSize: 8,
      seed: 4,
      epochs: 3,
      restoreBest: false,
      schedule: new optim.CosineAnnealingLR(optimizer, 30),
      scheduleEvery: "update",
    });
    expect(weightsOf(trainer)).toEqual(arraysOf(model.stateDict()));
    expect(trainer.records).toEqual(history.epochs);
    expect(trainer.best?.epoch).toBe(history.bestEpoch);
  });

  test("step by step, in any strides, and with losses read late, the result is the same", () => {
    const whole = trainerOf();
    whole.advance(11);
    for (const readEvery of [1, 3, 100]) {
      const other = trainerOf({ readEvery });
      for (let k = 0; k < 4; k++) other.step();
      other.advance(5);
      other.advance(2);
      expect(weightsOf(other)).toEqual(weightsOf(whole));
      expect(other.records).toEqual(whole.records);
      expect([other.loss, other.epochLoss]).toEqual([whole.loss, whole.epochLoss]);
      expect(other.state().json["parts"]).toEqual({
        ...(whole.state().json["parts"] as JsonObject),
        progress: expect.anything(),
      });
    }
  });

  test("streamed rows are read before the step that takes them", async () => {
    const stream = new RowStream({
      length: 30,
      sample: train.subset([0, 1]),
      parts: async function* () {
        yield train;
      },
    });
    const trainer = trainerOf({ train: stream });
    expect(() => trainer.step()).toThrow(/await trainer.ready\(\)/);
    await trainer.goTo(9);
    expect(trainer.steps).toBe(9);
    expect(trainer.records.length).toBe(2);
    await expect(trainer.goTo(3)).resolves.toBeUndefined();
    expect(trainer.steps).toBe(3);
    trainer.close();
  });

  test("the order of the rows can be customised", () => {
    const batchSampler = new BatchSampler(30, { batchSize: 15 });
    const trainer = trainerOf({ batchSampler });
    expect(trainer.stepsPerEpoch).toBe(2);
    trainer.advance(4);
    expect(trainer.records.length).toBe(2);
  });
});

describe("going back", () => {
  const moments = { most: 4, every: 2 };

  test("to any step, and ahead again, gives the same bits, records and findings", async () => {
    const options = { moments, callbacks: [new DoctorCallback()] };
    const whole = trainerOf({ callbacks: [new DoctorCallback()] });
    const at = new Map<number, unknown>();
    const all = (trainer: Trainer): unknown => {
      const { tensors, json } = trainer.state();
      const parts = json["parts"] as { readonly progress: JsonObject };
      return { tensors, json: { ...json, parts: { ...parts, progress: { ...parts.progress, seconds: 0 } } } };
    };
    for (let step = 1; step <= 22; step++) {
      whole.advance(1);
      at.set(step, all(whole));
    }
    const trainer = trainerOf(options);
    const random = new Random(1);
    for (let k = 0; k < 20; k++) {
      const step = 1 + random.integer(22);
      await trainer.goTo(step);
      expect(all(trainer), `at step ${step}`).toEqual(at.get(step));
    }
  });

  test("a callback without a state sees each step once, one with a state is rewound too", async () => {
    const seen: number[] = [];
    const events: TrainEvent["type"][] = [];
    class Counting implements Callback {
      readonly name = "counting";
      count = 0;
      stepEnd(): undefined {
        this.count++;
      }
      state() {
        return { json: { count: this.count } };
      }
      restore({ json }: { readonly json: JsonObject }): void {
        this.count = Number(json["count"]);
      }
    }
    const counting = new Counting();
    const trainer = trainerOf({
      moments,
      onEvent: ({ type }) => events.push(type),
      callbacks: [counting, { stepEnd: ({ step }) => void seen.push(step) }],
    });
    await trainer.goTo(9);
    await trainer.goTo(2);
    expect(counting.count).toBe(2);
    await trainer.goTo(10);
    expect(counting.count).toBe(10);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(events.filter((type) => type === "epoch").length).toBe(2);
  });

  test("a step must be a whole number from 0", async () => {
    const trainer = trainerOf({ moments });
    trainer.advance(3);
    for (const step of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const sentence = new RegExp(`must be a whole number of at least 0, got ${step}`);
      await expect(trainer.goTo(step)).rejects.toThrow(sentence);
      for (const go of [trainer.advance, trainer.rewind, trainer.startFrom])
        expect(() => go.call(trainer, step)).toThrow(sentence);
    }
    expect(trainer.steps).toBe(3);
  });

  test("a second journey during the first is refused, and the first arrives", async () => {
    const whole = trainerOf();
    whole.advance(9);
    const trainer = trainerOf({ moments });
    const first = trainer.goTo(9);
    await expect(trainer.goTo(2)).rejects.toThrow(/on its way to step 9, and cannot go to step 2 meanwhile/);
    await first;
    expect(trainer.steps).toBe(9);
    expect(weightsOf(trainer)).toEqual(weightsOf(whole));
    await trainer.goTo(2);
    expect(trainer.steps).toBe(2);
  });

  test("is refused without a moment that early", () => {
    const trainer = trainerOf();
    trainer.advance(5);
    trainer.keep();
    expect(() => trainer.rewind(3)).toThrow(/no state at or before step 3 was kept/);
  });
});

describe("a loss that is not a number", () => {
  const broken = () => {
    const model = network();
    const features = train.features.data.slice();
    features[40] = Number.NaN;
    return new Trainer(model, {
      train: new Dataset({ features, featureShape: [2], targets: train.targets.data }),
      optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
      batchSize: 8,
      readEvery: 50,
    });
  };

  test("is found at its step, however late it is read, and training goes back to the last good moment", async () => {
    const trainer = broken();
    expect(trainer.advance(20)).toBe(false);
    const { failure } = trainer;
    expect(failure).toMatchObject({ kind: "loss" });
    expect(trainer.step()).toBe(false);
    await trainer.diagnose();
    expect(trainer.steps).toBe(0);
    expect(trainer.findings.map(({ code }) => code)).toEqual(["notANumber"]);
    const again = broken();
    let step = 0;
    while (again.step() && again.readLosses()) step++;
    expect(failure?.step).toBe(step + 1);
  });
});

test("a kept moment does not report another step's loss as its own", async () => {
  const moments: StepMoment[] = [];
  const losses: number[] = [];
  const trainer = trainerOf({
    callbacks: [
      {
        stepEnd: (moment) => {
          moments.push(moment);
          losses.push(moment.loss);
          return undefined;
        },
      },
    ],
  });
  trainer.advance(3);
  expect(moments[2]?.loss).toBe(losses[2]);
  expect(() => moments[0]?.loss).toThrow("stepEnd: the loss of step 1 is asked for at step 3");
  await expect(moments[1]?.item()).rejects.toThrow("step 2 is asked for at step 3");
});

test("with sameRun, moments kept before a restored state can be reached", async () => {
  const trainer = trainerOf({ moments: { most: 10, every: 2 } });
  trainer.advance(4);
  const there = weightsOf(trainer);
  trainer.advance(3);
  const saved = trainer.state();
  const again = trainerOf({ moments: { most: 10, every: 2 } });
  again.advance(4);
  again.restore(saved, { sameRun: true });
  expect(again.steps).toBe(7);
  await again.goTo(4);
  expect(weightsOf(again)).toEqual(there);
  again.restore(saved);
  expect(() => again.rewind(4)).toThrow(/no state at or before step 4 was kept/);
});

describe("a state that does not match", () => {
  test("is refused, and nothing is changed", () => {
    const trainer = trainerOf({ callbacks: [new EarlyStopping({ patience: 2 })] });
    trainer.advance(6);
    const before = trainer.state();
    const other = trainerOf();
    other.advance(3);
    expect(() => trainer.restore(other.state())).toThrow(/the state has no part "earlyStopping"/);
    expect(() => other.restore(before)).toThrow(/the state has a part "earlyStopping", which this training lacks/);
    const damaged = {
      ...before,
      json: { ...before.json, parts: { ...(before.json["parts"] as JsonObject), best: {} } },
    };
    expect(() => trainer.restore(damaged)).toThrow(/best/);
    const { tensors, json } = before;
    for (const odd of [null, undefined, {}, "state", { tensors }, { json }])
      expect(() => Reflect.apply(trainer.restore, trainer, [odd])).toThrow(HebbError);
    expect(() => trainer.restore(JSON.parse(JSON.stringify(before)))).toThrow(
      '.weight" are no longer a typed array, which JSON does not keep; copy a state with structuredClone',
    );
    const after = trainer.state();
    expect(after.tensors).toEqual(before.tensors);
    expect(trainer.steps).toBe(6);
  });

  test("a doctor may be added, and starts from scratch, which is reported", () => {
    const other = trainerOf();
    other.advance(3);
    const told: string[] = [];
    const trainer = trainerOf({
      callbacks: [new DoctorCallback()],
      onEvent: (event) => {
        if (event.type === "warning") told.push(event.message);
      },
    });
    trainer.restore(other.state());
    expect(told).toEqual(['the saved state has nothing for "doctor", which starts anew']);
    other.advance(4);
    trainer.advance(4);
    expect(weightsOf(trainer)).toEqual(weightsOf(other));
  });

  test("callbacks with a state need a name of their own, and both of its functions", () => {
    const state = () => ({});
    const restore = () => {};
    expect(() => trainerOf({ callbacks: [{ state, restore }] })).toThrow(/give it a name/);
    expect(() => trainerOf({ callbacks: [{ name: "a", state }] })).toThrow(/state without restore/);
    const one = { name: "a", state, restore };
    expect(() => trainerOf({ callbacks: [one, { ...one }] })).toThrow(/two callbacks with a state are named "a"/);
    expect(() => trainerOf({ callbacks: [new EarlyStopping({ patience: 0 })] })).toThrow(/patience must be/);
    expect(() => trainerOf({ readEvery: 0 })).toThrow(/Trainer: readEvery must be a whole number of at least 1/);
  });
});

describe("after an error", () => {
  /** Fails at these calls, and returns the rows unchanged at others. */
  const failingAt = (...wrong: number[]): TrainerOptions["augment"] => {
    let call = 0;
    return (features) => {
      if (wrong.includes(++call)) throw new Error("the file is locked");
      return features;
    };
  };
  const until = (trainer: Trainer, steps: number): number => {
    let errors = 0;
    while (trainer.steps < steps && errors < 10)
      try {
        trainer.step();
      } catch {
        errors++;
      }
    return errors;
  };

  test.each([1, 3])("in a batch, the batch is repeated: the same bits, with %i batches an update", (accumulate) => {
    const options = { batchSize: 4, accumulate };
    const [whole, cut] = [
      trainerOf({ ...options, augment: failingAt() }),
      trainerOf({ ...options, augment: failingAt(5, 6, 9) }),
    ];
    expect(until(whole, 7)).toBe(0);
    expect(until(cut, 7)).toBe(3);
    expect(weightsOf(cut)).toEqual(weightsOf(whole));
    expect([cut.rows, cut.epoch, cut.epochLoss]).toEqual([whole.rows, whole.epoch, whole.epochLoss]);
    const resumed = trainerOf({ ...options, augment: failingAt() });
    resumed.restore(cut.state());
    for (const trainer of [whole, resumed]) trainer.advance(4);
    expect(weightsOf(resumed)).toEqual(weightsOf(whole));
  });

  test("within an update, no state can be saved, but one can be restored", () => {
    const trainer = trainerOf({ batchSize: 4, accumulate: 3, augment: failingAt(5) });
    trainer.step();
    const before = trainer.state();
    expect(() => trainer.step()).toThrow("locked");
    expect(() => trainer.state()).toThrow("an error ended update 2 after the first of its batches");
    trainer.restore(before);
    const whole = trainerOf({ batchSize: 4, accumulate: 3, augment: failingAt() });
    for (const each of [trainer, whole]) until(each, 5);
    expect(weightsOf(trainer)).toEqual(weightsOf(whole));
  });

  test("in streamed rows, they are repeated too", async () => {
    const stream = (wrong: readonly number[]): Partial<TrainerOptions> => ({
      train: new RowStream({
        length: 30,
        sample: train.subset([0, 1]),
        parts: async function* () {
          yield train;
        },
      }),
      metrics: {},
      loss: (output, target) => nn.functional.crossEntropy(failed(wrong) ? output.mul(Number.NaN) : output, target),
    });
    // The loss is traced once for each shape and position; an error there is an error of the step.
    let traced = 0;
    const failed = (wrong: readonly number[]): boolean => {
      if (wrong.includes(++traced)) throw new Error("the loss fails");
      return false;
    };
    const results: unknown[] = [];
    for (const wrong of [[], [2, 3]]) {
      traced = 0;
      const trainer = trainerOf({ ...stream(wrong), validation: undefined, accumulate: 2 });
      let errors = 0;
      while (trainer.steps < 4) {
        await trainer.ready();
        try {
          if (trainer.epochOver) await trainer.endEpochLater();
          else trainer.step();
        } catch {
          errors++;
        }
      }
      expect(errors).toBe(wrong.length);
      results.push([weightsOf(trainer), trainer.epoch, trainer.rows]);
    }
    expect(results[1]).toEqual(results[0]);
  });

  test("in an evaluation, the epoch is still over, and can be ended again", () => {
    let calls = 0;
    const figure = () => {
      if (++calls === 1) throw new Error("the metric fails");
      return 1;
    };
    const [whole, cut] = [
      trainerOf({ ema: 0.9, metrics: { figure: () => 1 } }),
      trainerOf({ ema: 0.9, metrics: { figure } }),
    ];
    expect(until(whole, 9)).toBe(0);
    expect(until(cut, 9)).toBe(1);
    expect(cut.records).toEqual(whole.records);
    expect(weightsOf(cut)).toEqual(weightsOf(whole));
  });
});
