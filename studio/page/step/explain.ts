// Each operation of a step as three rows: the formula, the formula with numbers, the result. Every number comes from the engine.
import { activations } from "../../shared/names.ts";
import type { StepTrace } from "../../shared/steps.ts";
import { exact, sub } from "../numbers.ts";

/** A piece of a formula: a symbol over its number; `at` names the number it came from. */
export interface Term {
  readonly symbol: string;
  readonly number: string;
  readonly at?: string;
}

export interface Stage {
  readonly id: string;
  readonly title: string;
  readonly short: string;
  readonly phase: "forward" | "loss" | "backward" | "update";
  readonly layer: number;
}

export interface Place {
  readonly row: number;
  readonly unit: number;
  readonly input: number;
}

export interface Explanation {
  readonly sentence: string;
  readonly terms: readonly Term[];
  readonly result: Term;
  /** A slope found by moving the weight a little, and whether it agrees. */
  readonly check?: { readonly difference: number; readonly tick: number };
  /** Further formulas of the same operation. */
  readonly more?: readonly { readonly terms: readonly Term[]; readonly result: Term }[];
}

const plain = (text: string): Term => ({ symbol: text, number: text });
const mostTerms = 10;

export function stagesOf({ layers }: StepTrace): Stage[] {
  const last = layers.length - 1;
  const stages: Stage[] = [];
  layers.forEach(({ dropout }, layer) => {
    const where = layer === last ? "output" : `layer ${layer + 1}`;
    stages.push({
      id: `z${layer}`,
      title: `Weighted sum, ${where}`,
      short: `z${sub(layer + 1)}`,
      phase: "forward",
      layer,
    });
    stages.push({
      id: `a${layer}`,
      title: layer === last ? "Output" : `Activation, ${where}`,
      short: layer === last ? "ŷ" : `a${sub(layer + 1)}`,
      phase: "forward",
      layer,
    });
    if (dropout !== undefined)
      stages.push({
        id: `m${layer}`,
        title: `Dropout, ${where}`,
        short: `ã${sub(layer + 1)}`,
        phase: "forward",
        layer,
      });
  });
  stages.push({ id: "loss", title: "Loss", short: "loss", phase: "loss", layer: last });
  for (let layer = last; layer >= 0; layer--) {
    const where = layer === last ? "output" : `layer ${layer + 1}`;
    stages.push({
      id: `d${layer}`,
      title: `δ of ${where}: the loss's slope at z`,
      short: `δ${sub(layer + 1)}`,
      phase: "backward",
      layer,
    });
    stages.push({
      id: `g${layer}`,
      title: `Slope of a weight, ${where}`,
      short: `∂W${sub(layer + 1)}`,
      phase: "backward",
      layer,
    });
  }
  layers.forEach((_, layer) => {
    const where = layer === last ? "output" : `layer ${layer + 1}`;
    stages.push({
      id: `u${layer}`,
      title: `Update of a weight, ${where}`,
      short: `W${sub(layer + 1)}′`,
      phase: "update",
      layer,
    });
  });
  return stages;
}

/** What feeds a layer: the inputs, or what the layer before it gives on. */
export const sourceOf = ({ layers, x }: StepTrace, layer: number): StepTrace["x"] => {
  const before = layers[layer - 1];
  return before === undefined ? x : (before.dropout?.values ?? before.a);
};

/** How many numbers feed a layer. */
export const inputsOf = (trace: StepTrace, layer: number): number =>
  layer === 0 ? trace.inputs.length : (trace.layers[layer - 1]?.units ?? 0);

/** One of the numbers that feed a layer. */
function source(trace: StepTrace, layer: number, row: number, i: number): Term {
  const number = exact(sourceOf(trace, layer).values[row * inputsOf(trace, layer) + i] ?? 0);
  if (layer === 0) return { symbol: `x${sub(i + 1)}`, number, at: `x.${i}` };
  const dropped = trace.layers[layer - 1]?.dropout !== undefined;
  return { symbol: `${dropped ? "ã" : "a"}${sub(i + 1)}`, number, at: `${dropped ? "m" : "a"}${layer - 1}.${i}` };
}

function joined(parts: readonly Term[][]): Term[] {
  return parts.flatMap((part, place) => (place === 0 ? part : [plain("+"), ...part]));
}

