// The forward operations of a step as formulas: sums, batch norm, activations, pooling, dropout, the output and the loss.

import { type ActivationName, activations } from "../../shared/names.ts";
import * as say from "../../texts/en/step.ts";
import { type Explanation, type Expr, fraction, leaf, power, root, row, sum, term, text } from "./formula.ts";
import type { Cursor } from "./path.ts";
import { fanIn, metBy, spotsOf, windowOf } from "./reading.ts";
import type { Signs } from "./signs.ts";

export function sumStage(signs: Signs, { unit, spot, term: now }: Cursor): Explanation {
  const { step, trace, layer } = signs;
  const inputs = fanIn(step);
  const product = (k: number): Expr =>
    k === inputs
      ? signs.weight(unit, k)
      : row(signs.weight(unit, k), text("·"), signs.source(metBy(trace, layer, spot, k)));
  return {
    sentence: step.kind === "conv" ? say.theKernelLiesOnASquare : say.eachInputTimesItsWeightAdded,
    terms: inputs + 2,
    formulas: [{ result: signs.value("z", unit, spot), of: sum(inputs + 1, now, product), done: inputs + 1 }],
  };
}

const call = (name: string, of: Expr): Expr => row(text(name), text("("), of, text(")"));

function applied(name: ActivationName, z: Expr): Expr {
  switch (name) {
    case "identity":
      return z;
    case "sigmoid":
      return fraction(text("1"), row(text("1"), text("+"), power(text("e"), row(text("−"), z))));
    case "relu":
      return row(text("max"), text("("), text("0"), text(","), z, text(")"));
    default:
      return call(activations[name].title.toLowerCase(), z);
  }
}

export function activationStage(signs: Signs, { unit, spot }: Cursor): Explanation {
  const { step } = signs;
  const z = signs.value(step.norm === undefined ? "z" : "n", unit, spot);
  return {
    sentence: `${activations[step.activation].title}: ${activations[step.activation].formula}.`,
    terms: 1,
    formulas: [
      { result: signs.value("a", unit, spot), of: applied(step.activation, z), done: 0 },
      { result: signs.slope(unit, spot), of: call("f′", z), done: 0 },
    ],
  };
}

export function normStage(signs: Signs, { unit, spot }: Cursor): Explanation {
  const { norm } = signs.step;
  if (norm === undefined) return { sentence: "", terms: 1, formulas: [] };
  const at = `.${signs.layer}.${unit}`;
  const sub = String(unit + 1);
  const standard = leaf(
    { letter: "u", sub },
    norm.standard.values[
      signs.row * (norm.standard.values.length / signs.trace.rows) + unit * spotsOf(signs.step.shape) + spot
    ],
    `u${at}.${spot}`,
  );
  const variance = row(power(leaf({ letter: "σ", sub }, undefined), text("2")), text("+"), text("ε"));
  return {
    sentence: say.overAllValuesOfThisIn(signs.uses, signs.step.kind === "conv" ? say.map : say.unit),
    terms: 2,
    formulas: [
      {
        result: standard,
        of: term(
          0,
          fraction(
            row(signs.value("z", unit, spot), text("−"), leaf({ letter: "μ", sub }, norm.mean.values[unit], `mu${at}`)),
            {
              kind: "slot",
              symbols: root(variance),
              number: leaf({ letter: "σ", sub }, norm.deviation.values[unit], `sd${at}`),
            },
          ),
        ),
        done: 0,
      },
      {
        result: signs.value("n", unit, spot),
        of: term(
          1,
          row(
            leaf({ letter: "γ", sub }, norm.weight.value.values[unit], `gamma${at}`),
            text("·"),
            standard,
            text("+"),
            leaf({ letter: "β", sub }, norm.bias.value.values[unit], `beta${at}`),
          ),
        ),
        done: 1,
      },
    ],
  };
}

export function poolStage(signs: Signs, { unit, spot, term: now }: Cursor): Explanation {
  const places = windowOf(signs.step, spot);
  const parts = places.flatMap((place, k) => [...(k > 0 ? [text(",")] : []), term(k, signs.value("a", unit, place))]);
  return {
    sentence: say.theLargestOfASquareOf(places.length),
    terms: places.length + 1,
    formulas: [
      {
        result: signs.value("p", unit, spot),
        of: row(text("max"), text("("), ...parts, text(")")),
        done: Math.max(now, places.length),
      },
    ],
  };
}

