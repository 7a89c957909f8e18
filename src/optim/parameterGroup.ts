// Parameter groups: parameters with their options and their learning rate, which is a cell.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";
import { currentTrace, type Operand, type Parameter, State, type Tensor, traceGuard } from "../tensor/index.ts";

/** Options that every optimizer has. */
export interface CommonOptions {
  /** Maximise instead of minimise. Default false. */
  readonly maximize?: boolean;
}

/** Parameters with their own options, which override those of the optimizer. */
export type GroupInit<O> = { readonly params: Iterable<Parameter>; readonly lr?: number } & Partial<O>;
export type Params<O> = Iterable<Parameter> | Iterable<GroupInit<O>>;

/** Refuses unknown options, and values out of range. */
export interface OptionRules<O> {
  validate(options: O): void;
}

/** Parameters that share their options. */
export class ParameterGroup<O extends CommonOptions = CommonOptions> {
  readonly params: readonly Parameter[];
  /** The rate that schedules start from: the one before the first of them. */
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
   * A number that changes becomes a cell: the step is traced again the first time it changes, and never after. Any other change causes a retrace each
   * time.
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
    // The object stays the same: compiled steps compare its identity.
    Object.assign(this.#options, options);
  }

  /** Makes an option variable at every step. */
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

  /** The current value of a variable option. */
  varying(name: string): number | undefined {
    return this.#cells.get(name)?.value;
  }

  /** An option for the graph: its cell (float64) if it is variable, else the number. */
  operand(name: string, value: number): Operand {
    return traceGuard(() => this.#cells.get(name)?.cell) ?? value;
  }
}

/** The numbers in which two sets of options differ, with the optimizer's name for each; undefined if they differ in other ways. */
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
