// The update of a weight as formulas, by optimizer: its state, then the weight.
import * as say from "../../texts/en/step.ts";
import {
  type Explanation,
  type Expr,
  type Formula,
  fraction,
  leaf,
  power,
  root,
  row,
  slopeBy,
  term,
  text,
} from "./formula.ts";
import type { Cursor } from "./path.ts";
import { fanIn } from "./reading.ts";
import type { Signs } from "./signs.ts";

const slotLetters: Readonly<Record<string, string>> = {
  exp_avg: "m",
  exp_avg_sq: "v",
  momentum_buffer: "v",
  sum: "s",
  square_avg: "s",
};

export function updateStage(signs: Signs, { unit, weight }: Cursor): Explanation {
  const { step, trace, layer } = signs;
  const inputs = fanIn(step);
  const own = weight === inputs ? step.bias : step.weight;
  const at = weight === inputs ? unit : unit * inputs + weight;
  const w = signs.weight(unit, weight);
  const result = leaf(signs.weightSign(unit, weight, true), own.updated.values[at], `u${layer}.${unit}.${weight}`);
  const gradient = slopeBy(signs.weightSign(unit, weight), own.gradient.values[at], `g${layer}.${unit}.${weight}`);
  // Weight decay is part of the slope, except in AdamW, where the weight shrinks separately.
  const decayed = trace.decay > 0 && trace.optimizer !== "adamw";
  const decay = leaf({ letter: "λ" }, trace.decay);
  const g: Expr = decayed ? row(text("("), gradient, text("+"), decay, text("·"), w, text(")")) : gradient;
  const lr = leaf({ letter: "η" }, trace.lr);
  const t = leaf({ letter: "t" }, trace.t);
  const slot = (name: string) => {
    const found = own.slots.find((one) => one.name === name);
    const letter = slotLetters[name] ?? "s";
    const id = `slot.${name}.${layer}.${unit}.${weight}`;
    return {
      before: leaf({ letter }, found?.before[at], id),
      after: leaf({ letter, prime: true }, found?.after.values[at], `${id}′`),
    };
  };
  const squared: Expr = power(g, text("2"));
  const blend = (rate: string, before: Expr, rest: string, fresh: Expr): Expr =>
    row(text(rate), text("·"), before, text("+"), ...(rest === "" ? [] : [text(rest), text("·")]), fresh);
  /** Formulas in order, the weight's last; each is a term. */
  const steps = (
    sentence: string,
    first: readonly (readonly [ReturnType<typeof leaf>, Expr])[],
    of: Expr,
  ): Explanation => {
    const all: (readonly [ReturnType<typeof leaf>, Expr])[] = [...first, [result, of]];
    return {
      sentence,
      terms: all.length,
      formulas: all.map(([own, part], place): Formula => ({ result: own, of: term(place, part), done: place })),
    };
  };
  switch (trace.optimizer) {
    case "sgd":
      return steps(say.downhillByTheLearningRateTimes, [], row(w, text("−"), lr, text("·"), g));
    case "momentum":
    case "nesterov": {
      const v = slot("momentum_buffer");
      const look = trace.optimizer === "nesterov";
      return steps(
        look ? say.theVelocityKeepsNineTenthsOf : say.theVelocityKeepsNineTenthsOf2,
        [[v.after, trace.t === 1 ? g : blend("0.9", v.before, "", g)]],
        look
          ? row(w, text("−"), lr, text("·"), text("("), g, text("+"), text("0.9"), text("·"), v.after, text(")"))
          : row(w, text("−"), lr, text("·"), v.after),
      );
    }
    case "adagrad":
    case "rmsprop": {
      const adagrad = trace.optimizer === "adagrad";
      const s = slot(adagrad ? "sum" : "square_avg");
      return steps(
        say.theSlopeIsDividedByIts,
        [[s.after, adagrad ? row(s.before, text("+"), squared) : blend("0.99", s.before, "0.01", squared)]],
        row(
          w,
          text("−"),
          lr,
          text("·"),
          fraction(g, row(root(s.after), text("+"), power(text("10"), text(adagrad ? "−10" : "−8")))),
        ),
      );
    }
    case "adam":
    case "adamw": {
      const [m, v] = [slot("exp_avg"), slot("exp_avg_sq")];
      const corrected = (value: Expr, rate: string): Expr =>
        fraction(value, row(text("1"), text("−"), power(text(rate), t)));
      const start =
        trace.optimizer === "adamw" && trace.decay > 0
          ? row(w, text("·"), text("("), text("1"), text("−"), lr, text("·"), decay, text(")"))
          : w;
      return steps(
        say.aRunningMeanOfTheSlope,
        [
          [m.after, blend("0.9", m.before, "0.1", g)],
          [v.after, blend("0.999", v.before, "0.001", squared)],
        ],
        row(
          start,
          text("−"),
          lr,
          text("·"),
          fraction(
            corrected(m.after, "0.9"),
            row(root(corrected(v.after, "0.999")), text("+"), power(text("10"), text("−8"))),
          ),
        ),
      );
    }
  }
}
