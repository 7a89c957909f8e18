// The course of a training as records, judged: what the losses alone would say is not said where the other figures speak against it.
import { describe, expect, test } from "vitest";
import type { EpochRecord } from "../state.ts";
import { checkCourse } from "./course.ts";

/** A training loss that falls while the validation loss, after its best at epoch 4, rises to 0.9. */
const risen = (accuracy: number): EpochRecord[] =>
  Array.from({ length: 12 }, (_, epoch) => ({
    epoch,
    train: { loss: 0.7 * 0.6 ** epoch },
    validation: { loss: epoch < 4 ? 0.6 - 0.1 * epoch : 0.3 + 0.075 * (epoch - 3), accuracy },
  }));

const codesOf = (records: readonly EpochRecord[]): readonly string[] =>
  checkCourse({ records, lr: 0.01, last: false, moved: 1, untrained: 0.7, largest: undefined }).map(({ code }) => code);

describe("overfitting", () => {
  test("is told where the validation loss has risen and some rows are wrong", () => {
    expect(codesOf(risen(0.95))).toEqual(["overfitting"]);
  });
  test("is never told where every validation row is right", () => {
    expect(codesOf(risen(1))).toEqual([]);
  });
});
