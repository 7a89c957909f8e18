// Problems in the network, found in one forward and backward pass with every value kept: from the graph instead of from names.
import type { TypedArray } from "../../graph/dtype.ts";
import { Embedding, type Module } from "../../nn/index.ts";
import type { Inspected, Tensor } from "../../tensor/index.ts";
import { inspection } from "../../tensor/inspect.ts";
import { type Reading, settled } from "../../tensor/reading.ts";
import type { Rows } from "../feeds.ts";
import type { Objective } from "../objectives.ts";
import { rms } from "./figures.ts";
import type { Finding } from "./finding.ts";

/** One pass: every value, by name and by its readers, and the network's output. */
export interface Pass {
  readonly seen: readonly Inspected[];
  readonly byName: ReadonlyMap<string, Inspected>;
  readonly readers: ReadonlyMap<string, readonly Inspected[]>;
  readonly output: TypedArray;
  readonly outputShape: readonly number[];
  /** Only the operations of the network; the last one gives the output. */
  readonly forward: readonly Inspected[];
  readonly loss: number;
  readonly targets: Tensor;
}

/** The rows detached from the data they were gathered from. */
export const detachRows = ({ features, targets, weights, complete }: Rows): Rows => ({
  features: settled(features),
  targets: settled(targets),
  weights: weights === undefined ? undefined : settled(weights),
  complete,
});

/** Runs the model on some rows in eval mode, forward and backward. Changes nothing. */
export function* takePass(model: Module, objective: Objective, rows: Rows): Reading<Pass> {
  const training = model.training;
  model.eval();
  try {
    const { features, targets, weights } = rows;
    const forward = yield* inspection(() => model.forward(features));
    const seen = yield* inspection(() => objective.loss(model.forward(features), targets, weights));
    const output = forward.at(-1);
    const loss = seen.at(-1)?.value[0] ?? Number.NaN;
    const readers = new Map<string, Inspected[]>();
    for (const value of seen)
      for (const input of value.inputs) {
        const known = readers.get(input);
        if (known === undefined) readers.set(input, [value]);
        else known.push(value);
      }
    return {
      seen,
      byName: new Map(seen.map((value) => [value.name, value])),
      readers,
      output: output?.value ?? new Float32Array(),
      outputShape: output?.shape ?? [],
      forward,
      loss,
      targets,
    };
  } finally {
    model.train(training);
  }
}

const nameOf = (path: string): string => (path === "" ? "the network" : `layer "${path}"`);

// ── activations ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The share of units (columns, or channels) that are 0 for every row. */
function deadShare({ value, shape }: Inspected): { dead: number; units: number } {
  const axis = shape.length === 4 || shape.length === 3 ? 1 : shape.length - 1;
  const units = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const alive = new Uint8Array(units);
  for (let place = 0; place < value.length; place++)
    if (value[place] !== 0) alive[Math.floor(place / inner) % units] = 1;
  return { dead: alive.reduce((sum, one) => sum - one, units), units };
}

/** ReLUs that are 0 for every inspected row. `most` is the tolerated share. */
export function checkDeadUnits({ seen, outputShape }: Pass, most: number): Finding[] {
  const rows = outputShape[0] ?? 0;
  return seen.flatMap((value): Finding[] => {
    if (value.op !== "relu" || value.shape.length < 2) return [];
    const { dead, units } = deadShare(value);
    if (units < 4 || dead <= most * units) return [];
    return [
      {
        code: "deadUnits",
        what: `${nameOf(value.path)}: most of its ReLUs are dead`,
        evidence: `${dead} of ${units} units output 0 for all ${rows} inspected rows`,
        why: "a ReLU that is never above 0 passes no gradient, so it cannot recover",
        fix: "lower the learning rate, use leakyRelu, elu or gelu, and start biases at 0",
        layer: value.path,
      },
    ];
  });
}

const saturation = { sigmoid: (y: number) => y < 0.01 || y > 0.99, tanh: (y: number) => Math.abs(y) > 0.99 } as const;

