// Small generated problems: gates, moons, circles, spirals, blobs, a curve, and loan decisions.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { Dataset } from "./dataset.ts";
import { Random } from "./random.ts";
import { Table } from "./table.ts";

export interface GeneratorOptions {
  /** Total number of samples. */
  readonly count?: number;
  /** Standard deviation of the noise added to each coordinate. */
  readonly noise?: number;
  readonly seed?: number;
}

const generatorKinds: OptionKinds<GeneratorOptions> = { count: kind.number, noise: kind.number, seed: kind.number };

/** Random streams of the generators, separate from those of splits and shuffles. */
const streams = {
  moons: 0x20000001,
  circles: 0x20000002,
  spirals: 0x20000003,
  blobs: 0x20000004,
  curve: 0x20000005,
  loans: 0x20000006,
} as const;

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 10_000_000) {
    throw new HebbError(`count ${count} is out of range; use a whole number from 1 to 10,000,000`);
  }
}

/** Points in the plane with class numbers: features [count, 2] float32, targets [count] int32. */
function points(count: number, place: (i: number) => readonly [number, number, number]): Dataset {
  checkCount(count);
  const features = new Float32Array(2 * count);
  const targets = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const [x, y, label] = place(i);
    features[2 * i] = x;
    features[2 * i + 1] = y;
    targets[i] = label;
  }
  return new Dataset({ features, featureShape: [2], targets });
}

export type Gate = "and" | "or" | "xor" | "nand";

/** The truth table of a logic gate: features [4, 2] of 0 and 1, targets [4, 1] float32. */
export function gate(name: Gate): Dataset {
  const truth: Readonly<Record<Gate, readonly number[]>> = {
    and: [0, 0, 0, 1],
    or: [0, 1, 1, 1],
    xor: [0, 1, 1, 0],
    nand: [1, 1, 1, 0],
  };
  checkKind("gate", "name", name, kind.oneOf("and", "or", "xor", "nand"));
  return new Dataset({
    features: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1),
    featureShape: [2],
    targets: Float32Array.from(truth[name]),
    targetShape: [1],
  });
}

/** Two interleaved half circles; default 200 points, noise 0.1. */
export function moons(options: GeneratorOptions = {}): Dataset {
  const { count = 200, noise = 0.1, seed = 0 } = checkOptions("moons", options, generatorKinds);
  const random = new Random(seed, streams.moons);
  const first = Math.ceil(count / 2);
  return points(count, (i) => {
    const label = i < first ? 0 : 1;
    const inClass = label === 0 ? first : count - first;
    const angle = (Math.PI * (label === 0 ? i : i - first)) / Math.max(1, inClass - 1);
    const x = label === 0 ? Math.cos(angle) : 1 - Math.cos(angle);
    const y = label === 0 ? Math.sin(angle) : 0.5 - Math.sin(angle);
    return [x + random.normal(0, noise), y + random.normal(0, noise), label];
  });
}

/** A small circle (class 1, `factor` of the radius, default 0.5) inside a large one (class 0); default 200 points, noise 0.08. */
export function circles(options: GeneratorOptions & { readonly factor?: number } = {}): Dataset {
  const {
    count = 200,
    noise = 0.08,
    seed = 0,
    factor = 0.5,
  } = checkOptions("circles", options, { ...generatorKinds, factor: kind.number });
  const random = new Random(seed, streams.circles);
  return points(count, (i) => {
    const label = i % 2;
    const angle = random.uniform(0, 2 * Math.PI);
    const radius = label === 1 ? factor : 1;
    return [
      radius * Math.cos(angle) + random.normal(0, noise),
      radius * Math.sin(angle) + random.normal(0, noise),
      label,
    ];
  });
}

