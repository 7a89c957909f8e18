// The engine's numbers of a step as symbols with their values: each has one name everywhere.

import type { StepTrace } from "../../shared/steps.ts";
import * as say from "../../texts/en/step.ts";
import { type Expr, type Leaf, leaf, type Sign, text } from "./formula.ts";
import { fanIn, givenTo, kernelOf, kernelPlace, spotsOf, valueAt } from "./reading.ts";

const up = (layer: number): string => `(${layer + 1})`;
const one = (place: number): string => String(place + 1);
/** Two indices side by side; from ten upwards with a comma between them. */
const two = (a: number, b: number): string => (a < 9 && b < 9 ? `${a + 1}${b + 1}` : `${a + 1},${b + 1}`);

/** A position of a map by its row and column, or nothing for a single number. */
function placed(unit: number, spot: number, shape: readonly number[]): string {
  const [, , width] = shape;
  return width === undefined ? one(unit) : `${one(unit)};${Math.floor(spot / width) + 1},${(spot % width) + 1}`;
}

type Letter = "z" | "n" | "a" | "p" | "m";

/** The symbols of one row and layer. */
export class Signs {
  readonly trace: StepTrace;
  readonly layer: number;
  readonly row: number;

  constructor(trace: StepTrace, layer: number, row: number) {
    this.trace = trace;
    this.layer = layer;
    this.row = row;
  }

  get step() {
    const step = this.trace.layers[this.layer];
    if (step === undefined) throw new Error(say.theStepHasNoLayer(this.layer));
    return step;
  }

  get last(): boolean {
    return this.layer === this.trace.layers.length - 1;
  }

  of(layer: number): Signs {
    return new Signs(this.trace, layer, this.row);
  }

  inRow(row: number): Signs {
    return new Signs(this.trace, this.layer, row);
  }

  /** A value of the layer itself: its sum, or the output of batch norm, the activation, the pooling or dropout. */
  value(letter: Letter, unit: number, spot = 0): Leaf {
    const { z, a, norm, pool, dropout, shape } = this.step;
    const wide = letter === "p" || letter === "m" ? (pool?.shape ?? shape) : shape;
    const numbers = { z, n: norm?.values, a, p: pool?.values, m: dropout?.values }[letter] ?? z;
    const index = unit * spotsOf(wide) + spot;
    const output = letter === "a" && this.last;
    const sub = placed(unit, spot, wide);
    const sup = up(this.layer);
    const sign: Sign = output
      ? this.trace.task === "number"
        ? { letter: "y", accent: "ˆ" }
        : { letter: "p", sub: one(unit) }
      : letter === "n"
        ? { letter: "z", accent: "ˆ", sub, sup }
        : letter === "m"
          ? { letter: pool === undefined ? "a" : "p", accent: "˜", sub, sup }
          : { letter, sub, sup };
    return leaf(sign, valueAt(numbers, this.trace.rows, this.row, index), `${letter}${this.layer}.${index}`);
  }

  /** One of the layer's inputs; 0 in the padding of a convolution. */
  source(index: number | undefined): Expr {
    if (index === undefined) return text("0");
    const { numbers, shape, letter } = givenTo(this.trace, this.layer);
    const spots = spotsOf(shape);
    const [unit, spot] = [Math.floor(index / spots), index % spots];
    if (letter !== "x") return this.of(this.layer - 1).value(letter, unit, spot);
    const sub = shape.length === 3 ? placed(unit, spot, shape) : one(index);
    return leaf({ letter: "x", sub }, valueAt(numbers, this.trace.rows, this.row, index), `x.${index}`);
  }

  weightSign(unit: number, k: number, prime = false): Sign {
    const bias = k === fanIn(this.step);
    const { channel, y, x } = kernelPlace(this.step, k);
    const sub = bias
      ? one(unit)
      : this.step.kind === "conv"
        ? `${one(unit)},${one(channel)};${y + 1},${x + 1}`
        : two(unit, k);
    return { letter: bias ? "b" : "w", sub, sup: up(this.layer), prime };
  }

  /** A weight of a unit; after the last one its bias. */
  weight(unit: number, k: number): Leaf {
    const inputs = fanIn(this.step);
    const { weight, bias } = this.step;
    return k === inputs
      ? leaf(this.weightSign(unit, k), bias.value.values[unit], `b${this.layer}.${unit}`)
      : leaf(this.weightSign(unit, k), weight.value.values[unit * inputs + k], `w${this.layer}.${unit}.${k}`);
  }

  /** ∂L/∂z. */
  delta(unit: number, spot = 0): Leaf {
    const { delta, shape } = this.step;
    const index = unit * spotsOf(shape) + spot;
    return leaf(
      { letter: "δ", sub: placed(unit, spot, shape), sup: up(this.layer) },
      valueAt(delta, this.trace.rows, this.row, index),
      `d${this.layer}.${index}`,
    );
  }

  /** f′ at the activation's input. */
  slope(unit: number, spot = 0): Leaf {
    const { slope, shape, norm } = this.step;
    const index = unit * spotsOf(shape) + spot;
    const width = slope.length / this.trace.rows;
    const taken = norm === undefined ? "z" : "ẑ";
    return leaf({ letter: `f′(${taken})`, sub: "" }, slope[this.row * width + index], `f${this.layer}.${index}`);
  }

  target(unit = 0): Leaf {
    const value = this.trace.target[this.row] ?? 0;
    const shown = this.trace.task === "classes" ? (value === unit ? 1 : 0) : value;
    return leaf(
      { letter: "y", ...(this.trace.task === "classes" && { sub: one(unit) }) },
      shown,
      this.trace.task === "classes" ? `y.${unit}` : "y",
    );
  }

  /** The number of uses of a weight in a batch: rows, times the positions of a map. */
  get uses(): number {
    return this.trace.rows * (kernelOf(this.step) > 1 ? spotsOf(this.step.shape) : 1);
  }
}
