// Decides which values are worth a buffer; everything else is recomputed inside the kernels that read it.
import { byteSize, computedIn } from "../graph/dtype.ts";
import { isOp, type Node } from "../graph/node.ts";
import { castOp } from "../graph/ops/cast.ts";
import { catOp } from "../graph/ops/movement.ts";
import { axisValue, load, newAxis, operandsOf, type Scalar } from "../graph/scalar.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { topologicalOrder, usersOf } from "../graph/walk.ts";
import { type Assembly, assemble, notAssembled } from "./assemble.ts";
import { canonical, flatten, isAffine, visitScalar } from "./indexing.ts";

/**
 * Numbers worked out from numbers alone (bias corrections, step counts) come before everything else: whoever needs one can
 * then join the kernel of its large input, instead of waiting for the number's own.
 */
function scalarsFirst(order: readonly Node[]): Node[] {
  const early = new Set<Node>();
  for (const node of order) {
    if (sizeOf(node.shape) === 1 && node.inputs.every((input) => early.has(input))) early.add(node);
  }
  return [...order.filter((node) => early.has(node)), ...order.filter((node) => !early.has(node))];
}

/** What an element op costs to inline: a view costs nothing. */
interface Probe {
  /** Arithmetic operations for each element; a transcendental function counts as several. */
  readonly cost: number;
  /** Operations that need one another's results, those in indices included. */
  readonly levels: number;
  /** The element is exactly one element of input 0, at an affine place. */
  readonly isView: boolean;
  /** The inputs that the element is computed from. A function with a gradient of its own has others for that alone. */
  readonly reads: ReadonlySet<number>;
  /** Inputs read at several places: recomputing one there would multiply the work. */
  readonly rereads: ReadonlySet<number>;
}

const inputBuffer = -1;

/** Runs of fewer elements than this, from one input, count as interleaved. */
const shortestRun = 16;

function probe(node: Node): Probe {
  const { rule } = node.op;
  if (rule.kind !== "element") return { cost: 0, levels: 0, isView: false, reads: new Set(), rereads: new Set() };
  const index = node.shape.map((extent) => axisValue(newAxis(extent)));
  const reads: { k: number; index: readonly Scalar[] }[] = [];
  const value = rule.element({
    attributes: node.attributes,
    type: node,
    inputTypes: node.inputs,
    index,
    input(k, at) {
      reads.push({ k, index: at });
      const { dtype } = node.inputs[k] as Node;
      return load(
        inputBuffer - k,
        at.find((part) => !isAffine(part)) ?? { kind: "const", dtype: "int32", value: reads.length },
        computedIn(dtype),
      );
    },
  });
  const only = reads.length === 1 ? reads[0] : undefined;
  const shape = node.inputs[0]?.shape ?? [];
  const isView =
    value.kind === "load" &&
    value.buffer === inputBuffer &&
    node.dtype === node.inputs[0]?.dtype &&
    only !== undefined &&
    isAffinePlace(only.index, shape);
  let cost = 0;
  const levels = new Map<Scalar, number>();
  visitScalar(value, (scalar) => {
    levels.set(scalar, 1 + operandsOf(scalar).reduce((most, operand) => Math.max(most, levels.get(operand) ?? 0), 0));
    if (scalar.dtype === "int32" && scalar.kind === "binary" && node.op.traits?.random !== true) return;
    if (scalar.kind === "unary") cost += cheapUnary.has(scalar.fn) ? 1 : 8;
    else if (scalar.kind === "binary")
      cost += scalar.fn === "pow" || scalar.fn === "atan2" ? 16 : scalar.fn === "div" ? 3 : 1;
    else if (scalar.kind === "cast" || scalar.kind === "select") cost += 1;
  });
  const rereads = new Set(
    reads
      .filter((read) =>
        reads.some((other) => other.k === read.k && other.index.some((part, axis) => part !== read.index[axis])),
      )
      .map((read) => read.k),
  );
  return {
    cost: isView ? 0 : cost,
    levels: levels.get(value) ?? 0,
    isView,
    reads: new Set(reads.map(({ k }) => k)),
    rereads,
  };
}

