// The base class of optimizers: parameter groups, state slots, the learning rate as a cell, state dicts.
import { unroundedWithin } from "../graph/apply.ts";
import { isHalf } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { formatShape, type Shape, sameShape } from "../graph/shape.ts";
import { type LoadableValue, readStateValue, type StateValue } from "../nn/stateValue.ts";
import { flush, type Operand, type Parameter, State, Tensor, tensor, traceGuard } from "../tensor/index.ts";
import {
  checkOptimizerOptions,
  groupsIn,
  type OptimizerKind,
  type OptionsOf,
  parametersIn,
  settled,
} from "./optimizerOptions.ts";
import { type CommonOptions, checkedLr, type GroupInit, ParameterGroup, type Params } from "./parameterGroup.ts";
import type { Sharding } from "./sharding.ts";

type OptionValue = number | boolean | readonly (number | null)[];

/** One group in a state dict: plain data. */
export interface GroupState {
  /** The name of the optimizer; no other can continue from this state. */
  readonly optimizer?: string;
  readonly lr: number;
  readonly initialLr?: number;
  readonly options: Readonly<Record<string, OptionValue>>;
  /** The indices of its parameters, counted over all groups. */
  readonly params: readonly number[];
}

/** The state of an optimizer: slots by parameter index and PyTorch's name ("0.exp_avg"), and its groups. */
export interface OptimizerState {
  readonly state: Readonly<Record<string, Tensor>>;
  readonly groups: readonly GroupState[];
}

/** The same for one rank: of sharded slots, it has this rank's part, flat and padded with zeros. */
export interface OwnOptimizerState extends OptimizerState {
  /** For each partial slot, the shape of the whole. */
  readonly shapes: ReadonlyMap<Tensor, Shape>;
}

/** The same, with slots as tensors or as arrays from a file. */
export interface LoadedOptimizerState {
  readonly state: Readonly<Record<string, LoadableValue>>;
  readonly groups: readonly GroupState[];
}

/** A state tensor of a parameter, and its initial value. */
interface Slot {
  readonly state: State;
  readonly initial: number;
}

/** The step count of parameters that started together, float64. */
interface Cohort {
  readonly cell: State;
}

/** What an update may use besides the parameter and its gradient. */
export interface UpdateContext<O extends CommonOptions> {
  readonly group: ParameterGroup<O>;
  readonly options: O;
  /** The learning rate, float64. */
  readonly lr: Tensor;
  /** A numeric option: once it has changed, its cell (float64). */
  option(name: keyof O & string): Operand;
  /** betas[place], in the same way. */
  beta(place: 0 | 1): Operand;
  /** The number of this step, from 1, float64. */
  step(): Tensor;
  /** A state tensor, initially zero (or `initial`), of the parameter's shape or one with some dims of size 1. */
  slot(name: string, initial?: number, shape?: Shape): State;
  /** A state number, float64. */
  number(name: string, initial: number): State;
}

/**
 * The base class of optimizers. Call `zeroGrad()`, `loss.backward()`, `step()`; inside `compile` they become part of the program. Subclasses define
 * the update. A parameter without a gradient is skipped. Source: torch.optim.Optimizer.
 */
export abstract class Optimizer<O extends CommonOptions = CommonOptions> {
  readonly groups: ParameterGroup<O>[] = [];
  readonly #kind: OptimizerKind<O>;
  readonly #lr: number;
  readonly #defaults: O;
  readonly #slots = new Map<Parameter, Map<string, Slot>>();
  readonly #cohorts = new Map<Parameter, Cohort>();
  #sharding: Sharding | undefined;
  /** Counts replacements of cells: compiled steps hold the old ones, and must be traced again. */
  #layout = 0;

  constructor(params: Params<O>, options: OptionsOf<O>, kind: OptimizerKind<O>) {
    this.#kind = kind;
    const { groups, loose } = groupsIn(kind.name, params);
    const { lr = kind.lr, ...own } = checkOptimizerOptions(kind, options);
    this.#lr = lr;
    this.#defaults = settled(kind.defaults, own);
    for (const group of groups) this.addGroup(group);
    if (loose.length > 0) this.#add(loose, lr, this.#defaults);
  }

  /** The name recorded in states, so that no other optimizer continues from them. */
  get name(): string {
    return this.#kind.name;
  }

