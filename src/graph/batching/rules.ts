// How each op is computed for a batch: the same op with an extra leading dim.
import { at } from "../at.ts";
import { type Attributes, isOp, makeNode, type Node, type Op } from "../node.ts";
import { aliasOp } from "../ops/alias.ts";
import { expand, expandOp, sumOp } from "../ops/broadcast.ts";
import { butterflyOp } from "../ops/butterfly.ts";
import { checkOp } from "../ops/check.ts";
import { convolutionOp } from "../ops/conv.ts";
import * as el from "../ops/elementwise.ts";
import { cumsumOp, gatherOp, indexAddOp, indexSelectOp, lastAtOp, scatterAddOp } from "../ops/indexing.ts";
import { dot, dotOp } from "../ops/matmul.ts";
import { catOp, padOp, permute, permuteOp, reshape, reshapeOp, sliceOp } from "../ops/movement.ts";
import { windowMaxOp } from "../ops/pool.ts";
import { exponentialOp, normalOp, randomBitsOp } from "../ops/random.ts";
import { cummaxOp } from "../ops/ranks.ts";
import { recomputeOp } from "../ops/recompute.ts";
import { cumprodOp, maxOp, minOp, positionOp, prodOp } from "../ops/reduce.ts";
import { distributeOp } from "../ops/sort.ts";
import { orderKeyOp } from "../ops/sortKeys.ts";
import * as special from "../ops/special.ts";
import { spreadOp, windowOp } from "../ops/window.ts";

/** A value of the single-example function or, if batched, its values for all examples, with the batch dim first. */
export interface Value {
  readonly node: Node;
  readonly batched: boolean;
}

/** The value of a node for all examples, from its inputs, at least one of which is batched. */
export type BatchingRule = (node: Node, inputs: readonly Value[], size: number) => Node;

/** The value with the batch dim first; a value shared by all examples is expanded without a copy. */
export const wide = ({ node, batched }: Value, size: number): Node =>
  batched ? node : expand(reshape(node, [1, ...node.shape]), [size, ...node.shape]);

/** Dim `from` becomes dim `to`; the others keep their order. */
export function moveDim(x: Node, from: number, to: number): Node {
  const dims = x.shape.map((_, dim) => dim).filter((dim) => dim !== from);
  dims.splice(to, 0, from);
  return permute(x, dims);
}

type RuleOf<A extends Attributes> = (node: Node<A>, inputs: readonly Value[], size: number) => Node;
type Entry = readonly [op: Op, rule: BatchingRule];

const entry = <A extends Attributes>(op: Op<A>, rule: RuleOf<A>): Entry => {
  const known: Op<never> = op;
  return [
    known as Op,
    (node, inputs, size) => {
      if (!isOp(node, op)) throw new TypeError(`${node.op.name} is not ${op.name}`);
      return rule(node, inputs, size);
    },
  ];
};

/** The op over batched inputs, with its attributes adjusted for the extra dim. */
const shifted = <A extends Attributes>(op: Op<A>, change: (attributes: A, size: number) => A): Entry =>
  entry(op, (node, inputs, size) =>
    makeNode(
      op,
      inputs.map((input) => wide(input, size)),
      change(node.attributes, size),
    ),
  );

const up = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);
const onAxes = (op: Op<{ readonly axes: readonly number[] }>): Entry => shifted(op, ({ axes }) => ({ axes: up(axes) }));
const onAxis = (op: Op<{ readonly axis: number }>): Entry => shifted(op, ({ axis }) => ({ axis: axis + 1 }));
const onDim = (op: Op<{ readonly dim: number }>): Entry => shifted(op, ({ dim }) => ({ dim: dim + 1 }));
const toShape = (op: Op<{ readonly shape: readonly number[] }>): Entry =>
  shifted(op, ({ shape }, size) => ({ shape: [size, ...shape] }));
/** Ops that treat all leading dims alike. */
const unchanged = (op: Op): Entry => shifted(op, (attributes) => attributes);

const pointwise: readonly Op<never>[] = [
  ...[el.negOp, el.absOp, el.signOp, el.floorOp, el.ceilOp, el.roundOp, el.truncOp, el.expOp, el.expm1Op, el.logOp],
  ...[el.log1pOp, el.sqrtOp, el.sinOp, el.cosOp, el.tanOp, el.atanOp, el.tanhOp, el.sigmoidOp, el.erfOp, el.reluOp],
  ...[el.isnanOp, el.logicalNotOp, el.stopGradientOp, el.castOp, el.addOp, el.subOp, el.mulOp, el.divOp],
  ...[el.remainderOp, el.powOp, el.maximumOp, el.minimumOp, el.atan2Op, el.eqOp, el.neOp, el.ltOp, el.leOp, el.gtOp],
  ...[el.geOp, el.andOp, el.orOp, el.xorOp, el.shlOp, el.shrOp, el.whereOp],
  ...[special.asinOp, special.acosOp, special.sinhOp, special.coshOp, special.asinhOp, special.acoshOp],
  ...[special.atanhOp, special.log2Op, special.log10Op, special.exp2Op, special.erfcOp, special.erfcxOp],
  ...[special.erfinvOp, special.lgammaOp, special.digammaOp, special.polygammaOp, special.i0Op, special.i0eOp],
  ...[special.i1Op, special.i1eOp, special.signbitOp, special.nextafterOp],
  ...[aliasOp, positionOp, orderKeyOp, normalOp, exponentialOp, recomputeOp],
];
/** Ops on the last dims, with any leading dims. */
const onLastDims: readonly Op<never>[] = [distributeOp, windowOp, spreadOp, checkOp, butterflyOp];

