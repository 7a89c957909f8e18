// The base of optimizers: parameter groups, state slots, the learning rate as a cell, state dicts.
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import type { StateValue } from "../nn/module.ts";
import { currentTrace, flush, type Operand, type Parameter, State, Tensor, traceGuard } from "../tensor/index.ts";

/** Options that every optimizer has. */
export interface CommonOptions {
  /** Go uphill instead of downhill. Default false. */
  readonly maximize?: boolean;
}

/** Parameters with options of their own, beside those of the optimizer. */
export type GroupInit<O> = { readonly params: Iterable<Parameter>; readonly lr?: number } & Partial<O>;
export type Params<O> = Iterable<Parameter> | Iterable<GroupInit<O>>;

type OptionValue = number | boolean | readonly number[];

/** One group in a state dict: plain data. */
export interface GroupState {
  /** The name of the optimizer; it alone can go on from this. */
  readonly optimizer?: string;
  readonly lr: number;
  readonly initialLr?: number;
  readonly options: Readonly<Record<string, OptionValue>>;
  /** The places of its parameters, counted over all groups. */
  readonly params: readonly number[];
}

/** What an optimizer remembers: slots by parameter place and PyTorch's name ("0.exp_avg"), and its groups. */
export interface OptimizerState {
  readonly state: Readonly<Record<string, Tensor>>;
  readonly groups: readonly GroupState[];
}

/** The same, with slots as tensors or as arrays from a file. */
export interface LoadedOptimizerState {
  readonly state: Readonly<Record<string, StateValue>>;
  readonly groups: readonly GroupState[];
}

/** Every option may be left out; the learning rate is one of them. */
export type OptionsOf<O extends CommonOptions> = Partial<O> & { readonly lr?: number };

/** Parameters that share their options. */
export class ParameterGroup<O extends CommonOptions = CommonOptions> {
  readonly params: readonly Parameter[];
  /** Where schedules start from: the learning rate before the first of them. */
  initialLr: number | undefined;
  #options: O;
  readonly #lrCell: State;
  #lr: number;
  /** Options that change at run time: cells, so that changing them does not compile anew. */
  readonly #cells = new Map<string, { readonly cell: State; value: number }>();

  constructor(params: readonly Parameter[], lr: number, options: O) {
    this.params = params;
    this.#options = { ...options };
    this.#lr = checkedLr(lr);
    this.#lrCell = new State(lr, { dtype: "float64", name: "lr" });
  }

