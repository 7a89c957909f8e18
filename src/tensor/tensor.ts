// Tensor: an immutable value and a node of a lazy graph. Nothing runs until a value is asked for.
import { type DType, isFloat, type TypedArray } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import { type Node, sourceNode } from "../graph/node.ts";
import * as el from "../graph/ops/elementwise.ts";
import * as ix from "../graph/ops/indexing.ts";
import { matmul } from "../graph/ops/matmul.ts";
import * as mv from "../graph/ops/movement.ts";
import * as rd from "../graph/ops/reduce.ts";
import * as so from "../graph/ops/sort.ts";
import { formatShape, normalizeAxis, type Shape, sizeOf } from "../graph/shape.ts";
import { engine, Storage } from "../runtime/index.ts";
import { backward } from "./autograd.ts";
import { gradEnabled } from "./gradMode.ts";
import { evaluate, withChecks } from "./lazy.ts";
import type { MatmulOperand, MatmulShape } from "./shapeTypes.ts";
import { nodeInspect, showValues } from "./show.ts";
import { currentTrace, refuseInTrace } from "./trace.ts";

/** Nodes to which `backward` delivers: parameters, and tensors made with requiresGrad. */
export const gradientLeaves = new WeakMap<Node, Tensor>();

export type NestedArray = number | NestedArray[];
export type Operand = Tensor | number;
type Dims = number | readonly number[];

/** The value as a promise. While tracing it is refused at once: nobody waits for a promise there, and its failure would end the process. */
function soon<T>(read: () => T): Promise<T> {
  refuseInTrace("a value");
  return new Promise((resolve) => resolve(read()));
}

/** Chains of unevaluated operations are cut here, so that a loop that never asks for a value cannot grow for ever. */
const longestChain = 500;

interface TensorInit {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data?: TypedArray;
}

/** A tensor of a known or unknown shape. `Tensor<[32, 10]>` knows its sizes while typing; plain `Tensor` learns them when run. */
export class Tensor<S extends Shape = Shape> {
  readonly shape: S;
  readonly dtype: DType;
  #node: Node | undefined;
  #requiresGrad = false;
  #grad: Tensor | undefined;
  #chain = 0;

  constructor(node: Node | undefined, init: TensorInit) {
    this.shape = init.shape as S;
    this.dtype = init.dtype;
    this.#node = node;
    if (node === undefined && init.data !== undefined) {
      this.#node = sourceNode(init, new Storage(init.dtype, init.shape, init.data));
    }
  }

  /** Wraps a node of the graph. */
  static of(node: Node, requiresGrad = false): Tensor {
    const tensor = new Tensor(node, node);
    if (requiresGrad) tensor.#requiresGrad = true;
    return tensor;
  }