const product: RuleOf<{ readonly batch: number; readonly inner: number }> = ({ attributes }, [a, b], size) => {
  const [left, right] = [a as Value, b as Value];
  const { batch, inner } = attributes;
  // Without shared batch dims, the examples of one side become rows or columns of one product.
  if (batch === 0 && !right.batched) return dot(left.node, right.node, 0, inner);
  if (batch === 0 && !left.batched) {
    const rows = left.node.shape.length - inner;
    return moveDim(dot(left.node, moveDim(right.node, 0, inner), 0, inner), rows, 0);
  }
  return dot(wide(left, size), wide(right, size), batch + 1, inner);
};

/** Examples become images if they share the weights, otherwise groups. */
const convolution: RuleOf<{ readonly stride: readonly number[]; readonly dilation: readonly number[] }> = (
  { attributes },
  [w, x],
  size,
) => {
  const [weight, input] = [w as Value, x as Value];
  const apart = (node: Node, dim: number): Node =>
    reshape(node, [...node.shape.slice(0, dim), size, at(node.shape, dim) / size, ...node.shape.slice(dim + 1)]);
  const joined = (node: Node, dim: number): Node =>
    reshape(node, [
      ...node.shape.slice(0, dim),
      at(node.shape, dim) * at(node.shape, dim + 1),
      ...node.shape.slice(dim + 2),
    ]);
  const run = (kernel: Node, images: Node): Node => makeNode(convolutionOp, [kernel, images], attributes);
  if (!weight.batched) return apart(run(weight.node, joined(input.node, 0)), 0);
  if (!input.batched) return moveDim(apart(run(joined(moveDim(weight.node, 0, 1), 1), input.node), 2), 2, 0);
  return moveDim(apart(run(joined(weight.node, 0), joined(moveDim(input.node, 0, 1), 1)), 1), 1, 0);
};

/** Positions [B, n] along a dim, as [B, …, n, …] for every element of [B, ...shape]. */
function everywhere(index: Node, shape: readonly number[], dim: number): Node {
  const [size, count] = [at(index.shape, 0), at(index.shape, 1)];
  const lifted = [size, ...shape.map((_, axis) => (axis === dim ? count : 1))];
  return expand(reshape(index, lifted), [size, ...shape.map((extent, axis) => (axis === dim ? count : extent))]);
}

const chosen: RuleOf<{ readonly dim: number }> = (node, [x, index], size) => {
  const [from, places] = [x as Value, index as Value];
  const { dim } = node.attributes;
  if (!places.batched) return makeNode(indexSelectOp, [from.node, places.node], { dim: dim + 1 });
  const count = at(places.node.shape, 1);
  if (from.batched)
    return makeNode(gatherOp, [from.node, everywhere(places.node, from.node.shape.slice(1), dim)], { dim: dim + 1 });
  // One list of positions for all examples, like an embedding lookup.
  const all = makeNode(indexSelectOp, [from.node, reshape(places.node, [size * count])], { dim });
  const split = reshape(all, [...all.shape.slice(0, dim), size, count, ...all.shape.slice(dim + 1)]);
  return moveDim(split, dim, 0);
};

const added: RuleOf<{ readonly dim: number }> = (node, [x, index, source], size) => {
  const [to, places, values] = [x as Value, index as Value, source as Value];
  const dim = node.attributes.dim + 1;
  const inputs = [wide(to, size), wide(values, size)] as const;
  if (!places.batched) return makeNode(indexAddOp, [inputs[0], places.node, inputs[1]], { dim });
  const everyPlace = everywhere(places.node, inputs[1].shape.slice(1), dim - 1);
  return makeNode(scatterAddOp, [inputs[0], everyPlace, inputs[1]], { dim });
};

const entries: readonly Entry[] = [
  ...[...pointwise, ...onLastDims].map((op) => unchanged(op as Op)),
  ...[sumOp, maxOp, minOp, prodOp, windowMaxOp].map(onAxes),
  ...[cumprodOp, cummaxOp].map(onAxis),
  ...[cumsumOp, gatherOp, scatterAddOp, lastAtOp, catOp].map(onDim),
  ...[reshapeOp, expandOp].map(toShape),
  shifted(permuteOp, ({ dims }) => ({ dims: [0, ...up(dims)] })),
  shifted(sliceOp, ({ starts, steps, shape }, size) => ({
    starts: [0, ...starts],
    steps: [1, ...steps],
    shape: [size, ...shape],
  })),
  shifted(padOp, ({ pads, value }) => ({ pads: [[0, 0, 0] as const, ...pads], value })),
  // All examples share the key and the draw number; the element index distinguishes them.
  entry(randomBitsOp, ({ attributes: { shape, word } }, inputs, size) =>
    makeNode(
      randomBitsOp,
      inputs.map(({ node }) => node),
      { shape: [size, ...shape], word },
    ),
  ),
  entry(dotOp, product),
  entry(convolutionOp, convolution),
  entry(indexSelectOp, chosen),
  entry(indexAddOp, added),
];

const rules: ReadonlyMap<Op, BatchingRule> = new Map(entries);

/** The rule of an op; undefined if it has none. */
export const batchingRule = (op: Op): BatchingRule | undefined => rules.get(op);
