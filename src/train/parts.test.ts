// The parts of a state: what is collected from each, what each gets back, what is refused; and the checks of file contents.
import { describe, expect, test, vi } from "vitest";
import type { JsonObject } from "../formats/index.ts";
import * as nn from "../nn/index.ts";
import { tensor } from "../tensor/index.ts";
import { readNow } from "../tensor/reading.ts";
import type { Finding } from "./doctor/finding.ts";
import { Holdings } from "./holdings.ts";
import {
  checkNames,
  collect,
  distribute,
  hasBrokenWeights,
  type Part,
  type PartState,
  progressIn,
  stateOf,
} from "./parts.ts";
import { Progress } from "./progress.ts";
import {
  arraysOf,
  checkFeed,
  checkGroups,
  checkRandom,
  checkRecord,
  checkScores,
  orNull,
  statesIn,
  type TrainState,
} from "./state.ts";

const alone = new Holdings(undefined);

/** A part that keeps the state it is given. */
function part(name: string, state: PartState, watches?: boolean): Part & { given: unknown } {
  return {
    name,
    ...(watches === undefined ? {} : { watches }),
    given: undefined,
    state: () => state,
    restore(saved) {
      this.given = { json: { ...saved.json }, tensors: Object.keys(saved.tensors) };
    },
  };
}

const parts = () => [
  part("one", { json: { at: 1 }, tensors: { w: tensor([1, 2]) } }),
  // Its name is a prefix of the other's.
  part("oneMore", { tensors: { v: tensor([3]) } }),
  part("eyes", { json: { seen: 4 }, tensors: { u: tensor([5]) } }, true),
  part("plain", {}, false),
];
const collected = (): TrainState => stateOf(readNow(collect(parts(), 7, alone)), alone);

describe("a state", () => {
  test("holds each part under its name, and watchers separately", () => {
    const moment = readNow(collect(parts(), 7, alone));
    expect(moment.step).toBe(7);
    const { tensors, json } = stateOf(moment, alone);
    expect(json).toEqual({
      version: 2,
      parts: { one: { at: 1 }, oneMore: {}, plain: {} },
      watchers: { eyes: { seen: 4 } },
    });
    expect(Object.entries(tensors).map(([name, { data }]) => [name, [...data]])).toEqual([
      ["one.w", [1, 2]],
      ["oneMore.v", [3]],
      ["eyes.u", [5]],
    ]);
  });
  test("gives each part its own state", () => {
    const all = parts();
    expect(distribute(all, collected())).toEqual([]);
    expect(all.map(({ given }) => given)).toEqual([
      { json: { at: 1 }, tensors: ["w"] },
      { json: {}, tensors: ["v"] },
      { json: { seen: 4 }, tensors: ["u"] },
      { json: {}, tensors: [] },
    ]);
  });
  test("may lack a watcher, which is reported, and may have an unused one", () => {
    const others = [...parts(), part("ears", {}, true)];
    expect(distribute(others, collected()).map(({ name }) => name)).toEqual(["ears"]);
    expect(others.at(-1)?.given).toBeUndefined();
    expect(
      distribute(
        parts().filter(({ name }) => name !== "eyes"),
        collected(),
      ),
    ).toEqual([]);
  });
  test("is refused with a part too many or too few, or if one has become a watcher", () => {
    const [one, more, eyes, plain] = parts();
    if (!one || !more || !eyes || !plain) throw new Error("four parts");
    expect(() => distribute([one, more, eyes], collected())).toThrow('has a part "plain", which this training lacks');
    expect(() => distribute([...parts(), part("new", {})], collected())).toThrow('has no part "new"');
    expect(() => distribute([one, more, eyes, part("plain", {}, true)], collected())).toThrow('has a part "plain"');
    expect(one.given).toBeUndefined();
  });
  test("is refused in another version", () => {
    const { tensors, json } = collected();
    for (const version of [1, 3])
      expect(() => distribute(parts(), { tensors, json: { ...json, version } })).toThrow(`is version ${version}`);
    expect(() => distribute(parts(), { tensors, json: { ...json, version: "2" } })).toThrow("a whole number");
  });
});

