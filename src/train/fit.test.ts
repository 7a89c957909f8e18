// fit: it learns, stops early with the best weights, says where NaN came from, and resumes to the bit from any moment.
import { describe, expect, test } from "vitest";
import { Dataset, moons } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { seed } from "../tensor/index.ts";
import {
  arraysOf,
  type FitOptions,
  type History,
  type TrainEvent,
  type TrainState,
  fit as trainModel,
} from "./index.ts";

const train = moons({ count: 90, seed: 1 });
const validation = moons({ count: 40, seed: 2 });

function network(): nn.Module {
  seed(3);
  return new nn.Sequential(new nn.Linear(2, 12), new nn.Tanh(), new nn.Dropout(0.1), new nn.Linear(12, 2));
}

async function run(
  options: Partial<FitOptions> = {},
  model = network(),
): Promise<{ history: History; events: TrainEvent[]; model: nn.Module }> {
  const events: TrainEvent[] = [];
  const optimizer = options.optimizer ?? new optim.Adam(model.parameters(), { lr: 0.02 });
  const schedule = new optim.ReduceLROnPlateau(optimizer, { patience: 1, factor: 0.5 });
  const plateau = {
    step: (metric: number) => schedule.step(metric),
    stateDict: () => ({ ...schedule.stateDict(), lrs: [...schedule.stateDict().lrs] }),
    loadStateDict: (state: object) => schedule.loadStateDict(state as optim.PlateauState),
  };
  const history = await trainModel(model, {
    train,
    validation,
    optimizer,
    epochs: 6,
    batchSize: 16,
    seed: 4,
    schedule: plateau,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { history, events, model };
}

describe("fit", () => {
  test("learns, and tells it in order", async () => {
    const { history, events } = await run({ epochs: 25 });
    expect(history.stopped).toBe("finished");
    expect(history.epochs.length).toBe(25);
    expect(history.epochs.at(-1)?.validation?.accuracy).toBeGreaterThan(0.8);
    expect(events[0]?.type).toBe("start");
    expect(events.filter(({ type }) => type === "epoch").length).toBe(25);
  });

  test("resumed from any saved state, it gives the same bits", async () => {
    const states: TrainState[] = [];
    // Saved at each epoch's end, and whenever the loop lets others in.
    const whole = await run({ saveEvery: 0, save: (state) => states.push(structuredClone(state)) });
    expect(states.length).toBeGreaterThanOrEqual(6);
    const wanted = arraysOf(whole.model.stateDict());
    for (const state of states) {
      const again = await run({ resume: state });
      expect(arraysOf(again.model.stateDict())).toEqual(wanted);
      expect(again.history.epochs).toEqual(whole.history.epochs);
    }
  });

  test("an aborted run saves in the middle of an epoch, and goes on from there", async () => {
    const big = moons({ count: 4000, seed: 1 });
    const model = (): nn.Module => {
      seed(3);
      return new nn.Sequential(new nn.Linear(2, 64), new nn.Tanh(), new nn.Dropout(0.2), new nn.Linear(64, 2));
    };
    const whole = await run({ train: big, batchSize: 2, epochs: 1 }, model());
    const stop = new AbortController();
    let saved: TrainState | undefined;
    setTimeout(() => stop.abort(), 40);
    const cut = await run(
      {
        train: big,
        batchSize: 2,
        epochs: 1,
        signal: stop.signal,
        save: (state) => {
          saved = structuredClone(state);
        },
      },
      model(),
    );
    expect(cut.history.stopped).toBe("interrupted");
    const step = saved?.json.step as number;
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(2000);
    const rest = await run({ train: big, batchSize: 2, epochs: 1, resume: saved }, model());
    expect(arraysOf(rest.model.stateDict())).toEqual(arraysOf(whole.model.stateDict()));
    expect(rest.history.epochs).toEqual(whole.history.epochs);
  });

  test("stops early and restores the best weights", async () => {
    const model = network();
    // A rate this high leaves the best epoch soon.
    const { history, events } = await run(
      { epochs: 200, earlyStopping: { patience: 3 }, optimizer: new optim.Adam(model.parameters(), { lr: 0.5 }) },
      model,
    );
    expect(history.stopped).toBe("early");
    expect(history.epochs.length).toBe(history.bestEpoch + 4);
    expect(events.at(-1)?.type).toBe("earlyStop");
    const best = Math.min(...history.epochs.map(({ validation: figures }) => figures?.loss ?? Number.NaN));
    expect(history.epochs[history.bestEpoch]?.validation?.loss).toBe(best);
  });

  test("a loss that is no number is found at its step, with the layer that made it", async () => {
    const broken = new Dataset({
      features: Float32Array.from(train.features.data, (value, place) => (place === 40 ? Number.NaN : value)),
      featureShape: [2],
      targets: train.targets.data,
    });
    const { history, events } = await run({ train: broken });
    expect(history.stopped).toBe("diverged");
    const warning = events.find((event) => event.type === "warning");
    expect(warning?.step).toBeLessThanOrEqual(6);
    expect(warning?.type === "warning" ? warning.message : "").toMatch(/NaN at step \d.*learning rate/);
  });

  test("says what is wrong with its options", async () => {
    await expect(run({ epochs: 0 })).rejects.toThrow(/epochs must be a whole number of at least 1, got 0/);
    await expect(run({ loss: "mse", train: moons({ count: 20 }) })).resolves.toBeDefined();
    await expect(
      run({
        loss: "hinge",
        train: new Dataset({ features: new Float32Array(6), featureShape: [2], targets: Int32Array.of(0, 1, 2) }),
      }),
    ).rejects.toThrow(/two classes/);
  });
});
