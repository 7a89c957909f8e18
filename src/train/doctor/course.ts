// Problems in the progress of a training: a learning rate that is too high or too low, overfitting, or predicting only the majority class.

import type { Dataset } from "../../data/index.ts";
import { greatest } from "../../graph/extremes.ts";
import { quoted } from "../../graph/visible.ts";
import { ignoredLabel } from "../objectives.ts";
import type { EpochRecord } from "../state.ts";
import type { Finding } from "./finding.ts";

/** The most frequent class of the validation data, and its share of the rows. */
export interface LargestClass {
  readonly name: string;
  readonly share: number;
}

/** The most frequent label; undefined if all labels are the same. */
export function largestClass({ targets }: Dataset, names: readonly string[] | undefined): LargestClass | undefined {
  const counts = new Map<number, number>();
  for (const label of targets.data) if (label !== ignoredLabel) counts.set(label, (counts.get(label) ?? 0) + 1);
  if (counts.size < 2) return undefined;
  const [[label, most]] = [...counts].sort((a, b) => b[1] - a[1]) as [[number, number]];
  const rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const name = names?.[label];
  return { name: name === undefined ? `class ${label}` : quoted(name), share: most / rows };
}

export interface Course {
  readonly records: readonly EpochRecord[];
  readonly lr: number;
  /** Whether the rate is still, or again, far below the requested one: during a warm-up, that has not been tried yet. */
  readonly reduced: boolean;
  /** Whether this is the last epoch. */
  readonly last: boolean;
  /** The relative change of the weights since the start, ‖change‖ / ‖weights‖; undefined if unknown. */
  readonly moved: number | undefined;
  /** The loss before the first step; undefined if unknown. */
  readonly untrained: number | undefined;
  /** Undefined without classes. */
  readonly largest: LargestClass | undefined;
  /** The fraction of units that dropout drops in training; 0 without dropout. */
  readonly dropout: number;
}

/**
 * Epochs, counted from 0, at which a course is judged: the first 64, then 32 in each doubling. So a training may evaluate only some of thousands of
 * epochs and gets the same findings.
 */
export const isJudged = (epoch: number): boolean =>
  epoch < 64 || (epoch + 1) % 2 ** (Math.floor(Math.log2(epoch)) - 5) === 0;

const lossOf = ({ train }: EpochRecord): number => train["loss"] ?? Number.NaN;
const heldLoss = ({ validation }: EpochRecord): number => validation?.["loss"] ?? Number.NaN;

/** The number of epochs before the rate is judged. */
const epochsToJudge = 4;

function tooHigh({ records, lr, untrained }: Course): Finding[] {
  const losses = records.map(lossOf);
  const [first] = losses;
  const last = losses.at(-1);
  if (losses.length < epochsToJudge || first === undefined || last === undefined) return [];
  const start = Math.min(untrained ?? first, first);
  const rises = losses.filter((loss, at) => at > 0 && loss - (losses[at - 1] ?? loss) > 0.15 * start).length;
  const above = untrained !== undefined && losses.slice(-3).every((loss) => loss > 1.2 * untrained);
  if (rises < Math.max(2, losses.length / 5) && !above) return [];
  return [
    {
      code: "learningRateTooHigh",
      what: `the learning rate ${lr} is too high`,
      evidence: above
        ? `the training loss was ${untrained.toPrecision(3)} before the first step and is ${last.toPrecision(3)} after ${losses.length} epochs`
        : `the training loss jumped up in ${rises} of ${losses.length} epochs: ${tail(losses)}`,
      why: "each step overshoots the minimum",
      fix: `divide the learning rate by 10, or use a warm-up and a decaying schedule; hebb train … --find-lr shows which rates work`,
      layer: null,
    },
  ];
}

function tooLow({ records, lr, reduced, last, moved }: Course): Finding[] {
  if (reduced && !last) return [];
  const losses = records.map(lossOf);
  const [first] = losses;
  const now = losses.at(-1);
  if (losses.length < epochsToJudge || first === undefined || now === undefined || moved === undefined) return [];
  const fell = (first - now) / Math.abs(first);
  const falling = losses.filter((loss, at) => at > 0 && loss <= (losses[at - 1] ?? loss)).length;
  const steady = falling >= 0.7 * (losses.length - 1);
  if (!(steady && fell < 0.05 && moved < 0.005)) return [];
  return [
    {
      code: "learningRateTooLow",
      what: `the learning rate ${lr} is too low`,
      evidence: `in ${losses.length} epochs the training loss fell by ${(100 * fell).toPrecision(2)} %, evenly, and the weights moved by ${(100 * moved).toPrecision(2)} % of their size`,
      why: "training would reach the same loss in a fraction of the steps",
      fix: "multiply the learning rate by 10; hebb train … --find-lr shows which rates work",
      layer: null,
    },
  ];
}

