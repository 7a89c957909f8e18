// One training step in detail: the session's own network and optimizer on the next batch, with every value from inspectStep.

import {
  compile,
  Generator,
  HebbError,
  type InspectedNode,
  inspect,
  inspectStep,
  nn,
  noGrad,
  Parameter,
  type Tensor,
  tensor,
  withGenerator,
} from "../../src/index.ts";
import { makeActivation } from "../../src/train/index.ts";
import { type ActivationName, activationNames } from "../shared/names.ts";
import type { LayerStep, NormStep, Numbers, ParameterNumbers, StepAsk, StepEdit, StepTrace } from "../shared/steps.ts";
import * as say from "../texts/en/engine.ts";
import { squash } from "./network.ts";
import { noteGradients } from "./noted.ts";
import { Session } from "./session.ts";
import { type Batch, comparedSlopes } from "./stepTwin.ts";

/** The most weights, and values of the whole batch, that can be read number by number. */
const mostParameters = 20000;
const mostValues = 4e6;

const floats = (values: ArrayLike<number>): Float32Array => Float32Array.from(values);

const numbersOf = ({ name, shape, value }: InspectedNode): Numbers => ({ node: name, shape, values: floats(value) });

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new HebbError(say.theStepHasNoTheNetwork(what));
  return value;
}

/** The derivative of an activation, by the library. */
function slopeOf(name: ActivationName, z: Float32Array): Float32Array {
  const at = new Parameter(z);
  const module = makeActivation(name);
  const leaf = inspect(() => module.forward(at).sum()).find(({ path, op }) => op === "value" && path === at.name);
  return floats(leaf?.gradient ?? new Float32Array(z.length));
}

/** The batch of the next step. */
function nextBatch(session: Session): Batch {
  const { info, train } = session.prepared;
  const rows = session.nextRows();
  const width = train.features.data.length / train.length;
  const features = new Float32Array(rows.length * width);
  rows.forEach((row, place) => {
    features.set(train.features.data.subarray(row * width, (row + 1) * width), place * width);
  });
  const labels = Array.from(rows, (row) => train.targets.data[row] ?? 0);
  return {
    rows: rows.length,
    x: tensor(features, { shape: [rows.length, ...train.features.shape] }),
    y: info.task === "number" ? tensor(floats(labels), { shape: [rows.length, 1] }) : tensor(Int32Array.from(labels)),
  };
}

function checkSize({ info, state, network, trainPart }: Session): void {
  const values = network.stages.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const rows = Math.min(state.batch, trainPart.rows);
  if (info.parameters > mostParameters || values * rows > mostValues)
    throw new HebbError(say.stepLaysOpenNetworksOfUp(info.parameters, values, rows));
}

/** Replacement values: whole nodes with the edited numbers in them. */
function replacements(nodes: readonly InspectedNode[], edits: readonly StepEdit[]): Record<string, Float32Array> {
  const out: Record<string, Float32Array> = {};
  for (const { node, index, value } of edits) {
    const values = out[node] ?? floats(nodes.find(({ name }) => name === node)?.value ?? []);
    if (index >= values.length) throw new HebbError(say.thereIsNoNumberIn(index, node));
    values[index] = value;
    out[node] = values;
  }
  return out;
}

/** Access to the nodes of a step. */
class Nodes {
  readonly all: readonly InspectedNode[];
  readonly #forward: readonly InspectedNode[];
  readonly #byName: ReadonlyMap<string, InspectedNode>;
  readonly #gradients = new Map<string, InspectedNode>();

  constructor(all: readonly InspectedNode[]) {
    this.all = all;
    this.#byName = new Map(all.map((node) => [node.name, node]));
    for (const node of all) for (const name of node.gradientOf) this.#gradients.set(name, node);
    const first = Math.min(
      ...all.filter(({ gradientOf }) => gradientOf.length > 0).map(({ name }) => Number(name.slice(1))),
    );
    this.#forward = all.filter(({ name }) => Number(name.slice(1)) < first || name === "%0");
  }

