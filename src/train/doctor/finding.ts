// One finding of the doctor, with its evidence, why it hurts, and the fix.
import { aString, type Check, objectOf, oneOf } from "../../formats/json.ts";

export const findingCodes = [
  "notANumber",
  "unscaledInputs",
  "deadUnits",
  "saturatedUnits",
  "vanishingGradients",
  "explodingGradients",
  "softmaxBeforeCrossEntropy",
  "sigmoidBeforeBceWithLogits",
  "distanceOnClasses",
  "noActivation",
  "labelsOutOfRange",
  "learningRateTooHigh",
  "learningRateTooLow",
  "leak",
  "overfitting",
  "noBetterThanMajority",
  "imbalance",
  "heldBack",
] as const;
export type FindingCode = (typeof findingCodes)[number];

export interface Finding {
  readonly code: FindingCode;
  /** One sentence: the problem and its place. */
  readonly what: string;
  /** The numbers that show it. */
  readonly evidence: string;
  readonly why: string;
  readonly fix: string;
  /** The module path of the layer concerned; null if it is not a single layer. */
  readonly layer: string | null;
}

/** Checks a finding read from a file. */
export const checkFinding: Check<Finding> = objectOf<Finding>({
  code: oneOf(...findingCodes),
  what: aString,
  evidence: aString,
  why: aString,
  fix: aString,
  layer: (value, place) => (value === null ? null : aString(value, place)),
});
