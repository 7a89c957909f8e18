// Each callback alone, on a stub training: when it acts, what it reports, saves and restores.
import { afterEach, describe, expect, test, vi } from "vitest";
import { Dataset } from "../../data/index.ts";
import type { JsonObject } from "../../formats/index.ts";
import * as nn from "../../nn/index.ts";
import { SGD, StepLR } from "../../optim/index.ts";
import { type Answer, answered, type Reading, readNow } from "../../tensor/reading.ts";
import type { Training } from "../callback.ts";
import { Company } from "../company.ts";
import { CourseDoctor } from "../doctor/courseDoctor.ts";
import type { Finding } from "../doctor/finding.ts";
import type { Histogram, TrainEvent } from "../events.ts";
import { samplesOf } from "../feeds.ts";
import { makeObjective, taskOf } from "../objectives.ts";
import type { PartState } from "../parts.ts";
import type { EpochRecord } from "../state.ts";
import { DoctorCallback } from "./doctorCallback.ts";
import { EarlyStopping } from "./earlyStopping.ts";
import { Histograms, histogramOf } from "./histograms.ts";
import { LrSchedule } from "./lrSchedule.ts";
import { Saving } from "./saving.ts";

const rows = 6;
const train = new Dataset({
  features: Float32Array.from({ length: 2 * rows }, (_, place) => Math.sin(place)),
  featureShape: [2],
  targets: Int32Array.from({ length: rows }, (_, row) => row % 2),
});

interface Told {
  readonly training: Training;
  readonly events: TrainEvent[];
  readonly findings: Finding[];
}

function training(more: Partial<Training> = {}): Told {
  const model = new nn.Linear(2, 2);
  const events: TrainEvent[] = [];
  const findings: Finding[] = [];
  const made: Training = {
    model,
    optimizer: new SGD(model.parameters(), { lr: 0.1 }),
    objective: makeObjective("crossEntropy", taskOf(train)),
    samples: samplesOf(train),
    train,
    validation: undefined,
    classNames: undefined,
    batchSize: 4,
    monitor: "loss",
    mode: "min",
    steps: 12,
    epoch: 3,
    records: [],
    last: false,
    company: new Company(false),
    kept: undefined,
    watched: ({ train: figures }) => figures["loss"] ?? Number.NaN,
    keep: async () => {},
    draw: (body) => body(),
    tell: (event) => void events.push(event),
    found: (all) => void findings.push(...all),
    ...more,
  };
  return { training: made, events, findings };
}

const record = (epoch: number, loss: number): EpochRecord => ({ epoch, train: { loss }, validation: null });
const saved = (state: PartState) => ({ tensors: {}, json: JSON.parse(JSON.stringify(state.json)) as JsonObject });
const carriedOut = <T>(answer: Answer<T>): T => readNow(answered(answer));

afterEach(() => {
  vi.useRealTimers();
});

describe("EarlyStopping", () => {
  const stoppingBy = (
    losses: readonly number[],
    options: ConstructorParameters<typeof EarlyStopping>[0],
    mode = "min",
  ) => {
    const stopping = new EarlyStopping(options);
    stopping.attach(training({ mode: mode as "min" | "max" }).training);
    for (const [epoch, loss] of losses.entries()) stopping.epochEnd(record(epoch, loss));
    return stopping;
  };
  test.each([
    ["no epoch", [], { patience: 1 }, "min", 0],
    ["one that is better than none", [5], { patience: 1 }, "min", 0],
    ["equal ones", [5, 5, 5], { patience: 3 }, "min", 2],
    ["worse ones", [5, 6, 7, 8], { patience: 3 }, "min", 3],
    ["a better one between", [5, 6, 4, 6], { patience: 3 }, "min", 1],
    ["better by less than asked", [5, 4.6, 4.4], { patience: 9, minDelta: 0.5 }, "min", 0],
    ["better by exactly what is asked", [5, 4.5], { patience: 9, minDelta: 0.5 }, "min", 1],
    ["more is better", [5, 6, 5, 5], { patience: 9 }, "max", 2],
    ["figures that are not numbers", [5, Number.NaN, Number.NaN], { patience: 2 }, "min", 2],
  ] as const)("%s: epochs waited", (_, losses, options, mode, waited) => {
    const stopping = stoppingBy(losses, options, mode);
    expect(stopping.state().json?.["waited"]).toBe(waited);
    expect(stopping.enough()).toBe(
      waited >= options.patience ? `the loss has not improved for ${options.patience} epochs` : undefined,
    );
  });
  test.each([0, 1, 2, 3, 4, 5])("resumed after %d epochs, it stops at the same epoch", (cut) => {
    const losses = [5, 4, 4.5, 6, 4.1];
    const options = { patience: 3 };
    const whole = stoppingBy(losses, options);
    const first = stoppingBy(losses.slice(0, cut), options);
    const rest = stoppingBy([], options);
    rest.restore(saved(first.state()));
    for (const [place, loss] of losses.slice(cut).entries()) rest.epochEnd(record(cut + place, loss));
    expect(rest.state()).toEqual(whole.state());
    expect(rest.state()).toEqual({ json: { waited: 3, best: 4 } });
    expect(rest.enough()).toBe(whole.enough());
    expect(rest.enough()).toBeDefined();
  });
  test("refuses an invalid patience", () => {
    for (const patience of [0, -1, 1.5, Number.NaN])
      expect(() => new EarlyStopping({ patience })).toThrow(/patience must be/);
    for (const minDelta of [-0.1, Number.NaN])
      expect(() => new EarlyStopping({ patience: 1, minDelta })).toThrow(/minDelta must be/);
    expect(new EarlyStopping({ patience: 1 }).minDelta).toBe(0);
    expect(() => new EarlyStopping(JSON.parse('{ "patience": 1, "delta": 2 }'))).toThrow("delta");
  });
});