  /** The graph node that stands for this value now. */
  get node(): Node {
    const node = this.#node;
    if (node === undefined) throw new HebbError("this tensor has no value");
    return node;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get requiresGrad(): boolean {
    return this.#requiresGrad;
  }

  /** True makes this tensor a leaf that `backward` fills `grad` of. */
  set requiresGrad(value: boolean) {
    if (value && !isFloat(this.dtype))
      throw new HebbError(`requiresGrad: only float tensors have gradients, this one is ${this.dtype}`);
    this.#requiresGrad = value;
    if (value) gradientLeaves.set(this.node, this);
  }

  get grad(): Tensor | undefined {
    return this.#grad;
  }

  set grad(value: Tensor | undefined) {
    this.#grad = value;
  }

  /** The result of an operation on tensors: records history where a gradient may be wanted. */
  static from(node: Node, inputs: readonly Tensor[]): Tensor {
    const requiresGrad = gradEnabled() && isFloat(node.dtype) && inputs.some((input) => input.requiresGrad);
    const result = Tensor.of(gradEnabled() ? node : el.stopGradient(node), requiresGrad);
    let chain = 0;
    for (const input of inputs) chain = Math.max(chain, input.#chain);
    result.#chain = chain + 1;
    if (result.#chain > longestChain && currentTrace() === undefined && !requiresGrad) result.#settle();
    return result;
  }

  #settle(): Storage {
    const [value] = evaluate([this.node]) as [Storage];
    this.#chain = 0;
    // History stays only while something in it needs a gradient.
    if (!this.requiresGrad && this.#node !== undefined && this.#node.source === undefined)
      this.#node = sourceNode(value, value);
    return value;
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The elements in row-major order, at once. Processor backends only. */
  dataSync(): TypedArray {
    refuseInTrace("a value");
    // A copy: values are immutable, whatever the caller does with the array.
    return engine().memory.copy(this.#settle());
  }

  /** The elements in row-major order. */
  data(): Promise<TypedArray> {
    return soon(() => this.dataSync());
  }

  /** The only element, as a number. */
  itemSync(): number {
    if (this.size !== 1)
      throw new ShapeError(
        `item: the tensor has shape ${formatShape(this.shape)}; only a tensor of one element is a number; use data() or toArray()`,
      );
    return this.dataSync()[0] as number;
  }

  item(): Promise<number> {
    return soon(() => this.itemSync());
  }

  /** Nested arrays; a number for a scalar; booleans are 0 and 1. */
  toArraySync(): NestedArray {
    return nest(this.dataSync(), this.shape, 0, { at: 0 });
  }

  toArray(): Promise<NestedArray> {
    return soon(() => this.toArraySync());
  }

  // ── gradients ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Fills `grad` of every parameter this value depends on, adding to what is there. `gradient` is that of this value; it may
   * be left out for a single number (torch.Tensor.backward).
   */
  backward(gradient?: Tensor): void {
    backward(this, gradient);
  }

  /** The same value without history. */
  detach(): Tensor<S> {
    return Tensor.of(el.stopGradient(this.node)) as Tensor<S>;
  }

  clone(): Tensor<S> {
    return Tensor.from(this.node, [this]) as Tensor<S>;
  }

  #unary(fn: (x: Node) => Node): Tensor<S> {
    return Tensor.from(fn(this.node), [this]) as Tensor<S>;
  }

  #change(fn: (x: Node) => Node): Tensor {
    return Tensor.from(fn(this.node), [this]);
  }

  #binary(fn: (x: Node, y: Node) => Node, other: Operand): Tensor {
    if (other instanceof Tensor) return Tensor.from(fn(this.node, other.node), [this, other]);
    return Tensor.from(fn(this.node, el.scalarLike(other, this.node)), [this]);
  }

  /** Compares with a number as it is, in a wider dtype where this one does not hold it. */
  #compare(fn: (x: Node, y: Node) => Node, other: Operand): Tensor {
    if (other instanceof Tensor) return this.#binary(fn, other);
    return Tensor.from(fn(this.node, el.scalarBeside(other, this.node)), [this]);
  }

  // ── arithmetic (broadcasts; the wider dtype wins) ──────────────────────────────────────────────────────────────────

  add(other: Operand): Tensor {
    return this.#binary(el.add, other);
  }
  sub(other: Operand): Tensor {
    return this.#binary(el.sub, other);
  }
  mul(other: Operand): Tensor {
    return this.#binary(el.mul, other);
  }
  /** True division: whole numbers become float32. */
  div(other: Operand): Tensor {
    return this.#binary(el.div, other);
  }
  pow(exponent: Operand): Tensor {
    return this.#binary(el.pow, exponent);
  }
  /** The remainder with the sign of the divisor (torch.remainder). */
  remainder(divisor: Operand): Tensor {
    return this.#binary(el.remainder, divisor);
  }
  maximum(other: Operand): Tensor {
    return this.#compare(el.maximum, other);
  }
  minimum(other: Operand): Tensor {
    return this.#compare(el.minimum, other);
  }
  atan2(other: Operand): Tensor {
    return this.#binary(el.atan2, other);
  }
  eq(other: Operand): Tensor {
    return this.#compare(el.eq, other);
  }
  ne(other: Operand): Tensor {
    return this.#compare(el.ne, other);
  }
  lt(other: Operand): Tensor {
    return this.#compare(el.lt, other);
  }
  le(other: Operand): Tensor {
    return this.#compare(el.le, other);
  }
  gt(other: Operand): Tensor {
    return this.#compare(el.gt, other);
  }
  ge(other: Operand): Tensor {
    return this.#compare(el.ge, other);
  }
  logicalAnd(other: Operand): Tensor {
    return this.#binary(el.logicalAnd, other);
  }
  logicalOr(other: Operand): Tensor {
    return this.#binary(el.logicalOr, other);
  }
  logicalNot(): Tensor<S> {
    return this.#unary(el.logicalNot);
  }
  /** This where the condition holds, else `other`. */
  where(condition: Tensor, other: Operand): Tensor {
    const right = other instanceof Tensor ? other.node : el.scalarLike(other, this.node);
    return Tensor.from(el.where(condition.node, this.node, right), other instanceof Tensor ? [this, other] : [this]);
  }

  neg(): Tensor<S> {
    return this.#unary(el.neg);
  }
  abs(): Tensor<S> {
    return this.#unary(el.abs);
  }
  sign(): Tensor<S> {
    return this.#unary(el.sign);
  }
  floor(): Tensor<S> {
    return this.#unary(el.floor);
  }
  ceil(): Tensor<S> {
    return this.#unary(el.ceil);
  }
  /** Half to even. */
  round(): Tensor<S> {
    return this.#unary(el.round);
  }
  trunc(): Tensor<S> {
    return this.#unary(el.trunc);
  }
  exp(): Tensor<S> {
    return this.#unary(el.exp);
  }
  expm1(): Tensor<S> {
    return this.#unary(el.expm1);
  }
  log(): Tensor<S> {
    return this.#unary(el.log);
  }
  log1p(): Tensor<S> {
    return this.#unary(el.log1p);
  }
  sqrt(): Tensor<S> {
    return this.#unary(el.sqrt);
  }
  rsqrt(): Tensor<S> {
    return this.#unary(el.rsqrt);
  }
  reciprocal(): Tensor<S> {
    return this.#unary(el.reciprocal);
  }
  square(): Tensor<S> {
    return this.#unary(el.square);
  }
  sin(): Tensor<S> {
    return this.#unary(el.sin);
  }
  cos(): Tensor<S> {
    return this.#unary(el.cos);
  }
  tan(): Tensor<S> {
    return this.#unary(el.tan);
  }
  atan(): Tensor<S> {
    return this.#unary(el.atan);
  }
  tanh(): Tensor<S> {
    return this.#unary(el.tanh);
  }
  sigmoid(): Tensor<S> {
    return this.#unary(el.sigmoid);
  }
  erf(): Tensor<S> {
    return this.#unary(el.erf);
  }
  relu(): Tensor<S> {
    return this.#unary(el.relu);
  }
  isnan(): Tensor<S> {
    return this.#unary(el.isnan);
  }
  isinf(): Tensor<S> {
    return this.#unary(el.isinf);
  }
  isfinite(): Tensor<S> {
    return this.#unary(el.isfinite);
  }
  /** Limits values to [min, max]; either may be left out. */
  clamp(min?: number, max?: number): Tensor<S> {
    return this.#unary((x) => el.clamp(x, min, max));
  }
  to(dtype: DType): Tensor<S> {
    return this.#unary((x) => el.cast(x, dtype));
  }

  // ── reductions (over all dims unless `dim` says which) ─────────────────────────────────────────────────────────────

  sum(dim?: Dims, keepdim = false): Tensor {
    return this.#change((x) => rd.sum(x, dim, keepdim));
  }
  mean(dim?: Dims, keepdim = false): Tensor {
    return this.#change((x) => rd.mean(x, dim, keepdim));
  }
  prod(dim?: Dims, keepdim = false): Tensor {
    return this.#change((x) => rd.prod(x, dim, keepdim));
  }
  /** The largest; ties share the gradient (torch.amax). */
  amax(dim?: Dims, keepdim = false): Tensor {
    return this.#change((x) => rd.max(x, dim, keepdim));
  }
  amin(dim?: Dims, keepdim = false): Tensor {
    return this.#change((x) => rd.min(x, dim, keepdim));
  }
  max(dim?: Dims, keepdim = false): Tensor {
    return this.amax(dim, keepdim);
  }
  min(dim?: Dims, keepdim = false): Tensor {
    return this.amin(dim, keepdim);
  }
  argmax(dim?: number, keepdim = false): Tensor {
    return this.#change((x) => rd.argmax(x, dim, keepdim));
  }
  argmin(dim?: number, keepdim = false): Tensor {
    return this.#change((x) => rd.argmin(x, dim, keepdim));
  }
  any(dim?: Dims, keepdim = false): Tensor {
    return this.#change((x) => rd.any(x, dim, keepdim));
  }
  all(dim?: Dims, keepdim = false): Tensor {
    return this.#change((x) => rd.all(x, dim, keepdim));
  }
  /** Σ(x − mean)² / (n − correction). Default correction 1 (torch.var). */
  variance(dim?: Dims, options: { readonly correction?: number; readonly keepdim?: boolean } = {}): Tensor {
    return this.#change((x) => rd.variance(x, dim, options.correction ?? 1, options.keepdim ?? false));
  }
  std(dim?: Dims, options: { readonly correction?: number; readonly keepdim?: boolean } = {}): Tensor {
    return this.variance(dim, options).sqrt();
  }
  logsumexp(dim?: Dims, keepdim = false): Tensor {
    return this.#change((x) => rd.logsumexp(x, dim, keepdim));
  }
  /** √Σx². Its slope at 0 is taken as 0, as in PyTorch. */
  norm(dim?: Dims, keepdim = false): Tensor {
    const total = this.square().sum(dim, keepdim);
    const zero = total.eq(0);
    return Tensor.of(el.scalarLike(0, total)).where(zero, Tensor.of(el.scalarLike(1, total)).where(zero, total).sqrt());
  }
  softmax(dim = -1): Tensor<S> {
    return this.#unary((x) => rd.softmax(x, dim));
  }
  logSoftmax(dim = -1): Tensor<S> {
    return this.#unary((x) => rd.logSoftmax(x, dim));
  }
  cumsum(dim: number): Tensor<S> {
    return this.#unary((x) => ix.cumsum(x, dim));
  }

  // ── shape ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The same elements in another shape; one size may be -1. */
  reshape(shape: Shape): Tensor {
    return this.#change((x) => mv.reshape(x, shape));
  }
  flatten(startDim = 0, endDim = -1): Tensor {
    if (this.rank === 0) return this.reshape([1]);
    const start = normalizeAxis(startDim, this.rank, "flatten");
    const end = normalizeAxis(endDim, this.rank, "flatten");
    return this.reshape([
      ...this.shape.slice(0, start),
      sizeOf(this.shape.slice(start, end + 1)),
      ...this.shape.slice(end + 1),
    ]);
  }
  unflatten(dim: number, sizes: Shape): Tensor {
    const place = normalizeAxis(dim, this.rank, "unflatten");
    return this.reshape([...this.shape.slice(0, place), ...sizes, ...this.shape.slice(place + 1)]);
  }
  unsqueeze(dim: number): Tensor {
    const place = normalizeAxis(dim, this.rank + 1, "unsqueeze");
    return this.reshape([...this.shape.slice(0, place), 1, ...this.shape.slice(place)]);
  }
  /** Drops dims of size 1: all of them, or the one named. */
  squeeze(dim?: number): Tensor {
    const place = dim === undefined ? undefined : normalizeAxis(dim, this.rank, "squeeze");
    return this.reshape(this.shape.filter((extent, axis) => extent !== 1 || (place !== undefined && axis !== place)));
  }
  transpose(dim0: number, dim1: number): Tensor {
    const order = this.shape.map((_, axis) => axis);
    const a = normalizeAxis(dim0, this.rank, "transpose");
    const b = normalizeAxis(dim1, this.rank, "transpose");
    order[a] = b;
    order[b] = a;
    return this.permute(order);
  }
  permute(dims: readonly number[]): Tensor {
    return this.#change((x) => mv.permute(x, dims));
  }
  /** The transpose of a matrix. */
  t(): Tensor {
    if (this.rank > 2)
      throw new ShapeError(`t: takes a matrix, got ${formatShape(this.shape)}; use transpose(dim0, dim1)`);
    return this.rank < 2 ? this : this.transpose(0, 1);
  }
  expand(shape: Shape): Tensor {
    return this.#change((x) => mv.expand(x, shape));
  }
  flip(dims: Dims): Tensor<S> {
    return this.#unary((x) => mv.flip(x, typeof dims === "number" ? [dims] : dims));
  }
  repeat(sizes: Shape): Tensor {
    return this.#change((x) => mv.repeat(x, sizes));
  }
  /** Pads each dim by [before, after]; negative amounts crop. */
  pad(pads: readonly (readonly [before: number, after: number])[], value = 0): Tensor {
    return this.#change((x) => mv.pad(x, pads, value));
  }
  /** Elements start, start + step, … below end of one dim; negative positions count from the end. */
  slice(dim: number, start?: number, end?: number, step = 1): Tensor {
    return this.#change((x) => mv.slice(x, dim, start, end, step));
  }
  select(dim: number, index: number): Tensor {
    const place = normalizeAxis(dim, this.rank, "select");
    const extent = this.shape[place] as number;
    const at = index < 0 ? index + extent : index;
    if (!Number.isInteger(index) || at < 0 || at >= extent)
      throw new ShapeError(`select: index ${index} is outside dim ${dim} of size ${extent}`);
    return this.slice(place, at, at + 1).squeeze(place);
  }
  /** `length` places from `start` on. Throws ShapeError where they reach beyond the dim. */
  narrow(dim: number, start: number, length: number): Tensor {
    const extent = this.shape[normalizeAxis(dim, this.rank, "narrow")] as number;
    const from = start < 0 ? start + extent : start;
    if (!(Number.isInteger(from) && Number.isInteger(length) && from >= 0 && length >= 0 && from + length <= extent))
      throw new ShapeError(
        `narrow: ${length} places from ${start} on do not lie in dim ${dim} of size ${extent}; the third argument is a length, not an end`,
      );
    return this.slice(dim, from, from + length);
  }
  /** Pieces of `size` along a dim; the last may be smaller. */
  split(size: number, dim = 0): Tensor[] {
    const extent = this.shape[normalizeAxis(dim, this.rank, "split")] as number;
    if (!(Number.isInteger(size) && size > 0))
      throw new ShapeError(`split: the size of a piece must be a positive whole number, got ${size}`);
    return Array.from({ length: Math.ceil(extent / size) }, (_, place) =>
      this.slice(dim, place * size, Math.min(extent, (place + 1) * size)),
    );
  }
  /** About `count` pieces of equal size along a dim (torch.chunk). */
  chunk(count: number, dim = 0): Tensor[] {
    const extent = this.shape[normalizeAxis(dim, this.rank, "chunk")] as number;
    return this.split(Math.max(1, Math.ceil(extent / count)), dim);
  }

  // ── indexing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  gather(dim: number, index: Tensor): Tensor {
    return Tensor.from(withChecks(ix.gather(this.node, dim, index.node)), [this]);
  }
  indexSelect(dim: number, index: Tensor): Tensor {
    return Tensor.from(withChecks(ix.indexSelect(this.node, dim, index.node)), [this]);
  }
  scatterAdd(dim: number, index: Tensor, source: Tensor): Tensor {
    return Tensor.from(withChecks(ix.scatterAdd(this.node, dim, index.node, source.node)), [this, source]);
  }
  /** `value` where the mask holds. */
  maskedFill(mask: Tensor, value: number): Tensor {
    return this.#change((x) => ix.maskedFill(x, mask.node, value));
  }
  /** The lower triangle of the last two dims, zero elsewhere. */
  tril(diagonal = 0): Tensor<S> {
    return this.#unary((x) => ix.tril(x, diagonal));
  }
  triu(diagonal = 0): Tensor<S> {
    return this.#unary((x) => ix.triu(x, diagonal));
  }
  sort(dim = -1, options: { readonly descending?: boolean } = {}): { values: Tensor; indices: Tensor } {
    const { values, indices } = so.sort(this.node, dim, options.descending ?? false);
    return { values: Tensor.from(values, [this]), indices: Tensor.from(indices, []) };
  }
  argsort(dim = -1, options: { readonly descending?: boolean } = {}): Tensor {
    return this.sort(dim, options).indices;
  }
  topk(k: number, dim = -1): { values: Tensor; indices: Tensor } {
    const { values, indices } = so.topk(this.node, k, dim);
    return { values: Tensor.from(values, [this]), indices: Tensor.from(indices, []) };
  }