/** Spiral arms, one class each (default 2 arms, 1.75 turns); default 400 points, noise 0.03. */
export function spirals(options: GeneratorOptions & { readonly arms?: number; readonly turns?: number } = {}): Dataset {
  const {
    count = 400,
    noise = 0.03,
    seed = 0,
    arms = 2,
    turns = 1.75,
  } = checkOptions("spirals", options, { ...generatorKinds, arms: kind.number, turns: kind.number });
  const random = new Random(seed, streams.spirals);
  return points(count, (i) => {
    const label = i % arms;
    const t = (Math.floor(i / arms) + 0.5) / Math.ceil(count / arms);
    const angle = 2 * Math.PI * (turns * t + label / arms);
    return [t * Math.cos(angle) + random.normal(0, noise), t * Math.sin(angle) + random.normal(0, noise), label];
  });
}

/** Round clusters, one class each (default 3), with centres on a circle of radius 4; default 300 points, spread (noise) 1. */
export function blobs(options: GeneratorOptions & { readonly classes?: number } = {}): Dataset {
  const {
    count = 300,
    noise = 1,
    seed = 0,
    classes = 3,
  } = checkOptions("blobs", options, { ...generatorKinds, classes: kind.number });
  const random = new Random(seed, streams.blobs);
  return points(count, (i) => {
    const label = i % classes;
    const angle = (2 * Math.PI * label) / classes;
    return [4 * Math.cos(angle) + random.normal(0, noise), 4 * Math.sin(angle) + random.normal(0, noise), label];
  });
}

/** A curve to fit: y = sin(3x) + x/2 + noise, x evenly spaced in [−2, 2]; features [count, 1], targets [count, 1]; default 128, noise 0.1. */
export function curve(options: GeneratorOptions = {}): Dataset {
  const { count = 128, noise = 0.1, seed = 0 } = checkOptions("curve", options, generatorKinds);
  checkCount(count);
  const random = new Random(seed, streams.curve);
  const features = Float32Array.from({ length: count }, (_, i) => -2 + (4 * i) / Math.max(1, count - 1));
  const targets = Float32Array.from(features, (x) => Math.sin(3 * x) + x / 2 + random.normal(0, noise));
  return new Dataset({ features, featureShape: [1], targets, targetShape: [1] });
}

const purposes = ["car", "home", "study", "business"] as const;

/**
 * Loan applications with a decision by a linear rule and some noise: income and amount (thousands a year), debt ratio, years
 * employed, late payments, credit history in years, purpose (which does not matter), approved (yes or no).
 * Default 1000 rows; `noise` is the spread of the officer's mood on a scale where the rule itself has spread about 1.6.
 */
export function loans(options: GeneratorOptions = {}): Table {
  const { count = 1000, noise = 0.4, seed = 0 } = checkOptions("loans", options, generatorKinds);
  checkCount(count);
  const random = new Random(seed, streams.loans);
  const names = [
    "income",
    "amount",
    "debt_ratio",
    "years_employed",
    "late_payments",
    "credit_history",
    "purpose",
    "approved",
  ] as const;
  const cells: string[][] = names.map(() => []);
  for (let i = 0; i < count; i++) {
    const income = Math.max(12, Math.min(160, 50 + 20 * random.normal()));
    const amount = Math.max(2, Math.min(80, 22 + 11 * random.normal()));
    const debtRatio = random.uniform(0, 0.7);
    const employed = Math.floor(random.uniform(0, 25));
    const late = Math.floor(5 * random.uniform() ** 2.5);
    const history = Math.floor(random.uniform(0, 30));
    const purpose = purposes[random.integer(purposes.length)] ?? "car";
    const score =
      (income - 50) / 20 -
      0.8 * ((amount - 22) / 11) -
      4 * (debtRatio - 0.35) +
      0.06 * (employed - 12) -
      0.6 * (late - 1) +
      0.03 * (history - 15);
    const approved = score + random.normal(0, noise) > 0 ? "yes" : "no";
    const row = [
      income.toFixed(1),
      amount.toFixed(1),
      debtRatio.toFixed(2),
      employed,
      late,
      history,
      purpose,
      approved,
    ];
    row.forEach((cell, column) => {
      cells[column]?.push(String(cell));
    });
  }
  return new Table(
    names.map((name, i) => ({ name, cells: cells[i] ?? [] })),
    "loans",
  );
}
