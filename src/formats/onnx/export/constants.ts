// Values known at export: those of states, of captured tensors, and of everything that depends only on these.
import type { TypedArray } from "../../../graph/dtype.ts";
import { HebbError } from "../../../graph/errors.ts";
import { numbersOf } from "../../../graph/halves.ts";
import type { Node } from "../../../graph/node.ts";
import { sizeOf } from "../../../graph/shape.ts";
import { topologicalOrder } from "../../../graph/walk.ts";
import { Cell, memoryOf } from "../../../runtime/index.ts";
import { Tensor } from "../../../tensor/index.ts";
import { knownValue } from "../../../tensor/lazy.ts";
import type { Traces } from "./traces.ts";

/** Larger constants are computed in the file if a rule produces them. */
const mostFolded = 2 ** 16;

/** start, start + step, … */
export interface Progression {
  readonly start: number;
  readonly step: number;
}

export interface KnownValues {
  readonly folded: ReadonlyMap<Node, TypedArray>;
  /** Evenly spaced numbers whose count depends on a named size. */
  readonly progressions: ReadonlyMap<Node, Progression>;
  readonly cells: ReadonlyMap<Cell, { readonly node: Node; readonly data: TypedArray }>;
}

const isOutside = (node: Node): boolean =>
  node.source === undefined ? knownValue(node) !== undefined : node.source.sourceKind === "value";

/** Reads the known values. Throws HebbError if a tensor that the function creates from numbers changes with a named size. */
export async function readValues(traces: Traces): Promise<KnownValues> {
  const order = everything(traces.first.outputs);
  const constant = new Set<Node>();
  const wanted = new Set<Node>();
  const progressions = new Map<Node, Progression>();
  const cells = new Map<Cell, { node: Node; data: TypedArray }>();
  for (const node of order) {
    if (node.source instanceof Cell) {
      cells.set(node.source, {
        node,
        data: numbersOf(node.dtype, await memoryOf(node.source).readCellLater(node.source)),
      });
      continue;
    }
    if (isOutside(node)) {
      const progression = await changing(node, traces);
      if (progression !== undefined) {
        progressions.set(node, progression);
        continue;
      }
      constant.add(node);
      wanted.add(node);
      continue;
    }
    const { kind } = node.op.rule;
    const computed = node.source === undefined && kind !== "loop" && kind !== "result" && node.op.name !== "randomBits";
    if (!computed || !traces.isFixed(node) || !node.inputs.every((input) => constant.has(input))) continue;
    constant.add(node);
    // A repeated number stays a scalar.
    if (node.op.name !== "expand" && node.op.name !== "full" && sizeOf(node.shape) <= mostFolded) wanted.add(node);
  }
  const folded = new Map<Node, TypedArray>();
  for (const node of wanted) folded.set(node, await Tensor.of(node).data());
  return { folded, progressions, cells };
}

/** Nodes of the graph and of the bodies in it. Stops at captured values. */
function everything(outputs: readonly Node[]): Node[] {
  return topologicalOrder(outputs, {
    inputsOf: (node) =>
      node.source === undefined && knownValue(node) !== undefined ? [] : [...node.inputs, ...(node.body?.order ?? [])],
  });
}

/** A captured tensor as a progression, if its numbers change with a named size. */
async function changing(node: Node, traces: Traces): Promise<Progression | undefined> {
  const variants = traces.variants(node);
  if (variants.every(({ source }) => source === node.source)) return undefined;
  const arrays = await Promise.all(variants.map((variant) => Tensor.of(variant).data()));
  const [first = new Float32Array()] = arrays;
  const equal = (data: TypedArray): boolean =>
    data.length === first.length && data.every((value, place) => Object.is(value, first[place]));
  if (arrays.every(equal)) return undefined;
  const [start = 0, second = 0] = first;
  const step = second - start;
  const follows = (data: TypedArray): boolean =>
    data.every((value, place) => Math.abs(value - start - place * step) <= 1e-7 * Math.abs(value));
  if (node.shape.length === 1 && first.length > 1 && arrays.every(follows)) return { start, step };
  throw new HebbError(
    `exportOnnx: a tensor made of numbers inside the function${node.scope === "" ? "" : `, in "${node.scope}",`} differs with the size of the input; make it of arange, full and the like, which the file can compute for any size, or export with fixed sizes`,
  );
}
