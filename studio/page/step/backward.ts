// The backward operations of a step as formulas: ∂L/∂ outputs, δ, the slopes of weights.
import * as say from "../../texts/en/step.ts";
import { type Explanation, type Expr, fraction, leaf, row, slopeBy, sum, text } from "./formula.ts";
import type { Cursor } from "./path.ts";
import { fanIn, givenBy, metBy, pooledSpot, spotsOf, valueAt, waysBack } from "./reading.ts";
import type { Signs } from "./signs.ts";

/** ∂L/∂ the layer's output. */
function comesBack(signs: Signs, unit: number, spot: number) {
  const { step, trace } = signs;
  const { shape, letter } = givenBy(step);
  const index = unit * spotsOf(shape) + spot;
  const value = step.back === undefined ? Number.NaN : valueAt(step.back, trace.rows, signs.row, index);
  return slopeBy(signs.value(letter === "x" ? "a" : letter, unit, spot).sign, value, `e${signs.layer}.${index}`);
}

export function backStage(signs: Signs, { unit, spot, term: now }: Cursor): Explanation {
  const { trace, layer } = signs;
  const next = signs.of(layer + 1);
  const ways = waysBack(trace, layer, unit, spot);
  const spots = spotsOf(next.step.shape);
  const product = (k: number): Expr => {
    const way = ways[k];
    if (way === undefined) return text("0");
    return row(
      next.weight(way.unit, way.weight),
      text("·"),
      next.delta(way.unit, next.step.kind === "conv" ? way.index % spots : 0),
    );
  };
  return {
    sentence: say.theChainRuleEachLaterUnit,
    terms: ways.length + 1,
    formulas: [{ result: comesBack(signs, unit, spot), of: sum(ways.length, now, product), done: ways.length }],
  };
}

/** δ at the output, by the loss. */
function outputDelta(signs: Signs, unit: number): Explanation {
  const { trace, step } = signs;
  const [p, y, b] = [signs.value("a", unit), signs.target(unit), leaf({ letter: "B" }, trace.rows)];
  const result = signs.delta(unit);
  const off = row(p, text("−"), y);
  const one = (sentence: string, of: Expr): Explanation => ({
    sentence,
    terms: 1,
    formulas: [{ result, of, done: 0 }],
  });
  if (trace.lossName === "bce" || trace.lossName === "crossEntropy")
    return one(say.crossEntropyCancelsTheSlopeOf, fraction(off, b));
  const twice = row(text("2"), text("("), off, text(")"));
  if (trace.task === "number" && trace.lossName === "mse") return one(say.theSlopeOfASquareFor, fraction(twice, b));
  if (trace.task === "binary" && trace.lossName === "mse")
    return one(
      say.theSlopeOfTheSquareTimes,
      fraction(row(twice, text("·"), leaf({ letter: "σ′(z)" }, step.slope[signs.row * step.units + unit])), b),
    );
  return one(say.theSlopeOfTheLossAt(trace.lossName), row(text("∂L/∂z at"), p, text("and"), y));
}

export function deltaStage(signs: Signs, { unit, spot }: Cursor): Explanation {
  const { step, trace, layer, row: at } = signs;
  if (signs.last) return outputDelta(signs, unit);
  const { norm, pool, dropout, aGradient, shape } = step;
  const index = unit * spotsOf(shape) + spot;
  const plain = dropout === undefined && pool === undefined;
  const onA = slopeBy(
    signs.value("a", unit, spot).sign,
    aGradient === undefined ? undefined : valueAt(aGradient, trace.rows, at, index),
    `e${plain ? "" : "a"}${layer}.${index}`,
  );
  const result =
    norm === undefined
      ? signs.delta(unit, spot)
      : slopeBy(signs.value("n", unit, spot).sign, valueAt(norm.delta, trace.rows, at, index), `dn${layer}.${index}`);
  const through = plain ? [] : [{ result: onA, of: passed(signs, unit, spot), done: 0 }];
  return {
    sentence: say.theActivationMultipliesItByIts(
      pool === undefined ? "" : say.poolingPassesTheSlopeBackTo,
      dropout === undefined ? "" : say.dropoutPassesItBackWhereIt,
    ),
    terms: 1,
    formulas: [...through, { result, of: row(onA, text("·"), signs.slope(unit, spot)), done: 0 }],
  };
}

