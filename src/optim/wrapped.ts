// Optimizers around another one: Lookahead, with slow weights that follow it, and SAM, which takes the gradient after a step uphill.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions } from "../graph/options.ts";
import { sameShape } from "../graph/shape.ts";
import { type LoadableValue, readStateValue } from "../nn/stateValue.ts";
import { type Parameter, State, Tensor, where, zeros } from "../tensor/index.ts";
import { resultTensor } from "../tensor/results.ts";
import { type LoadedOptimizerState, Optimizer, type OptimizerState } from "./optimizer.ts";
import { checkOption } from "./optimizerOptions.ts";
import type { CommonOptions, ParameterGroup } from "./parameterGroup.ts";

const optimizerKind = kind.of<Optimizer>("an optimizer", (value) => value instanceof Optimizer);

/** The common part: the groups and the rate are those of the inner optimizer. */
abstract class Wrapped<O extends CommonOptions> {
  readonly inner: Optimizer<O>;

  constructor(name: string, inner: Optimizer<O>) {
    checkKind<unknown>(name, "the optimizer", inner, optimizerKind);
    this.inner = inner;
  }
  get groups(): readonly ParameterGroup<O>[] {
    return this.inner.groups;
  }
  get lr(): number {
    return this.inner.lr;
  }
  set lr(value: number) {
    this.inner.lr = value;
  }
  zeroGrad(): void {
    this.inner.zeroGrad();
  }
  protected parameters(): Parameter[] {
    return this.groups.flatMap(({ params }) => params);
  }
}

export interface LookaheadOptions {
  /** Steps of the inner optimizer between two steps of the slow weights. Default 5. */
  readonly k?: number;
  /** The step of the slow weights, as a fraction of the distance. Default 0.5. */
  readonly alpha?: number;
}

/** The state of Lookahead, and of its optimizer. */
export interface LookaheadState {
  readonly inner: OptimizerState;
  readonly slow: readonly Tensor[];
  readonly count: Tensor;
}

/**
 * At every k-th step of another optimizer, slow += alpha · (fast − slow), and the fast weights continue from there. Works inside `compile`. Source:
 * Zhang et al. 2019.
 */
export class Lookahead<O extends CommonOptions = CommonOptions> extends Wrapped<O> {
  readonly #k: number;
  readonly #alpha: number;
  readonly #slow = new Map<Parameter, State>();
  readonly #count = new State(0, { dtype: "int32", name: "lookahead.count" });

  constructor(inner: Optimizer<O>, options: LookaheadOptions = {}) {
    super("Lookahead", inner);
    const { k = 5, alpha = 0.5 } = checkOptions("Lookahead", options, { k: kind.number, alpha: kind.number });
    if (!(Number.isInteger(k) && k >= 1))
      throw new HebbError(`Lookahead: k must be a whole number of at least 1, got ${k}`);
    checkOption("Lookahead", "alpha", alpha, 0);
    this.#k = k;
    this.#alpha = alpha;
    for (const parameter of this.parameters()) this.#slowOf(parameter);
  }

