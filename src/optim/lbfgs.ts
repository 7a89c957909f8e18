// L-BFGS: a quasi-Newton method for smooth full-batch problems. It evaluates a closure several times per step.
import { allocate } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { currentTrace, type Parameter, type Tensor } from "../tensor/index.ts";
import { itemNow, valuesNow } from "../tensor/reading.ts";
import { resultTensor } from "../tensor/results.ts";
import { strongWolfe } from "./lineSearch.ts";
import { refuseOther } from "./optimizer.ts";
import { checkOption, parametersIn } from "./optimizerOptions.ts";
import { checkCount } from "./schedule.ts";

export interface LBFGSOptions {
  /** Default 1. */
  readonly lr?: number;
  /** Iterations in each step. Default 20. */
  readonly maxIter?: number;
  /** Evaluations in each step. Default 1.25 · maxIter. */
  readonly maxEval?: number;
  /** Stop when no element of the gradient exceeds this. Default 1e-7. */
  readonly toleranceGrad?: number;
  /** Stop when the loss or all weights change by less. Default 1e-9. */
  readonly toleranceChange?: number;
  /** The number of steps in the curvature estimate. Default 100. */
  readonly historySize?: number;
  /** Default: none, with steps of size lr. */
  readonly lineSearchFn?: "strongWolfe" | undefined;
}

const kinds: OptionKinds<LBFGSOptions> = {
  lr: kind.number,
  maxIter: kind.number,
  maxEval: kind.number,
  toleranceGrad: kind.number,
  toleranceChange: kind.number,
  historySize: kind.number,
  lineSearchFn: kind.oneOf("strongWolfe"),
};

/** A step of all weights, and the change of the gradient along it. */
interface Move {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** 1 / (step · change). */
  readonly inverse: number;
}

interface Evaluation {
  readonly loss: number;
  readonly gradient: Float64Array;
}

/** Plain data: the state of the search. */
export interface LBFGSState {
  readonly iterations: number;
  readonly moves: readonly { readonly step: readonly number[]; readonly change: readonly number[] }[];
  readonly direction: readonly number[];
  readonly size: number;
  readonly scale: number;
  readonly gradient: readonly number[];
}

const dotOf = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let place = 0; place < a.length; place++) sum += (a[place] ?? 0) * (b[place] ?? 0);
  return sum;
};
const addTo = (a: Float64Array, b: Float64Array, factor: number): void => {
  for (let place = 0; place < a.length; place++) a[place] = (a[place] ?? 0) + factor * (b[place] ?? 0);
};
const largestOf = (a: Float64Array): number => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Refuses what stateDict did not give, or gave of other weights: a list that is too short would count as zeros. */
function checkState(state: LBFGSState, size: number): void {
  const lists = [state?.moves, state?.direction, state?.gradient];
  if (!lists.every(Array.isArray))
    throw new HebbError(`loadStateDict: takes what stateDict() of an LBFGS returned, got ${describe(state)}`);
  const odd = (["iterations", "size", "scale"] as const).find((name) => !Number.isFinite(state[name]));
  if (odd !== undefined)
    throw new HebbError(
      `loadStateDict: "${odd}" of an LBFGS must be a finite number, got ${describe(state[odd])}; the state is damaged`,
    );
  const ofWeights: readonly (readonly number[] | undefined)[] = [
    state.direction,
    state.gradient,
    ...state.moves.flatMap((move) => [move?.step, move?.change]),
  ];
  // Before the first step there is neither a direction nor a gradient.
  const wrong = ofWeights.find((list) => list?.length !== (state.iterations === 0 ? 0 : size));
  if (wrong !== undefined || ofWeights.includes(undefined))
    throw new HebbError(
      `loadStateDict: the state is of ${wrong?.length ?? "an unknown number of"} weights, this optimizer has ${size}`,
    );
}

/**
 * Moves along −H·gradient, with H estimated from the last steps. In `step(closure)`, the closure clears gradients, computes the loss, calls backward
 * and returns the loss. It may be a compiled function, and must use the same data, all of it, each time. A step reads values while it runs, so it
 * cannot be compiled. Source: torch.optim.LBFGS (Liu and Nocedal 1989).
 */
export class LBFGS {
  readonly #parameters: readonly Parameter[];
  readonly #options: Required<Omit<LBFGSOptions, "lineSearchFn">> & Pick<LBFGSOptions, "lineSearchFn">;
  #moves: Move[] = [];
  #iterations = 0;
  #direction: Float64Array = new Float64Array();
  #size = 0;
  #scale = 1;
  #gradient: Float64Array = new Float64Array();

