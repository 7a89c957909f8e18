// State cells as tensors: State changes by assign; Parameter is a State that receives gradients.
import { allocate, type DType, dtypeOf, isFloat, type TypedArray } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import { numbersOf, storedNumber, storedNumbers } from "../graph/halves.ts";
import * as kind from "../graph/kinds.ts";
import type { Node } from "../graph/node.ts";
import { cast, stopGradient } from "../graph/ops/elementwise.ts";
import { reshape } from "../graph/ops/movement.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../graph/shape.ts";
import {
  Cell,
  type ComputeDevice,
  cellMemory,
  deviceOfHome,
  engineOf,
  type Home,
  homeOfDevice,
  homeOrDefault,
  memoryOf,
  nextGeneration,
  Storage,
  severalDevices,
} from "../runtime/index.ts";
import { checkShape } from "./creation.ts";
import { assignCell, cellNode, evaluate, evaluateLater, flush, moveCell, overwriteCell, waits } from "./lazy.ts";
import { homeOf } from "./placement.ts";
import { notATensor } from "./refusals.ts";
import { gradientLeaves, retyped, Tensor } from "./tensor.ts";
import { currentTrace, readFlag, refuseInTrace, setFlag, soon, type Trace, traceGuard } from "./trace.ts";

export interface StateOptions {
  readonly shape?: Shape;
  /** Default: that of the value; float32 for a number. */
  readonly dtype?: DType;
  /** The name in listings and errors. */
  readonly name?: string;
}

const stateKinds: OptionKinds<StateOptions> = { shape: kind.numbers, dtype: kind.dtype, name: kind.string };

export interface ParameterOptions extends StateOptions {
  /** False freezes it. Default true. */
  readonly requiresGrad?: boolean;
}

const parameterKinds: OptionKinds<ParameterOptions> = { ...stateKinds, requiresGrad: kind.boolean };

/** Values that replace states while a function runs (functionalCall). */
let stands: ReadonlyMap<State, Tensor> = new Map();

/** Runs `body` with values in place of states: reads return them, and assignments are refused. */
export function withStates<T>(values: ReadonlyMap<State, Tensor>, body: () => T): T {
  const outer = stands;
  stands = new Map([...outer, ...values]);
  try {
    return body();
  } finally {
    stands = outer;
  }
}

/**
 * A mutable value, the only kind there is. Inside a compiled function an assignment becomes part of the program; outside, it takes effect at once.
 * Later reads return the new value, which never carries history.
 */
export class State extends Tensor {
  #cell: Cell;

  constructor(value: Tensor | TypedArray | number, options: StateOptions = {}) {
    const { shape, dtype, data } = initial(value, checkOptions("State", options, stateKinds));
    const cell = new Cell(dtype, shape, data instanceof Storage ? 0 : held(dtype, data), options.name ?? "");
    super(undefined, { shape, dtype });
    this.#cell = cell;
    // The value already lies in its final memory, and nothing else refers to it.
    if (data instanceof Storage) engineOf(data.place.at).memory.adopt(cell, data, { spent: true });
  }

  get cell(): Cell {
    return this.#cell;
  }