test("two parts of one name are refused", () => {
  checkNames(parts());
  expect(() => checkNames([part("a", {}), part("b", {}), part("a", {})])).toThrow('are named "a"');
  // Both would save an array named "a.b.c".
  for (const names of [
    ["a", "a.b"],
    ["a.b", "a"],
  ])
    expect(() => checkNames(names.map((name) => part(name, {})))).toThrow(
      'named "a.b" would be saved among those of "a"',
    );
});

test("finds weights that are NaN or infinite, and only weights", () => {
  const model = new nn.BatchNorm1d(2);
  const momentOf = (weight: number, mean: number) => ({
    step: 0,
    parts: {},
    watchers: {},
    tensors: Object.fromEntries(
      (
        [
          ["model.weight", weight],
          ["model.running_mean", mean],
          ["other.weight", Number.NaN],
        ] as const
      ).map(([name, value]) => [name, { dtype: "float32" as const, shape: [2], data: Float32Array.of(0, value) }]),
    ),
  });
  expect(hasBrokenWeights(momentOf(1, 1), model)).toBe(false);
  expect(hasBrokenWeights(momentOf(1, Number.NaN), model)).toBe(false);
  for (const broken of [Number.NaN, Number.POSITIVE_INFINITY])
    expect(hasBrokenWeights(momentOf(broken, 1), model)).toBe(true);
});

test("reads the progress of a saved training", () => {
  const of = (parts: JsonObject) => progressIn({ tensors: {}, json: { version: 2, parts } });
  expect(of({ progress: { records: [1, 2, 3] }, earlyStopping: { waited: 2 } })).toEqual({ epochs: 3, waited: 2 });
  expect(of({ progress: { records: [] } })).toEqual({ epochs: 0, waited: 0 });
  expect(of({ progress: {}, earlyStopping: {} })).toEqual({ epochs: 0, waited: 0 });
  expect(() => of({ progress: {}, earlyStopping: { waited: -1 } })).toThrow("waited must be a whole number");
});