/** Whether the value is an activation, and not part of a composite such as gelu, silu or an LSTM. */
function isActivation({ readers, byName }: Pass, value: Inspected): boolean {
  const gated = (at: Inspected, depth: number): boolean =>
    (readers.get(at.name) ?? []).some(
      (reader) =>
        (reader.op === "mul" && reader.inputs.every((input) => (byName.get(input)?.inputs.length ?? 0) > 0)) ||
        (depth > 0 && reader.op === "add" && reader.path === value.path && gated(reader, depth - 1)),
    );
  return !gated(value, 1);
}

/** Hidden sigmoids and tanhs that are saturated for most rows. */
export function checkSaturation(pass: Pass, most: number): Finding[] {
  const output = pass.forward.at(-1);
  return pass.seen.flatMap((value): Finding[] => {
    if ((value.op !== "sigmoid" && value.op !== "tanh") || value.shape.length < 2 || value.path === "") return [];
    if (value.path === output?.path || !isActivation(pass, value)) return [];
    const ends = saturation[value.op];
    let stuck = 0;
    for (const y of value.value) if (ends(y)) stuck++;
    const share = stuck / value.value.length;
    if (share <= most) return [];
    const input = pass.byName.get(value.inputs[0] ?? "");
    return [
      {
        code: "saturatedUnits",
        what: `${nameOf(value.path)}: its ${value.op}s are saturated`,
        evidence: `${(100 * share).toFixed(0)} % of its values are saturated, where the gradient is near 0${input === undefined ? "" : `; their inputs have a standard deviation of ${rms(input.value).toPrecision(3)}`}`,
        why: "where an activation is flat, hardly any gradient passes to the layers before it",
        fix: "scale the inputs, start with smaller weights, lower the learning rate, or use relu or gelu",
        layer: value.path,
      },
    ];
  });
}

// ── gradients ────────────────────────────────────────────────────────────────────────────────────────────────────────

const contractions = new Set(["matmul", "convolution"]);
const views = new Set(["reshape", "permute", "expand", "cast", "slice", "flip", "pad", "stopGradient"]);

interface LinearStep {
  readonly node: Inspected;
  readonly weight: Inspected;
  /** The operand that depends on the data. */
  readonly data: Inspected;
}

/** The parameter that a value is a view of. */
function parameterBehind(byName: ReadonlyMap<string, Inspected>, value: Inspected | undefined): Inspected | undefined {
  let at = value;
  while (at !== undefined && views.has(at.op)) at = byName.get(at.inputs[0] ?? "");
  return at !== undefined && at.op === "value" && at.path !== "" ? at : undefined;
}

/** Products with a parameter, in the order in which they are computed. */
function linearSteps({ forward }: Pass): LinearStep[] {
  const byName = new Map(forward.map((value) => [value.name, value]));
  return forward.flatMap((node): LinearStep[] => {
    if (!contractions.has(node.op)) return [];
    const [left, right] = node.inputs.map((input) => byName.get(input));
    if (left === undefined || right === undefined) return [];
    const [ofLeft, ofRight] = [parameterBehind(byName, left), parameterBehind(byName, right)];
    if (ofRight !== undefined && ofLeft === undefined) return [{ node, weight: ofRight, data: left }];
    if (ofLeft !== undefined && ofRight === undefined) return [{ node, weight: ofLeft, data: right }];
    return [];
  });
}

/** From this depth on, gradients can vanish or explode. */
const fewestLayers = 4;

