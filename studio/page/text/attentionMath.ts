// The operations of attention as formulas, forward and backward: symbols, the engine's numbers in their places, the result.

import type { AttentionStep, HeadArrays } from "../../shared/textPicture.ts";
import * as say from "../../texts/en/text.ts";
import { type Explanation, type Expr, fraction, leaf, power, root, row, slopeBy, sum, text } from "../step/formula.ts";

export const attentionStages = ["score", "softmax", "mix", "dWeight", "dScore", "dQuery", "dKey", "dValue"] as const;
export type AttentionStage = (typeof attentionStages)[number];

export const stageSigns: Readonly<Record<AttentionStage, string>> = {
  score: "q·k/√d",
  softmax: "softmax",
  mix: "Σ a·v",
  dWeight: "∂a",
  dScore: "∂s",
  dQuery: "∂q",
  dKey: "∂k",
  dValue: "∂v",
};

/** The visitor's position: the token, the index in a vector, and the current term. */
export interface AttentionCursor {
  readonly stage: AttentionStage;
  /** The current position in the text. */
  readonly to: number;
  /** The index in a query, key or value. */
  readonly unit: number;
  readonly term: number;
}

type Name = keyof HeadArrays;
const letters: Readonly<Record<Name, string>> = { q: "q", k: "k", scores: "s", weights: "a", v: "v", out: "o" };

class HeadSigns {
  readonly #step: AttentionStep;

  constructor(step: AttentionStep) {
    this.#step = step;
  }

  #at(name: Name, place: number, other: number): number {
    const { size, tokens } = this.#step;
    return place * (name === "scores" || name === "weights" ? tokens.length : size) + other;
  }

  #sign(name: Name, place: number, other: number) {
    return { letter: letters[name], sub: `${place + 1},${other + 1}` };
  }

  value(name: Name, place: number, other: number): Expr & { readonly kind: "leaf" } {
    const number = this.#step.values[name][this.#at(name, place, other)];
    return leaf(this.#sign(name, place, other), number, `${name}.${place}.${other}`);
  }

  slope(name: Name, place: number, other: number): Expr & { readonly kind: "slope" } {
    const number = this.#step.slopes[name][this.#at(name, place, other)];
    return slopeBy(this.#sign(name, place, other), number, `d${name}.${place}.${other}`);
  }

  get depth(): Expr {
    return root(leaf({ letter: "d" }, this.#step.size, "d"));
  }
}

const product = (a: Expr, b: Expr): Expr => row(a, text("·"), b);

/** A number of an array: its row, its column, and its index in a vector, if any. */
export interface Spot {
  readonly name: Name;
  readonly slope: boolean;
  readonly place: number;
  readonly other: number;
}

interface Stage {
  readonly sentence: string;
  readonly count: number;
  /** The factors of a term. */
  readonly factors: (term: number) => readonly Spot[];
  readonly result: Spot;
  /** The formula around the sum of the terms. */
  readonly around: (signs: HeadSigns, terms: Expr) => Expr;
}

const whole = (_: HeadSigns, terms: Expr): Expr => terms;
const byDepth = (signs: HeadSigns, terms: Expr): Expr => fraction(terms, signs.depth);

/** The sum of a stage: from the position `row`, for the position `to`, with the index `unit` of the vectors. */
export function stageOf({ row: from, tokens, size }: AttentionStep, { stage, to, unit }: AttentionCursor): Stage {
  const value = (name: Name, place: number, other: number): Spot => ({ name, slope: false, place, other });
  const slope = (name: Name, place: number, other: number): Spot => ({ name, slope: true, place, other });
  const later = tokens.length - to;
  switch (stage) {
    case "score":
      return {
        sentence: say.howWellTheQueryOfPlace(from + 1, to + 1, size),
        count: size,
        factors: (k) => [value("q", from, k), value("k", to, k)],
        result: value("scores", from, to),
        around: byDepth,
      };
    case "softmax":
      return {
        sentence: say.theScoresBecomeSharesOf1(from + 1),
        count: from + 1,
        factors: (k) => [value("scores", from, k)],
        result: value("weights", from, to),
        around: (signs, terms) => fraction(power(text("e"), signs.value("scores", from, to)), terms),
      };
    case "mix":
      return {
        sentence: say.whatPlaceTakesAlongTheValues(from + 1),
        count: from + 1,
        factors: (k) => [value("weights", from, k), value("v", k, unit)],
        result: value("out", from, unit),
        around: whole,
      };
    case "dWeight":
      return {
        sentence: say.backwardWhatALittleMoreAttention(to + 1),
        count: size,
        factors: (k) => [slope("out", from, k), value("v", to, k)],
        result: slope("weights", from, to),
        around: whole,
      };
    case "dScore":
      return {
        sentence: say.throughTheSoftmaxAShareThat,
        count: from + 1,
        factors: (k) => [value("weights", from, k), slope("weights", from, k)],
        result: slope("scores", from, to),
        around: (signs, terms) =>
          row(
            signs.value("weights", from, to),
            text("·"),
            text("("),
            signs.slope("weights", from, to),
            text("−"),
            text("("),
            terms,
            text(")"),
            text(")"),
          ),
      };
    case "dQuery":
      return {
        sentence: say.theSlopeOfTheQueryOf(from + 1),
        count: from + 1,
        factors: (k) => [slope("scores", from, k), value("k", k, unit)],
        result: slope("q", from, unit),
        around: byDepth,
      };
    case "dKey":
      return {
        sentence: say.theSlopeOfTheKeyOf(to + 1),
        count: later,
        factors: (k) => [slope("scores", to + k, to), value("q", to + k, unit)],
        result: slope("k", to, unit),
        around: byDepth,
      };
    case "dValue":
      return {
        sentence: say.theSlopeOfTheValueOf(to + 1),
        count: later,
        factors: (k) => [value("weights", to + k, to), slope("out", to + k, unit)],
        result: slope("v", to, unit),
        around: whole,
      };
  }
}

export function explainAttention(step: AttentionStep, cursor: AttentionCursor): Explanation {
  const signs = new HeadSigns(step);
  const typeset = ({ name, slope, place, other }: Spot) =>
    slope ? signs.slope(name, place, other) : signs.value(name, place, other);
  const { sentence, count, factors, result, around } = stageOf(step, cursor);
  const termOf = (k: number): Expr => {
    const [first, second] = factors(k).map(typeset);
    if (first === undefined) return text("0");
    return second === undefined ? power(text("e"), first) : product(first, second);
  };
  return {
    sentence,
    terms: count + 1,
    formulas: [{ result: typeset(result), of: around(signs, sum(count, cursor.term, termOf)), done: count }],
  };
}