  /** Adds further parameters to optimise (torch: add_param_group). */
  addGroup(init: GroupInit<O>): void {
    const { name, kinds } = this.#kind;
    checkOptions<object>(`${name}, a group`, init, { params: kind.anything, lr: kind.number, ...kinds });
    const { params, lr = this.#lr, ...own } = init;
    const list = parametersIn(`${name}, a group`, params);
    if (list.length === 0) throw new HebbError(`${name}: a group has no parameters; leave it out`);
    this.#add(list, lr, settled(this.#defaults, own));
  }

  #add(list: readonly Parameter[], lr: number, options: O): void {
    const known = new Set(this.groups.flatMap((group) => group.params));
    for (const parameter of list) {
      if (known.has(parameter))
        throw new HebbError(
          `${this.name}: the parameter "${parameter.name}" of shape ${formatShape(parameter.shape)} is given twice; list each parameter once`,
        );
      known.add(parameter);
    }
    this.#validate(options);
    this.groups.push(new ParameterGroup<O>(list, lr, options, { validate: (changed) => this.#validate(changed) }));
  }

  #validate(options: O): void {
    checkOptions<object>(this.#kind.name, options, this.#kind.kinds);
    this.check(options);
  }

  /** Throws if an option is out of range. */
  protected check(_options: O): void {}

  /** The new value of a parameter, given its gradient. Assigns its slots; the caller assigns the parameter. */
  protected abstract update(parameter: Tensor, grad: Tensor, context: UpdateContext<O>): Tensor;

  /** Whether every element is updated independently, so that a part of a parameter can be updated. */
  protected get elementwise(): boolean {
    return true;
  }

  /**
   * From now on each rank updates its part of every parameter and keeps only the slots of that part. With stage 2 the gradients are parts too. Call
   * it before the first step. `stateDict` then gathers the slots, so all ranks must call it.
   */
  shard(sharding: Sharding): void {
    if (!this.elementwise)
      throw new HebbError(`${this.name}: updates look at whole matrices, which ranks cannot share; leave zero out`);
    if (this.#slots.size > 0) throw new HebbError(`${this.name}: ranks share an update out from the first step on`);
    this.#sharding = sharding;
    this.#layout++;
  }

  /** The learning rate of the first group; setting it sets it for all groups. */
  get lr(): number {
    return (this.groups[0] as ParameterGroup<O>).lr;
  }

  set lr(value: number) {
    for (const group of this.groups) group.lr = value;
  }

  /** Clears the gradients of all parameters. */
  zeroGrad(): void {
    for (const group of this.groups) for (const parameter of group.params) parameter.grad = undefined;
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    traceGuard(() => this.#layout);
    const counts = new Map<Cohort, Tensor>();
    let fresh: Cohort | undefined;
    const joinNew = (): Cohort => {
      fresh ??= { cell: new State(0, { dtype: "float64", name: "step" }) };
      return fresh;
    };
    for (const group of this.groups) {
      for (const parameter of group.params) {
        const grad = parameter.grad;
        if (grad !== undefined) this.#move(group, parameter, grad, counts, joinNew);
      }
    }
    for (const [cohort, count] of counts) cohort.cell.assign(count);
    flush();
  }

  #move(
    group: ParameterGroup<O>,
    parameter: Parameter,
    grad: Tensor,
    counts: Map<Cohort, Tensor>,
    joinNew: () => Cohort,
  ): void {
    const remember = (name: string, initial: number, make: () => State): State => {
      const slots = this.#slots.get(parameter) ?? new Map<string, Slot>();
      this.#slots.set(parameter, slots);
      const slot = slots.get(name) ?? { state: make(), initial };
      slots.set(name, slot);
      return slot.state;
    };
    const { options } = group;
    const sharding = this.#sharding;
    const own = sharding === undefined ? parameter.shape : [sharding.sizeOf(parameter)];
    const context: UpdateContext<O> = {
      group,
      options,
      lr: group.lrTensor,
      option: (name) => group.operand(name, numberIn(options, name)),
      beta: (place) => group.operand(`beta${place + 1}`, numberIn(options, "betas", place)),
      step: () => {
        const cohort = this.#cohorts.get(parameter) ?? joinNew();
        this.#cohorts.set(parameter, cohort);
        const count = counts.get(cohort) ?? cohort.cell.add(1);
        counts.set(cohort, count);
        return count;
      },
      slot: (name, initial = 0, shape = own) =>
        remember(
          name,
          initial,
          () => new State(initial, { shape, dtype: parameter.dtype, name: `${parameter.name}.${name}` }),
        ),
      number: (name, initial) =>
        remember(name, initial, () => new State(initial, { dtype: "float64", name: `${parameter.name}.${name}` })),
    };
    // Detached, because an update is not part of any gradient.
    const slope = sharding?.stage === 1 ? sharding.partOf(grad.detach(), parameter) : grad.detach();
    const before = sharding === undefined ? parameter.detach() : sharding.partOf(parameter.detach(), parameter);
    // To its user, an update is one function: 16-bit floats are rounded when stored, not inside it.
    const after = unroundedWithin(() => this.update(before, options.maximize ? slope.neg() : slope, context));
    parameter.assign(sharding === undefined ? after : sharding.whole(after, parameter));
  }

  /** All parameters in order, over all groups. */
  #parameters(): Parameter[] {
    return this.groups.flatMap((group) => group.params);
  }

  /** A copy of slots and options; later steps do not change it. With sharded slots, all ranks must call it. */
  stateDict(): OptimizerState {
    return this.#stateWith((part, parameter, { whole }) => whole(part, parameter));
  }

  /** This rank's state, without communication. */
  ownState(): OwnOptimizerState {
    const shapes = new Map<Tensor, Shape>();
    const state = this.#stateWith((part, { shape }) => {
      shapes.set(part, shape);
      return part;
    });
    return { ...state, shapes };
  }

  #stateWith(ofPart: (part: Tensor, parameter: Parameter, sharding: Sharding) => Tensor): OptimizerState {
    const sharding = this.#sharding;
    const state: Record<string, Tensor> = Object.create(null);
    const parameters = this.#parameters();
    for (const [place, parameter] of parameters.entries()) {
      const cohort = this.#cohorts.get(parameter);
      if (cohort !== undefined) state[`${place}.step`] = Tensor.of(cohort.cell.node);
      for (const [name, slot] of this.#slots.get(parameter) ?? []) {
        const value = Tensor.of(slot.state.node);
        const isPart = sharding !== undefined && value.rank > 0;
        state[`${place}.${name}`] = isPart ? ofPart(value, parameter, sharding) : value;
      }
    }
    const groups = this.groups.map((group): GroupState => {
      const options: Record<string, OptionValue> = {};
      for (const [name, value] of Object.entries(group.options)) {
        if (typeof value === "number" || typeof value === "boolean" || Array.isArray(value)) options[name] = value;
      }
      return {
        optimizer: this.name,
        lr: group.lr,
        ...(group.initialLr === undefined ? {} : { initialLr: group.initialLr }),
        options,
        params: group.params.map((parameter) => parameters.indexOf(parameter)),
      };
    });
    return { state, groups };
  }