  get lr(): number {
    return traceGuard(() => this.#lr);
  }

  /** Takes effect at the next step, without compiling anew. */
  set lr(value: number) {
    refuseInTrace("the learning rate");
    this.#lr = checkedLr(value);
    this.#lrCell.assign(value);
  }

  /** The learning rate in the graph, float64. */
  get lrTensor(): Tensor {
    return this.#lrCell;
  }

  /** A compiled step that read the options is traced again when they change. */
  get options(): O {
    return traceGuard(() => this.#options);
  }

  /**
   * Numbers that change become cells: the step is traced again when one first changes, and never after. Any other change
   * traces again.
   */
  set options(options: O) {
    refuseInTrace("the options of an optimizer");
    const changes = numericChanges(this.#options, options);
    if (changes === undefined) {
      this.#cells.clear();
      this.#options = options;
      return;
    }
    for (const [name, value] of changes) this.vary(name, value);
    // The same object: compiled steps look at which it is.
    Object.assign(this.#options, options);
  }

  /** Makes an option one that may change at every step. */
  vary(name: string, value: number): void {
    refuseInTrace("an option of an optimizer");
    const known = this.#cells.get(name);
    if (known === undefined) {
      this.#cells.set(name, { cell: new State(value, { dtype: "float64", name }), value });
      return;
    }
    known.value = value;
    known.cell.assign(value);
  }

  /** The present value of an option that varies. */
  varying(name: string): number | undefined {
    return this.#cells.get(name)?.value;
  }

  /** An option for the graph: its cell (float64) if it varies, else the number. */
  operand(name: string, value: number): Operand {
    return traceGuard(() => this.#cells.get(name)?.cell) ?? value;
  }
}

/** The numbers in which two sets of options differ, with an optimizer's name for each; undefined when they differ in more. */
function numericChanges(before: object, after: object): [name: string, value: number][] | undefined {
  const changes: [string, number][] = [];
  const old: Readonly<Record<string, unknown>> = { ...before };
  for (const [name, value] of Object.entries(after) as [string, unknown][]) {
    const was = old[name];
    if (Object.is(was, value) || JSON.stringify(was) === JSON.stringify(value)) continue;
    if (typeof was === "number" && typeof value === "number") changes.push([name, value]);
    else if (name === "betas" && Array.isArray(value)) {
      for (const [place, beta] of (value as readonly unknown[]).entries())
        if (typeof beta === "number") changes.push([`beta${place + 1}`, beta]);
    } else return undefined;
  }
  return changes;
}

function checkedLr(lr: number): number {
  if (!(lr >= 0 && Number.isFinite(lr)))
    throw new HebbError(`optimizer: the learning rate must be a number of 0 or more, got ${lr}`);
  return lr;
}

function refuseInTrace(what: string): void {
  if (currentTrace() !== undefined)
    throw new HebbError(
      `${what} was set inside a compiled function; set it between calls: it is a cell, so nothing is compiled again`,
    );
}

/** A remembered value, and what it starts from. */
interface Slot {
  readonly state: State;
  readonly initial: number;
}

/** The step count of parameters that began together, float64. */
interface Cohort {
  readonly cell: State;
}

/** What an update may use beside the parameter and its gradient. */
export interface UpdateContext<O extends CommonOptions> {
  readonly group: ParameterGroup<O>;
  readonly options: O;
  /** The learning rate, float64. */
  readonly lr: Tensor;
  /** An option that is a number: its cell (float64) once it has changed. */
  option(name: keyof O & string): Operand;
  /** betas[place], in the same way. */
  beta(place: 0 | 1): Operand;
  /** The number of this step, from 1, float64. */
  step(): Tensor;
  /** A remembered tensor of the parameter's shape, zero (or `initial`) at first. */
  slot(name: string, initial?: number): State;
  /** A remembered number, float64. */
  number(name: string, initial: number): State;
}

/** A scalar of the graph in the parameter's dtype: scalars are computed in float64 and rounded once, here. */
export const scalar = (value: Operand, like: Tensor): Operand =>
  value instanceof Tensor ? value.to(like.dtype) : value;

/**
 * The base of optimizers. `zeroGrad()`, `loss.backward()`, `step()`; inside `compile` they become part of the program. Subclasses
 * say what an update is. A parameter without a gradient is skipped. Source: torch.optim.Optimizer.
 */
export abstract class Optimizer<O extends CommonOptions = CommonOptions> {
  /** What states are marked with, so that no other optimizer goes on from them. Code that is minified should name its own classes. */
  readonly name: string = this.constructor.name;
  readonly groups: ParameterGroup<O>[] = [];
  readonly #lr: number;
  readonly #defaults: O;
  readonly #slots = new Map<Parameter, Map<string, Slot>>();
  readonly #cohorts = new Map<Parameter, Cohort>();
  /** Counts the times that a cell was replaced by another: compiled steps hold the old one, and must be traced again. */
  #layout = 0;

  constructor(params: Params<O>, lr: number, defaults: O) {
    this.#lr = lr;
    this.#defaults = defaults;
    const list = [...params];
    if (list.length === 0)
      throw new HebbError(
        "optimizer: the list of parameters is empty; pass model.parameters(), which finds layers in fields and arrays of the model, but not in #private fields",
      );
    const groups = list.filter(isGroup);
    for (const group of groups) this.addGroup(group);
    const loose = list.filter((entry): entry is Parameter => !isGroup(entry));
    if (loose.length > 0) this.#add(loose, lr, defaults);
  }

  /** Further parameters to optimise (torch: add_param_group). */
  addGroup(init: GroupInit<O>): void {
    const { params, lr, ...own } = init;
    this.#add([...params], lr ?? this.#lr, { ...this.#defaults, ...own });
  }

  #add(list: readonly Parameter[], lr: number, options: O): void {
    const known = new Set(this.groups.flatMap((group) => group.params));
    for (const parameter of list) {
      if (!(parameter instanceof State))
        throw new HebbError("optimizer: takes parameters (model.parameters()), or groups { params, lr, … }");
      if (known.has(parameter))
        throw new HebbError(
          `optimizer: the parameter "${parameter.name}" of shape ${formatShape(parameter.shape)} is given twice; name each once`,
        );
      known.add(parameter);
    }
    this.check(options);
    this.groups.push(new ParameterGroup<O>(list, lr, options));
  }

  /** Throws when an option is out of range. */
  protected check(_options: O): void {}

  /** The new value of a parameter, given its gradient. Slots are assigned here; the parameter by the caller. */
  protected abstract update(parameter: Tensor, grad: Tensor, context: UpdateContext<O>): Tensor;

  /** The learning rate of the first group; setting it sets that of all. */
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

  /** Moves every parameter that has a gradient. */
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
      slot: (name, initial = 0) =>
        remember(
          name,
          initial,
          () =>
            new State(initial, { shape: parameter.shape, dtype: parameter.dtype, name: `${parameter.name}.${name}` }),
        ),
      number: (name, initial) =>
        remember(name, initial, () => new State(initial, { dtype: "float64", name: `${parameter.name}.${name}` })),
    };
    // Detached: an update is no part of any gradient.
    const slope = grad.detach();
    parameter.assign(this.update(parameter.detach(), options.maximize ? slope.neg() : slope, context));
  }

  /** All parameters in order, over all groups. */
  #parameters(): Parameter[] {
    return this.groups.flatMap((group) => group.params);
  }

  /** Slots and options, as they are now; later steps do not change them. */
  stateDict(): OptimizerState {
    const state: Record<string, Tensor> = Object.create(null);
    const parameters = this.#parameters();
    for (const [place, parameter] of parameters.entries()) {
      const cohort = this.#cohorts.get(parameter);
      if (cohort !== undefined) state[`${place}.step`] = Tensor.of(cohort.cell.node);
      for (const [name, slot] of this.#slots.get(parameter) ?? [])
        state[`${place}.${name}`] = Tensor.of(slot.state.node);
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

  /** Goes on from a state dict of the same optimizer over the same parameters. Throws HebbError, changing nothing, when it does not fit. */
  loadStateDict(saved: LoadedOptimizerState): void {
    refuseOther(this.name, saved);
    const parameters = this.#parameters();
    if (
      saved.groups.length !== this.groups.length ||
      saved.groups.some((group, place) => group.params.length !== this.groups[place]?.params.length)
    ) {
      const sizes = (groups: readonly { readonly params: readonly unknown[] }[]): string =>
        formatShape(groups.map(({ params }) => params.length));
      throw new HebbError(
        `loadStateDict: the state has groups of ${sizes(saved.groups)} parameters, this optimizer ${sizes(this.groups)}; build it over the same model`,
      );
    }
    const found: { parameter: Parameter; name: string; value: StateValue }[] = [];
    for (const [key, value] of Object.entries(saved.state)) {
      const dot = key.indexOf(".");
      const parameter = parameters[Number(key.slice(0, dot))];
      const name = key.slice(dot + 1);
      if (dot < 1 || parameter === undefined)
        throw new HebbError(
          `loadStateDict: "${key}" names no parameter of this optimizer, which has ${parameters.length}`,
        );
      if (value.shape.length > 0 && !sameShape(value.shape, parameter.shape)) {
        throw new HebbError(
          `loadStateDict: "${key}" is ${formatShape(value.shape)} and its parameter ${formatShape(parameter.shape)}; build the optimizer over the same model`,
        );
      }
      found.push({ parameter, name, value });
    }
    // Compiled steps hold the cells, so the cells stay and take the values; what the state does not name starts anew.
    for (const { cell } of new Set(this.#cohorts.values())) cell.assign(0);
    for (const slots of this.#slots.values()) for (const { state, initial } of slots.values()) state.assign(initial);
    const cohorts = new Map<number, Cohort>();
    for (const { parameter, name, value } of found) {
      const data = value instanceof Tensor ? value.dataSync() : value.data;
      if (name === "step") {
        const cohort = this.#cohortAt(parameter, data[0] ?? 0, cohorts);
        if (this.#cohorts.get(parameter) !== cohort) this.#layout++;
        this.#cohorts.set(parameter, cohort);
      } else this.#setSlot(parameter, name, value, data);
    }
    for (const [place, group] of this.groups.entries()) {
      const state = saved.groups[place] as GroupState;
      group.lr = state.lr;
      group.initialLr = state.initialLr;
      const options: O = { ...group.options, ...state.options };
      this.check(options);
      // The same options as before must stay the same object: compiled steps are traced again when it changes.
      if (JSON.stringify(options) !== JSON.stringify(group.options)) group.options = options;
    }
  }

  /** The count of a parameter's steps, shared with those that stand at the same number. */
  #cohortAt(parameter: Parameter, count: number, cohorts: Map<number, Cohort>): Cohort {
    const known = cohorts.get(count);
    if (known !== undefined) return known;
    const own = this.#cohorts.get(parameter);
    const free = own !== undefined && ![...cohorts.values()].includes(own);
    const cohort = free ? own : { cell: new State(0, { dtype: "float64", name: "step" }) };
    cohort.cell.assign(count);
    cohorts.set(count, cohort);
    return cohort;
  }

  #setSlot(parameter: Parameter, name: string, value: StateValue, data: TypedArray): void {
    const slots = this.#slots.get(parameter) ?? new Map<string, Slot>();
    this.#slots.set(parameter, slots);
    const known = slots.get(name);
    if (known !== undefined && known.state.dtype === value.dtype && sameShape(known.state.shape, value.shape)) {
      known.state.assign(data);
      return;
    }
    const state = new State(data, { shape: value.shape, dtype: value.dtype, name: `${parameter.name}.${name}` });
    this.#layout++;
    slots.set(name, { state, initial: known?.initial ?? 0 });
  }
}

/** options[name], or options[name][place]. */
function numberIn(options: object, name: string, place?: number): number {
  const all: Readonly<Record<string, unknown>> = { ...options };
  const found = all[name];
  const value: unknown = place !== undefined && Array.isArray(found) ? found[place] : found;
  if (typeof value !== "number")
    throw new HebbError(`optimizer: the option ${name} must be a number, got ${String(value)}`);
  return value;
}

/** Refuses what another optimizer saved: its numbers mean something else. */
export function refuseOther(
  name: string,
  saved: { readonly groups?: readonly GroupState[]; readonly moves?: object },
): void {
  const of = saved.groups?.find(({ optimizer }) => optimizer !== undefined)?.optimizer;
  const other = of ?? (saved.moves === undefined ? undefined : "LBFGS");
  if (other !== undefined && other !== name)
    throw new HebbError(
      `loadStateDict: the state is of ${other}, this optimizer is ${name}; go on with ${other}, or begin with ${name} anew, without the state`,
    );
}

function isGroup<O>(value: Parameter | GroupInit<O>): value is GroupInit<O> {
  return !(value instanceof Tensor);
}

/** Throws unless the value lies in the range; the message names the option. */
export function checkOption(
  optimizer: string,
  name: string,
  value: number,
  least: number,
  below = Number.POSITIVE_INFINITY,
): void {
  if (!(value >= least && value < below)) {
    throw new HebbError(
      `${optimizer}: ${name} must be ${least === 0 ? "0 or more" : `at least ${least}`}${below === Number.POSITIVE_INFINITY ? "" : ` and below ${below}`}, got ${value}`,
    );
  }
}

/** 1 − value. */
export const complement = (value: Operand): Operand => (value instanceof Tensor ? value.neg().add(1) : 1 - value);

/** Whether a number is 0 and stays so; a cell may become anything. */
export const isZero = (value: Operand): boolean => value === 0;

/** grad + weightDecay · parameter: L2 regularisation. */
export const withDecay = (parameter: Tensor, grad: Tensor, weightDecay: Operand): Tensor =>
  isZero(weightDecay) ? grad : grad.add(parameter.mul(scalar(weightDecay, parameter)));

/** parameter · (1 − lr · weightDecay): decay apart from the gradient (Loshchilov and Hutter 2019). */
export function decoupledDecay(parameter: Tensor, lr: Tensor, weightDecay: Operand): Tensor {
  if (isZero(weightDecay)) return parameter;
  return parameter.mul(scalar(lr.mul(weightDecay).neg().add(1), parameter));
}

/** Moves a slot to slot + (1 − beta)(value − slot), and gives the new value. */
export function movingAverage(slot: State, value: Tensor, beta: Operand): Tensor {
  const next = slot.add(value.sub(slot).mul(scalar(complement(beta), value)));
  slot.assign(next);
  return next;
}

/** Moves a slot to beta·slot + (1 − beta)·value², and gives the new value. */
export function movingSquare(slot: State, value: Tensor, beta: Operand): Tensor {
  const next = slot.mul(scalar(beta, value)).add(value.mul(value).mul(scalar(complement(beta), value)));
  slot.assign(next);
  return next;
}

/** 1 − beta^step: what an average that began at zero lacks. float64. */
export const biasCorrection = (beta: Operand, step: Tensor): Tensor =>
  step
    .mul(typeof beta === "number" ? Math.log(beta) : beta.log())
    .expm1()
    .neg();
