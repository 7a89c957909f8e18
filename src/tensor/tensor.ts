// Tensor: an immutable value and a node of a lazy graph. Nothing runs until a value is asked for.
import { type DType, isFloat, type TypedArray } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { type Node, newId, sourceNode } from "../graph/node.ts";
import * as el from "../graph/ops/elementwise.ts";
import * as ix from "../graph/ops/indexing.ts";
import { matmul } from "../graph/ops/matmul.ts";
import * as mv from "../graph/ops/movement.ts";
import * as rd from "../graph/ops/reduce.ts";
import * as so from "../graph/ops/sort.ts";
import * as st from "../graph/ops/statistics.ts";
import * as vw from "../graph/ops/views.ts";
import { checkKind, checkOptions } from "../graph/options.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { engine, Storage } from "../runtime/index.ts";
import { backward } from "./autograd.ts";
import { gradEnabled } from "./gradMode.ts";
import { evaluate, withChecks } from "./lazy.ts";
import * as given from "./operands.ts";
import { notATensor } from "./refusals.ts";
import type { MatmulOperand, MatmulShape } from "./shapeTypes.ts";
import { nodeInspect, showValues } from "./show.ts";
import { recordsStep } from "./steps.ts";
import { currentTrace, refuseInTrace, soon, traceGuard } from "./trace.ts";

/** Nodes to which `backward` delivers: parameters, and tensors made with requiresGrad. */
export const gradientLeaves = new WeakMap<Node, Tensor>();

export type Operand = Tensor | number;