/** Back through dropout and pooling. */
function passed(signs: Signs, unit: number, spot: number): Expr {
  const { step, trace, layer, row: at } = signs;
  const { pool, dropout } = step;
  const place = pool === undefined ? spot : pooledSpot(step, spot);
  if (place === undefined) return text("0");
  const index = unit * spotsOf(givenBy(step).shape) + place;
  const back: Expr = comesBack(signs, unit, place);
  const width = (dropout?.factors.length ?? 0) / trace.rows;
  const masked =
    dropout === undefined
      ? back
      : row(back, text("·"), leaf({ letter: "mask" }, dropout.factors[at * width + index], `mask${layer}.${index}`));
  return pool === undefined ? masked : row(masked, text(say.ifLargestElse), text("0"));
}

export function normBackStage(signs: Signs, { unit, spot }: Cursor): Explanation {
  const { norm, shape } = signs.step;
  if (norm === undefined) return { sentence: "", terms: 1, formulas: [] };
  const { trace, layer, row: at } = signs;
  const index = unit * spotsOf(shape) + spot;
  const sub = String(unit + 1);
  const [n, place] = [leaf({ letter: "N" }, signs.uses), `.${layer}.${unit}`];
  const by = signs.value("n", unit, spot).sign;
  return {
    sentence: say.meanAndDeviationDependOnEvery,
    terms: 1,
    formulas: [
      {
        result: signs.delta(unit, spot),
        of: row(
          fraction(
            leaf({ letter: "γ", sub }, norm.weight.value.values[unit], `gamma${place}`),
            leaf({ letter: "σ", sub }, norm.deviation.values[unit], `sd${place}`),
          ),
          text("("),
          slopeBy(by, valueAt(norm.delta, trace.rows, at, index), `dn${layer}.${index}`),
          text("−"),
          fraction(slopeBy({ letter: "β", sub }, norm.bias.gradient.values[unit], `gbeta${place}`), n),
          text("−"),
          leaf({ letter: "u", sub }, valueAt(norm.standard, trace.rows, at, index), `u${place}.${spot}`),
          text("·"),
          fraction(slopeBy({ letter: "γ", sub }, norm.weight.gradient.values[unit], `ggamma${place}`), n),
          text(")"),
        ),
        done: 0,
      },
    ],
  };
}

export function slopeStage(signs: Signs, { unit, weight, term: now }: Cursor): Explanation {
  const { step, trace, layer } = signs;
  const inputs = fanIn(step);
  const bias = weight === inputs;
  const own = bias ? step.bias : step.weight;
  const at = bias ? unit : unit * inputs + weight;
  const conv = step.kind === "conv";
  const terms = conv ? spotsOf(step.shape) : trace.rows;
  // For a convolution the positions of one row, for a dense layer the rows of the batch.
  const product = (k: number): Expr => {
    const here = conv ? signs : signs.inRow(k);
    const spot = conv ? k : 0;
    const delta = here.delta(unit, spot);
    return bias ? delta : row(delta, text("·"), here.source(metBy(trace, layer, spot, weight)));
  };
  const added = sum(terms, now, product);
  const tick = own.ticks[at];
  const difference = own.differences[at];
  return {
    sentence: conv ? say.theKernelsWeightWasUsedAt : say.ofTheUnitTimesWhatCame,
    terms: terms + 1,
    formulas: [
      {
        result: slopeBy(signs.weightSign(unit, weight), own.gradient.values[at], `g${layer}.${unit}.${weight}`),
        of: conv && trace.rows > 1 ? row(added, text("+"), text(say.moreRows(trace.rows - 1))) : added,
        done: terms,
      },
    ],
    ...(tick === undefined || difference === undefined ? {} : { check: { tick, difference } }),
  };
}