describe("histogramOf", () => {
  test("counts values in thirty equal parts of their range, with the maximum in the last", () => {
    const values = Float64Array.from({ length: 61 }, (_, place) => 2 + place / 2);
    const { edges, counts, sum, sumSquares } = histogramOf("w", "weights", values);
    expect(edges).toEqual(Array.from({ length: 31 }, (_, place) => 2 + place));
    expect(counts).toEqual([...new Array<number>(29).fill(2), 3]);
    expect(sum).toBe(values.reduce((all, value) => all + value, 0));
    expect(sumSquares).toBe(values.reduce((all, value) => all + value * value, 0));
  });
  test("the last edge is exactly the maximum", () => {
    const { edges } = histogramOf("w", "weights", Float64Array.of(0.1, 0.7));
    expect([edges[0], edges[30], edges.length]).toEqual([0.1, 0.7, 31]);
    expect(edges[1]).toBeCloseTo(0.12, 12);
    expect(edges[29]).toBeCloseTo(0.68, 12);
  });
  test("one value, no values, NaN and infinity", () => {
    const empty = { edges: [0, 0], counts: [0], sum: 0, sumSquares: 0 };
    expect(histogramOf("w", "gradients", new Float32Array())).toEqual({ name: "w", of: "gradients", ...empty });
    expect(histogramOf("w", "weights", Float32Array.of(Number.NaN))).toEqual({ name: "w", of: "weights", ...empty });
    expect(histogramOf("w", "weights", Float32Array.of(3, Number.NaN, 3, Number.POSITIVE_INFINITY))).toEqual({
      name: "w",
      of: "weights",
      edges: [3, 4],
      counts: [2],
      sum: 6,
      sumSquares: 18,
    });
  });
});

