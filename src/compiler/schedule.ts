// Decides which values get a buffer; everything else is recomputed inside the kernels that read it.
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
 * Scalars computed from scalars alone (bias corrections, step counts) come first, so that their readers can join the kernel of
 * their large input instead of waiting for the scalar's kernel.
 */
function scalarsFirst(order: readonly Node[]): Node[] {
  const early = new Set<Node>();
  for (const node of order) {
    if (sizeOf(node.shape) === 1 && node.inputs.every((input) => early.has(input))) early.add(node);
  }
  return [...order.filter((node) => early.has(node)), ...order.filter((node) => !early.has(node))];
}

/** The cost of inlining an element op; a view is free. */
interface Probe {
  /** Arithmetic operations per element; a transcendental function counts as several. */
  readonly cost: number;
  /** The length of the longest chain of dependent operations, including index arithmetic. */
  readonly levels: number;
  /** Whether the element is exactly one element of input 0, at an affine index. */
  readonly isView: boolean;
  /** The inputs the element is computed from. A function with a custom gradient has further inputs only for the gradient. */
  readonly reads: ReadonlySet<number>;
  /** Inputs read at several indices: recomputing one there would multiply the work. */
  readonly rereads: ReadonlySet<number>;
}

const inputBuffer = -1;

/** Runs of fewer elements from one input count as interleaved. */
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

/** Limits on inlining, so that no kernel grows without bound. */
const inlineCostLimit = 160;
const inlineDepthLimit = 40;
const inlineLevelLimit = 192;
/** A value with several readers is recomputed rather than stored below this cost and number of loads. */
const recomputeCostLimit = 4;
const recomputeLoadLimit = 2;
/** The limit for a value computed from a single load: reading the stored value would load as much. */
const recomputeCostLimitOfOne = 6;
/** An input element shared by at least this many elements adds no cost. */
const fewestSharing = 16;

/** The cost of a transcendental function. */
const heavyPart = 8;

/** The cost of recomputing a value on read, down to buffers in memory. */
interface Inlined {
  readonly cost: number;
  readonly loads: number;
  /** The longest chain of nodes, and of operations. */
  readonly depth: number;
  readonly levels: number;
}

const inMemory: Inlined = { cost: 0, loads: 1, depth: 0, levels: 0 };

export interface Schedule extends Assembly {
  /** Every node reachable from the outputs, inputs first. */
  readonly order: readonly Node[];
  /** The nodes whose values get a buffer. */
  readonly realized: ReadonlySet<Node>;
  /** False: one kernel per node, for comparison. */
  readonly fuse: boolean;
}

/** Chooses the realised nodes. Reductions, contractions, scans, tiles and outputs are always realised. */
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
    // Lanes that span parts of a cat compute all of the parts, so expensive parts are realised.
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
      // Values shared by many elements, such as a number per channel, are computed outside the innermost loop.
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

/** A conversion to a wider type: readers do it themselves, because they then read less memory. */
const widens = (node: Node): boolean =>
  isOp(node, castOp) && byteSize(node.dtype) === 4 && node.inputs.some(({ dtype }) => byteSize(dtype) < 4);

/** Whether a kernel computes the node: sources are given, checks and loops have no value. */
const isComputed = ({ op: { rule } }: Node): boolean =>
  rule.kind !== "source" && rule.kind !== "check" && rule.kind !== "loop";

/** A cat of short runs: written once, with a stride, its elements are then read in order; selecting on each read would not be. */
function interleaves(node: Node): boolean {
  if (!isOp(node, catOp)) return false;
  const { dim } = node.attributes;
  const runs = node.inputs.map((input) => sizeOf(input.shape.slice(dim)));
  // Two alternating inputs are read in order anyway: backends load each element for two lanes.
  const alternate = runs.length === 2 && runs.every((run) => run === 1);
  return !alternate && runs.every((run) => run < shortestRun) && sizeOf(node.shape) > shortestRun;
}

/**
 * A contraction reads its operands many times and needs plain strides: the operand becomes an affine view of a buffer.
 * Looks through views as long as their composition stays affine, and through conversions from narrower types.
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
  // If the operand needs its own buffer, its base does not, unless elements of the base would be computed several times.
  if (!stored && (even || sizeOf(base.shape) < sizeOf(operand.shape))) realize(base);
  if (!even) realize(operand);
}

/** Whether the views read their row-major base with a uniform stride along each dim. */
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

/** Whether the flat index is affine. If dims are merged, its parts need not be. */
const isAffinePlace = (index: readonly Scalar[], shape: Shape): boolean =>
  index.every(isAffine) || isAffine(canonical(flatten(index, shape)));
