// One training step laid open: the same network in double precision, its values from inspectStep, compared with differences.
import {
  compile,
  Generator,
  HebbError,
  type InspectedNode,
  inspect,
  inspectStep,
  noGrad,
  Parameter,
  type Tensor,
  tensor,
  withGenerator,
} from "../../src/index.ts";
import { makeActivation } from "../../src/train/index.ts";
import { type ActivationName, activationNames } from "../shared/names.ts";
import type { LayerStep, Numbers, ParameterNumbers, StepAsk, StepEdit, StepTrace } from "../shared/steps.ts";
import { buildNetwork, makeOptimizer, type Network, squash } from "./network.ts";
import type { Session } from "./session.ts";

/** Weights that are compared with differences, at most: each takes two runs of the network. Of more, a sample is. */
const mostCompared = 4000;
/** Products of a weight and a row that all comparisons together may take. */
const mostProducts = 2e8;
/** Inputs and units beyond this cannot be read number by number. */
const mostParameters = 20000;

const doubles = (values: ArrayLike<number>): Float64Array => Float64Array.from(values);

const numbersOf = ({ name, shape, value }: InspectedNode): Numbers => ({ node: name, shape, values: doubles(value) });

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new HebbError(`the step has no ${what}; the network and what is shown do not fit`);
  return value;
}

/** The derivative of an activation, as the library has it. */
function slopeOf(name: ActivationName, z: Float64Array): Float64Array {
  const at = new Parameter(z, { dtype: "float64" });
  const module = makeActivation(name);
  const leaf = inspect(() => module.forward(at).sum()).find(({ path, op }) => op === "value" && path === at.name);
  return doubles(leaf?.gradient ?? new Float64Array(z.length));
}

interface Twin {
  readonly network: Network;
  readonly optimizer: ReturnType<typeof makeOptimizer>;
  readonly x: ReturnType<typeof tensor>;
  readonly y: ReturnType<typeof tensor>;
  readonly rows: number;
  /** Runs what draws as the step will: the same units are dropped, however often it is run. */
  readonly draw: <T>(body: () => T) => T;
}

/** The same network, optimizer, batch and random numbers in double precision. */
function twinOf(session: Session): Twin {
  const { prepared } = session;
  const { info, train } = prepared;
  if (info.inputShape.length > 1 || session.info.parameters > mostParameters)
    throw new HebbError(
      "Step lays open fully connected networks of up to 20,000 weights; choose a smaller one, such as moons",
    );
  const { state } = session;
  const generator = new Generator(state.seed);
  const draw: Twin["draw"] = (body) => {
    generator.setState(session.random);
    return withGenerator(generator, body);
  };
  const network = draw(() => buildNetwork(state, info, "float64"));
  const own = new Map(session.network.layers.map((layer, place) => [place, layer]));
  network.layers.forEach((layer, place) => {
    const from = own.get(place);
    if (from === undefined) return;
    layer.weight.assign(doubles(from.weight.dataSync()));
    if (layer.bias !== undefined && from.bias !== undefined) layer.bias.assign(doubles(from.bias.dataSync()));
  });
  const optimizer = makeOptimizer(state, network.model);
  const rows = session.nextRows();
  const width = info.inputs.length;
  const x = tensor(
    Float64Array.from(
      { length: rows.length * width },
      (_, k) => train.features.data[(rows[Math.floor(k / width)] ?? 0) * width + (k % width)] ?? 0,
    ),
    { shape: [rows.length, width] },
  );
  // A model names its parameters when it first runs, and what the optimizer remembers is named after them.
  draw(() => noGrad(() => network.model.forward(x)));
  const saved = session.optimizerState();
  optimizer.loadStateDict({
    state: Object.fromEntries(
      Object.entries(saved.state).map(([name, value]) => [
        name,
        { dtype: "float64" as const, shape: value.shape, data: doubles(value.dataSync()) },
      ]),
    ),
    groups: saved.groups,
  });
  const labels = Array.from(rows, (row) => train.targets.data[row] ?? 0);
  const y =
    info.task === "number" ? tensor(doubles(labels), { shape: [rows.length, 1] }) : tensor(Int32Array.from(labels));
  return { network, optimizer, x, y, rows: rows.length, draw };
}

/** Replacement values: whole nodes with the edited numbers in them. */
function replacements(nodes: readonly InspectedNode[], edits: readonly StepEdit[]): Record<string, Float64Array> {
  const out: Record<string, Float64Array> = {};
  for (const { node, index, value } of edits) {
    const values = out[node] ?? doubles(nodes.find(({ name }) => name === node)?.value ?? []);
    if (index >= values.length) throw new HebbError(`there is no number ${index} in ${node}`);
    values[index] = value;
    out[node] = values;
  }
  return out;
}