function sum(trace: StepTrace, layer: number, { row, unit }: Place): Explanation {
  const step = trace.layers[layer];
  if (step === undefined) return { sentence: "", terms: [], result: plain("") };
  const inputs = inputsOf(trace, layer);
  const shown = Math.min(inputs, mostTerms);
  const parts = Array.from({ length: shown }, (_, i): Term[] => [
    {
      symbol: `w${sub(unit + 1)}${sub(i + 1)}`,
      number: exact(step.weight.value.values[unit * inputs + i] ?? 0),
      at: `w${layer}.${unit}.${i}`,
    },
    plain("·"),
    source(trace, layer, row, i),
  ]);
  if (inputs > shown) parts.push([{ symbol: "…", number: `${inputs - shown} more` }]);
  parts.push([
    { symbol: `b${sub(unit + 1)}`, number: exact(step.bias.value.values[unit] ?? 0), at: `b${layer}.${unit}` },
  ]);
  return {
    sentence: "Each input times its weight, added up, and the bias.",
    terms: joined(parts),
    result: {
      symbol: `z${sub(unit + 1)}`,
      number: exact(step.z.values[row * step.units + unit] ?? 0),
      at: `z${layer}.${unit}`,
    },
  };
}

function activated(trace: StepTrace, layer: number, { row, unit }: Place): Explanation {
  const step = trace.layers[layer];
  if (step === undefined) return { sentence: "", terms: [], result: plain("") };
  const last = layer === trace.layers.length - 1;
  const at = row * step.units + unit;
  const z: Term = { symbol: `z${sub(unit + 1)}`, number: exact(step.z.values[at] ?? 0), at: `z${layer}.${unit}` };
  const result: Term = {
    symbol: last ? `ŷ${sub(unit + 1)}` : `a${sub(unit + 1)}`,
    number: exact(step.a.values[at] ?? 0),
    at: `a${layer}.${unit}`,
  };
  if (last && trace.task === "classes")
    return {
      sentence: "Softmax: e to each sum, divided by all of them together.",
      terms: [
        plain("e^"),
        z,
        plain("/"),
        plain("("),
        ...joined(
          Array.from({ length: Math.min(step.units, mostTerms) }, (_, k): Term[] => [
            {
              symbol: `e^z${sub(k + 1)}`,
              number: `e^${exact(step.z.values[row * step.units + k] ?? 0)}`,
              at: `z${layer}.${k}`,
            },
          ]),
        ),
        plain(")"),
      ],
      result,
    };
  const text = activations[step.activation];
  const name = step.activation === "identity" ? "" : text.title;
  return {
    sentence: last && trace.task === "number" ? "The sum itself is the prediction." : `${text.title}: ${text.formula}.`,
    terms: name === "" ? [z] : [plain(name), plain("("), z, plain(")")],
    result,
    more:
      last && trace.task === "number"
        ? []
        : [
            {
              terms: [plain("f′("), z, plain(")")],
              result: { symbol: `f′(z${sub(unit + 1)})`, number: exact(step.slope[at] ?? 0) },
            },
          ],
  };
}

function dropped(trace: StepTrace, layer: number, { row, unit }: Place): Explanation {
  const step = trace.layers[layer];
  const { dropout } = step ?? {};
  if (step === undefined || dropout === undefined) return { sentence: "", terms: [], result: plain("") };
  const at = row * step.units + unit;
  const factor = dropout.factors[at] ?? 0;
  return {
    sentence:
      factor === 0
        ? "Dropout has drawn this value to be left out in this step: whatever it is, 0 goes on."
        : "Dropout lets this value through in this step, scaled up to make good for those that are left out.",
    terms: [
      { symbol: `a${sub(unit + 1)}`, number: exact(step.a.values[at] ?? 0), at: `a${layer}.${unit}` },
      plain("·"),
      { symbol: factor === 0 ? "mask" : "1/(1 − p)", number: exact(factor) },
    ],
    result: { symbol: `ã${sub(unit + 1)}`, number: exact(dropout.values.values[at] ?? 0), at: `m${layer}.${unit}` },
  };
}

/** Rows of a batch that are shown one by one; of more, the chosen one and the others together. */
const mostRows = 8;

