// Where a loss stopped being a number: the row, the layer and operation, or the update that made the first such value.
import type { TypedArray } from "../graph/dtype.ts";
import type { Module } from "../nn/index.ts";
import { type Inspected, inspect, type Tensor, tensor } from "../tensor/index.ts";
import type { Rows } from "./feeds.ts";

const finite = (values: TypedArray): boolean => {
  for (let place = 0; place < values.length; place++) if (!Number.isFinite(values[place])) return false;
  return true;
};

/** The first parameter that holds NaN or infinity. */
export function brokenParameter(model: Module): string | undefined {
  return model.namedParameters().find(([, parameter]) => !finite(parameter.dataSync()))?.[0];
}

export interface Origin {
  /** Reads on after "the loss became NaN at step 3, ". */
  readonly where: string;
  readonly cure: string;
  /** The layer that made it. */
  readonly layer?: string;
}

export interface FailedStep {
  readonly model: Module;
  readonly loss: (output: Tensor, target: Tensor, weights?: Tensor) => Tensor;
  readonly rows: Rows;
  /** The numbers of the rows. */
  readonly batch: Int32Array;
  readonly lr: number;
}

/** A loss or weights that are no numbers. */
export type Failure =
  | { readonly kind: "loss"; readonly loss: number; readonly step: number; readonly epoch: number }
  | { readonly kind: "weights"; readonly parameter: string; readonly step: number; readonly epoch: number };

/** What is to be said of weights that an update broke. */
export const brokenWeights = (
  { parameter, step }: Extract<Failure, { kind: "weights" }>,
  lr: number,
): { readonly what: string; readonly cure: string; readonly layer: string } => ({
  what: `the update of step ${step} made the weights "${parameter}" NaN or infinite`,
  cure: lowerRate(lr),
  layer: parameter.slice(0, Math.max(0, parameter.lastIndexOf("."))),
});

export const lowerRate = (lr: number): string => `lower the learning rate (now ${lr}) or clip gradients`;

/**
 * Runs the forward pass of a step again, with the weights it began with, and follows the loss back to where it went wrong;
 * undefined when it gives a number.
 */
export function findOrigin({ model, loss, rows, batch, lr }: FailedStep): Origin | undefined {
  const update = brokenParameter(model);
  if (update !== undefined)
    return { where: `because the update before it made the weights NaN or infinite: "${update}"`, cure: lowerRate(lr) };
  // The rows alone: values of other rows are no cause.
  const alone = (field: Tensor): Tensor => tensor(field.dataSync(), { shape: field.shape, dtype: field.dtype });
  const [features, targets] = [alone(rows.features), alone(rows.targets)];
  const weights = rows.weights === undefined ? undefined : alone(rows.weights);
  for (const [what, field] of [
    ["inputs", features],
    ["target", targets],
  ] as const) {
    const values = field.dataSync();
    const place = values.findIndex((value) => !Number.isFinite(value));
    if (place >= 0) {
      const row = batch[Math.floor(place / (values.length / batch.length))];
      return {
        where: `because the ${what} of training sample ${row} (counted from 0) hold ${values[place]}`,
        cure: "fix that sample or leave it out",
      };
    }
  }
  const origin = originOf(inspect(() => loss(model.forward(features), targets, weights)));
  if (origin === undefined) return undefined;
  const layer = origin.path === "" ? "in the loss" : `in layer "${origin.path}"`;
  return {
    where: `first ${layer}: ${origin.formula}`,
    cure: `${lowerRate(lr)}, or keep the inputs of ${origin.op} within its range`,
    layer: origin.path,
  };
}

/** From the result back along values that are no numbers, to the one whose inputs all are. */
function originOf(seen: readonly Inspected[]): Inspected | undefined {
  const byName = new Map(seen.map((value) => [value.name, value]));
  let at = seen.at(-1);
  if (at === undefined || finite(at.value)) return undefined;
  for (;;) {
    const broken: Inspected[] = at.inputs.flatMap((name) => {
      const input = byName.get(name);
      return input === undefined || finite(input.value) ? [] : [input];
    });
    // NaN before infinity: a mask of −∞ is no fault.
    const next: Inspected | undefined = broken.find(({ value }) => value.some(Number.isNaN)) ?? broken[0];
    if (next === undefined) return at;
    at = next;
  }
}