interface Compared {
  readonly differences: Float64Array;
  readonly ticks: Uint8Array;
}

/**
 * Each slope, or every so many of them, against (loss(w + h) − loss(w − h)) / 2h. Where the two sides differ, the loss has a kink there.
 */
function compare(parameter: Parameter, gradient: ArrayLike<number>, every: number, loss: () => number): Compared {
  const values = doubles(parameter.dataSync());
  const differences = new Float64Array(values.length);
  const ticks = new Uint8Array(values.length).fill(3);
  const here = loss();
  for (let k = 0; k < values.length; k += every) {
    const value = values[k] ?? 0;
    const h = 1e-5 * Math.max(1, Math.abs(value));
    const at = (shift: number): number => {
      const moved = values.slice();
      moved[k] = value + shift;
      parameter.assign(moved);
      return loss();
    };
    const [above, below] = [at(h), at(-h)];
    const both = (above - below) / (2 * h);
    const [right, left] = [(above - here) / h, (here - below) / h];
    const slope = gradient[k] ?? 0;
    differences[k] = both;
    const near = (a: number, b: number, tolerance: number): boolean =>
      Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
    const between = slope >= Math.min(left, right) - 1e-4 && slope <= Math.max(left, right) + 1e-4;
    ticks[k] = near(both, slope, 1e-6) ? 1 : !near(left, right, 1e-3) && between ? 2 : 0;
  }
  parameter.assign(values);
  return { differences, ticks };
}

/** Lays the next step open, with some numbers replaced. */
export function stepThrough(session: Session, { edits }: StepAsk): StepTrace {
  const { state, prepared } = session;
  const { info } = prepared;
  const { network, optimizer, x, y, rows, draw } = twinOf(session);
  const { model, layers, stages, ends } = network;
  const lossNow = () => session.loss(model.forward(x), y);
  const plain = draw(() => inspectStep(lossNow, { optimizer }));
  const replace = replacements(plain, edits);
  const nodes = edits.length === 0 ? plain : draw(() => inspectStep(lossNow, { optimizer, replace }));
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const gradientFor = (name: string): InspectedNode | undefined =>
    nodes.find(({ gradientOf }) => gradientOf.includes(name));
  const firstGradient = Math.min(
    ...nodes.filter(({ gradientOf }) => gradientOf.length > 0).map(({ name }) => Number(name.slice(1))),
  );
  const forward = nodes.filter(({ name }) => Number(name.slice(1)) < firstGradient || name === "%0");
  const lastOf = (path: string): InspectedNode | undefined =>
    forward.findLast((node) => node.op !== "value" && node.path === path);
  const lossNode = found(lossOfForward(nodes), "loss");

  const root = model.namedParameters();
  const measured = compile(() => noGrad(lossNow));
  // Only parameters stand for a new start: with an edit further on, the differences would be those of another function.
  const leafNodes = new Set(
    nodes.filter(({ op, path }) => op === "value" && root.some(([name]) => name === path)).map(({ name }) => name),
  );
  const comparable = edits.every(({ node }) => leafNodes.has(node));
  const { parameters } = session.info;
  const most = Math.min(mostCompared, Math.floor(mostProducts / (2 * rows * parameters)));
  const every = Math.ceil(parameters / Math.max(1, most));
  if (comparable)
    for (const [path, parameter] of root) {
      const leaf = nodes.find(({ path: own, op }) => own === path && op === "value");
      const values = leaf === undefined ? undefined : replace[leaf.name];
      if (values !== undefined) parameter.assign(values);
    }

  const parameterNumbers = (path: string, parameter: Parameter): ParameterNumbers => {
    const leaf = found(
      nodes.find(({ path: own, op }) => own === path && op === "value"),
      `value of ${path}`,
    );
    const gradient = found(gradientFor(leaf.name), `gradient of ${path}`);
    const updated = found(
      nodes.find(({ updates }) => updates.includes(path)),
      `update of ${path}`,
    );
    const slots = nodes
      .flatMap((node) => node.updates.map((name) => ({ name, node })))
      .filter(({ name }) => name.startsWith(`${path}.`))
      .map(({ name, node }) => ({
        name: name.slice(path.length + 1),
        before: doubles(
          nodes.find(({ path: own, op }) => own === name && op === "value")?.value ??
            new Float64Array(node.value.length),
        ),
        after: numbersOf(node),
      }));
    const compared = comparable
      ? compare(parameter, gradient.value, every, () => draw(measured).itemSync())
      : { differences: new Float64Array(), ticks: new Uint8Array() };
    return {
      path,
      value: numbersOf(leaf),
      gradient: numbersOf(gradient),
      slots,
      updated: numbersOf(updated),
      ...compared,
    };
  };

  const layerSteps = layers.map((layer, place): LayerStep => {
    const stage = found(stages[place + 1], `stage ${place + 1}`);
    const last = place === layers.length - 1;
    const z = found(lastOf(stage.path), `sum of layer ${place + 1}`);
    const name: ActivationName = last
      ? info.task === "binary"
        ? "sigmoid"
        : "identity"
      : (activationNames.find((one) => one === state.layers[place]?.activation) ?? "identity");
    const a = last ? undefined : (lastOf(String(found(ends[place], "end of a layer") - 1)) ?? z);
    const delta = gradientFor(z.name);
    const shown = a === undefined ? outputOf(z, info) : numbersOf(a);
    const dropped = state.dropout > 0 && !last ? droppedBy(forward, String(ends[place]), state.dropout) : undefined;
    const aGradient = a === undefined ? undefined : gradientFor(a.name);
    return {
      units: stage.units,
      activation: name,
      z: numbersOf(z),
      delta:
        delta === undefined ? { node: "", shape: z.shape, values: new Float64Array(z.value.length) } : numbersOf(delta),
      a: shown,
      aGradient: aGradient === undefined ? undefined : numbersOf(aGradient),
      dropout: dropped,
      slope: slopeOf(name, doubles(z.value)),
      weight: parameterNumbers(`${stage.path}.weight`, layer.weight),
      bias: parameterNumbers(`${stage.path}.bias`, found(layer.bias, "bias")),
    };
  });

  const outputs = found(layerSteps.at(-1), "output");
  const inputNode = found(
    nodes.find(
      ({ op, path, shape }) =>
        op === "value" && path === "" && shape.length === 2 && shape[0] === rows && shape[1] === info.inputs.length,
    ),
    "input",
  );
  const cohort = nodes.find(({ updates }) => updates.includes("step"));
  return {
    step: session.step,
    task: info.task,
    lossName: state.loss,
    optimizer: state.optimizer,
    lr: state.lr,
    decay: state.decay,
    t: cohort === undefined ? session.step + 1 : Number(cohort.value[0] ?? 1),
    rows,
    inputs: info.inputs,
    classes: info.classes,
    x: numbersOf(byName.get(inputNode.name) ?? inputNode),
    target: doubles(y.dataSync()),
    layers: layerSteps,
    loss: numbersOf(lossNode),
    rowLosses: rowLosses(session, outputs.z.values, y, rows),
    edited: edits.map(({ node }) => node),
  };
}