/** A sum over the rows of a batch: each, or the chosen one and the sum of the others. */
function overRows(rows: number, chosen: number, value: (row: number) => number, term: (row: number) => Term[]): Term[] {
  if (rows <= mostRows) return joined(Array.from({ length: rows }, (_, row) => term(row)));
  let others = 0;
  for (let row = 0; row < rows; row++) if (row !== chosen) others += value(row);
  return joined([term(chosen), [{ symbol: `Σ of the other ${rows - 1} rows`, number: exact(others) }]]);
}

function lossStage(trace: StepTrace, { row }: Place): Explanation {
  const step = trace.layers.at(-1);
  if (step === undefined) return { sentence: "", terms: [], result: plain("") };
  const last = trace.layers.length - 1;
  const target = trace.target[row] ?? 0;
  const y: Term = { symbol: "y", number: exact(target), at: "y" };
  const unit = trace.task === "classes" ? target : 0;
  const p: Term = {
    symbol: trace.task === "number" ? "ŷ" : "p",
    number: exact(step.a.values[row * step.units + unit] ?? 0),
    at: `a${last}.${unit}`,
  };
  const z: Term = { symbol: "z", number: exact(step.z.values[row * step.units + unit] ?? 0), at: `z${last}.${unit}` };
  const rowLoss: Term = { symbol: "ℓ", number: exact(trace.rowLosses[row] ?? 0) };
  const mean = {
    terms: [
      plain("("),
      ...overRows(
        trace.rows,
        row,
        (k) => trace.rowLosses[k] ?? 0,
        (k) => [{ symbol: `ℓ${sub(k + 1)}`, number: exact(trace.rowLosses[k] ?? 0) }],
      ),
      plain(")"),
      plain("/"),
      { symbol: "B", number: String(trace.rows) },
    ],
    result: { symbol: "L", number: exact(trace.loss.values[0] ?? 0), at: "loss" },
  };
  const terms = (): Term[] => {
    switch (trace.lossName) {
      case "bce":
        return [
          plain("−["),
          y,
          plain("·"),
          plain("ln"),
          p,
          plain("+"),
          plain("(1 −"),
          y,
          plain(")·"),
          plain("ln(1 −"),
          p,
          plain(")]"),
        ];
      case "crossEntropy":
        return [plain("−ln"), p];
      case "hinge":
        return [
          plain("max(0, 1 −"),
          { symbol: "t", number: target === 1 ? "1" : "−1", at: "y" },
          plain("·"),
          z,
          plain(")"),
        ];
      case "mse":
        return trace.task === "classes"
          ? [plain("mean of"), plain("(p − y)²"), plain("over classes")]
          : [plain("("), p, plain("−"), y, plain(")²")];
      case "l1":
        return trace.task === "classes"
          ? [plain("mean of"), plain("|p − y|"), plain("over classes")]
          : [plain("|"), p, plain("−"), y, plain("|")];
      case "huber":
        return [plain("huber("), p, plain("−"), y, plain(")")];
    }
  };
  return {
    sentence: "How wrong one row is; the loss of the step is the mean over its batch.",
    terms: terms(),
    result: rowLoss,
    more: [mean],
  };
}

