// inspect(fn): one run that keeps every intermediate, so that any number can be seen with its formula, value and gradient.
import { gradients } from "../graph/autodiff.ts";
import { allocate, isFloat, type TypedArray } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import { storedNumbers } from "../graph/halves.ts";
import * as kind from "../graph/kinds.ts";
import { type Node, sourceNode } from "../graph/node.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { printType } from "../graph/print.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder } from "../graph/walk.ts";
import { Cell, cellMemory, Storage } from "../runtime/index.ts";
import { evaluate, flush } from "./lazy.ts";
import { either, type Reading, readNow, valuesNow } from "./reading.ts";
import { resultTensor } from "./results.ts";
import { State } from "./state.ts";
import { gradientLeaves, Tensor } from "./tensor.ts";
import { Trace, withTrace } from "./trace.ts";

/** One node of an inspected computation. */
export interface Inspected {
  /** `%3` in the listing. */
  readonly name: string;
  readonly op: string;
  /** The path of the module that made it, or the parameter's name. */
  readonly path: string;
  /** `%3 = matmul(%1, %2) : f32[32, 10]` */
  readonly formula: string;
  readonly shape: Shape;
  readonly inputs: readonly string[];
  readonly value: TypedArray;
  /** ∂loss/∂this, where the loss depends on it smoothly. */
  readonly gradient: TypedArray | undefined;
}

/**
 * Runs `fn`, which returns a loss (or any tensor), and keeps every intermediate value. If the result is a single number that depends on parameters,
 * also their gradients and those of all intermediates. Changes nothing.
 */
export const inspect = (fn: () => Tensor): Inspected[] => readNow(inspection(fn));

/** The same, as part of other work. */
export function* inspection(fn: () => Tensor): Reading<Inspected[]> {
  checkKind("inspect", "the function", fn, kind.func());
  const result = resultTensor("inspect", fn());
  const order = topologicalOrder([result.node]).filter(hasValue);
  const differentiable = sizeOf(result.shape) === 1 && isFloat(result.dtype);
  const wanted = order.filter((node) => isFloat(node.dtype));
  const slopes = differentiable ? gradients(result.node, wanted) : [];
  const slopeOf = new Map<Node, Node>();
  slopes.forEach((slope, place) => {
    if (slope !== undefined) slopeOf.set(wanted[place] as Node, slope);
  });
  const asked = [...order, ...slopeOf.values()];
  const found = yield* either(
    () => evaluated("inspect", asked),
    () => Promise.all(asked.map((node) => Tensor.of(node).data())),
  );
  const values = new Map(found.map((value, place) => [asked[place], value]));
  const read = (node: Node): TypedArray => values.get(node) as TypedArray;
  const names = new Map(order.map((node, place) => [node, `%${place}`]));
  return order.map((node): Inspected => {
    const owner = gradientLeaves.get(node);
    const slope = slopeOf.get(node);
    const inputs = namedInputs(node, names);
    const name = names.get(node) as string;
    const call =
      node.source === undefined
        ? `${node.op.name}(${inputs.join(", ")})`
        : owner instanceof State && owner.name !== ""
          ? owner.name
          : "value";
    return {
      name,
      op: node.source === undefined ? node.op.name : "value",
      path: owner instanceof State ? owner.name : node.scope,
      formula: `${name} = ${call} : ${printType(node)}`,
      shape: node.shape,
      inputs,
      value: read(node),
      gradient: slope === undefined ? undefined : read(slope),
    };
  });
}

/** The values of nodes, from a single evaluation. */
const evaluated = (where: string, nodes: readonly Node[]): readonly TypedArray[] =>
  evaluate(nodes).map((value) => valuesNow(where, Tensor.of(sourceNode(value, value))));

/** A loop has results, but no value of its own. */
const hasValue = ({ op }: Node): boolean => op.rule.kind !== "loop";

/** The names of a node's inputs: for a result of a loop, everything that the loop reads. */
const namedInputs = ({ inputs }: Node, names: ReadonlyMap<Node, string>): string[] =>
  inputs.flatMap((input) => (hasValue(input) ? (names.get(input) ?? "") : namedInputs(input, names)));

/** One node of an inspected training step: in the forward pass, a gradient, or an update. */
export interface InspectedNode extends Omit<Inspected, "gradient"> {
  /** Names of the nodes whose gradient ∂loss/∂… this is. */
  readonly gradientOf: readonly string[];
  /** Names of the states that take this value at the end of the step. */
  readonly updates: readonly string[];
  /** The value was replaced by the caller. */
  readonly replaced: boolean;
}

