// Judges the course of a training from records: no finding from the losses alone if other metrics contradict it.
import { describe, expect, test } from "vitest";
import type { EpochRecord } from "../state.ts";
import { checkCourse } from "./course.ts";

/** The training loss falls, while the validation loss rises to 0.9 after its best at epoch 4. */
const risen = (accuracy: number): EpochRecord[] =>
  Array.from({ length: 12 }, (_, epoch) => ({
    epoch,
    train: { loss: 0.7 * 0.6 ** epoch },
    validation: { loss: epoch < 4 ? 0.6 - 0.1 * epoch : 0.3 + 0.075 * (epoch - 3), accuracy },
  }));

const codesOf = (records: readonly EpochRecord[]): readonly string[] =>
  checkCourse({
    records,
    lr: 0.01,
    reduced: false,
    last: false,
    moved: 1,
    untrained: 0.7,
    largest: undefined,
    dropout: 0,
  }).map(({ code }) => code);

describe("overfitting", () => {
  test("is reported if the validation loss has risen and some rows are wrong", () => {
    expect(codesOf(risen(0.95))).toEqual(["overfitting"]);
  });
  test("is never reported if every validation row is right", () => {
    expect(codesOf(risen(1))).toEqual([]);
  });
});

/** The finding codes on both sides of each threshold. */
const judged = (
  train: readonly number[],
  {
    validation,
    moved = 1,
    untrained,
    reduced = false,
    last = false,
  }: {
    readonly validation?: readonly number[];
    readonly moved?: number;
    readonly untrained?: number;
    readonly reduced?: boolean;
    readonly last?: boolean;
  } = {},
): readonly string[] => {
  const records = train.map((loss, epoch): EpochRecord => {
    const held = validation?.[epoch];
    return { epoch, train: { loss }, validation: held === undefined ? null : { loss: held, accuracy: 0.9 } };
  });
  return checkCourse({ records, lr: 0.01, reduced, last, moved, untrained, largest: undefined, dropout: 0 }).map(
    ({ code }) => code,
  );
};

describe("a rate that is too high", () => {
  const jumps = (high: number): number[] => [1, 0.5, high, 0.5, high, 0.5, 0.5, 0.5, 0.5, 0.5];
  test.each([
    ["two jumps by more than 15 % of the start", jumps(0.66), 1, ["learningRateTooHigh"]],
    ["two jumps by less", jumps(0.64), 1, []],
    ["a loss more than 20 % above the untrained one", [1.21, 1.21, 1.21, 1.21], 1, ["learningRateTooHigh"]],
    ["a loss less above it", [1.19, 1.19, 1.19, 1.19], 1, []],
    ["three epochs alone", [1.3, 1.3, 1.3], 1, []],
  ])("%s", (_, losses, untrained, expected) => {
    expect(judged(losses, { untrained })).toEqual(expected);
  });
});

describe("a rate that is too low", () => {
  /** From 1, in ten steps, of which the first `falling` fall. */
  const course = (falling: number, fall: number): number[] => {
    const losses = [1];
    for (let step = 0; step < 10; step++) losses.push((losses[step] ?? 0) + (step < falling ? -fall : 0.001));
    return losses;
  };
  test.each([
    ["falls little and evenly, and the weights hardly move", course(7, 0.005), 0.0049, ["learningRateTooLow"]],
    ["falls unevenly", course(6, 0.005), 0.0049, []],
    ["falls by more than 5 %", course(10, 0.0051), 0.0049, []],
    ["falls by less than 5 %", course(10, 0.0049), 0.0049, ["learningRateTooLow"]],
    ["the weights move by more than 0.5 %", course(7, 0.005), 0.0051, []],
  ])("%s", (_, losses, moved, expected) => {
    expect(judged(losses, { moved })).toEqual(expected);
  });
  test("is not judged during a warm-up, but at the end of all epochs", () => {
    const of = { moved: 0.0049, reduced: true };
    expect(judged(course(7, 0.005), of)).toEqual([]);
    expect(judged(course(7, 0.005), { ...of, last: true })).toEqual(["learningRateTooLow"]);
  });
});

describe("overfitting begins", () => {
  const course = (held: number, last: number, then: number): readonly string[] =>
    judged([0.5, then, 0.29, last, last, last], { validation: [0.5, 0.3, 0.35, held, held, held], untrained: 0.5 });
  test.each([
    ["where the validation loss is half as large again as its least", 0.46, 0.2, 0.4, ["overfitting"]],
    ["not before", 0.44, 0.2, 0.4, []],
    ["not where it is less than twice the training loss", 0.46, 0.24, 0.4, []],
    ["where it is more", 0.46, 0.22, 0.4, ["overfitting"]],
    ["not where the training loss fell by less than 30 % since", 0.46, 0.22, 0.3, []],
    ["where it fell by more", 0.46, 0.2, 0.3, ["overfitting"]],
  ])("%s", (_, held, last, then, expected) => {
    expect(course(held, last, then)).toEqual(expected);
  });
});

/** Ten epochs with the same metrics. */
const steady = (train: number, held: Readonly<Record<string, number>>): EpochRecord[] =>
  Array.from({ length: 10 }, (_, epoch) => ({ epoch, train: { loss: train }, validation: held }));
const told = (records: readonly EpochRecord[], dropout: number, share = 0.5): readonly string[] => {
  const largest = { name: '"no"', share };
  return checkCourse({ records, lr: 0.01, reduced: false, last: true, moved: 1, untrained: 0.7, largest, dropout }).map(
    ({ code }) => code,
  );
};

describe("a rare class", () => {
  test.each([
    ["98 % right with 2 % positives, of which most are missed", 0.981, 0.55, 0.98, ["imbalance"]],
    ["98 % right with 2 % positives, which are found", 0.985, 0.95, 0.98, []],
    ["no better than the largest class is reported once", 0.98, 0.5, 0.98, ["noBetterThanMajority"]],
    ["classes of similar size", 0.95, 0.8, 0.6, []],
  ])("%s", (_, accuracy, balancedAccuracy, share, expected) => {
    expect(told(steady(0.1, { loss: 0.1, accuracy, balancedAccuracy }), 0, share)).toEqual(expected);
  });
});

describe("dropout that holds back", () => {
  test.each([
    ["a training loss far above the validation loss, with dropout", 0.6, 0.3, 0.5, ["heldBack"]],
    ["the same without dropout", 0.6, 0.3, 0, []],
    ["a training loss a little above it", 0.35, 0.3, 0.5, []],
    ["a validation loss of a twentieth of what it began with", 0.6, 0.029, 0.5, []],
  ])("%s", (_, train, loss, dropout, expected) => {
    expect(told(steady(train, { loss, accuracy: 0.9, balancedAccuracy: 0.9 }), dropout)).toEqual(expected);
  });
});