  /** Continues from a state dict of the same optimizer over the same parameters. Throws HebbError, changing nothing, if it does not match. */
  loadStateDict(saved: LoadedOptimizerState): void {
    refuseOther(this.name, saved ?? {});
    if (!Array.isArray(saved?.groups) || typeof saved.state !== "object" || saved.state === null)
      throw new HebbError(
        `loadStateDict: takes what stateDict() of an optimizer returned, { state, groups }, got ${describe(saved)}`,
      );
    const parameters = this.#parameters();
    if (
      saved.groups.length !== this.groups.length ||
      saved.groups.some((group, place) => group?.params?.length !== this.groups[place]?.params.length)
    ) {
      const sizes = (groups: readonly { readonly params?: readonly unknown[] }[]): string =>
        formatShape(groups.map((group) => group?.params?.length ?? 0));
      throw new HebbError(
        `loadStateDict: the state has groups of ${sizes(saved.groups)} parameters, this optimizer ${sizes(this.groups)}; build it over the same model`,
      );
    }
    const options = this.groups.map((group, place): O => {
      const changed = { ...group.options, ...saved.groups[place]?.options };
      this.#validate(changed);
      checkedLr(saved.groups[place]?.lr ?? Number.NaN);
      return changed;
    });
    const found: { parameter: Parameter; name: string; value: StateValue }[] = [];
    for (const [key, given] of Object.entries(saved.state)) {
      const dot = key.indexOf(".");
      const parameter = parameters[Number(key.slice(0, dot))];
      const name = key.slice(dot + 1);
      if (dot < 1 || parameter === undefined)
        throw new HebbError(
          `loadStateDict: "${key}" is not a parameter of this optimizer, which has ${parameters.length}`,
        );
      const value = readStateValue(key, given);
      if (value.shape.length > 0 && !fitsInto(value.shape, parameter.shape)) {
        throw new HebbError(
          `loadStateDict: "${key}" is ${formatShape(value.shape)} and its parameter ${formatShape(parameter.shape)}; build the optimizer over the same model`,
        );
      }
      found.push({ parameter, name, value });
    }
    // Compiled steps hold the cells, so the cells stay and get new values; missing state is reset.
    for (const { cell } of new Set(this.#cohorts.values())) cell.assign(0);
    for (const slots of this.#slots.values()) for (const { state, initial } of slots.values()) state.assign(initial);
    const cohorts = new Map<unknown, Cohort>();
    for (const { parameter, name, value } of found) {
      if (name === "step") {
        const cohort = this.#cohortAt(parameter, value, cohorts);
        if (this.#cohorts.get(parameter) !== cohort) this.#layout++;
        this.#cohorts.set(parameter, cohort);
      } else this.#setSlot(parameter, name, this.#ownPart(parameter, value));
    }
    for (const [place, group] of this.groups.entries()) {
      const state = saved.groups[place] as GroupState;
      const changed = options[place] as O;
      group.lr = state.lr;
      group.initialLr = state.initialLr;
      // Unchanged options must stay the same object: compiled steps are traced again when it changes.
      if (JSON.stringify(changed) !== JSON.stringify(group.options)) group.options = changed;
    }
  }

  /** The count of a parameter's steps, shared with parameters that have the same count; if counts are tensors, the same tensor. */
  #cohortAt(parameter: Parameter, count: StateValue, cohorts: Map<unknown, Cohort>): Cohort {
    const key = count instanceof Tensor ? count.node : count.data[0];
    const known = cohorts.get(key);
    if (known !== undefined) return known;
    const own = this.#cohorts.get(parameter);
    const free = own !== undefined && ![...cohorts.values()].includes(own);
    const cohort = free ? own : { cell: new State(0, { dtype: "float64", name: "step" }) };
    cohort.cell.assign(count instanceof Tensor ? count.reshape([]) : count.data);
    cohorts.set(key, cohort);
    return cohort;
  }

  /** This rank's part of a saved slot. */
  #ownPart(parameter: Parameter, value: StateValue): StateValue {
    if (this.#sharding === undefined || value.shape.length === 0) return value;
    const whole = value instanceof Tensor ? value : tensor(value.data, { shape: value.shape, dtype: value.dtype });
    return this.#sharding.partOf(whole, parameter);
  }

  #setSlot(parameter: Parameter, name: string, value: StateValue): void {
    const data = value instanceof Tensor ? value : value.data;
    const slots = this.#slots.get(parameter) ?? new Map<string, Slot>();
    this.#slots.set(parameter, slots);
    const known = slots.get(name);
    if (known !== undefined && sameShape(known.state.shape, value.shape)) {
      known.state.assign(data);
      return;
    }
    // Files hold 16-bit floats as float32, and only slots of 16-bit parameters are 16-bit.
    const dtype = value.dtype === "float32" && isHalf(parameter.dtype) ? parameter.dtype : value.dtype;
    const state = new State(data, { shape: value.shape, dtype, name: `${parameter.name}.${name}` });
    this.#layout++;
    slots.set(name, { state, initial: known?.initial ?? 0 });
  }
}

/** Whether each dim of a slot has the parameter's size, or size 1. */
const fitsInto = (slot: Shape, parameter: Shape): boolean =>
  slot.length === parameter.length && slot.every((extent, dim) => extent === parameter[dim] || extent === 1);

/** options[name], or options[name][place]. */
function numberIn(options: object, name: string, place?: number): number {
  const all: Readonly<Record<string, unknown>> = { ...options };
  const found = all[name];
  const value: unknown = place !== undefined && Array.isArray(found) ? found[place] : found;
  if (typeof value !== "number")
    throw new HebbError(`optimizer: the option ${name} must be a number, got ${String(value)}`);
  return value;
}

/** Refuses the state of another kind of optimizer, because its numbers have another meaning. */
export function refuseOther(
  name: string,
  saved: { readonly groups?: readonly GroupState[]; readonly moves?: object },
): void {
  const groups: readonly (GroupState | null)[] = Array.isArray(saved.groups) ? saved.groups : [];
  const of = groups.find((group) => typeof group?.optimizer === "string")?.optimizer;
  const other = of ?? (saved.moves === undefined ? undefined : "LBFGS");
  if (other !== undefined && other !== name)
    throw new HebbError(
      `loadStateDict: the state is of ${other}, this optimizer is ${name}; continue with ${other}, or start ${name} without the saved state`,
    );
}