/** Compares the gradients of the weights from the first layer to the last. */
export function checkGradients(pass: Pass, model: Module): Finding[] {
  const gradients = new Map<string, TypedArray>();
  for (const value of pass.seen)
    if (value.op === "value" && value.gradient !== undefined) gradients.set(value.path, value.gradient);
  const embeddings = new Set(
    model.namedModules().flatMap(([path, module]) => (module instanceof Embedding ? [`${path}.weight`] : [])),
  );
  const layers = linearSteps(pass).flatMap(({ weight }) => {
    const gradient = gradients.get(weight.path);
    return gradient === undefined || embeddings.has(weight.path)
      ? []
      : [{ name: weight.path, gradient: rms(gradient), weight: rms(weight.value) }];
  });
  const [first, last] = [layers[0], layers.at(-1)];
  if (first === undefined || last === undefined) return [];
  const steepest = layers.reduce((a, b) => (b.gradient / b.weight > a.gradient / a.weight ? b : a));
  const trail = layers.map(({ gradient }) => gradient.toExponential(1)).join(" → ");
  const findings: Finding[] = [];
  if (steepest.gradient > 100 * steepest.weight && Number.isFinite(steepest.gradient))
    findings.push({
      code: "explodingGradients",
      what: `the gradients explode: those of "${steepest.name}" dwarf its weights`,
      evidence: `root mean squares ${steepest.gradient.toExponential(1)} against ${steepest.weight.toExponential(1)}; over the layers from the first to the last: ${trail}`,
      why: "one step moves the weights far away, and the loss with them",
      fix: "clip gradients (clipNorm: 1), start with smaller weights, add normalisation layers, lower the learning rate",
      layer: steepest.name,
    });
  if (layers.length >= fewestLayers && last.gradient > 0 && first.gradient < 1e-4 * last.gradient && first.gradient > 0)
    findings.push({
      code: "vanishingGradients",
      what: `the gradients vanish on their way back to "${first.name}"`,
      evidence: `root mean squares of the weights' gradients from the first layer to the last: ${trail}`,
      why: "the first layers learn thousands of times slower than the last, so the depth does not help",
      fix: "use relu or gelu instead of sigmoid or tanh, residual connections, normalisation layers, or fewer layers",
      layer: first.name,
    });
  return findings;
}

// ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────────

const affineOps = new Set(["add", "sub", "mul", "div", "neg"]);

/** The product that a value is an affine function of, without a nonlinearity in between. */
function affineSource(
  byName: ReadonlyMap<string, Inspected>,
  steps: ReadonlyMap<string, LinearStep>,
  moving: ReadonlySet<string>,
  value: Inspected | undefined,
): LinearStep | undefined {
  if (value === undefined) return undefined;
  const step = steps.get(value.name);
  if (step !== undefined) return step;
  const inputs = value.inputs.flatMap((name) => {
    const input = byName.get(name);
    return input !== undefined && moving.has(name) ? [input] : [];
  });
  const [only] = inputs;
  if (inputs.length !== 1 || only === undefined) return undefined;
  // A number divided by the value is not affine.
  if (value.op === "div" && value.inputs[0] !== only.name) return undefined;
  return views.has(value.op) || affineOps.has(value.op) ? affineSource(byName, steps, moving, only) : undefined;
}

/** Two consecutive layers without an activation in between; a narrow middle is a deliberate choice, and accepted. */
export function checkActivations(pass: Pass, inputName: string | undefined): Finding[] {
  const byName = new Map(pass.forward.map((value) => [value.name, value]));
  const steps = new Map(linearSteps(pass).map((step) => [step.node.name, step]));
  // The values that depend on the data: all except those made only of parameters and constants.
  const moving = new Set<string>();
  for (const value of pass.forward)
    if (value.name === inputName || value.inputs.some((input) => moving.has(input))) moving.add(value.name);
  for (const step of steps.values()) {
    const before = affineSource(byName, steps, moving, step.data);
    if (before === undefined || before.node.name === step.node.name) continue;
    const [middle = 0, inside = 0] = before.weight.shape;
    // With separate weights for groups of inputs, a single layer in place of two would be larger.
    const grouped = before.node.op === "convolution" ? before.data.shape[1] !== inside : before.weight.shape.length > 2;
    if (grouped || middle < Math.min(inside, step.weight.shape[0] ?? 0)) continue;
    return [
      {
        code: "noActivation",
        what: `there is no activation between ${nameOf(before.node.path)} and ${nameOf(step.node.path)}`,
        evidence: `${step.node.formula} is a linear function of ${before.node.formula}`,
        why: "layers without an activation between them collapse into one linear layer, so the depth has no effect",
        fix: "put a ReLU, GELU or tanh between them, or remove one of them",
        layer: step.node.path,
      },
    ];
  }
  return [];
}