export function dropoutStage(signs: Signs, { unit, spot }: Cursor): Explanation {
  const { dropout, pool, shape } = signs.step;
  const index = unit * spotsOf(pool?.shape ?? shape) + spot;
  const width = (dropout?.factors.length ?? 0) / signs.trace.rows;
  const factor = dropout?.factors[signs.row * width + index] ?? 0;
  const kept = fraction(text("1"), row(text("1"), text("−"), text("p")));
  return {
    sentence: factor === 0 ? say.dropoutHasDrawnThisValueTo : say.dropoutLetsThisValueThroughIn,
    terms: 1,
    formulas: [
      {
        result: signs.value("m", unit, spot),
        of: row(signs.value(pool === undefined ? "a" : "p", unit, spot), text("·"), {
          kind: "slot",
          symbols: factor === 0 ? text("0") : kept,
          number: leaf({ letter: "" }, factor, `mask${signs.layer}.${index}`),
        }),
        done: 0,
      },
    ],
  };
}

export function outputStage(signs: Signs, { unit, term: now }: Cursor): Explanation {
  const { step, trace } = signs;
  const z = signs.value("z", unit);
  const result = signs.value("a", unit);
  if (trace.task === "number")
    return { sentence: say.theSumItselfIsThePrediction, terms: 1, formulas: [{ result, of: z, done: 0 }] };
  if (trace.task === "binary")
    return {
      sentence: say.theSigmoidMakesAProbabilityOf,
      terms: 1,
      formulas: [{ result, of: applied("sigmoid", z), done: 0 }],
    };
  const e = (k: number): Expr => power(text("e"), signs.value("z", k));
  return {
    sentence: say.softmaxEToEachSumDivided,
    terms: step.units + 1,
    formulas: [{ result, of: fraction(e(unit), sum(step.units, now, e)), done: step.units }],
  };
}

export function lossStage(signs: Signs, { term: now }: Cursor): Explanation {
  const { trace, row: at } = signs;
  const unit = trace.task === "classes" ? (trace.target[at] ?? 0) : 0;
  const [p, z, y] = [signs.value("a", unit), signs.value("z", unit), signs.target(unit)];
  const rowLoss = (k: number) => leaf({ letter: "ℓ", sub: String(k + 1) }, trace.rowLosses[k], `row.${k}`);
  const off = row(p, text("−"), y);
  const one = (): Expr => {
    switch (trace.lossName) {
      case "bce":
        return row(
          ...[text("−"), y, text("·"), text("ln"), p, text("−"), text("("), text("1"), text("−"), y, text(")")],
          ...[text("·"), text("ln"), text("("), text("1"), text("−"), p, text(")")],
        );
      case "crossEntropy":
        return row(text("−"), text("ln"), p);
      case "hinge": {
        const t = leaf({ letter: "t" }, trace.target[at] === 1 ? 1 : -1, "y");
        return row(text("max"), text("("), text("0"), text(","), text("1"), text("−"), t, text("·"), z, text(")"));
      }
      case "mse":
        return trace.task === "classes"
          ? row(
              text(say.meanOverClassesOf),
              power(row(text("("), text("p"), text("−"), text("y"), text(")")), text("2")),
            )
          : power(row(text("("), off, text(")")), text("2"));
      case "l1":
        return trace.task === "classes"
          ? row(text(say.meanOverClassesOf), text("|"), text("p"), text("−"), text("y"), text("|"))
          : row(text("|"), off, text("|"));
      case "huber":
        return call("huber", off);
    }
  };
  return {
    sentence: say.howWrongOneRowIsThe,
    terms: trace.rows + 2,
    formulas: [
      { result: rowLoss(at), of: term(0, one()), done: 0 },
      {
        result: leaf({ letter: "L" }, trace.loss.values[0], "loss"),
        of: fraction(sum(trace.rows, now, rowLoss, 1), leaf({ letter: "B" }, trace.rows)),
        done: trace.rows + 1,
      },
    ],
  };
}
