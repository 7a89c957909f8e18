// Saving and going back inside hooks and updates: the same bits as an undisturbed training.
import { describe, expect, test } from "vitest";
import { moons } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { seed } from "../tensor/index.ts";
import { arraysOf, LrSchedule, Trainer, type TrainerOptions, type TrainState } from "./index.ts";

const train = moons({ count: 44, seed: 1 });
const validation = moons({ count: 20, seed: 2 });
const epochs = 3;

/** A training with averages, accumulated updates, two groups and a schedule. `seen` is called in its hooks and after every step and epoch. */
function training(seen: (where: string, trainer: Trainer) => void = () => {}, options: Partial<TrainerOptions> = {}) {
  seed(3);
  const model = new nn.Sequential(
    new nn.Linear(2, 6),
    new nn.BatchNorm1d(6),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(6, 2),
  );
  const parameters = model.parameters();
  const optimizer = new optim.Adam(
    [
      { params: parameters.slice(0, 2), lr: 0.02 },
      { params: parameters.slice(2), weightDecay: 0.01 },
    ],
    { lr: 0.01 },
  );
  const trainer = new Trainer(model, {
    train,
    validation,
    optimizer,
    batchSize: 8,
    seed: 7,
    accumulate: 3,
    clipNorm: 1,
    ema: 0.9,
    ...options,
    callbacks: [
      new LrSchedule(new optim.StepLR(optimizer, 2, { gamma: 0.7 })),
      {
        stepEnd: () => {
          seen("stepEnd", trainer);
          return undefined;
        },
        epochEnd: () => {
          seen("epochEnd", trainer);
          return undefined;
        },
      },
    ],
    onEvent: ({ type }) => seen(type, trainer),
  });
  return { trainer, model, optimizer };
}
type Made = ReturnType<typeof training>;

function toTheEnd({ trainer }: Made): void {
  while (trainer.epoch < epochs)
    if (trainer.epochOver) trainer.endEpoch();
    else trainer.step();
}

const outcome = ({ trainer, model, optimizer }: Made) => ({
  weights: arraysOf(model.stateDict()),
  averages: arraysOf(trainer.average?.stateDict().state ?? {}),
  records: trainer.records,
  rates: optimizer.groups.map(({ lr }) => lr),
  best: trainer.best?.epoch,
});

const untouched = training();
toTheEnd(untouched);
const expected = outcome(untouched);

/** As stored in a file. */
const written = (state: TrainState): TrainState => ({
  tensors: structuredClone(state.tensors),
  json: JSON.parse(JSON.stringify(state.json)),
});

test("a state saved by a hook holds the trained weights, and the next epoch", () => {
  const saved: TrainState[] = [];
  const saving = training((where, trainer) => {
    if (where === "stepEnd" || where === "epochEnd") saved.push(written(trainer.state()));
  });
  toTheEnd(saving);
  expect(outcome(saving)).toEqual(expected);
  expect(saved.length).toBe(3 * 2 + 3);
  for (const state of saved) {
    const resumed = training();
    resumed.trainer.restore(state);
    toTheEnd(resumed);
    expect(outcome(resumed)).toEqual(expected);
  }
});

test("a state is refused before all stateful callbacks have been called for the epoch", () => {
  const refused: string[] = [];
  const saving = training((where, trainer) => {
    if (where !== "epoch") return;
    try {
      trainer.state();
    } catch (error) {
      refused.push(String(error));
    }
  });
  toTheEnd(saving);
  expect(refused.length).toBe(epochs);
  for (const message of refused)
    expect(message).toMatch(/the callback "schedule" has still to be called for this epoch.*added after "schedule"/);
  expect(outcome(saving)).toEqual(expected);
});

test("states can be saved again after an error in a listener", () => {
  let fails = true;
  const made = training((where) => {
    if (where === "epoch" && fails) throw new Error("the disk is full");
  });
  while (!made.trainer.epochOver) made.trainer.step();
  expect(() => made.trainer.endEpoch()).toThrow("the disk is full");
  fails = false;
  expect(made.trainer.state().json["version"]).toBe(2);
});

describe("going back in a hook", () => {
  test.each(["restore", "rewind"] as const)("%s puts back the weights that are trained", (how) => {
    let state: TrainState | undefined;
    let went = false;
    const made = training(
      (where, trainer) => {
        if (where === "stepEnd" && trainer.steps === 3) state = written(trainer.state());
        if (where !== "epochEnd" || trainer.epoch !== 2 || went) return;
        went = true;
        if (how === "rewind") trainer.rewind(3);
        else if (state !== undefined) trainer.restore(state);
      },
      { moments: { most: 8, every: 1 } },
    );
    toTheEnd(made);
    expect(went).toBe(true);
    expect(outcome(made)).toEqual(expected);
  });

  test("a refused state leaves the averages unchanged", () => {
    const refused: string[] = [];
    const made = training((where, trainer) => {
      if (where !== "epochEnd") return;
      const { tensors, json } = trainer.state();
      const lacking = Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== "average.3"));
      expect(() => trainer.restore({ tensors: lacking, json })).toThrow('the average "3" is missing');
      refused.push(String(trainer.epoch));
    });
    toTheEnd(made);
    expect(refused).toEqual(["1", "2", "3"]);
    expect(outcome(made)).toEqual(expected);
  });
});

test("a state refused within an update keeps the earlier batches of that update", () => {
  let call = 0;
  const augment: TrainerOptions["augment"] = (features) => {
    if (++call === 5) throw new Error("the file is locked");
    return features;
  };
  const whole = training(() => {}, { augment: (features) => features });
  toTheEnd(whole);
  const made = training(() => {}, { augment });
  const { trainer } = made;
  const { tensors, json } = trainer.state();
  trainer.step();
  expect(() => trainer.step()).toThrow("locked");
  expect(() => trainer.restore({ tensors: {}, json })).toThrow();
  expect(() => trainer.state()).toThrow("an error ended update 2 after the first of its batches");
  expect(Object.keys(tensors).length).toBeGreaterThan(0);
  toTheEnd(made);
  expect(outcome(made)).toEqual(outcome(whole));
});