function deltaStage(trace: StepTrace, layer: number, { row, unit }: Place): Explanation {
  const { layers } = trace;
  const step = layers[layer];
  if (step === undefined) return { sentence: "", terms: [], result: plain("") };
  const at = row * step.units + unit;
  const result: Term = {
    symbol: `δ${sub(unit + 1)}`,
    number: exact(step.delta.values[at] ?? 0),
    at: `d${layer}.${unit}`,
  };
  if (layer === layers.length - 1) {
    const truth = trace.task === "classes" ? (trace.target[row] === unit ? 1 : 0) : (trace.target[row] ?? 0);
    const y: Term = { symbol: "y", number: exact(truth), at: "y" };
    const p: Term = {
      symbol: trace.task === "number" ? "ŷ" : `p${sub(unit + 1)}`,
      number: exact(step.a.values[at] ?? 0),
      at: `a${layer}.${unit}`,
    };
    const b: Term = { symbol: "B", number: String(trace.rows) };
    if (trace.lossName === "bce" || trace.lossName === "crossEntropy")
      return {
        sentence: "Cross-entropy cancels the slope of the squashing: what is left is how far off the output is.",
        terms: [plain("("), p, plain("−"), y, plain(")"), plain("/"), b],
        result,
      };
    if (trace.task === "number" && trace.lossName === "mse")
      return {
        sentence: "The slope of a square, for one row of the batch.",
        terms: [plain("2("), p, plain("−"), y, plain(")"), plain("/"), b],
        result,
      };
    if (trace.task === "binary" && trace.lossName === "mse")
      return {
        sentence: "The slope of the square, times the slope of the sigmoid: near 0 wherever p is near 0 or 1.",
        terms: [
          plain("2("),
          p,
          plain("−"),
          y,
          plain(")"),
          plain("·"),
          { symbol: "σ′(z)", number: exact(step.slope[at] ?? 0) },
          plain("/"),
          b,
        ],
        result,
      };
    return {
      sentence: `The slope of the ${trace.lossName} loss at this output, for one row of the batch.`,
      terms: [plain("∂L/∂z at"), p, plain("and"), y],
      result,
    };
  }
  const next = layers[layer + 1];
  const units = next?.units ?? 0;
  const shown = Math.min(units, mostTerms);
  const parts = Array.from({ length: shown }, (_, k): Term[] => [
    {
      symbol: `w${sub(k + 1)}${sub(unit + 1)}`,
      number: exact(next?.weight.value.values[k * step.units + unit] ?? 0),
      at: `w${layer + 1}.${k}.${unit}`,
    },
    plain("·"),
    { symbol: `δ${sub(k + 1)}`, number: exact(next?.delta.values[row * units + k] ?? 0), at: `d${layer + 1}.${k}` },
  ]);
  if (units > shown) parts.push([{ symbol: "…", number: `${units - shown} more` }]);
  const factor = step.dropout?.factors[at];
  return {
    sentence:
      "The chain rule: what every later neuron passes back through its weight, times the slope of this activation.",
    terms: [
      plain("("),
      ...joined(parts),
      plain(")"),
      ...(factor === undefined ? [] : [plain("·"), { symbol: "dropout", number: exact(factor) }]),
      plain("·"),
      { symbol: `f′(z${sub(unit + 1)})`, number: exact(step.slope[at] ?? 0), at: `z${layer}.${unit}` },
    ],
    result,
  };
}

function weightSlope(trace: StepTrace, layer: number, { row: chosen, unit, input }: Place): Explanation {
  const step = trace.layers[layer];
  if (step === undefined) return { sentence: "", terms: [], result: plain("") };
  const inputs = inputsOf(trace, layer);
  const values = sourceOf(trace, layer).values;
  const at = unit * inputs + input;
  const delta = (row: number): number => step.delta.values[row * step.units + unit] ?? 0;
  const terms = overRows(
    trace.rows,
    chosen,
    (row) => delta(row) * (values[row * inputs + input] ?? 0),
    (row) => [
      { symbol: `δ${sub(unit + 1)}`, number: exact(delta(row)), at: `d${layer}.${unit}` },
      plain("·"),
      source(trace, layer, row, input),
    ],
  );
  const tick = step.weight.ticks[at];
  const difference = step.weight.differences[at];
  return {
    sentence: "δ of the neuron times what came in through the weight, added over the rows of the batch.",
    terms,
    result: {
      symbol: `∂L/∂w${sub(unit + 1)}${sub(input + 1)}`,
      number: exact(step.weight.gradient.values[at] ?? 0),
      at: `g${layer}.${unit}.${input}`,
    },
    ...(tick === undefined || difference === undefined ? {} : { check: { tick, difference } }),
  };
}

