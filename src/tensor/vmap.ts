// vmap: turns a function of one example into a function of a batch.
import { Batcher, type Randomness } from "../graph/batching/batcher.ts";
import { moveDim, type Value, wide } from "../graph/batching/rules.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import { stepLeaf } from "../graph/ops/scanBody.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, normalizeAxis } from "../graph/shape.ts";
import { gradEnabled } from "./gradMode.ts";
import { requireCheck } from "./lazy.ts";
import { callTraced, refusePromises } from "./results.ts";
import { recordExample } from "./steps.ts";
import { Tensor } from "./tensor.ts";
import { type TensorTree, tensorTree } from "./trees.ts";

/** The dim of the examples; null: all examples share the value. */
export type BatchDim = number | null;

export interface VmapOptions {
  /** The dim of the examples in each argument, and in every tensor inside it: one for all arguments, or a list. Default 0. */
  readonly inDims?: BatchDim | readonly BatchDim[];
  /** The dim of the examples in the result; a list if the result is a list. Null: the result depends on no example. Default 0. */
  readonly outDims?: BatchDim | readonly BatchDim[];
  /** Random numbers in the function: refused, different for each example, or the same for all. Default "error". */
  readonly randomness?: Randomness;
}

const batchDim = kind.orNull(kind.number);
const dims = kind.either(batchDim, kind.listOf(batchDim));
const vmapKinds: OptionKinds<VmapOptions> = {
  inDims: { ...dims, takes: "a number, null or a list of these" },
  outDims: { ...dims, takes: "a number, null or a list of these" },
  randomness: kind.oneOf("error", "different", "same"),
};

type Traced = (...args: readonly unknown[]) => unknown;

/**
 * The function over many examples: `vmap(f)(x)` is f(x[0]), f(x[1]), … stacked, computed as one. Arguments are tensors, or arrays and plain objects
 * of them; other arguments reach the function unchanged. The function is recorded once for one example. It may call grad, jvp, vmap, scan and any
 * layer, but may neither read a value nor assign a state. `vmap(grad(loss), { inDims: [null, 0] })` gives the gradient of every example. Throws
 * ShapeError if arguments differ in the number of examples. Source: torch.func.vmap.
 */
export function vmap<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: VmapOptions = {},
): (...args: A) => R {
  checkKind("vmap", "the function", fn, kind.func());
  const { inDims = 0, outDims = 0, randomness = "error" } = checkOptions("vmap", options, vmapKinds);
  return (...args) => {
    const given = args.map((arg, place) => argumentOf(arg, place, dimOf(inDims, place, args.length)));
    const size = examplesIn(given);
    const leaves = new Map<Node, Node>();
    const stand = given.map(({ tree, value, axes }) => {
      if (tree === undefined) return value;
      return tree.with(
        tree.tensors.map((tensor, place) => {
          const axis = axes[place];
          if (axis === undefined) return tensor;
          const leaf = stepLeaf({ shape: tensor.shape.filter((_, dim) => dim !== axis), dtype: tensor.dtype });
          leaves.set(leaf, moveDim(tensor.node, axis, 0));
          return Tensor.of(leaf, gradEnabled() && tensor.requiresGrad);
        }),
      );
    });
    const { result, checks } = recordExample(() => callTraced("vmap", fn as Traced, stand));
    refusePromises("vmap", result);
    const outputs = tensorTree("vmap", "the result", result);
    const batcher = new Batcher(leaves, { by: "vmap", size, randomness });
    for (const check of batcher.wide(checks)) requireCheck(check);
    const values = batcher.values(outputs.tensors.map(({ node }) => node));
    const places = placesOf(outputs, result, outDims);
    const sources = [...given.flatMap(({ tree }) => tree?.tensors ?? []), ...outputs.tensors];
    // The result has the structure of what the function returned.
    return outputs.with(
      values.map((value, place) => Tensor.from(placed(value, places[place] ?? null, size), sources)),
    ) as R;
  };
}

/** A list has a dim for each part; a single one applies to all. */
function dimOf(all: BatchDim | readonly BatchDim[], place: number, count: number): BatchDim {
  if (typeof all === "number" || all === null) return all;
  const own = all[place];
  if (own === undefined || all.length !== count)
    throw new HebbError(`vmap: inDims has ${all.length} dims for ${count} arguments; give one for each`);
  return own;
}

interface Argument {
  readonly value: unknown;
  readonly tree: TensorTree | undefined;
  /** The dim of the examples in each tensor; undefined: all examples share the tensor. */
  readonly axes: readonly (number | undefined)[];
}

/** Whether the value is a tensor, or a list or plain object of tensors; other values reach the function unchanged. */
function holdsTensors(value: unknown, above: readonly unknown[] = []): boolean {
  if (value instanceof Tensor) return true;
  const isPlain =
    Array.isArray(value) ||
    (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype);
  if (!isPlain || above.includes(value)) return false;
  return Object.values(value as object).some((part) => holdsTensors(part, [...above, value]));
}

function argumentOf(value: unknown, place: number, dim: BatchDim): Argument {
  if (!holdsTensors(value)) return { value, tree: undefined, axes: [] };
  const tree = tensorTree("vmap", `argument ${place}`, value);
  const axes = tree.tensors.map(({ shape }, part) => {
    if (dim === null) return undefined;
    if (shape.length === 0)
      throw new ShapeError(
        `vmap: ${tree.paths[part]} is a single number, which has no batch dim; give null for it in inDims`,
      );
    return normalizeAxis(dim, shape.length, "vmap");
  });
  return { value, tree, axes };
}

function examplesIn(given: readonly Argument[]): number {
  let size: number | undefined;
  for (const { tree, axes } of given) {
    tree?.tensors.forEach(({ shape }, place) => {
      const axis = axes[place];
      if (axis === undefined) return;
      const own = shape[axis] as number;
      if (own === 0) throw new ShapeError(`vmap: ${tree.paths[place]} is ${formatShape(shape)}, without an example`);
      if (size !== undefined && size !== own)
        throw new ShapeError(
          `vmap: ${tree.paths[place]} is ${formatShape(shape)}, with ${own} examples in dim ${axis}, but others have ${size}; all need the same number`,
        );
      size = own;
    });
  }
  if (size === undefined)
    throw new HebbError("vmap: no argument has a batch dim; pass a tensor, and give its batch dim in inDims");
  return size;
}

/** The dim of the examples in each tensor of the result. */
function placesOf(outputs: TensorTree, result: unknown, outDims: BatchDim | readonly BatchDim[]): readonly BatchDim[] {
  if (typeof outDims === "number" || outDims === null) return outputs.tensors.map(() => outDims);
  if (!Array.isArray(result) || result.length !== outDims.length)
    throw new HebbError(
      `vmap: outDims has ${outDims.length} dims, and the function returns ${Array.isArray(result) ? `${result.length} values` : outputs.structure}; give one dim for each value of a list`,
    );
  return result.flatMap((part, place) =>
    tensorTree("vmap", "the result", part).tensors.map(() => outDims[place] as BatchDim),
  );
}

function placed(value: Value, dim: BatchDim, size: number): Node {
  if (dim === null) {
    if (!value.batched) return value.node;
    throw new HebbError("vmap: outDims is null for a result that differs from example to example; give its dim");
  }
  const all = wide(value, size);
  return moveDim(all, 0, normalizeAxis(dim, all.shape.length, "vmap"));
}