function overfitting({ records, untrained = 0 }: Course): Finding[] {
  const last = records.at(-1);
  if (last === undefined || last.validation === null || records.length < epochsToJudge) return [];
  // A network that answers every held-out row right has not just memorised the others.
  if (last.validation["accuracy"] === 1) return [];
  const best = records.reduce((a, b) => (heldLoss(b) < heldLoss(a) ? b : a));
  const [held, train, least, then] = [heldLoss(last), lossOf(last), heldLoss(best), lossOf(best)];
  // Not for a single bad epoch, and not if both losses are close to 0.
  const lately = records.slice(-3).map(heldLoss);
  const scale =
    0.2 * Math.max(untrained, ...records.slice(0, 2).flatMap((record) => [heldLoss(record), lossOf(record)]));
  if (!(lately.every((loss) => loss > 1.5 * least && loss - least > scale) && held > 2 * train && train < 0.7 * then))
    return [];
  return [
    {
      code: "overfitting",
      what: "the network overfits: it memorises the training rows",
      evidence: `since epoch ${best.epoch + 1} the training loss fell from ${then.toPrecision(3)} to ${train.toPrecision(3)} while the validation loss rose from ${least.toPrecision(3)} to ${held.toPrecision(3)}`,
      why: "it now learns the noise of these rows, which makes it worse on new ones",
      fix: "stop at the best epoch (earlyStopping), use more dropout or weight decay, a smaller network, augmentation or more data",
      layer: null,
    },
  ];
}

/** The number of epochs that a network has to beat a constant answer. */
const epochsToDecide = 10;

function noBetterThanMajority({ records, last, largest }: Course): Finding[] {
  if (largest === undefined || !(last || records.length >= epochsToDecide)) return [];
  const accuracies = records.map(({ validation }) => validation?.["accuracy"] ?? Number.NaN);
  const best = greatest(accuracies);
  // A share and an accuracy are quotients with the same denominator, so equality is exact.
  if (!(best <= largest.share)) return [];
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    {
      code: "noBetterThanMajority",
      what: `the network is no better than always predicting ${largest.name}`,
      evidence: `in ${records.length} ${records.length === 1 ? "epoch" : "epochs"} the accuracy on the validation data is ${percent(best)} at best, and ${percent(largest.share)} of its rows are ${largest.name}`,
      why: "it may have learned only the largest class, and accuracy hides that",
      fix: 'watch balancedAccuracy instead, weigh the classes (classWeights: "balanced"; --class-weights balanced), train longer, and check whether the inputs say anything about the classes',
      layer: null,
    },
  ];
}

/**
 * From this share of one class on, the accuracy mostly reflects that class. The second number is the mean recall above which the other classes count
 * as found.
 */
const [rareFrom, foundFrom] = [0.9, 0.9] as const;

function imbalance({ records, last, largest }: Course): Finding[] {
  const held = records.at(-1)?.validation;
  if (largest === undefined || largest.share < rareFrom || !held || !(last || records.length >= epochsToDecide))
    return [];
  const { accuracy = Number.NaN, balancedAccuracy = Number.NaN } = held;
  // noBetterThanMajority reports this more plainly.
  if (
    !(accuracy > largest.share) &&
    records.every(({ validation }) => !((validation?.["accuracy"] ?? Number.NaN) > largest.share))
  )
    return [];
  if (balancedAccuracy >= foundFrom) return [];
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    {
      code: "imbalance",
      what: `the accuracy is misleading: ${percent(largest.share)} of the validation rows are ${largest.name}`,
      evidence: `the accuracy is ${percent(accuracy)}, and the mean of the recalls of the classes ${percent(balancedAccuracy)}`,
      why: "rows of the rare class are missed, and the accuracy hides that",
      fix: 'judge by balancedAccuracy, prAuc and the confusion matrix (hebb evaluate … --confusion --report), and weigh the classes (classWeights: "balanced"; --class-weights balanced)',
      layer: null,
    },
  ];
}

/** The ratio of training to validation loss above which dropout keeps the network from learning, … */
const aboveHeld = 1.3;
/** … during this many last epochs. */
const epochsAbove = 3;
/** A validation loss below this fraction of the first training loss leaves little to learn. */
const littleLeft = 0.05;

function heldBack({ records, last, dropout }: Course): Finding[] {
  const lately = records.slice(-epochsAbove);
  if (dropout === 0 || !last || lately.length < epochsAbove) return [];
  if (!lately.every((record) => heldLoss(record) > 0 && lossOf(record) > aboveHeld * heldLoss(record))) return [];
  const final = lately.at(-1) as EpochRecord;
  if (heldLoss(final) < littleLeft * lossOf(records[0] as EpochRecord)) return [];
  return [
    {
      code: "heldBack",
      what: `dropout of ${dropout} holds the network back`,
      evidence: `the training loss, with dropout, is ${lossOf(final).toPrecision(3)}, and the validation loss, without, ${heldLoss(final).toPrecision(3)}`,
      why: "a network that does worse on the training rows is far from overfitting, and can still learn more",
      fix: "use less dropout (--dropout 0), or a wider network, and train for more epochs",
      layer: null,
    },
  ];
}

const tail = (losses: readonly number[]): string =>
  losses
    .slice(-6)
    .map((loss) => loss.toPrecision(3))
    .join(", ");

export const checkCourse = (course: Course): Finding[] => [
  ...tooHigh(course),
  ...tooLow(course),
  ...overfitting(course),
  ...noBetterThanMajority(course),
  ...imbalance(course),
  ...heldBack(course),
];
