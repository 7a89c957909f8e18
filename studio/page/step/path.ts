// The path of a step: its operations in order, the current term, and the next and the previous one.

import type { StepTrace } from "../../shared/steps.ts";
import * as say from "../../texts/en/step.ts";
import { explain } from "./explain.ts";
import { fanIn, givenBy, spotsOf } from "./reading.ts";

export type StageKind =
  | "sum"
  | "norm"
  | "activation"
  | "pool"
  | "dropout"
  | "output"
  | "loss"
  | "back"
  | "delta"
  | "normBack"
  | "slope"
  | "update";

export interface Stage {
  readonly id: string;
  readonly kind: StageKind;
  readonly title: string;
  readonly short: string;
  readonly phase: "forward" | "loss" | "backward" | "update";
  readonly layer: number;
}

/** The current term: an operation, a unit, a position in its map, one of its weights, and the term. */
export interface Cursor {
  readonly stage: string;
  readonly unit: number;
  readonly spot: number;
  readonly weight: number;
  readonly term: number;
}

const sups = "⁰¹²³⁴⁵⁶⁷⁸⁹";
/** A layer as a superscript: ⁽²⁾. */
export const above = (layer: number): string =>
  `⁽${[...String(layer + 1)].map((digit) => sups[Number(digit)] ?? digit).join("")}⁾`;

/** The letters of stages in an address. */
const letters = {
  sum: "z",
  norm: "n",
  activation: "a",
  pool: "p",
  dropout: "m",
  output: "a",
  loss: "loss",
  back: "e",
  delta: "d",
  normBack: "h",
  slope: "g",
  update: "u",
} as const satisfies Readonly<Record<StageKind, string>>;

export function stagesOf({ layers }: StepTrace): Stage[] {
  const last = layers.length - 1;
  const stages: Stage[] = [];
  const where = (layer: number): string => (layer === last ? say.output : say.layer2(layer + 1));
  const add = (kind: StageKind, phase: Stage["phase"], layer: number, title: string, short: string): void => {
    stages.push({ id: kind === "loss" ? "loss" : `${letters[kind]}${layer}`, kind, phase, layer, title, short });
  };
  layers.forEach(({ kind, norm, pool, dropout }, layer) => {
    const up = above(layer);
    const name = kind === "conv" ? "Convolution" : say.weightedSum;
    add("sum", "forward", layer, `${name}, ${where(layer)}`, `z${up}`);
    if (norm !== undefined) add("norm", "forward", layer, say.batchNorm(where(layer)), `ẑ${up}`);
    if (layer === last) add("output", "forward", layer, say.output2, "ŷ");
    else add("activation", "forward", layer, `Activation, ${where(layer)}`, `a${up}`);
    if (pool !== undefined) add("pool", "forward", layer, say.maxPooling(where(layer)), `p${up}`);
    if (dropout !== undefined) add("dropout", "forward", layer, `Dropout, ${where(layer)}`, `ã${up}`);
  });
  add("loss", "loss", last, "Loss", "loss");
  for (let layer = last; layer >= 0; layer--) {
    const up = above(layer);
    const step = layers[layer];
    if (layer < last) add("back", "backward", layer, say.whatComesBackTo(where(layer)), `∂a${up}`);
    add("delta", "backward", layer, say.ofTheLosssSlopeAtZ(where(layer)), `δ${up}`);
    if (step?.norm !== undefined) add("normBack", "backward", layer, say.backThroughBatchNorm(where(layer)), `δz${up}`);
    add("slope", "backward", layer, say.slopeOfAWeight(where(layer)), `∂W${up}`);
  }
  layers.forEach((_, layer) => {
    add("update", "update", layer, say.updateOfAWeight(where(layer)), `W${above(layer)}′`);
  });
  return stages;
}

/** The number of units, positions in a map and weights in a stage. */
export function extentOf(trace: StepTrace, { kind, layer }: Stage): { units: number; spots: number; weights: number } {
  const step = trace.layers[layer];
  if (step === undefined || kind === "loss") return { units: 1, spots: 1, weights: 1 };
  const { units, shape } = step;
  switch (kind) {
    case "slope":
    case "update":
      return { units, spots: 1, weights: fanIn(step) + 1 };
    case "pool":
    case "dropout":
    case "back":
      return { units, spots: spotsOf(givenBy(step).shape), weights: 1 };
    case "sum":
    case "norm":
    case "activation":
    case "output":
    case "delta":
    case "normBack":
      return { units, spots: spotsOf(shape), weights: 1 };
  }
}

export const printCursor = ({ stage, unit, spot, weight, term }: Cursor): string =>
  [stage, unit, spot, weight, term].join(".");

