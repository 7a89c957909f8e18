// Parameter groups: parameters with their learning rate, as a cell, and their options.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { currentTrace, type Operand, type Parameter, State, type Tensor, traceGuard } from "../tensor/index.ts";

/** Options that every optimizer has. */
export interface CommonOptions {
  /** Go uphill instead of downhill. Default false. */
  readonly maximize?: boolean;
}

/** Parameters with their own options, which override those of the optimizer. */
export type GroupInit<O> = { readonly params: Iterable<Parameter>; readonly lr?: number } & Partial<O>;
export type Params<O> = Iterable<Parameter> | Iterable<GroupInit<O>>;

/** Refuses options that there are not, and values out of range. */
export interface OptionRules<O> {
  validate(options: O): void;
}

/** Parameters that share their options. */
export class ParameterGroup<O extends CommonOptions = CommonOptions> {
  readonly params: readonly Parameter[];
  /** Where schedules start from: the learning rate before the first of them. */
  initialLr: number | undefined;
  #options: O;
  readonly #lrCell: State;
  #lr: number;
  /** Options that change at run time: cells, so that changing them does not recompile. */
  readonly #cells = new Map<string, { readonly cell: State; value: number }>();

  readonly #rules: OptionRules<O>;

  constructor(params: readonly Parameter[], lr: number, options: O, rules: OptionRules<O>) {
    this.params = params;
    this.#rules = rules;
    this.#options = { ...options };
    this.#lr = checkedLr(lr);
    this.#lrCell = new State(this.#lr, { dtype: "float64", name: "lr" });
  }

  get lr(): number {
    return traceGuard(() => this.#lr);
  }

  /** Takes effect at the next step, without recompiling. */
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
    this.#rules.validate(options);
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

export function checkedLr(lr: number): number {
  if (!(typeof lr === "number" && lr >= 0 && Number.isFinite(lr)))
    throw new HebbError(
      `optimizer: the learning rate must be a number of 0 or more, got ${typeof lr === "number" ? lr : describe(lr)}`,
    );
  return lr;
}

function refuseInTrace(what: string): void {
  if (currentTrace() !== undefined)
    throw new HebbError(
      `${what} was set inside a compiled function; set it between calls: it is a state cell, so changing it does not recompile`,
    );
}