/** What the dropout at a path lets through, and with which factors. */
function droppedBy(forward: readonly InspectedNode[], path: string, p: number): LayerStep["dropout"] {
  const own = forward.filter((node) => node.path === path);
  const kept = found(
    own.find(({ op }) => op === "ge"),
    "mask of dropout",
  );
  const values = found(own.at(-1), "values after dropout");
  return { factors: Float64Array.from(kept.value, (keep) => (keep ? 1 / (1 - p) : 0)), values: numbersOf(values) };
}

/** The loss is the node whose gradient is 1 by definition: the last of the forward pass. */
function lossOfForward(nodes: readonly InspectedNode[]): InspectedNode | undefined {
  const seed = nodes.find(
    ({ gradientOf, op, value }) => gradientOf.length > 0 && op === "full" && value.length === 1 && value[0] === 1,
  );
  const name = seed?.gradientOf.reduce((last, one) => (Number(one.slice(1)) > Number(last.slice(1)) ? one : last));
  return nodes.find((node) => node.name === name);
}

/** What people read of the last sums. */
function outputOf(z: InspectedNode, info: Session["prepared"]["info"]): Numbers {
  const values = squash(info, tensor(doubles(z.value), { shape: [...z.shape] })).dataSync();
  return { node: "", shape: z.shape, values: doubles(values) };
}

function rowLosses(session: Session, z: Float64Array, y: Twin["y"], rows: number): Float64Array {
  const width = z.length / rows;
  const ofRow = compile((output: Tensor, target: Tensor) => noGrad(() => session.loss(output, target)));
  return Float64Array.from({ length: rows }, (_, row) =>
    ofRow(tensor(z.slice(row * width, (row + 1) * width), { shape: [1, width] }), y.narrow(0, row, 1)).itemSync(),
  );
}