  /** Converts the value and its gradient to another dtype. */
  convert(dtype: DType): void {
    if (dtype === this.dtype) return;
    if (currentTrace() !== undefined)
      throw new HebbError("a compiled function cannot change the dtype of a state; convert the module before the call");
    const [value] = evaluate([stopGradient(cast(this.node, dtype))]) as [Storage];
    const { home, name } = this.#cell;
    this.#cell = new Cell(dtype, this.shape, 0, name);
    this.#cell.home = home;
    engineOf(value.place.at).memory.adopt(this.#cell, value, { spent: true });
    this[retyped](dtype);
    nextGeneration();
  }

  /** The device of the value. A State made from numbers moves to where it is used; a Parameter stays until its module moves. */
  override get device(): ComputeDevice {
    return deviceOfHome(this.cell.home ?? this.cell.at);
  }

  override get node(): Node {
    return stands.get(this)?.node ?? cellNode(this.cell);
  }

  get name(): string {
    return this.cell.name;
  }

  set name(name: string) {
    this.cell.name = name;
  }

  /** Assigns a new value of the same shape; a tensor of another dtype is converted. */
  assign(value: Tensor | ArrayLike<number> | number): this {
    if (stands.has(this))
      throw new HebbError(
        `functionalCall: the module assigns ${this.label}, which was given as a value; call its eval() first, or leave that value out`,
      );
    if (value instanceof Tensor) {
      if (!sameShape(value.shape, this.shape)) {
        throw new ShapeError(
          `assign: a value of shape ${formatShape(value.shape)} does not fit the state ${this.label} of shape ${formatShape(this.shape)}`,
        );
      }
      assignCell(this.cell, stopGradient(cast(value.node, this.dtype)), { own: true });
      return this;
    }
    if (typeof value !== "number" && !Array.isArray(value) && !ArrayBuffer.isView(value))
      throw new HebbError(`assign: takes a tensor, an array or a number, got ${kind.describe(value)}`);
    if (typeof value !== "number" && value.length !== this.size) {
      throw new ShapeError(
        `assign: ${value.length} values do not fit the state ${this.label} of shape ${formatShape(this.shape)}, which takes ${this.size}`,
      );
    }
    const data = allocate(this.dtype, this.size);
    if (typeof value === "number") data.fill(value);
    else data.set(value);
    if (currentTrace() !== undefined) {
      assignCell(this.cell, new Tensor(undefined, { shape: this.shape, dtype: this.dtype, data }).node);
      return this;
    }
    overwriteCell(this.cell);
    cellMemory(this.cell).writeCell(this.cell, storedNumbers(this.dtype, data));
    return this;
  }

  override dataSync(): TypedArray {
    refuseInTrace("a value");
    flush();
    if (waits(this.cell)) evaluate([this.node]);
    return numbersOf(this.dtype, memoryOf(this.cell).readCell(this.cell));
  }

  override data(): Promise<TypedArray> {
    return soon(async () => {
      flush();
      const stored = waits(this.cell) ? await this.#arrived() : await memoryOf(this.cell).readCellLater(this.cell);
      return numbersOf(this.dtype, stored);
    });
  }

  /** The value, after any transfer from another device. */
  async #arrived(): Promise<TypedArray> {
    const node = this.node;
    const [value] = (await evaluateLater([node])) as [Storage];
    return memoryOf(value.place).copyLater(value);
  }

  private get label(): string {
    return this.cell.name === "" ? "" : `"${this.cell.name}"`;
  }

  protected override get kind(): string {
    return `State ${this.label}`.trimEnd();
  }
}

/** The initial value in the form that memory stores. */
const held = (dtype: DType, data: TypedArray | number): TypedArray | number =>
  typeof data === "number" ? storedNumber(dtype, data) : storedNumbers(dtype, data);

function initial(
  value: Tensor | TypedArray | number,
  options: StateOptions,
): { shape: Shape; dtype: DType; data: TypedArray | number | Storage } {
  checkShape("State", options.shape ?? []);
  if (value instanceof Tensor) {
    refuseInTrace("a value");
    const dtype = options.dtype ?? value.dtype;
    const shape = options.shape ?? value.shape;
    if (sizeOf(shape) !== value.size)
      throw new ShapeError(`state: ${value.size} values do not fill a shape ${formatShape(shape)}`);
    // A separate node, so that only this cell owns the storage.
    const [data] = evaluate([stopGradient(reshape(cast(value.node, dtype), shape))]) as [Storage];
    return { shape, dtype, data };
  }
  if (typeof value === "number") {
    const shape = options.shape ?? [];
    const dtype = options.dtype ?? "float32";
    return { shape, dtype, data: value };
  }
  if (!ArrayBuffer.isView(value)) throw notATensor("State", "the value", value);
  const dtype = options.dtype ?? dtypeOf(value);
  const shape = options.shape ?? [value.length];
  if (sizeOf(shape) !== value.length)
    throw new ShapeError(`state: ${value.length} values do not fill a shape ${formatShape(shape)}`);
  const data = allocate(dtype, value.length);
  data.set(value);
  return { shape, dtype, data };
}

/** Gradients set while tracing; undefined: cleared. */
const gradientsOf = new WeakMap<Trace, Map<Parameter, Tensor | undefined>>();

function gradientsIn(trace: Trace): Map<Parameter, Tensor | undefined> {
  const known = gradientsOf.get(trace);
  if (known !== undefined) return known;
  const fresh = new Map<Parameter, Tensor | undefined>();
  gradientsOf.set(trace, fresh);
  return fresh;
}

/** A State that is learned. `backward` fills `grad`; an optimizer reads it and assigns the new value. */
export class Parameter extends State {
  #requiresGrad: boolean;
  #grad: Tensor | undefined;
  /** Holds a gradient that a compiled function leaves unconsumed, between calls. */
  #gradState: State | undefined;