const cheapUnary: ReadonlySet<string> = new Set([
  "neg",
  "abs",
  "sign",
  "floor",
  "ceil",
  "round",
  "trunc",
  "not",
  "isNaN",
]);

/** Inlining stops here, so that no kernel grows without bound. */
const inlineCostLimit = 160;
const inlineDepthLimit = 40;
const inlineLevelLimit = 192;
/** A value read by several kernels is recomputed rather than stored below this cost and this many loads. */
const recomputeCostLimit = 4;
const recomputeLoadLimit = 2;
/** Of what comes from one value in memory: readers of its result would load as much. */
const recomputeCostLimitOfOne = 6;
/** An element that at least so many others share costs them nothing. */
const fewestSharing = 16;

/** The cost of a transcendental function. */
const heavyPart = 8;

/** The cost of recomputing a value where it is read, down to buffers in memory. */
interface Inlined {
  readonly cost: number;
  readonly loads: number;
  /** Nodes one after another, and operations one after another. */
  readonly depth: number;
  readonly levels: number;
}

const inMemory: Inlined = { cost: 0, loads: 1, depth: 0, levels: 0 };

export interface Schedule extends Assembly {
  /** Every node reachable from the outputs, inputs first. */
  readonly order: readonly Node[];
  /** The nodes that get a separate kernel result. */
  readonly realized: ReadonlySet<Node>;
  /** False: one kernel for each node, to compare against. */
  readonly fuse: boolean;
}

/** Chooses the realised nodes. Reductions, contractions, scans, tiles and outputs always are. */
export function schedule(outputs: readonly Node[], options: { fuse: boolean } = { fuse: true }): Schedule {
  const order = scalarsFirst(topologicalOrder(outputs));
  if (!options.fuse)
    return {
      order,
      realized: new Set(order.filter(isComputed)),
      fuse: false,
      ...notAssembled,
    };
  const probes = new Map(order.map((node) => [node, probe(node)]));
  const users = usersOf(order);
  const realized = new Set<Node>(outputs.filter(isComputed));
  const inlined = new Map<Node, Inlined>();
  const realize = (node: Node): void => {
    if (!isComputed(node)) return;
    realized.add(node);
    inlined.set(node, inMemory);
  };
  const costOf = (node: Node): Inlined => inlined.get(node) ?? inMemory;

  for (const node of order) {
    const { rule } = node.op;
    // A loop reads rows of its inputs at every step.
    if (rule.kind === "loop") node.inputs.forEach(realize);
    if (!isComputed(node)) {
      inlined.set(node, inMemory);
      continue;
    }
    if (rule.kind === "contract") {
      for (const input of node.inputs) realizeOperand(input, probes, realize, realized);
    }
    if (rule.kind !== "element") {
      realize(node);
      continue;
    }
    const own = probes.get(node) as Probe;
    // Where neighbours come from different parts of a cat, lanes compute all parts: what is heavy is computed before.
    const multiplies = (input: Node): boolean =>
      sizeOf(node.shape) > sizeOf(input.shape) && (!isOp(node, catOp) || costOf(input).cost >= heavyPart);
    node.inputs.forEach((input, k) => {
      if (!realized.has(input) && costOf(input).cost > 1 && (multiplies(input) || own.rereads.has(k))) realize(input);
    });
    let cost = own.cost;
    let loads = 0;
    let depth = 0;
    let below = 0;
    for (const input of new Set(node.inputs.filter((_, k) => own.reads.has(k)))) {
      const part = costOf(input);
      depth = Math.max(depth, part.depth);
      below = Math.max(below, part.levels);
      // What many elements share, such as a figure of each channel, is read and computed outside the innermost loop.
      if (sizeOf(input.shape) * fewestSharing <= sizeOf(node.shape)) continue;
      cost += part.cost;
      loads += part.loads;
    }
    const levels = below + own.levels;
    inlined.set(node, { cost, loads, depth: depth + 1, levels });
    const readers = users.get(node);
    const shared = readers !== undefined && readers[0] !== readers.at(-1);
    const worthStoring =
      shared &&
      !own.isView &&
      !widens(node) &&
      cost > 0 &&
      (cost >= (loads > 1 ? recomputeCostLimit : recomputeCostLimitOfOne) || loads > recomputeLoadLimit);
    const isLarge = cost > inlineCostLimit || depth >= inlineDepthLimit || levels >= inlineLevelLimit;
    if (realized.has(node) || worthStoring || interleaves(node) || isLarge) realize(node);
  }
  return { order, realized, fuse: true, ...assemble(order, realized, new Set(outputs), realize) };
}