describe("Histograms", () => {
  const toldAt = (epoch: number, every?: number, more: Partial<Training> = {}): readonly Histogram[] | undefined => {
    const { training: made, events } = training(more);
    const histograms = new Histograms(every);
    histograms.attach(made);
    carriedOut(histograms.epochEnd(record(epoch, 1)));
    const [event] = events;
    if (event === undefined) return undefined;
    expect(event).toMatchObject({ type: "histograms", epoch, step: 12 });
    return event.type === "histograms" ? event.histograms : undefined;
  };
  test("come at the given interval of epochs", () => {
    expect([0, 1, 2, 3, 4, 5, 6].filter((epoch) => toldAt(epoch, 3) !== undefined)).toEqual([0, 3, 6]);
    expect([0, 1, 2].filter((epoch) => toldAt(epoch) !== undefined)).toEqual([0, 1, 2]);
    for (const every of [0, -1, 1.5]) expect(() => new Histograms(every)).toThrow(/of at least 1/);
  });
  test("cover each weight and its gradient for the first batch, in eval mode, and leave no gradient behind", () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.Dropout(0.9), new nn.BatchNorm1d(2));
    const before = model.parameters().map((parameter) => parameter.grad);
    const running = JSON.stringify(model.namedBuffers().map(([, buffer]) => buffer.toArraySync()));
    const found = toldAt(0, 1, { model });
    expect(found?.map(({ name, of }) => `${of} ${name}`)).toEqual(
      model.namedParameters().flatMap(([name]) => [`weights ${name}`, `gradients ${name}`]),
    );
    expect(model.training).toBe(true);
    expect(model.parameters().map((parameter) => parameter.grad)).toEqual(before);
    expect(JSON.stringify(model.namedBuffers().map(([, buffer]) => buffer.toArraySync()))).toBe(running);
    // The gradient of a bias of the last layer sums to 0 over the two classes, each of which has two of the four rows.
    const task = taskOf(train);
    const batch = samplesOf(train);
    const given = batch.gather(batch.arguments(Int32Array.of(0, 1, 2, 3), 0));
    model.eval();
    makeObjective("crossEntropy", task).loss(model.forward(given.features), given.targets).backward();
    model.namedParameters().forEach(([name, { grad }], place) => {
      const histogram = found?.[2 * place + 1];
      const values = grad?.dataSync() ?? [];
      const size = histogram?.counts.reduce((sum, count) => sum + count, 0);
      expect([name, size]).toEqual([name, values.length]);
      expect(histogram?.sumSquares).toBeCloseTo(
        Array.from(values).reduce((sum, value) => sum + value * value, 0),
        6,
      );
    });
  });
  test("report nothing without a training", () => {
    carriedOut(new Histograms().epochEnd(record(0, 1)));
  });
});

describe("LrSchedule", () => {
  /** Records its step arguments. */
  const counting = () => {
    const steps: (number | undefined)[] = [];
    let state: JsonObject = { at: 4 };
    const schedule = {
      step: (metric?: number) => void steps.push(metric),
      stateDict: () => state,
      loadStateDict: (given: JsonObject) => {
        state = given;
      },
    };
    return { steps, schedule, state: () => state };
  };
  const moment = { epoch: 0, step: 1, loss: 0.25, item: async () => 0.25 };

  test("steps after each epoch by the monitored metric, or after each update by its loss", () => {
    const [epochs, updates] = [counting(), counting()];
    const byEpoch = new LrSchedule(epochs.schedule);
    const byUpdate = new LrSchedule(updates.schedule, "update");
    for (const callback of [byEpoch, byUpdate]) {
      callback.attach(training().training);
      carriedOut(callback.stepEnd(moment));
      callback.epochEnd(record(0, 0.5));
    }
    expect([epochs.steps, updates.steps]).toEqual([[0.5], [0.25]]);
  });
  test("a schedule of optim that only counts is stepped without the loss", () => {
    const { optimizer } = training().training;
    const schedule = new StepLR(optimizer, 1, { gamma: 0.5 });
    const unread = {
      ...moment,
      get loss(): number {
        throw new Error("nobody needs it");
      },
    };
    new LrSchedule(schedule, "update").stepEnd(unread);
    expect(optimizer.lr).toBeCloseTo(0.05);
    new LrSchedule(schedule, "epoch").stepEnd(unread);
    expect(optimizer.lr).toBeCloseTo(0.05);
  });
  test("saves its interval and position, and refuses a state with another interval", () => {
    const { schedule, state } = counting();
    const callback = new LrSchedule(schedule, "update");
    expect(callback.state()).toEqual({ json: { every: "update", of: { at: 4 } } });
    callback.restore({ tensors: {}, json: { every: "update", of: { at: 7 } } });
    expect(state()).toEqual({ at: 7 });
    // Earlier versions did not save the interval.
    callback.restore({ tensors: {}, json: { every: null, of: { at: 8 } } });
    expect(state()).toEqual({ at: 8 });
    expect(() => callback.restore({ tensors: {}, json: { every: "epoch", of: {} } })).toThrow(
      'resume with scheduleEvery: "epoch"',
    );
    expect(state()).toEqual({ at: 8 });
  });
});

/** A rank that may or may not speak, and decides for itself or as rank 0 does. */
class Rank extends Company {
  readonly #speaks: boolean;
  readonly #decided: boolean;
  constructor(speaks: boolean, decided: boolean) {
    super(false);
    this.#speaks = speaks;
    this.#decided = decided;
  }
  override get speaks(): boolean {
    return this.#speaks;
  }
  override decides(): boolean {
    return this.#decided;
  }
}