/** Chains of unevaluated operations are cut here, so that a loop that never reads a value cannot grow forever. */
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
  /**
   * Equal only for tensors that are certainly the same value. Deep equality (Vitest's toEqual, Node's deepStrictEqual) cannot see values, and would
   * call any two tensors of one shape equal without it. To compare values: toArray(), or hebb/testing.
   */
  readonly id: number;
  #node: Node | undefined;
  #requiresGrad = false;
  #grad: Tensor | undefined;
  #chain = 0;

  constructor(node: Node | undefined, init: TensorInit) {
    if (init === undefined)
      throw new HebbError("Tensor: use tensor([1, 2, 3]) to make one of numbers, not new Tensor(…)");
    this.shape = init.shape as S;
    this.dtype = init.dtype;
    this.#node =
      node === undefined && init.data !== undefined
        ? sourceNode(init, new Storage(init.dtype, init.shape, init.data))
        : node;
    this.id = this.#node?.id ?? newId();
  }

  /** Wraps a node of the graph. */
  static of(node: Node, requiresGrad = false): Tensor {
    const tensor = new Tensor(node, node);
    if (requiresGrad) tensor.#requiresGrad = true;
    return tensor;
  }

  /** The graph node of this value at present. */
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
    if (!value) return;
    gradientLeaves.set(this.node, this);
    currentTrace()?.leaves.add(this);
  }

  /** The gradient of the last `backward` calls, summed; undefined before the first. Set it to undefined to start again. */
  get grad(): Tensor | undefined {
    return this.#isOfTrace() ? this.#grad : traceGuard(() => this.#grad);
  }

  set grad(value: Tensor | undefined) {
    if (!this.#isOfTrace())
      throw new HebbError(
        `the gradient of a tensor of shape ${formatShape(this.shape)} was set inside a compiled function that closes over the tensor; pass the tensor as an argument, or make it a Parameter`,
      );
    this.#grad = value;
  }

  /** Whether nothing is traced, or this is a leaf of what is. */
  #isOfTrace(): boolean {
    return currentTrace()?.leaves.has(this) ?? true;
  }

  /** The result of an operation on tensors: records history where a gradient may be wanted. */
  static from(node: Node, inputs: readonly Tensor[]): Tensor {
    const requiresGrad = gradEnabled() && isFloat(node.dtype) && inputs.some((input) => input.requiresGrad);
    const result = Tensor.of(gradEnabled() ? node : el.stopGradient(node), requiresGrad);
    let chain = 0;
    for (const input of inputs) chain = Math.max(chain, input.#chain);
    result.#chain = chain + 1;
    if (result.#chain > longestChain && currentTrace() === undefined && !recordsStep() && !requiresGrad)
      result.#settle();
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

  /** The elements in row-major order, at once: where the backend can, which are those of processors. */
  dataSync(): TypedArray {
    refuseInTrace("a value");
    // A copy: values are immutable, whatever the caller does with the array.
    return engine().memory.copy(this.#settle());
  }

  /** The elements in row-major order. */
  data(): Promise<TypedArray> {
    return soon(() => engine().memory.copyLater(this.#settle()));
  }

  /** The only element, as a number. */
  itemSync(): number {
    return this.#single().dataSync()[0] as number;
  }

  item(): Promise<number> {
    return soon(async () => (await this.#single().data())[0] as number);
  }

  #single(): this {
    if (this.size === 1) return this;
    throw new ShapeError(
      `item: the tensor has shape ${formatShape(this.shape)}; only a tensor with one element has an item; use data() or toArray()`,
    );
  }

  /** Nested arrays; a number for a scalar; booleans are 0 and 1. */
  toArraySync(): given.NestedArray {
    return given.nest(this.dataSync(), this.shape, 0, { at: 0 });
  }

  toArray(): Promise<given.NestedArray> {
    return soon(async () => given.nest(await this.data(), this.shape, 0, { at: 0 }));
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

  #binary(where: string, fn: (x: Node, y: Node) => Node, other: Operand): Tensor {
    if (other instanceof Tensor) return Tensor.from(fn(this.node, other.node), [this, other]);
    return Tensor.from(fn(this.node, el.scalarLike(given.numberOf(where, other), this.node)), [this]);
  }

  /** Compares with a number as it is, in a wider dtype where this one does not hold it. */
  #compare(where: string, fn: (x: Node, y: Node) => Node, other: Operand): Tensor {
    if (other instanceof Tensor) return this.#binary(where, fn, other);
    return Tensor.from(fn(this.node, el.scalarBeside(given.numberOf(where, other), this.node)), [this]);
  }

  #reduce<D>(where: string, fn: (x: Node, dim: D, keepdim: boolean) => Node, dim: D, keepdim: boolean): Tensor {
    checkKind(where, "keepdim", keepdim, kind.boolean);
    return Tensor.from(fn(this.node, dim, keepdim), [this]);
  }

  // ── arithmetic (broadcasts; the wider dtype wins) ──────────────────────────────────────────────────────────────────

  add(other: Operand): Tensor {
    return this.#binary("add", el.add, other);
  }
  sub(other: Operand): Tensor {
    return this.#binary("sub", el.sub, other);
  }
  mul(other: Operand): Tensor {
    return this.#binary("mul", el.mul, other);
  }
  /** True division: whole numbers become float32. */
  div(other: Operand): Tensor {
    return this.#binary("div", el.div, other);
  }
  pow(exponent: Operand): Tensor {
    return this.#binary("pow", el.pow, exponent);
  }
  /** The remainder with the sign of the divisor (torch.remainder). */
  remainder(divisor: Operand): Tensor {
    return this.#binary("remainder", el.remainder, divisor);
  }
  maximum(other: Operand): Tensor {
    return this.#compare("maximum", el.maximum, other);
  }
  minimum(other: Operand): Tensor {
    return this.#compare("minimum", el.minimum, other);
  }
  atan2(other: Operand): Tensor {
    return this.#binary("atan2", el.atan2, other);
  }
  eq(other: Operand): Tensor {
    return this.#compare("eq", el.eq, other);
  }
  ne(other: Operand): Tensor {
    return this.#compare("ne", el.ne, other);
  }
  lt(other: Operand): Tensor {
    return this.#compare("lt", el.lt, other);
  }
  le(other: Operand): Tensor {
    return this.#compare("le", el.le, other);
  }
  gt(other: Operand): Tensor {
    return this.#compare("gt", el.gt, other);
  }
  ge(other: Operand): Tensor {
    return this.#compare("ge", el.ge, other);
  }
  logicalAnd(other: Operand): Tensor {
    return this.#binary("logicalAnd", el.logicalAnd, other);
  }
  logicalOr(other: Operand): Tensor {
    return this.#binary("logicalOr", el.logicalOr, other);
  }
  logicalNot(): Tensor<S> {
    return this.#unary(el.logicalNot);
  }
  /** This where the condition holds, else `other`. */
  where(condition: Tensor, other: Operand): Tensor {
    const right = other instanceof Tensor ? other.node : el.scalarLike(given.numberOf("where", other), this.node);
    const chosen = el.where(nodeOf("where", condition, "the condition"), this.node, right);
    return Tensor.from(chosen, other instanceof Tensor ? [this, other] : [this]);
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
    if (min !== undefined) checkKind("clamp", "min", min, kind.number);
    if (max !== undefined) checkKind("clamp", "max", max, kind.number);
    return this.#unary((x) => el.clamp(x, min, max));
  }
  to(dtype: DType): Tensor<S> {
    checkKind("to", "dtype", dtype, kind.dtype);
    return this.#unary((x) => el.cast(x, dtype));
  }

  // ── reductions (over all dims unless `dim` says which) ─────────────────────────────────────────────────────────────

  sum(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("sum", rd.sum, dim, keepdim);
  }
  mean(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("mean", rd.mean, dim, keepdim);
  }
  prod(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("prod", rd.prod, dim, keepdim);
  }
  /** The largest; ties share the gradient (torch.amax). */
  amax(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("amax", rd.max, dim, keepdim);
  }
  amin(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("amin", rd.min, dim, keepdim);
  }
  max(dim?: given.Dims, keepdim = false): Tensor {
    return this.amax(dim, keepdim);
  }
  min(dim?: given.Dims, keepdim = false): Tensor {
    return this.amin(dim, keepdim);
  }
  argmax(dim?: number, keepdim = false): Tensor {
    return this.#reduce("argmax", rd.argmax, dim, keepdim);
  }
  argmin(dim?: number, keepdim = false): Tensor {
    return this.#reduce("argmin", rd.argmin, dim, keepdim);
  }
  any(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("any", rd.any, dim, keepdim);
  }
  all(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("all", rd.all, dim, keepdim);
  }
  /** Σ(x − mean)² / (n − correction). Default correction 1 (torch.var). */
  variance(dim?: given.Dims, options: given.VarianceOptions = {}): Tensor {
    const { correction = 1, keepdim = false } = checkOptions("variance", options, given.varianceKinds);
    return this.#change((x) => st.variance(x, dim, correction, keepdim));
  }
  /** √variance. Its slope at 0 is taken as 0, as in PyTorch. */
  std(dim?: given.Dims, options: given.VarianceOptions = {}): Tensor {
    const { correction = 1, keepdim = false } = checkOptions("std", options, given.varianceKinds);
    return this.#change((x) => st.std(x, dim, correction, keepdim));
  }
  logsumexp(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("logsumexp", rd.logsumexp, dim, keepdim);
  }
  /** √Σx². Its slope at 0 is taken as 0, as in PyTorch. */
  norm(dim?: given.Dims, keepdim = false): Tensor {
    return this.#reduce("norm", rd.norm, dim, keepdim);
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

  /** The same elements in another shape, [2, -1] or 2, -1; one size may be -1. */
  reshape(...shape: given.Sizes): Tensor {
    return this.#change((x) => mv.reshape(x, given.listed("reshape", shape)));
  }
  flatten(startDim = 0, endDim = -1): Tensor {
    return this.#change((x) => vw.flatten(x, startDim, endDim));
  }
  unflatten(dim: number, sizes: Shape): Tensor {
    checkKind("unflatten", "sizes", sizes, kind.numbers);
    return this.#change((x) => vw.unflatten(x, dim, sizes));
  }
  unsqueeze(dim: number): Tensor {
    return this.#change((x) => vw.unsqueeze(x, dim));
  }
  /** Drops dims of size 1: all of them, or the one named. */
  squeeze(dim?: number): Tensor {
    return this.#change((x) => vw.squeeze(x, dim));
  }
  transpose(dim0: number, dim1: number): Tensor {
    return this.#change((x) => vw.transpose(x, dim0, dim1));
  }
  /** The dims in another order, [1, 0] or 1, 0. */
  permute(...dims: given.Sizes): Tensor {
    return this.#change((x) => mv.permute(x, given.listed("permute", dims)));
  }
  /** The transpose of a matrix. */
  t(): Tensor {
    if (this.rank > 2)
      throw new ShapeError(`t: takes a matrix, got ${formatShape(this.shape)}; use transpose(dim0, dim1)`);
    return this.rank < 2 ? this : this.transpose(0, 1);
  }
  /** Dims of size 1 repeated to the given sizes, [2, -1] or 2, -1; -1 keeps a size, and new dims go in front. */
  expand(...shape: given.Sizes): Tensor {
    return this.#change((x) => mv.expand(x, given.listed("expand", shape)));
  }
  flip(...dims: given.Sizes): Tensor<S> {
    return this.#unary((x) => mv.flip(x, given.listed("flip", dims)));
  }
  /** The whole as often as said for each dim, [2, 1] or 2, 1. */
  repeat(...sizes: given.Sizes): Tensor {
    return this.#change((x) => mv.repeat(x, given.listed("repeat", sizes)));
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
    return this.#change((x) => vw.select(x, dim, index));
  }
  /** `length` places from `start` on. Throws ShapeError where they reach beyond the dim. */
  narrow(dim: number, start: number, length: number): Tensor {
    return this.#change((x) => vw.narrow(x, dim, start, length));
  }
  /** Pieces of `size` along a dim; the last may be smaller. */
  split(size: number, dim = 0): Tensor[] {
    return vw.split(this.node, size, dim).map((piece) => Tensor.from(piece, [this]));
  }
  /** About `count` pieces of equal size along a dim (torch.chunk). */
  chunk(count: number, dim = 0): Tensor[] {
    return vw.chunk(this.node, count, dim).map((piece) => Tensor.from(piece, [this]));
  }

  // ── indexing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  gather(dim: number, index: Tensor): Tensor {
    const places = nodeOf("gather", index, "the index");
    return this.#change((x) =>
      mv.reshape(withChecks(ix.gather(vw.atLeast1d(x), dim, vw.atLeast1d(places))), places.shape),
    );
  }
  indexSelect(dim: number, index: Tensor): Tensor {
    const places = vw.atLeast1d(nodeOf("indexSelect", index, "the index"));
    if (this.rank === 0) return this.reshape(1).indexSelect(dim, index).reshape([]);
    return this.#change((x) => withChecks(ix.indexSelect(x, dim, places)));
  }
  scatterAdd(dim: number, index: Tensor, source: Tensor): Tensor {
    const places = vw.atLeast1d(nodeOf("scatterAdd", index, "the index"));
    const added = vw.atLeast1d(nodeOf("scatterAdd", source, "the source"));
    const sums = withChecks(ix.scatterAdd(vw.atLeast1d(this.node), dim, places, added));
    return Tensor.from(mv.reshape(sums, this.shape), [this, source]);
  }
  /** `value` where the mask holds. */
  maskedFill(mask: Tensor, value: number): Tensor {
    const chosen = nodeOf("maskedFill", mask, "the mask");
    return this.#change((x) => ix.maskedFill(x, chosen, given.numberOf("maskedFill", value)));
  }
  /** The lower triangle of the last two dims, zero elsewhere. */
  tril(diagonal = 0): Tensor<S> {
    return this.#unary((x) => ix.tril(x, diagonal));
  }
  triu(diagonal = 0): Tensor<S> {
    return this.#unary((x) => ix.triu(x, diagonal));
  }
  sort(dim = -1, options: given.SortOptions = {}): { values: Tensor; indices: Tensor } {
    const { descending = false } = checkOptions("sort", options, given.sortKinds);
    const { values, indices } = so.sort(this.node, dim, descending);
    return { values: Tensor.from(values, [this]), indices: Tensor.from(indices, []) };
  }
  argsort(dim = -1, options: given.SortOptions = {}): Tensor {
    const { descending = false } = checkOptions("argsort", options, given.sortKinds);
    return Tensor.from(so.argsort(this.node, dim, descending), []);
  }
  /** The k largest along a dim, largest first, or the k smallest, smallest first (torch.topk). */
  topk(k: number, dim = -1, options: given.TopkOptions = {}): { values: Tensor; indices: Tensor } {
    const { largest = true } = checkOptions("topk", options, given.topkKinds);
    const { values, indices } = so.topk(this.node, k, dim, largest);
    return { values: Tensor.from(values, [this]), indices: Tensor.from(indices, []) };
  }

  // ── linear algebra ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Matrix product with PyTorch's rules for vectors and batches. */
  matmul<A extends Shape, B extends Shape>(this: Tensor<A>, other: MatmulOperand<A, B>): Tensor<MatmulShape<A, B>> {
    const right: Tensor = other;
    return Tensor.from(matmul(this.node, nodeOf("matmul", right, "the right side")), [this, right]) as Tensor<
      MatmulShape<A, B>
    >;
  }

  /** What it is called where it is printed. */
  protected get kind(): string {
    return "Tensor";
  }

  /** The values, so that JSON keeps them: { shape, dtype, data }, with text for the numbers that JSON lacks. `loadStateDict` takes it. */
  toJSON(): given.TensorJson {
    return { shape: this.shape, dtype: this.dtype, data: Array.from(this.dataSync(), given.jsonNumber) };
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

function nodeOf(where: string, value: Tensor, what: string): Node {
  if (value instanceof Tensor) return value.node;
  throw notATensor(where, what, value);
}