function update(trace: StepTrace, layer: number, { unit, input }: Place): Explanation {
  const step = trace.layers[layer];
  if (step === undefined) return { sentence: "", terms: [], result: plain("") };
  const at = unit * inputsOf(trace, layer) + input;
  const { weight } = step;
  const w: Term = { symbol: "w", number: exact(weight.value.values[at] ?? 0), at: `w${layer}.${unit}.${input}` };
  // Weight decay is part of the slope, except in AdamW, which lets the weight shrink by itself.
  const decayed = trace.decay > 0 && trace.optimizer !== "adamw";
  const g: Term = {
    symbol: decayed ? "(g + λw)" : "g",
    number: exact((weight.gradient.values[at] ?? 0) + (decayed ? trace.decay * (weight.value.values[at] ?? 0) : 0)),
    at: `g${layer}.${unit}.${input}`,
  };
  const lr: Term = { symbol: "η", number: String(trace.lr) };
  const slot = (name: string): { before: Term; after: Term } => {
    const found = weight.slots.find((one) => one.name === name);
    const short = name === "exp_avg" ? "m" : name === "exp_avg_sq" ? "v" : name === "momentum_buffer" ? "v" : "s";
    return {
      before: { symbol: short, number: exact(found?.before[at] ?? 0), at: `slot ${name}` },
      after: { symbol: `${short}′`, number: exact(found?.after.values[at] ?? 0), at: `slot ${name}′` },
    };
  };
  const result: Term = {
    symbol: "w′",
    number: exact(weight.updated.values[at] ?? 0),
    at: `u${layer}.${unit}.${input}`,
  };
  const t: Term = { symbol: "t", number: String(trace.t) };
  switch (trace.optimizer) {
    case "sgd":
      return {
        sentence: "Downhill, by the learning rate times the slope.",
        terms: [w, plain("−"), lr, plain("·"), g],
        result,
      };
    case "momentum":
    case "nesterov": {
      const v = slot("momentum_buffer");
      const look = trace.optimizer === "nesterov";
      return {
        sentence: look
          ? "The velocity keeps nine tenths of itself; the step looks ahead along it."
          : "The velocity keeps nine tenths of itself and takes up the slope.",
        terms: look
          ? [w, plain("−"), lr, plain("·("), g, plain("+ 0.9 ·"), v.after, plain(")")]
          : [w, plain("−"), lr, plain("·"), v.after],
        result,
        more: [{ terms: [plain("0.9 ·"), v.before, plain("+"), g], result: v.after }],
      };
    }
    case "adagrad":
    case "rmsprop": {
      const s = slot(trace.optimizer === "adagrad" ? "sum" : "square_avg");
      return {
        sentence: "The slope is divided by its usual size.",
        terms: [
          w,
          plain("−"),
          lr,
          plain("·"),
          g,
          plain("/(√"),
          s.after,
          plain(trace.optimizer === "adagrad" ? "+ 1e−10)" : "+ 1e−8)"),
        ],
        result,
        more: [
          {
            terms:
              trace.optimizer === "adagrad"
                ? [s.before, plain("+"), g, plain("²")]
                : [plain("0.99 ·"), s.before, plain("+ 0.01 ·"), g, plain("²")],
            result: s.after,
          },
        ],
      };
    }
    case "adam":
    case "adamw": {
      const [m, v] = [slot("exp_avg"), slot("exp_avg_sq")];
      const start =
        trace.optimizer === "adamw" && trace.decay > 0
          ? [w, plain("·(1 −"), lr, plain("·"), { symbol: "λ", number: String(trace.decay) }, plain(")")]
          : [w];
      return {
        sentence:
          "A running mean of the slope, divided by a running mean of its size; both corrected for their start at zero.",
        terms: [
          ...start,
          plain("−"),
          lr,
          plain("·"),
          m.after,
          plain("/(1 − 0.9^"),
          t,
          plain(") / (√("),
          v.after,
          plain("/(1 − 0.999^"),
          t,
          plain(")) + 1e−8)"),
        ],
        result,
        more: [
          { terms: [plain("0.9 ·"), m.before, plain("+ 0.1 ·"), g], result: m.after },
          { terms: [plain("0.999 ·"), v.before, plain("+ 0.001 ·"), g, plain("²")], result: v.after },
        ],
      };
    }
  }
}

export function explain(trace: StepTrace, stage: Stage, place: Place): Explanation {
  if (stage.id === "loss") return lossStage(trace, place);
  switch (stage.id[0]) {
    case "z":
      return sum(trace, stage.layer, place);
    case "a":
      return activated(trace, stage.layer, place);
    case "m":
      return dropped(trace, stage.layer, place);
    case "d":
      return deltaStage(trace, stage.layer, place);
    case "g":
      return weightSlope(trace, stage.layer, place);
    default:
      return update(trace, stage.layer, place);
  }
}