  constructor(value: Tensor | TypedArray | number, options: ParameterOptions = {}) {
    const { requiresGrad = true, ...own } = checkOptions("Parameter", options, parameterKinds);
    super(value, own);
    const home = value instanceof Tensor && severalDevices() ? homeOf(value.node) : undefined;
    this.cell.home = homeOrDefault(home);
    if (!isFloat(this.dtype))
      throw new HebbError(
        `a parameter must have a float dtype to be trained, got ${this.dtype}; use State for other values`,
      );
    this.#requiresGrad = requiresGrad;
  }

  override get requiresGrad(): boolean {
    return stands.get(this)?.requiresGrad ?? readFlag(this, () => this.#requiresGrad);
  }

  /** False freezes the parameter, so that it gets no gradient. */
  override set requiresGrad(value: boolean) {
    setFlag(this, () => {
      this.#requiresGrad = value;
    });
  }

  protected override get kind(): string {
    return super.kind.replace("State", "Parameter");
  }

  override get node(): Node {
    const given = stands.get(this);
    if (given !== undefined) return given.node;
    const node = cellNode(this.cell);
    if (this.#requiresGrad) gradientLeaves.set(node, this);
    return node;
  }

  /** The gradient of the last `backward` calls, summed; undefined before the first and after zeroGrad. */
  override get grad(): Tensor | undefined {
    const trace = currentTrace();
    if (trace === undefined) return this.#grad;
    const set = gradientsIn(trace);
    if (set.has(this)) return set.get(this);
    return traceGuard(() => this.#standingGrad());
  }

  override set grad(value: Tensor | undefined) {
    const trace = currentTrace();
    if (trace === undefined) {
      this.#grad = value;
      return;
    }
    const set = gradientsIn(trace);
    if (!set.has(this)) trace.finishers.push(() => this.#leaveTrace(trace));
    set.set(this, value);
  }

  override convert(dtype: DType): void {
    if (!isFloat(dtype)) throw new HebbError(`a parameter must have a float dtype to be trained, not ${dtype}`);
    const grad = this.#grad?.to(dtype);
    super.convert(dtype);
    this.#grad = grad;
    this.#gradState = undefined;
  }

  /** The gradient as a state cell that a compiled function can add to. */
  #standingGrad(): State | undefined {
    const grad = this.#grad;
    if (grad === undefined) return undefined;
    this.#gradState ??= new State(0, { shape: this.shape, dtype: this.dtype, name: `${this.name}.grad` });
    if (grad !== this.#gradState) {
      const value = evaluate([grad.node])[0] as Storage;
      engineOf(value.place.home ?? value.place.at).memory.adopt(this.#gradState.cell, value);
      this.#grad = this.#gradState;
    }
    return this.#gradState;
  }

  /** A gradient consumed in the step vanishes with the trace; one that remains becomes a state cell. */
  #leaveTrace(trace: Trace): void {
    const value = gradientsIn(trace).get(this);
    if (value === undefined || trace.writes.has(this.cell)) {
      trace.afterRun.push(() => {
        this.#grad = undefined;
      });
      return;
    }
    this.#gradState ??= new State(0, { shape: this.shape, dtype: this.dtype, name: `${this.name}.grad` });
    const state = this.#gradState;
    if (value !== state) state.assign(value);
    trace.afterRun.push(() => {
      this.#grad = state;
    });
  }
}

/** Assigns the states, and the gradients of parameters, to this device. */
export function moveStates(where: string, states: readonly State[], device: ComputeDevice): void {
  const home = homeOfDevice(where, device);
  if (currentTrace() !== undefined)
    throw new HebbError(`${where}: a compiled function runs on one device; move the module before the call`);
  for (const state of states) moveState(state, home);
}

function moveState(state: State, home: Home): void {
  const grad = state instanceof Parameter ? state.grad : undefined;
  if (grad instanceof State) moveCell(grad.cell, home);
  else if (grad !== undefined) state.grad = grad.toDevice(deviceOfHome(home));
  moveCell(state.cell, home);
}

export const stateKind = kind.of<State>("a Parameter or a State", (value) => value instanceof State);

/** Returns the state; refuses anything else, such as a tensor, which cannot change. */
export function givenState(where: string, value: State): State {
  checkKind(where, "the state", value, stateKind);
  return value;
}
