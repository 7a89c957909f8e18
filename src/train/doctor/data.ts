// Problems in the data: unscaled inputs, labels without an output, training rows among the validation rows.
import type { Dataset } from "../../data/index.ts";
import { sizeOf } from "../../graph/shape.ts";
import { ignoredLabel } from "../objectives.ts";
import type { Finding } from "./finding.ts";

/** The number of rows inspected for the scale of inputs. */
const rowsLookedAt = 2000;
/** Root mean squares that suit initialisation lie well within these bounds. */
const [tooSmall, tooLarge] = [1e-3, 10];

interface Scale {
  readonly name: string;
  readonly rms: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The scale of each feature of a table, or of all values of an image together. */
function scalesOf(data: Dataset): Scale[] {
  const { shape, data: values } = data.features;
  const size = sizeOf(shape);
  const apart = shape.length === 1;
  const rows = Math.min(data.length, rowsLookedAt);
  const stride = Math.max(1, Math.floor(data.length / rows));
  return Array.from({ length: apart ? size : 1 }, (_, column) => {
    let [sum, squares, count, low, high] = [0, 0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let row = 0; row < data.length; row += stride) {
      for (let k = apart ? column : 0; k < (apart ? column + 1 : size); k++) {
        const value = values[row * size + k] ?? 0;
        if (!Number.isFinite(value)) continue;
        sum += value;
        squares += value * value;
        count++;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    return {
      name: apart ? `feature ${column}` : "the inputs",
      rms: Math.sqrt(squares / count),
      mean: sum / count,
      low,
      high,
    };
  });
}

export function checkScale(train: Dataset): Finding[] {
  if (train.features.dtype === "int32") return [];
  const scales = scalesOf(train);
  const largest = scales.reduce((a, b) => (b.rms > a.rms ? b : a));
  const range = ({ name, low, high, mean }: Scale): string =>
    `${name} ranges from ${low.toPrecision(3)} to ${high.toPrecision(3)}, mean ${mean.toPrecision(3)}`;
  const told = { code: "unscaledInputs", layer: null } as const;
  if (largest.rms > tooLarge) {
    const many = scales.filter(({ rms }) => rms > tooLarge).length;
    return [
      {
        ...told,
        what: "the inputs are not scaled",
        evidence: `${range(largest)}${scales.length > 1 ? `; ${many} of ${scales.length} features are too large` : ""}`,
        why: "large inputs drown the small ones, saturate activations, and force the learning rate down for all weights",
        fix: "subtract the mean of each feature and divide by its standard deviation, both computed on the training data",
      },
    ];
  }
  if (largest.rms > 0 && largest.rms < tooSmall) {
    return [
      {
        ...told,
        what: "the inputs are tiny",
        evidence: range(largest),
        why: "the first layer receives almost no signal, so its gradients are tiny too",
        fix: "subtract the mean of each feature and divide by its standard deviation, both computed on the training data",
      },
    ];
  }
  return [];
}

/** Checks that labels name one of the outputs. */
export function checkLabels(train: Dataset, validation: Dataset | undefined, outputs: number): Finding[] {
  for (const [where, data] of [
    ["training", train],
    ["validation", validation],
  ] as const) {
    if (data === undefined || data.targets.shape.length > 0) continue;
    const labels = data.targets.data;
    const row = labels.findIndex((label) => (label < 0 || label >= outputs) && label !== ignoredLabel);
    if (row < 0) continue;
    let [wrong, low, high] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const label of labels) {
      low = Math.min(low, label);
      high = Math.max(high, label);
      if ((label < 0 || label >= outputs) && label !== ignoredLabel) wrong++;
    }
    return [
      {
        code: "labelsOutOfRange",
        what: `the ${where} labels include classes that the network has no output for`,
        evidence: `${wrong} of ${labels.length} labels are outside 0 … ${outputs - 1}: they range from ${low} to ${high}, the first in row ${row} (counted from 0)`,
        why: "there is no output whose probability could rise, so the loss of such a row is NaN",
        fix:
          low === 1 && high === outputs
            ? "count classes from 0: subtract 1 from every label"
            : `give the last layer ${high + 1} outputs, or correct the labels`,
        layer: null,
      },
    ];
  }
  return [];
}

/** The maximum number of values to hash: more would take noticeable time. */
const mostValues = 6e7;
/** The number of possible value combinations, per row, above which equal rows are not a coincidence. */
const roomForEach = 50;

const words = new Uint32Array(2);
const doubles = new Float64Array(words.buffer);

/** Two hashes of a row and its target, as one number. */
function rowHash(data: Dataset, row: number, size: number): number {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  const mix = (value: number): void => {
    doubles[0] = value;
    const [low = 0, high = 0] = words;
    a = Math.imul(a ^ low ^ Math.imul(high, 0x85ebca6b), 0x01000193);
    b = Math.imul(b ^ high ^ Math.imul(low, 0xc2b2ae35), 0x27d4eb2f);
    b ^= b >>> 15;
  };
  for (let k = 0; k < size; k++) mix(data.features.data[row * size + k] ?? 0);
  mix(data.targets.data[row] ?? 0);
  return (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1fffff);
}

/** The number of different rows that the values of the features allow, up to `enough`. */
function room(data: Dataset, size: number, enough: number): number {
  let combinations = 1;
  for (let k = 0; k < size && combinations < enough; k++) {
    const seen = new Set<number>();
    for (let row = 0; row < data.length && seen.size < enough; row++) seen.add(data.features.data[row * size + k] ?? 0);
    combinations *= seen.size;
  }
  return combinations;
}

/** Validation rows that are also training rows. Rows with few possible values match by chance, and mean nothing. */
export function checkLeak(train: Dataset, validation: Dataset): Finding[] {
  const size = sizeOf(train.features.shape);
  if (train.length * size > mostValues || train.targets.shape.length > 0) return [];
  const known = new Map<number, number>();
  for (let row = 0; row < train.length; row++) known.set(rowHash(train, row, size), row);
  let [found, first, twin] = [0, -1, -1];
  for (let row = 0; row < validation.length; row++) {
    const at = known.get(rowHash(validation, row, size));
    if (at === undefined) continue;
    if (found++ === 0) [first, twin] = [row, at];
  }
  if (found < Math.max(3, 0.05 * validation.length)) return [];
  const enough = roomForEach * train.length;
  if (room(train, size, enough) < enough) return [];
  return [
    {
      code: "leak",
      what: "rows of the validation data are also in the training data",
      evidence: `${found} of ${validation.length} validation rows (${((100 * found) / validation.length).toFixed(0)} %) are copies of training rows: validation row ${first} is a copy of training row ${twin} (counted from 0)`,
      why: "the network can memorise these rows, so the validation figures look better than new data will",
      fix: "remove duplicate rows before splitting, and keep rows of one person, day or source on one side",
      layer: null,
    },
  ];
}
