// fit learns, stops early with the best weights, reports where NaN came from, and resumes bit for bit from any moment.
import { describe, expect, test } from "vitest";
import { Dataset, moons } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { State, seed, type Tensor } from "../tensor/index.ts";
import {
  arraysOf,
  type FitOptions,
  fitStream,
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

const stepIn = ({ json: { parts } }: TrainState): number =>
  (parts as { readonly progress: { readonly step: number } }).progress.step;

/** A run that must diverge, with one warning, and with finite weights in the model and in all saved states. */
async function diverge(
  options: Partial<FitOptions>,
  model = network(),
  onEvent: (event: TrainEvent) => void = () => {},
): Promise<{ message: string; states: TrainState[]; history: History }> {
  const states: TrainState[] = [];
  const messages: string[] = [];
  const { history } = await run(
    {
      ...options,
      saveEvery: 0,
      save: (state) => states.push(structuredClone(state)),
      onEvent: (event) => {
        if (event.type === "warning") messages.push(event.message);
        onEvent(event);
      },
    },
    model,
  );
  expect(history.stopped).toBe("diverged");
  expect(messages.length).toBe(1);
  for (const arrays of [arraysOf(model.stateDict()), ...states.map(({ tensors }) => tensors)])
    for (const { data } of Object.values(arrays)) expect(data.every(Number.isFinite)).toBe(true);
  return { message: messages[0] ?? "", states, history };
}

describe("fit", () => {
  test("learns, and reports events in order", async () => {
    const { history, events } = await run({ epochs: 25 });
    expect(history.stopped).toBe("finished");
    expect(history.epochs.length).toBe(25);
    expect(history.epochs.at(-1)?.validation?.accuracy).toBeGreaterThan(0.8);
    expect(events[0]?.type).toBe("start");
    expect(events.filter(({ type }) => type === "epoch").length).toBe(25);
  });

  test("gives the same bits when resumed from any saved state", async () => {
    const states: TrainState[] = [];
    // Saved at the end of each epoch, and whenever the loop yields.
    const whole = await run({ saveEvery: 0, save: (state) => states.push(structuredClone(state)) });
    expect(states.length).toBeGreaterThanOrEqual(6);
    const wanted = arraysOf(whole.model.stateDict());
    for (const state of states) {
      const again = await run({ resume: state });
      expect(arraysOf(again.model.stateDict())).toEqual(wanted);
      expect(again.history.epochs).toEqual(whole.history.epochs);
    }
  });

  test("an aborted run saves in the middle of an epoch, and continues from there", async () => {
    // Long enough that even a fast machine yields, and sees the signal, in the middle of it.
    const big = moons({ count: 40_000, seed: 1 });
    const model = (): nn.Module => {
      seed(3);
      return new nn.Sequential(new nn.Linear(2, 64), new nn.Tanh(), new nn.Dropout(0.2), new nn.Linear(64, 2));
    };
    const whole = await run({ train: big, batchSize: 2, epochs: 1 }, model());
    const stop = new AbortController();
    let saved: TrainState | undefined;
    const cut = await run(
      {
        train: big,
        batchSize: 2,
        epochs: 1,
        signal: stop.signal,
        save: (state) => {
          saved = structuredClone(state);
          stop.abort();
        },
      },
      model(),
    );
    expect(cut.history.stopped).toBe("interrupted");
    const step = saved === undefined ? 0 : stepIn(saved);
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(20_000);
    const rest = await run({ train: big, batchSize: 2, epochs: 1, resume: saved }, model());
    expect(arraysOf(rest.model.stateDict())).toEqual(arraysOf(whole.model.stateDict()));
    expect(rest.history.epochs).toEqual(whole.history.epochs);
  });

  test("stops early and restores the best weights", async () => {
    const model = network();
    // A rate this high soon passes the best epoch.
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

  test("finds a NaN in the data by step and sample; the weights stay finite", async () => {
    const broken = new Dataset({
      features: Float32Array.from(train.features.data, (value, place) => (place === 40 ? Number.NaN : value)),
      featureShape: [2],
      targets: train.targets.data,
    });
    const { message, states } = await diverge({ train: broken });
    expect(message).toMatch(/NaN at step [1-6], .*inputs of training sample 20 .* NaN; .*weights of step 0 are kept/);
    expect(states.length).toBeGreaterThan(0);
  });

  test("callbacks see no step twice, although steps are repeated to find the origin of a NaN", async () => {
    const data = train.features.data.slice();
    data[80] = Number.NaN;
    const broken = new Dataset({ features: data, featureShape: [2], targets: train.targets.data });
    const seen: number[] = [];
    const callbacks = [{ stepEnd: ({ step }: { step: number }): undefined => void seen.push(step) }];
    const { history } = await run({ train: broken, batchSize: 8, callbacks });
    expect(history.stopped).toBe("diverged");
    expect(seen).toEqual([1]);
  });

  test("a NaN from a layer names that layer and its operation, even after several epochs", async () => {
    // The input of the logarithm becomes negative once training has moved the weights before it.
    class Log extends nn.Module {
      override forward(x: Tensor): Tensor {
        return x.sub(x.detach().amin().add(0.2)).add(level).log();
      }
    }
    const level = new State(10);
    seed(3);
    const model = new nn.Sequential(new nn.Linear(2, 4), new nn.Dropout(0.2), new Log(), new nn.Linear(4, 2));
    const { message, history } = await diverge({ epochs: 9 }, model, (event) => {
      if (event.type === "epoch" && event.epoch === 2) level.assign(0);
    });
    expect(history.epochs.length).toBe(3);
    expect(message).toMatch(/NaN at step 19, first in layer "2": .*log.*weights of epoch \d are kept/);
  });

  test("weights broken by the very last update are neither saved nor kept", async () => {
    const model = network();
    const { message } = await diverge(
      { train: moons({ count: 12, seed: 1 }), epochs: 1, optimizer: new optim.SGD(model.parameters(), { lr: 1e39 }) },
      model,
    );
    expect(message).toMatch(/update of step 1 made the weights "0.weight" NaN or infinite/);
  });

  test("events come as a stream too, and leaving it ends training", async () => {
    const model = network();
    const stream = fitStream(model, {
      train,
      validation,
      epochs: 3,
      optimizer: new optim.Adam(model.parameters(), { lr: 0.02 }),
    });
    const seen: string[] = [];
    for await (const event of stream)
      if (event.type !== "progress" && event.type !== "improvement") seen.push(event.type);
    expect(seen).toEqual(["start", "epoch", "epoch", "epoch"]);

    const other = network();
    let saved = 0;
    const cut = fitStream(other, {
      train: moons({ count: 4000, seed: 1 }),
      batchSize: 2,
      epochs: 500,
      optimizer: new optim.Adam(other.parameters(), { lr: 0.02 }),
      save: () => {
        saved++;
      },
    });
    for await (const event of cut) if (event.type === "epoch") break;
    expect(saved).toBeGreaterThan(1);
    const failing = fitStream(other, { train, epochs: 0, optimizer: new optim.Adam(other.parameters()) });
    await expect(failing.next()).rejects.toThrow(/epochs must be/);
  });

  test("reports wrong options", async () => {
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

test("refuses a second fit of a model that is being trained, naming a parameter that both would change", async () => {
  const model = network();
  const options = (): FitOptions => ({ train, epochs: 1, optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }) });
  const first = trainModel(model, options());
  await expect(trainModel(model, options())).rejects.toThrow(
    /fit: another fit .* trains 0\.weight of this Sequential; await it/,
  );
  const larger = new nn.Sequential(model, new nn.Linear(2, 2));
  const both = trainModel(larger, { train, epochs: 1, optimizer: new optim.SGD(larger.parameters(), { lr: 0.1 }) });
  await expect(both).rejects.toThrow(/trains 0\.0\.weight/);
  await first;
  await expect(trainModel(model, { ...options(), epochs: -1 })).rejects.toThrow();
  expect((await trainModel(model, options())).epochs).toHaveLength(1);
});