describe("Progress", () => {
  const finding: Finding = { code: "overfitting", what: "w", evidence: "e", why: "y", fix: "f", layer: null };
  const records = [
    { epoch: 0, train: { loss: 2 }, validation: { loss: 3 } },
    { epoch: 1, train: { loss: 1 }, validation: null },
  ];
  const saved = (progress: Progress): JsonObject => JSON.parse(JSON.stringify(progress.state().json)) as JsonObject;

  test("counts the seconds of an epoch, also across a pause", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const progress = new Progress();
      vi.advanceTimersByTime(500);
      expect(progress.seconds).toBe(0.5);
      progress.startClock();
      vi.advanceTimersByTime(250);
      expect(progress.seconds).toBe(0.25);
      progress.startClock(10);
      vi.advanceTimersByTime(2000);
      expect(progress.seconds).toBe(12);
      const rest = new Progress();
      const state = saved(progress);
      vi.advanceTimersByTime(5000);
      rest.restore({ tensors: {}, json: state });
      vi.advanceTimersByTime(1000);
      expect(rest.seconds).toBe(13);
      rest.startClock();
      expect(rest.seconds).toBe(12);
      rest.startEpoch();
      expect(rest.seconds).toBe(0);
      vi.advanceTimersByTime(1000);
      expect(rest.seconds).toBe(1);
      rest.startClock();
      expect(rest.seconds).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
  test("is saved and restored, replacing what was there before", () => {
    const progress = new Progress();
    expect(saved(progress)).toMatchObject({ step: 0, lossSum: 0, lossWeight: 0, records: [], findings: [] });
    progress.step = 5;
    progress.epochLoss.add({ loss: 2, weight: 3 });
    progress.records.push(...records);
    progress.findings.push(finding);
    const rest = new Progress();
    rest.records.push({ epoch: 9, train: {}, validation: null });
    rest.findings.push({ ...finding, what: "of another training" });
    rest.restore({ tensors: {}, json: saved(progress) });
    expect(rest.step).toBe(5);
    expect([rest.epochLoss.sum, rest.epochLoss.weight]).toEqual([6, 3]);
    expect(rest.records).toEqual(records);
    expect(rest.findings).toEqual([finding]);
    rest.startEpoch();
    expect([rest.epochLoss.sum, rest.epochLoss.weight, rest.step]).toEqual([0, 0, 5]);
  });
  test("keeps only the parts of records that a file holds", () => {
    const progress = new Progress();
    progress.records.push({ ...(records[1] as (typeof records)[1]), ...{ more: 1 } });
    expect(progress.state().json?.["records"]).toEqual([records[1]]);
  });
});

describe("file contents", () => {
  const group = {
    optimizer: "Adam",
    lr: 0.1,
    initialLr: 0.2,
    options: { amsgrad: true, eps: [null, 1], beta: 0.9 },
    params: [0, 1],
  };
  test.each([
    ["a record", checkRecord, { epoch: 1, train: { loss: 1 }, validation: { loss: 2 } }],
    ["a record without validation", checkRecord, { epoch: 1, train: { loss: 1 }, validation: null }],
    ["scores", checkScores, { precision: 0.5, recall: 0.25, f1: 0.1, support: 3 }],
    ["groups", checkGroups, { slots: ["m", "v"], groups: [group] }],
    ["a generator", checkRandom, { key: [1, 2], calls: 3 }],
  ] as const)("%s is read as it stands", (_, check, value) => {
    expect(check(value, "file")).toEqual(value);
  });
  test("an undefined metric is null in the file, and NaN in memory", () => {
    expect(checkRecord({ epoch: 0, train: { loss: null }, validation: null }, "file").train["loss"]).toBeNaN();
    expect(checkScores({ precision: null, recall: 0, f1: 1, support: 0 }, "file").precision).toBeNaN();
  });
  test("fields that earlier versions lacked are undefined", () => {
    const [read] = checkGroups({ slots: [], groups: [{ ...group, optimizer: null, initialLr: null }] }, "file").groups;
    expect([read?.optimizer, read?.initialLr]).toEqual([undefined, undefined]);
  });
  test.each([
    ["a key of one number", checkRandom, { key: [1], calls: 0 }, "file.key must be two numbers, but is [1]"],
    ["a key of three", checkRandom, { key: [1, 2, 3], calls: 0 }, "file.key must be two numbers"],
    ["an empty key", checkRandom, { key: [], calls: 0 }, "file.key must be two numbers"],
    ["an option that is a text", checkGroups, { slots: [], groups: [{ ...group, options: { a: "1" } }] }, "options.a"],
    [
      "an option with a list in a list",
      checkGroups,
      { slots: [], groups: [{ ...group, options: { a: [[1]] } }] },
      "a[0]",
    ],
    ["a figure that is a text", checkRecord, { epoch: 0, train: { loss: "1" }, validation: null }, "train.loss"],
    ["an epoch below 0", checkRecord, { epoch: -1, train: {}, validation: null }, "file.epoch"],
    ["a feed without a seed", checkFeed, { part: 0, epoch: 0, batch: 0 }, "file.seed is missing"],
  ] as const)("%s is refused", (_, check, value, message) => {
    expect(() => check(value, "file")).toThrow(message);
  });
  test("orNull accepts null, and checks everything else", () => {
    const check = orNull((value: unknown) => {
      if (value !== 3) throw new Error("not 3");
      return 3;
    });
    expect([check(null, ""), check(3, "")]).toEqual([null, 3]);
    for (const value of [undefined, 0, false, ""]) expect(() => check(value, "")).toThrow("not 3");
  });
});

test("arrays of a state are the values of its tensors, and its arrays unchanged", () => {
  const model = new nn.BatchNorm1d(2);
  expect(Object.keys(statesIn(model))).toEqual([
    "weight",
    "bias",
    "running_mean",
    "running_var",
    "num_batches_tracked",
  ]);
  const arrays = arraysOf({ a: tensor([1, 2, 3]), b: tensor([[4], [5]], { dtype: "int32" }) });
  expect(arrays).toEqual({
    a: { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) },
    b: { dtype: "int32", shape: [2, 1], data: Int32Array.of(4, 5) },
  });
});