  constructor(parameters: Iterable<Parameter>, options: LBFGSOptions = {}) {
    this.#parameters = parametersIn("LBFGS", parameters);
    if (this.#parameters.length === 0)
      throw new HebbError("LBFGS: the list of parameters is empty; give model.parameters()");
    checkOptions("LBFGS", options, kinds);
    const maxIter = options.maxIter ?? 20;
    this.#options = {
      lr: options.lr ?? 1,
      maxIter,
      maxEval: options.maxEval ?? Math.floor((maxIter * 5) / 4),
      toleranceGrad: options.toleranceGrad ?? 1e-7,
      toleranceChange: options.toleranceChange ?? 1e-9,
      historySize: options.historySize ?? 100,
      lineSearchFn: options.lineSearchFn,
    };
    checkOption("LBFGS", "lr", this.#options.lr, 0);
    checkCount("LBFGS", "maxIter", maxIter, 1);
    checkCount("LBFGS", "historySize", this.#options.historySize, 1);
  }

  zeroGrad(): void {
    for (const parameter of this.#parameters) parameter.grad = undefined;
  }

  #joined(read: (parameter: Parameter) => ArrayLike<number> | undefined): Float64Array {
    const all = new Float64Array(this.#parameters.reduce((sum, { size }) => sum + size, 0));
    let at = 0;
    for (const parameter of this.#parameters) {
      const part = read(parameter);
      if (part !== undefined) all.set(part, at);
      at += parameter.size;
    }
    return all;
  }

  #place(weights: Float64Array): void {
    let at = 0;
    for (const parameter of this.#parameters) {
      const part = allocate(parameter.dtype, parameter.size);
      part.set(weights.subarray(at, at + parameter.size));
      parameter.assign(part);
      at += parameter.size;
    }
  }

  /** −H·gradient by the two-loop recursion. */
  #newDirection(gradient: Float64Array): Float64Array {
    const direction = gradient.map((value) => -value);
    const shares: number[] = [];
    for (let place = this.#moves.length - 1; place >= 0; place--) {
      const move = this.#moves[place] as Move;
      shares[place] = dotOf(move.step, direction) * move.inverse;
      addTo(direction, move.change, -(shares[place] ?? 0));
    }
    for (let place = 0; place < direction.length; place++) direction[place] = (direction[place] ?? 0) * this.#scale;
    for (const [place, move] of this.#moves.entries())
      addTo(direction, move.step, (shares[place] ?? 0) - dotOf(move.change, direction) * move.inverse);
    return direction;
  }

  #remember(gradient: Float64Array): void {
    const change = gradient.map((value, place) => value - (this.#gradient[place] ?? 0));
    const step = this.#direction.map((value) => value * this.#size);
    const curvature = dotOf(change, step);
    if (curvature <= 1e-10) return;
    if (this.#moves.length >= this.#options.historySize) this.#moves.shift();
    this.#moves.push({ step, change, inverse: 1 / curvature });
    this.#scale = curvature / dotOf(change, change);
  }

  /** One step of up to maxIter iterations; returns the loss before it. */
  step(closure: () => Tensor): number {
    if (currentTrace() !== undefined)
      throw new HebbError("LBFGS: step reads values, so it cannot be compiled; compile the closure instead");
    if (typeof closure !== "function")
      throw new HebbError(
        `LBFGS: step takes a closure that zeroes the gradients, calls backward and returns the loss, got ${describe(closure)}`,
      );
    const { lr, maxIter, maxEval, toleranceGrad, toleranceChange, lineSearchFn } = this.#options;
    const evaluate = (): Evaluation => {
      const loss = itemNow("LBFGS", resultTensor("LBFGS", closure()));
      return { loss, gradient: this.#joined(({ grad }) => grad && valuesNow("LBFGS", grad)) };
    };
    let { loss, gradient }: Evaluation = evaluate();
    const first = loss;
    let evaluations = 1;
    if (largestOf(gradient) <= toleranceGrad) return first;
    for (let count = 1; count <= maxIter; count++) {
      this.#iterations++;
      if (this.#iterations === 1) {
        this.#direction = gradient.map((value) => -value);
        this.#moves = [];
        this.#scale = 1;
      } else {
        this.#remember(gradient);
        this.#direction = this.#newDirection(gradient);
      }
      this.#gradient = gradient.slice();
      const before = loss;
      const total = gradient.reduce((sum, value) => sum + Math.abs(value), 0);
      this.#size = this.#iterations === 1 ? Math.min(1, 1 / total) * lr : lr;
      const slope = dotOf(gradient, this.#direction);
      if (slope > -toleranceChange) break;
      const start = this.#joined((parameter) => valuesNow("LBFGS", parameter));
      const moveTo = (size: number): void => {
        const weights = start.slice();
        addTo(weights, this.#direction, size);
        this.#place(weights);
      };
      let spent = 0;
      if (lineSearchFn === "strongWolfe") {
        const found = strongWolfe(
          (size) => {
            moveTo(size);
            return evaluate();
          },
          this.#direction,
          { size: this.#size, loss, gradient, slope },
          toleranceChange,
        );
        ({ loss, gradient } = found);
        this.#size = found.size;
        spent = found.evaluations;
        moveTo(this.#size);
      } else {
        moveTo(this.#size);
        // After the last iteration the loss would not be used.
        if (count < maxIter) {
          ({ loss, gradient } = evaluate());
          spent = 1;
        }
      }
      evaluations += spent;
      if (evaluations >= maxEval || largestOf(gradient) <= toleranceGrad) break;
      if (largestOf(this.#direction) * this.#size <= toleranceChange || Math.abs(loss - before) < toleranceChange)
        break;
    }
    return first;
  }

  stateDict(): LBFGSState {
    return {
      iterations: this.#iterations,
      moves: this.#moves.map(({ step, change }) => ({ step: [...step], change: [...change] })),
      direction: [...this.#direction],
      size: this.#size,
      scale: this.#scale,
      gradient: [...this.#gradient],
    };
  }

  /** Continues from a state dict over the same parameters. */
  loadStateDict(state: LBFGSState): void {
    refuseOther("LBFGS", state ?? {});
    checkState(
      state,
      this.#parameters.reduce((sum, parameter) => sum + parameter.size, 0),
    );
    this.#iterations = state.iterations;
    this.#moves = state.moves.map((move) => {
      const [step, change] = [Float64Array.from(move.step), Float64Array.from(move.change)];
      return { step, change, inverse: 1 / dotOf(step, change) };
    });
    this.#direction = Float64Array.from(state.direction);
    this.#size = state.size;
    this.#scale = state.scale;
    this.#gradient = Float64Array.from(state.gradient);
  }
}