describe("Saving", () => {
  const kept = { step: 9, state: { tensors: {}, json: {} } };
  /** A clock, and the time that a save takes. */
  const made = (options: { readonly every?: number; readonly takes?: number; readonly more?: Partial<Training> }) => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const saves: number[] = [];
    let keeps = 0;
    const told = training({
      kept,
      keep: async () => {
        keeps++;
      },
      ...options.more,
    });
    const saving = new Saving({
      save: (state, at) => {
        expect([state, at]).toEqual([kept.state, { epoch: 3, step: 9 }]);
        saves.push(performance.now());
        vi.advanceTimersByTime(options.takes ?? 0);
      },
      every: options.every,
    });
    saving.attach(told.training);
    return { saving, saves, events: told.events, keeps: () => keeps, begin: performance.now() };
  };

  test("saves within an epoch and at its end after the interval, and always at the end of training", async () => {
    const { saving, saves, events, keeps } = made({ every: 100 });
    vi.advanceTimersByTime(99);
    await saving.rest("breath");
    await saving.rest("epoch");
    expect(saves.length).toBe(0);
    vi.advanceTimersByTime(1);
    await saving.rest("breath");
    expect([saves.length, keeps()]).toEqual([1, 1]);
    await saving.rest("epoch");
    expect(saves.length).toBe(1);
    vi.advanceTimersByTime(100);
    await saving.rest("epoch");
    await saving.rest("end");
    await saving.rest("start");
    expect([saves.length, keeps()]).toEqual([4, 1]);
    expect(events).toEqual(new Array(4).fill({ type: "checkpoint", epoch: 3, step: 9 }));
  });
  test("by default saves once a second, and rarely enough to take at most a thirtieth of the time", async () => {
    const { saving, saves } = made({ takes: 200 });
    const saveAfter = async (milliseconds: number, at: "breath" | "epoch"): Promise<boolean> => {
      const before = saves.length;
      vi.advanceTimersByTime(milliseconds);
      await saving.rest(at);
      return saves.length > before;
    };
    expect(await saveAfter(999, "epoch")).toBe(false);
    // The time of a save at the end of an epoch does not count.
    expect(await saveAfter(1, "epoch")).toBe(true);
    expect(await saveAfter(799, "breath")).toBe(false);
    expect(await saveAfter(1, "breath")).toBe(true);
    expect(await saveAfter(5799, "breath")).toBe(false);
    expect(await saveAfter(1, "breath")).toBe(true);
  });
  test("nothing is saved before a state is kept, nor by ranks that do not speak", async () => {
    for (const more of [{ kept: undefined }, { company: new Rank(false, true) }]) {
      const { saving, saves, events } = made({ every: 0, more });
      await saving.rest("end");
      await saving.rest("epoch");
      expect([saves.length, events.length]).toEqual([0, 0]);
    }
    const { saving, saves } = made({ every: 0, more: { company: new Rank(true, false) } });
    await saving.rest("epoch");
    await saving.rest("breath");
    expect(saves.length).toBe(0);
    await saving.rest("end");
    expect(saves.length).toBe(1);
    await new Saving({ save: () => expect.fail("there is no training") }).rest("end");
  });
});

describe("DoctorCallback", () => {
  const finding: Finding = { code: "overfitting", what: "w", evidence: "e", why: "y", fix: "f", layer: null };
  class Stub extends CourseDoctor {
    readonly asked: string[] = [];
    override lookBefore(): Reading<Finding[]> {
      this.asked.push("before");
      return answered([finding]);
    }
    override lookAfterEpoch(records: readonly EpochRecord[], last: boolean): Reading<Finding[]> {
      this.asked.push(`after ${records.length} ${last}`);
      return answered<Finding[]>([]);
    }
    override state(): PartState {
      return { json: { asked: this.asked } };
    }
    override restore(): void {
      this.asked.push("restored");
    }
  }
  test("runs its doctor before the first step and after each epoch, and reports findings", () => {
    let doctor: Stub | undefined;
    const callback = new DoctorCallback((options) => {
      doctor = new Stub(options);
      return doctor;
    });
    // Before it is attached to a training it reports nothing.
    carriedOut(callback.begin());
    carriedOut(callback.epochEnd());
    expect(callback.state()).toEqual({});
    const { training: made, findings } = training({ records: [record(0, 1)], last: true });
    callback.attach(made);
    carriedOut(callback.begin());
    carriedOut(callback.epochEnd());
    callback.restore({ tensors: {}, json: {} });
    expect(findings).toEqual([finding]);
    expect(doctor?.asked).toEqual(["before", "after 1 true", "restored"]);
    expect(callback.state()).toEqual({ json: { asked: doctor?.asked } });
  });
});