/** A conversion that whoever reads less memory for it does better itself. */
const widens = (node: Node): boolean =>
  isOp(node, castOp) && byteSize(node.dtype) === 4 && node.inputs.some(({ dtype }) => byteSize(dtype) < 4);

/** Whether a kernel gives the node a value: a source has one, checks and loops have none. */
const isComputed = ({ op: { rule } }: Node): boolean =>
  rule.kind !== "source" && rule.kind !== "check" && rule.kind !== "loop";

/** Neighbours that come from different inputs: written once, strided, they are read in order; chosen one by one wherever they are read, they are not. */
function interleaves(node: Node): boolean {
  if (!isOp(node, catOp)) return false;
  const { dim } = node.attributes;
  const runs = node.inputs.map((input) => sizeOf(input.shape.slice(dim)));
  // Two that alternate are read in order too: backends load each element for two lanes.
  const alternate = runs.length === 2 && runs.every((run) => run === 1);
  return !alternate && runs.every((run) => run < shortestRun) && sizeOf(node.shape) > shortestRun;
}

/**
 * A contraction reads its operands many times and wants plain strides: the operand becomes an affine view of a buffer.
 * Views are looked through as long as their composition stays affine, and conversions from narrower types.
 */
function realizeOperand(
  operand: Node,
  probes: ReadonlyMap<Node, Probe>,
  realize: (node: Node) => void,
  realized: ReadonlySet<Node>,
): void {
  const chain: Node[] = [];
  let base = operand;
  while (!realized.has(base) && base.op.rule.kind === "element" && (probes.get(base)?.isView || widens(base))) {
    chain.push(base);
    base = base.inputs[0] as Node;
  }
  const even = composesAffinely(chain, operand.shape, base.shape);
  const stored = base.op.rule.kind === "source" || realized.has(base);
  // Where the operand needs memory of its own, its base does not, unless elements of it would be computed several times.
  if (!stored && (even || sizeOf(base.shape) < sizeOf(operand.shape))) realize(base);
  if (!even) realize(operand);
}

/** Whether views read their base, which lies in the order of its elements, at an even stride along each dim. */
function composesAffinely(chain: readonly Node[], shape: Shape, base: Shape): boolean {
  let index: readonly Scalar[] = shape.map((extent) => axisValue(newAxis(extent)));
  for (const node of chain) {
    const { rule } = node.op;
    if (rule.kind !== "element") return false;
    let next: readonly Scalar[] = [];
    rule.element({
      attributes: node.attributes,
      type: node,
      inputTypes: node.inputs,
      index,
      input(_k, at) {
        next = at;
        return load(inputBuffer, { kind: "const", dtype: "int32", value: 0 }, computedIn(node.dtype));
      },
    });
    index = next;
  }
  return isAffinePlace(index, base);
}

/** Whether the place in memory is even along each dim, as it is when dims are merged: their parts alone need not be. */
const isAffinePlace = (index: readonly Scalar[], shape: Shape): boolean =>
  index.every(isAffine) || isAffine(canonical(flatten(index, shape)));