/** The position in this step that a text names, limited to its bounds. */
export function cursorOf(trace: StepTrace, text: string): { readonly stage: Stage; readonly cursor: Cursor } {
  const [id = "", ...numbers] = text.split(".");
  const stages = stagesOf(trace);
  const stage = stages.find((one) => one.id === id) ?? stages[0];
  if (stage === undefined) throw new Error(say.aStepWithoutOperations);
  const extent = extentOf(trace, stage);
  const within = (place: number, most: number): number => {
    const value = numbers[place] === undefined ? 0 : Number(numbers[place]);
    return Number.isInteger(value) ? Math.max(0, Math.min(most - 1, value)) : 0;
  };
  const at: Cursor = {
    stage: stage.id,
    unit: within(0, extent.units),
    spot: within(1, extent.spots),
    weight: within(2, extent.weights),
    term: 0,
  };
  const { terms } = explain(trace, stage, at, 0);
  return { stage, cursor: { ...at, term: within(3, terms) } };
}

/** The moves from a position. */
export class Path {
  readonly trace: StepTrace;
  readonly stages: readonly Stage[];

  constructor(trace: StepTrace) {
    this.trace = trace;
    this.stages = stagesOf(trace);
  }

  stage({ stage }: Cursor): Stage {
    const found = this.stages.find(({ id }) => id === stage) ?? this.stages[0];
    if (found === undefined) throw new Error(say.aStepWithoutOperations);
    return found;
  }

  terms(cursor: Cursor): number {
    return explain(this.trace, this.stage(cursor), cursor, 0).terms;
  }

  /** The same position with its result. */
  finished(cursor: Cursor): Cursor {
    return { ...cursor, term: this.terms(cursor) - 1 };
  }

  /** Another operation, with the same unit if it exists. */
  operation(cursor: Cursor, by: number): Cursor | undefined {
    const at = this.stages.findIndex(({ id }) => id === cursor.stage) + by;
    const stage = this.stages[at];
    if (stage === undefined) return undefined;
    return { stage: stage.id, unit: 0, spot: 0, weight: 0, term: 0 };
  }

  /** The next or the previous weight, position or unit of the operation, in this order. */
  #besides(cursor: Cursor, by: 1 | -1): Cursor | undefined {
    const { units, spots, weights } = extentOf(this.trace, this.stage(cursor));
    const flat = (cursor.unit * spots + cursor.spot) * weights + cursor.weight + by;
    if (flat < 0 || flat >= units * spots * weights) return undefined;
    return {
      stage: cursor.stage,
      unit: Math.floor(flat / (spots * weights)),
      spot: Math.floor(flat / weights) % spots,
      weight: flat % weights,
      term: 0,
    };
  }

  /** The next term; after the last one of a unit the next unit, after the last unit the next operation. */
  next(cursor: Cursor): Cursor | undefined {
    if (cursor.term + 1 < this.terms(cursor)) return { ...cursor, term: cursor.term + 1 };
    return this.#besides(cursor, 1) ?? this.operation(cursor, 1);
  }

  previous(cursor: Cursor): Cursor | undefined {
    if (cursor.term > 0) return { ...cursor, term: cursor.term - 1 };
    const before = this.#besides(cursor, -1);
    if (before !== undefined) return this.finished(before);
    const stage = this.stages[this.stages.findIndex(({ id }) => id === cursor.stage) - 1];
    if (stage === undefined) return undefined;
    const { units, spots, weights } = extentOf(this.trace, stage);
    return this.finished({ stage: stage.id, unit: units - 1, spot: spots - 1, weight: weights - 1, term: 0 });
  }

  unit(cursor: Cursor, by: 1 | -1): Cursor {
    const { units } = extentOf(this.trace, this.stage(cursor));
    return { ...cursor, unit: (cursor.unit + by + units) % units, spot: 0, weight: 0, term: 0 };
  }

  /** The most units and positions of one operation in a film. */
  static readonly mostShown = 24;

  /** The next picture of a film: the first unit of each operation term by term, the others at once. */
  film(cursor: Cursor): Cursor | undefined {
    const first = cursor.unit === 0 && cursor.spot === 0 && cursor.weight === 0;
    if (cursor.term + 1 < this.terms(cursor))
      return first ? { ...cursor, term: cursor.term + 1 } : this.finished(cursor);
    const { spots, weights } = extentOf(this.trace, this.stage(cursor));
    const shown = (cursor.unit * spots + cursor.spot) * weights + cursor.weight + 1;
    const beside = shown < Path.mostShown ? this.#besides(cursor, 1) : undefined;
    return beside === undefined ? this.operation(cursor, 1) : this.finished(beside);
  }
}
