// Tensor: an immutable value and a node of a lazy graph. Nothing runs until a value is read.
import { settle } from "../graph/apply.ts";
import { type DType, isFloat, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { numbersOf, storedNumbers } from "../graph/halves.ts";
import { type Node, newId, type Op, sourceNode } from "../graph/node.ts";
import { alias } from "../graph/ops/alias.ts";
import * as el from "../graph/ops/elementwise.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { type ComputeDevice, memoryOf, Storage, severalDevices } from "../runtime/index.ts";
import { backward, type Values } from "./backward.ts";
import { gradEnabled } from "./gradMode.ts";
import { evaluate, evaluateLater } from "./lazy.ts";
import { made, nodeOf, type Operable } from "./methods/operable.ts";
import { ReadingMethods } from "./methods/reading.ts";
import * as given from "./operands.ts";
import { deviceOf, homeOf, movedByUser } from "./placement.ts";
import { gradientOfOutside, notSingle } from "./refusals.ts";
import { nodeInspect, showTensor } from "./show.ts";
import { recordsStep } from "./steps.ts";
import { currentTrace, refuseInTrace, soon, traceGuard } from "./trace.ts";

/** Nodes to which `backward` delivers: parameters, and tensors made with requiresGrad. */
export const gradientLeaves = new WeakMap<Node, Tensor>();

/** The method that changes a dtype: a symbol, so that it is not public. */
export const retyped: unique symbol = Symbol("retyped");

export type Operand = Tensor | number;

/** Chains of unevaluated operations are cut here, so that a loop that never reads a value cannot grow forever. */
const longestChain = 500;

/** A tensor of a known or unknown shape. `Tensor<[32, 10]>` has its sizes at compile time; a plain `Tensor` only at run time. */
export class Tensor<S extends Shape = Shape> extends ReadingMethods<S> {
  readonly shape: S;
  #dtype: DType;
  /**
   * Equal only for tensors that certainly have the same value. Deep equality (Vitest's toEqual, Node's deepStrictEqual) cannot see values, and
   * without this would call any two tensors of one shape equal. To compare values, use toArray() or hebb/testing.
   */
  readonly id: number;
  #node: Node | undefined;
  #requiresGrad = false;
  #grad: Tensor | undefined;
  #chain = 0;
  #lostHistory: Op | undefined;

  constructor(node: Node | undefined, init: given.TensorInit) {
    super();
    if (init === undefined) throw new HebbError("Tensor: use tensor([1, 2, 3]) to make a tensor, not new Tensor(…)");
    this.shape = init.shape as S;
    this.#dtype = init.dtype;
    this.#node =
      node === undefined && init.data !== undefined
        ? sourceNode(init, new Storage(init.dtype, init.shape, storedNumbers(init.dtype, init.data)))
        : node;
    if (node !== undefined) settle(node);
    this.id = this.#node?.id ?? newId();
  }

  /** Wraps a node of the graph. */
  static of(node: Node, requiresGrad = false): Tensor {
    const tensor = new Tensor(node, node);
    if (requiresGrad) tensor.#requiresGrad = true;
    return tensor;
  }

  /** Wraps a result of a compiled function; `lost` marks one that would have a history outside compile. */
  static ofResult(value: Storage, lost: Op | undefined): Tensor {
    const tensor = new Tensor(sourceNode(value, value, lost), value);
    tensor.#lostHistory = lost;
    return tensor;
  }

  /** The current graph node of this value. */
  get node(): Node {
    const node = this.#node;
    if (node === undefined) throw new HebbError("this tensor has no value");
    return node;
  }

  get dtype(): DType {
    return this.#dtype;
  }

  /** Only states can change their dtype. */
  protected [retyped](dtype: DType): void {
    this.#dtype = dtype;
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

  /** The mark of its source if it was computed from a result of a compiled function that would have a history outside. */
  get lostHistory(): Op | undefined {
    return this.#lostHistory;
  }

  /** True makes this tensor a leaf whose `grad` is filled by `backward`. */
  set requiresGrad(value: boolean) {
    if (value && !isFloat(this.dtype))
      throw new HebbError(`requiresGrad: only float tensors have gradients, this one is ${this.dtype}`);
    this.#requiresGrad = value;
    if (!value) return;
    // A new leaf: nothing that it was computed from gets a gradient.
    if (this.#lostHistory !== undefined) this.#node = el.stopGradient(this.node);
    this.#lostHistory = undefined;
    // A loop reads through views of loop-invariant values, so a leaf must not be a view.
    if (this.node.op.traits?.view !== undefined) this.#node = alias(this.node);
    gradientLeaves.set(this.node, this);
    currentTrace()?.leaves.add(this);
  }

  /** The gradients of all `backward` calls so far, summed; undefined before the first. Set it to undefined to start again. */
  get grad(): Tensor | undefined {
    return Tensor.#isOfTrace(this) ? this.#grad : traceGuard(() => this.#grad);
  }

  set grad(value: Tensor | undefined) {
    if (!Tensor.#isOfTrace(this)) throw gradientOfOutside(this.shape);
    this.#grad = value;
  }

  // Private methods are static: each class with one of an instance would mark every new tensor, which small programs notice.

  /** Whether nothing is traced, or this is a leaf of what is. */
  static #isOfTrace(self: Tensor): boolean {
    return currentTrace()?.leaves.has(self) ?? true;
  }

  /** The result of an operation on tensors: records history where a gradient may be wanted. */
  static from(node: Node, inputs: readonly Tensor[]): Tensor {
    if (severalDevices()) homeOf(node);
    const keepsHistory = gradEnabled() && isFloat(node.dtype);
    const requiresGrad = keepsHistory && inputs.some((input) => input.requiresGrad);
    const result = Tensor.of(gradEnabled() ? node : el.stopGradient(node), requiresGrad);
    let chain = 0;
    for (const input of inputs) {
      chain = Math.max(chain, input.#chain);
      if (keepsHistory && input.#lostHistory !== undefined) result.#lostHistory = input.#lostHistory;
    }
    result.#chain = chain + 1;
    if (result.#chain > longestChain && currentTrace() === undefined && !recordsStep() && !requiresGrad)
      Tensor.#settle(result);
    return result;
  }

  static #settle(self: Tensor): Storage {
    return Tensor.#hold(self, evaluate([self.node])[0] as Storage);
  }

  static #hold(self: Tensor, value: Storage): Storage {
    self.#chain = 0;
    // History stays only while something in it needs a gradient.
    if (!self.requiresGrad && self.#node !== undefined && self.#node.source === undefined)
      self.#node = sourceNode(value, value, self.#lostHistory);
    return value;
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The elements in row-major order, synchronously, if the device is synchronous. 16-bit floats are a Float32Array. */
  dataSync(): TypedArray {
    refuseInTrace("a value");
    // A copy: values are immutable, whatever the caller does with the array.
    const value = Tensor.#settle(this);
    return numbersOf(this.dtype, memoryOf(value.place).copy(value));
  }

  /** The elements in row-major order. 16-bit floats are a Float32Array. */
  data(): Promise<TypedArray> {
    return soon(async () => {
      const value = severalDevices()
        ? Tensor.#hold(this, (await evaluateLater([this.node]))[0] as Storage)
        : Tensor.#settle(this);
      return numbersOf(this.dtype, await memoryOf(value.place).copyLater(value));
    });
  }

  /** The only element, as a number. */
  itemSync(): number {
    return Tensor.#single(this).dataSync()[0] as number;
  }
  item(): Promise<number> {
    return soon(async () => (await Tensor.#single(this).data())[0] as number);
  }

  static #single(self: Tensor): Tensor {
    if (self.size === 1) return self;
    throw notSingle(self.shape);
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
   * Fills `grad` of every parameter that this value depends on, adding to existing gradients. `gradient` is the gradient of this value. It may be
   * omitted for a single number (torch.Tensor.backward).
   */
  backward(gradient?: Tensor): void {
    if (gradient !== undefined) nodeOf("backward", gradient, "the gradient");
    backward<Tensor>(values, this, gradient);
  }

  /** The same value without history. */
  detach(): Tensor<S> {
    return Tensor.of(el.stopGradient(this.node)) as Tensor<S>;
  }

  clone(): Tensor<S> {
    return Tensor.from(this.node, [this]) as Tensor<S>;
  }

  /** Makes tensors from nodes for the methods in other files. */
  [made](node: Node, inputs: readonly Operable[]): Tensor {
    return Tensor.from(node, inputs as readonly Tensor[]);
  }

  /** The device of this tensor. Values computed from constants move to where they are used; until then this is the default device. */
  get device(): ComputeDevice {
    return deviceOf(this.node);
  }
  /** The same value on another device, or itself if it is already there. Gradients flow back. Source: torch.Tensor.to(device), jax.device_put. */
  toDevice(device: ComputeDevice): Tensor<S> {
    return Tensor.from(movedByUser(this.node, device), [this]) as Tensor<S>;
  }

  /** The name that is printed. */
  protected get kind(): string {
    return "Tensor";
  }

  /** The values as JSON: { shape, dtype, data }, with strings for the numbers that JSON lacks. `loadStateDict` accepts it. */
  toJSON(): given.TensorJson {
    return { shape: this.shape, dtype: this.dtype, data: Array.from(this.dataSync(), given.jsonNumber) };
  }

  override toString(): string {
    return `${this.kind} ${this.dtype}${formatShape(this.shape)}`;
  }

  /** The text that console.log shows in Node, including values if they are available. */
  [nodeInspect](depth: number): string {
    return showTensor(this, `${this}${this.requiresGrad ? ", requiresGrad" : ""}`, depth);
  }
}

const values: Values<Tensor> = { of: Tensor.of, sum: (a, b) => a.add(b), leafOf: (node) => gradientLeaves.get(node) };