  /** The output of the module at a path. */
  resultOf(path: number): InspectedNode | undefined {
    return this.#forward.findLast((node) => node.op !== "value" && node.path === String(path));
  }

  /** The nodes of the module at a path, in order. */
  of(path: number): InspectedNode[] {
    return this.#forward.filter((node) => node.path === String(path));
  }

  input(node: InspectedNode, place: number): InspectedNode {
    return found(this.#byName.get(node.inputs[place] ?? ""), say.inputOf(node.name));
  }

  /** ∂loss/∂node; zero where the loss does not depend on it. */
  gradient({ name, shape, value }: InspectedNode): Numbers {
    const node = this.#gradients.get(name);
    return node === undefined
      ? { node: "", shape, values: new Float32Array(value.length) }
      : { ...numbersOf(node), values: floats(node.value) };
  }

  leaf(path: string): InspectedNode {
    return found(
      this.all.find((node) => node.path === path && node.op === "value"),
      say.valueOf(path),
    );
  }

  updated(path: string): InspectedNode {
    return found(
      this.all.find(({ updates }) => updates.includes(path)),
      say.updateOf(path),
    );
  }

  /** The loss is the node whose gradient is 1 by definition: the last of the forward pass. */
  loss(): InspectedNode {
    const seed = this.all.find(
      ({ gradientOf, op, value }) => gradientOf.length > 0 && op === "full" && value.length === 1 && value[0] === 1,
    );
    const name = seed?.gradientOf.reduce((last, one) => (Number(one.slice(1)) > Number(last.slice(1)) ? one : last));
    return found(this.#byName.get(name ?? ""), "loss");
  }
}

/** A second session next to the shown one, which records the gradients of its steps. */
interface Beside {
  readonly session: Session;
  readonly gradientOf: ReturnType<typeof noteGradients>;
}

/** The Trainer's own step: sums whose terms are kept differ in the last bit from those of a compiled step. */
interface Taken {
  readonly loss: Float32Array;
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Every state after it. */
  readonly after: ReadonlyMap<string, Float32Array>;
}

const beside = new WeakMap<Session, Beside>();

function besideOf(session: Session): Beside {
  const known = beside.get(session);
  if (known !== undefined) return known;
  const other = new Session(session.state, session.prepared);
  // Shows the weights that the step itself computes, without later edits.
  other.takesEdits = false;
  const made = {
    session: other,
    gradientOf: noteGradients(other.optimizer, other.network.model.parameters()),
  };
  beside.set(session, made);
  return made;
}

function taken(session: Session): Taken {
  const { session: other, gradientOf } = besideOf(session);
  other.restore(session.save());
  other.advance(1);
  const parameters = other.network.model.namedParameters();
  return {
    loss: Float32Array.of(other.batchLoss),
    gradients: new Map(parameters.map(([path, value]) => [path, gradientOf(value)])),
    after: new Map([
      ...parameters.map(([path, value]) => [path, floats(value.dataSync())] as const),
      ...Object.entries(other.optimizerState().state).map(([name, value]) => {
        // The optimizer numbers its parameters: "3.exp_avg".
        const [place = "", slot = ""] = name.split(".");
        return [`${parameters[Number(place)]?.[0] ?? ""}.${slot}`, floats(value.dataSync())] as const;
      }),
    ]),
  };
}

type Comparisons = ReturnType<typeof comparedSlopes>;

/** A parameter's numbers. Its slope and its value after the step are the Trainer's own, unless something was edited. */
function parameterNumbers(nodes: Nodes, path: string, own: Taken | undefined, compared: Comparisons): ParameterNumbers {
  const leaf = nodes.leaf(path);
  const ended = (node: InspectedNode, name: string): Numbers => ({
    ...numbersOf(node),
    values: own?.after.get(name) ?? floats(node.value),
  });
  const slots = nodes.all
    .flatMap((node) => node.updates.map((name) => ({ name, node })))
    .filter(({ name }) => name.startsWith(`${path}.`))
    .map(({ name, node }) => ({
      name: name.slice(path.length + 1),
      before: floats(
        nodes.all.find((one) => one.path === name && one.op === "value")?.value ?? new Float32Array(node.value.length),
      ),
      after: ended(node, name),
    }));
  const { differences, ticks } = compared.get(path) ?? { differences: new Float64Array(), ticks: new Uint8Array() };
  return {
    ...{ path, slots, differences, ticks },
    value: numbersOf(leaf),
    gradient: slopeNumbers(nodes, path, own),
    updated: ended(nodes.updated(path), path),
  };
}

const lossNumbers = (node: InspectedNode, own: Taken | undefined): Numbers => ({
  ...numbersOf(node),
  values: own?.loss ?? floats(node.value),
});

/** ∂loss/∂ a parameter. */
function slopeNumbers(nodes: Nodes, path: string, own: Taken | undefined): Numbers {
  const made = nodes.gradient(nodes.leaf(path));
  return { ...made, values: own?.gradients.get(path) ?? made.values };
}

/** The mask of the dropout at a path, with its factors. */
function droppedBy(nodes: Nodes, path: number, p: number): LayerStep["dropout"] {
  const own = nodes.of(path);
  const kept = found(
    own.find(({ op }) => op === "ge"),
    say.maskOfDropout,
  );
  const values = found(own.at(-1), say.valuesAfterDropout);
  return { factors: Float32Array.from(kept.value, (keep) => (keep ? 1 / (1 - p) : 0)), values: numbersOf(values) };
}

function normOf(
  nodes: Nodes,
  path: number,
  parameter: (path: string) => ParameterNumbers,
): { step: NormStep; values: InspectedNode } {
  const own = nodes.of(path);
  const values = found(own.at(-1), say.valuesOfTheNormalisation);
  const standard = nodes.input(nodes.input(values, 0), 0);
  const mean = found(
    own.find(({ op }) => op === "mul"),
    say.meanOfTheBatch,
  );
  const deviation = found(
    own.find(({ op }) => op === "sqrt"),
    say.deviationOfTheBatch,
  );
  return {
    values,
    step: {
      mean: numbersOf(mean),
      deviation: numbersOf(deviation),
      standard: numbersOf(standard),
      values: numbersOf(values),
      delta: nodes.gradient(values),
      weight: parameter(`${path}.weight`),
      bias: parameter(`${path}.bias`),
    },
  };
}

/** The displayed outputs. */
function outputOf(z: InspectedNode, info: Session["prepared"]["info"]): Numbers {
  const values = squash(info, tensor(floats(z.value), { shape: [...z.shape] })).dataSync();
  return { node: "", shape: z.shape, values: floats(values) };
}

function rowLosses(session: Session, z: Float32Array, y: Tensor, rows: number): Float32Array {
  const width = z.length / rows;
  const ofRow = compile((output: Tensor, target: Tensor) => noGrad(() => session.loss(output, target)));
  return Float32Array.from({ length: rows }, (_, row) =>
    ofRow(tensor(z.slice(row * width, (row + 1) * width), { shape: [1, width] }), y.narrow(0, row, 1)).itemSync(),
  );
}

/** Computes the next step in detail, with some numbers replaced. */
export function stepThrough(session: Session, { edits }: StepAsk): StepTrace {
  if (session.network.modules.length === 0) throw new HebbError(say.thisIsAnEnsembleWhoseMembers);
  checkSize(session);
  const { state, prepared, network, optimizer } = session;
  const { info } = prepared;
  const { model, stages, layers } = network;
  const batch = nextBatch(session);
  const { rows, x, y } = batch;
  const generator = new Generator(state.seed);
  const look = (replace?: Record<string, Float32Array>): InspectedNode[] => {
    // The same units are dropped as in the next step, however often it is shown.
    generator.setState(session.random);
    const lossNow = () => session.loss(model.forward(x), y);
    return withGenerator(generator, () => inspectStep(lossNow, { optimizer, ...(replace && { replace }) }));
  };
  // A module that has run alone, for a map of its layer, has renamed its parameters.
  for (const [path, parameter] of model.namedParameters()) parameter.name = path;
  const plain = look();
  const replace = replacements(plain, edits);
  const nodes = new Nodes(edits.length === 0 ? plain : look(replace));
  const own = edits.length === 0 ? taken(session) : undefined;

  const paths = model.namedParameters().map(([path]) => path);
  const leaves = new Map(paths.map((path) => [nodes.leaf(path).name, path]));
  // Only edited parameters are a new starting point: with edits further on, the differences would belong to another function.
  const compared: Comparisons = edits.every(({ node }) => leaves.has(node))
    ? comparedSlopes(
        session,
        batch,
        new Map(Object.entries(replace).map(([node, values]) => [leaves.get(node) ?? "", values])),
        new Map(paths.map((path) => [path, slopeNumbers(nodes, path, own).values])),
      )
    : new Map();
  const parameter = (path: string): ParameterNumbers => parameterNumbers(nodes, path, own, compared);

  const { modules } = network;
  const layerSteps = layers.map((layer, place): LayerStep => {
    const { path, units } = found(stages[place + 1], `stage ${place + 1}`);
    const last = place === layers.length - 1;
    const first = Number(path);
    const until = last ? modules.length : Number(stages[place + 2]?.path);
    const parts = modules.slice(first + 1, until).map((module, k) => ({ module, path: first + 1 + k }));
    const where = (fits: (module: unknown) => boolean): number | undefined =>
      parts.find(({ module }) => fits(module))?.path;
    const z = found(nodes.resultOf(first), say.sumOfLayer(place + 1));
    const [normPath, poolPath, dropPath] = [
      where((module) => module instanceof nn.BatchNorm1d || module instanceof nn.BatchNorm2d),
      where((module) => module instanceof nn.MaxPool2d),
      where((module) => module instanceof nn.Dropout),
    ];
    const norm = normPath === undefined ? undefined : normOf(nodes, normPath, parameter);
    const taking = norm?.values ?? z;
    const name: ActivationName = last
      ? info.task === "binary"
        ? "sigmoid"
        : "identity"
      : (activationNames.find((one) => one === state.layers[place]?.activation) ?? "identity");
    const a = last ? undefined : (nodes.resultOf(normPath === undefined ? first + 1 : normPath + 1) ?? taking);
    const pooled = poolPath === undefined ? undefined : found(nodes.resultOf(poolPath), say.valuesOfThePooling);
    const dropped = dropPath === undefined ? undefined : found(nodes.resultOf(dropPath), say.valuesAfterDropout);
    const given = dropped ?? pooled ?? a;
    return {
      kind: layer instanceof nn.Conv2d ? "conv" : "dense",
      units,
      shape: z.shape.slice(1),
      activation: name,
      z: numbersOf(z),
      delta: nodes.gradient(z),
      norm: norm?.step,
      a: a === undefined ? outputOf(z, info) : numbersOf(a),
      aGradient: a === undefined ? undefined : nodes.gradient(a),
      pool: pooled === undefined ? undefined : { side: 2, shape: pooled.shape.slice(1), values: numbersOf(pooled) },
      dropout: dropPath === undefined ? undefined : droppedBy(nodes, dropPath, state.dropout),
      back: given === undefined ? undefined : nodes.gradient(given),
      slope: slopeOf(name, floats(taking.value)),
      weight: parameter(`${path}.weight`),
      bias: parameter(`${path}.bias`),
    };
  });

  const outputs = found(layerSteps.at(-1), "output");
  const inputNode = found(
    nodes.all.find(({ op, path, shape }) => op === "value" && path === "" && shape.join() === x.shape.join()),
    "input",
  );
  const cohort = nodes.all.find(({ updates }) => updates.includes("step"));
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
    inputShape: info.inputShape,
    classes: info.classes,
    x: numbersOf(inputNode),
    target: floats(y.dataSync()),
    layers: layerSteps,
    loss: lossNumbers(nodes.loss(), own),
    rowLosses: rowLosses(session, outputs.z.values, y, rows),
    edited: edits.map(({ node }) => node),
  };
}