export interface InspectStepOptions {
  /** Updates the parameters from their gradients, like an optimizer. Without it the step ends with the gradients. */
  readonly optimizer?: { zeroGrad(): void; step(): void };
  /** Replacement values for nodes, by name: everything computed from them changes too, including gradients and updates. */
  readonly replace?: Readonly<Record<string, ArrayLike<number>>>;
}

const inspectStepKinds: OptionKinds<InspectStepOptions> = { optimizer: kind.anything, replace: kind.anything };

/**
 * Runs one training step with every value kept, and changes nothing: `loss` builds the loss; gradients of all float nodes and the optimizer's updates
 * follow as further nodes. Nodes have the same names at every call with the same shapes. Throws HebbError if the loss is not a single float number or
 * `replace` has an unknown name, ShapeError for a value of another size.
 */
export function inspectStep(loss: () => Tensor, options: InspectStepOptions = {}): InspectedNode[] {
  checkKind("inspectStep", "the function", loss, kind.func());
  checkOptions("inspectStep", options, inspectStepKinds);
  flush();
  const trace = new Trace();
  const built = withTrace(trace, () => {
    const result = resultTensor("inspectStep", loss());
    if (result.size !== 1 || !isFloat(result.dtype))
      throw new HebbError("inspectStep: the function must return the loss, a float scalar");
    const wanted = topologicalOrder([result.node]).filter((node) => isFloat(node.dtype));
    const slopes = gradients(result.node, wanted);
    options.optimizer?.zeroGrad();
    wanted.forEach((node, place) => {
      const owner = gradientLeaves.get(node);
      const slope = slopes[place];
      if (owner !== undefined && slope !== undefined) owner.grad = Tensor.of(slope);
    });
    options.optimizer?.step();
    return { root: result.node, wanted, slopes };
  });
  const found = built.slopes.filter((slope) => slope !== undefined);
  const all = topologicalOrder([built.root, ...found, ...trace.writes.values()]);
  const order = all.filter(hasValue);
  const names = new Map(order.map((node, place) => [node, `%${place}`]));
  const nameOf = (node: Node): string => names.get(node) ?? "";
  const known = new Set(names.values());
  const unknown = Object.keys(options.replace ?? {}).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new HebbError(`inspectStep: there is no node ${unknown}; the last one is %${order.length - 1}`);
  const nodes = rewriteGraph(all, order, (node, inputs) => settled(node, inputs, options.replace?.[nameOf(node)]));
  const values = evaluated("inspectStep", nodes);
  const gradientOf = new Map<Node, string[]>();
  built.slopes.forEach((slope, place) => {
    const node = built.wanted[place];
    if (slope !== undefined && node !== undefined)
      gradientOf.set(slope, [...(gradientOf.get(slope) ?? []), nameOf(node)]);
  });
  const updates = new Map<Node, string[]>();
  for (const [cell, node] of trace.writes) updates.set(node, [...(updates.get(node) ?? []), cell.name]);
  return order.map((node, place): InspectedNode => {
    const name = nameOf(node);
    const inputs = namedInputs(node, names);
    const state = node.source instanceof Cell ? node.source.name : undefined;
    const call = node.source === undefined ? `${node.op.name}(${inputs.join(", ")})` : (state ?? "value");
    const value = values[place];
    if (value === undefined) throw new HebbError(`inspectStep: ${name} has no value`);
    return {
      name,
      op: node.source === undefined ? node.op.name : "value",
      path: state ?? node.scope,
      formula: `${name} = ${call} : ${printType(node)}`,
      shape: node.shape,
      inputs,
      value,
      gradientOf: gradientOf.get(node) ?? [],
      updates: updates.get(node) ?? [],
      replaced: options.replace?.[name] !== undefined,
    };
  });
}

/** The node with values in place of state cells, or the value that replaces it. */
function settled(node: Node, inputs: readonly Node[], replacement: ArrayLike<number> | undefined): Node {
  if (replacement !== undefined) {
    const size = sizeOf(node.shape);
    if (replacement.length !== size)
      throw new ShapeError(
        `inspectStep: ${replacement.length} values do not fit a node of shape ${formatShape(node.shape)}, which takes ${size}`,
      );
    const data = allocate(node.dtype, size);
    data.set(Array.from(replacement));
    return sourceNode(node, new Storage(node.dtype, node.shape, storedNumbers(node.dtype, data)));
  }
  if (node.source instanceof Cell) return sourceNode(node.source, cellMemory(node.source).lend(node.source));
  return node.source === undefined ? overInputs(node, inputs) : node;
}