  // ── linear algebra ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Matrix product with PyTorch's rules for vectors and batches. */
  matmul<A extends Shape, B extends Shape>(this: Tensor<A>, other: MatmulOperand<A, B>): Tensor<MatmulShape<A, B>> {
    const right: Tensor = other;
    return Tensor.from(matmul(this.node, right.node), [this, right]) as Tensor<MatmulShape<A, B>>;
  }

  /** What it is called where it is printed. */
  protected get kind(): string {
    return "Tensor";
  }

  toString(): string {
    return `${this.kind} ${this.dtype}${formatShape(this.shape)}`;
  }

  /** What console.log shows in Node: values too, except inside a compiled function, where there are none. */
  [nodeInspect](depth: number): string {
    const head = `${this.toString()}${this.requiresGrad ? ", requiresGrad" : ""}`;
    if (depth < 0) return head;
    if (currentTrace() !== undefined) return `${head} (no values inside a compiled function)`;
    return `${head}${this.rank > 1 ? "\n" : " "}${showValues(this.dataSync(), this.shape, this.dtype)}`;
  }
}

function nest(data: TypedArray, shape: Shape, axis: number, cursor: { at: number }): NestedArray {
  if (axis === shape.length) return data[cursor.at++] as number;
  return Array.from({ length: shape[axis] as number }, () => nest(data, shape, axis + 1, cursor));
}