  #slowOf(parameter: Parameter): State {
    const known = this.#slow.get(parameter);
    if (known !== undefined) return known;
    const slow = new State(parameter.detach(), { name: `${parameter.name}.slow` });
    this.#slow.set(parameter, slow);
    return slow;
  }

  step(): void {
    this.inner.step();
    const count = this.#count.add(1).remainder(this.#k);
    this.#count.assign(count);
    const due = count.eq(0);
    for (const parameter of this.parameters()) {
      const slow = this.#slowOf(parameter);
      const [fast, before] = [parameter.detach(), slow.detach()];
      const next = before.add(fast.sub(before).mul(this.#alpha));
      slow.assign(where(due, next, before));
      parameter.assign(where(due, next, fast));
    }
  }

  stateDict(): LookaheadState {
    return {
      inner: this.inner.stateDict(),
      slow: this.parameters().map((parameter) => this.#slowOf(parameter).detach()),
      count: this.#count.detach(),
    };
  }

  /** Continues from a state of Lookahead over the same parameters. Throws HebbError, changing nothing, if it does not match. */
  loadStateDict(saved: {
    readonly inner: LoadedOptimizerState;
    readonly slow: readonly LoadableValue[];
    readonly count: LoadableValue;
  }): void {
    const parameters = this.parameters();
    if (!Array.isArray(saved?.slow) || saved.slow.length !== parameters.length || saved.inner === undefined)
      throw new HebbError(
        `Lookahead: takes what its stateDict() gave over ${parameters.length} parameters, got ${kind.describe(saved)}`,
      );
    const values = saved.slow.map((value, place) => readStateValue(`slow.${place}`, value));
    const count = readStateValue("count", saved.count);
    if (values.some(({ shape }, place) => !sameShape(shape, parameters[place]?.shape ?? [])))
      throw new HebbError("Lookahead: the slow weights have other shapes than the parameters; build the same model");
    this.inner.loadStateDict(saved.inner);
    for (const [place, parameter] of parameters.entries()) {
      const value = values[place];
      if (value !== undefined) this.#slowOf(parameter).assign(value instanceof Tensor ? value : value.data);
    }
    this.#count.assign(count instanceof Tensor ? count : count.data);
  }
}

export interface SamOptions {
  /** The length of the step uphill. Default 0.05. */
  readonly rho?: number;
  /** Scale the step by the size of each weight. Default false. */
  readonly adaptive?: boolean;
}

/**
 * Takes the gradient at p + rho · g / ‖g‖, roughly where the nearby loss is greatest, and moves p with another optimizer: it finds flat minima.
 * `step` takes a closure that clears the gradients, computes the loss and calls backward, and runs it twice. Works inside `compile`. Source: Foret et
 * al. 2021; adaptive: Kwon et al. 2021.
 */
export class SAM<O extends CommonOptions = CommonOptions> extends Wrapped<O> {
  readonly #rho: number;
  readonly #adaptive: boolean;

  constructor(inner: Optimizer<O>, options: SamOptions = {}) {
    super("SAM", inner);
    const { rho = 0.05, adaptive = false } = checkOptions("SAM", options, { rho: kind.number, adaptive: kind.boolean });
    checkOption("SAM", "rho", rho, 0);
    this.#rho = rho;
    this.#adaptive = adaptive;
  }

  /** Makes one step; returns the loss before it. */
  step(closure: () => Tensor): Tensor {
    checkKind("SAM", "the closure", closure, kind.func());
    const loss = resultTensor("SAM", closure());
    const found = this.parameters().flatMap((parameter) => {
      if (parameter.grad === undefined) return [];
      const [before, grad] = [parameter.detach(), parameter.grad.detach()];
      return [{ parameter, before, grad, size: this.#adaptive ? before.abs() : undefined }];
    });
    if (found.length === 0) throw new HebbError("SAM: no parameter has a gradient; the closure must call backward()");
    const total = found.reduce<Tensor>(
      (sum, { grad, size }) => sum.add((size === undefined ? grad : grad.mul(size)).square().sum().to("float64")),
      zeros([], { dtype: "float64" }),
    );
    const scale = total.sqrt().add(1e-12).reciprocal().mul(this.#rho);
    for (const { parameter, before, grad, size } of found) {
      const uphill = size === undefined ? grad : grad.mul(size.square());
      parameter.assign(before.add(uphill.mul(scale.to(grad.dtype))));
    }
    closure();
    for (const { parameter, before } of found) parameter.assign(before);
    this.inner.step();
    return loss;
  }

  stateDict(): OptimizerState {
    return this.inner.stateDict();
  }
  loadStateDict(saved: LoadedOptimizerState): void {
    this.inner.loadStateDict(saved);
  }
}
