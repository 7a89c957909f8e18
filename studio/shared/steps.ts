// The content of Step: one frozen batch with every value, gradient and update, as the engine computes them.
import type { ActivationName, LossName, OptimizerName, TaskKind } from "./names.ts";

/** Numbers of the engine, with the name under which they can be edited. */
export interface Numbers {
  readonly node: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface ParameterNumbers {
  /** Such as "0.weight". */
  readonly path: string;
  readonly value: Numbers;
  readonly gradient: Numbers;
  /** (loss(w + h) − loss(w − h)) / 2h for each; empty if nothing was compared. */
  readonly differences: Float64Array;
  /** For each: 1 equal, 2 at a kink of the loss, 0 not equal, 3 not compared. */
  readonly ticks: Uint8Array;
  /** The optimizer's state: before and after. */
  readonly slots: readonly { readonly name: string; readonly before: Float32Array; readonly after: Numbers }[];
  readonly updated: Numbers;
}

/** Batch normalisation: each unit, or each map, over the batch. */
export interface NormStep {
  /** For each unit: the mean over the batch, and √(variance + ε). */
  readonly mean: Numbers;
  readonly deviation: Numbers;
  /** (z − mean) / deviation, then times γ plus β, and ∂loss/∂ that. */
  readonly standard: Numbers;
  readonly values: Numbers;
  readonly delta: Numbers;
  readonly weight: ParameterNumbers;
  readonly bias: ParameterNumbers;
}

export interface LayerStep {
  readonly kind: "dense" | "conv";
  /** Units, or maps. */
  readonly units: number;
  /** The shape of z for one row: [units], or [maps, height, width]. */
  readonly shape: readonly number[];
  readonly activation: ActivationName;
  /** z = W a + b, of every row, and ∂loss/∂z. */
  readonly z: Numbers;
  readonly delta: Numbers;
  readonly norm: NormStep | undefined;
  /** a = f(z), and ∂loss/∂a. For the last layer the displayed output: probability or number. */
  readonly a: Numbers;
  readonly aGradient: Numbers | undefined;
  /** The maximum of each window of a; a row of it has this shape. */
  readonly pool: { readonly side: number; readonly shape: readonly number[]; readonly values: Numbers } | undefined;
  /** The output of dropout, which is the next layer's input: the factor of each value is 0 or 1/(1 − p). */
  readonly dropout: { readonly factors: Float32Array; readonly values: Numbers } | undefined;
  /** ∂loss/∂ the layer's output. */
  readonly back: Numbers | undefined;
  /** f′ at the activation's input, by the library's own gradient of f. */
  readonly slope: Float32Array;
  readonly weight: ParameterNumbers;
  readonly bias: ParameterNumbers;
}

export interface StepTrace {
  readonly step: number;
  readonly task: TaskKind;
  readonly lossName: LossName;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  readonly decay: number;
  /** The number of the step within the optimizer, from 1. */
  readonly t: number;
  readonly rows: number;
  readonly inputs: readonly string[];
  /** The shape of one row of the inputs. */
  readonly inputShape: readonly number[];
  readonly classes: readonly string[];
  readonly x: Numbers;
  readonly target: Float32Array;
  readonly layers: readonly LayerStep[];
  readonly loss: Numbers;
  /** The loss of each row alone. */
  readonly rowLosses: Float32Array;
  readonly edited: readonly string[];
}

export interface StepEdit {
  readonly node: string;
  readonly index: number;
  readonly value: number;
}

export interface StepAsk {
  readonly edits: readonly StepEdit[];
}
