// Finds the origin of a NaN or infinite loss: the row, the layer and operation, or the update that produced the first such value.
import { at } from "../graph/at.ts";
import type { TypedArray } from "../graph/dtype.ts";
import type { Module } from "../nn/index.ts";
import type { BatchShare } from "../runtime/index.ts";
import { type Inspected, type Tensor, tensor } from "../tensor/index.ts";
import { inspection } from "../tensor/inspect.ts";
import { type Reading, valuesOf } from "../tensor/reading.ts";
import type { Rows } from "./feeds.ts";
import { drawnAsShare, type Sharers } from "./steps.ts";

/** Whether no value is NaN or infinite. */
export const finite = (values: TypedArray): boolean => {
  for (let place = 0; place < values.length; place++) if (!Number.isFinite(values[place])) return false;
  return true;
};

/** The number of weights read in one wait, unless a single parameter has more. */
const readAtOnce = 2 ** 20;

/** The first parameter that holds NaN or infinity. */
export function* brokenParameter(model: Module): Reading<string | undefined> {
  const named = model.namedParameters();
  for (let start = 0, end = 0; start < named.length; start = end) {
    let size = 0;
    do size += named[end++]?.[1].size ?? 0;
    while (end < named.length && size + (named[end]?.[1].size ?? 0) <= readAtOnce);
    const part = named.slice(start, end);
    const values = yield* valuesOf(part.map(([, parameter]) => parameter));
    const broken = values.findIndex((one) => !finite(one));
    if (broken >= 0) return part[broken]?.[0];
  }
  return undefined;
}

export interface Origin {
  /** Continues the sentence "the loss became NaN at step 3, ". */
  readonly where: string;
  readonly cure: string;
  /** The layer that produced it. */
  readonly layer?: string;
}

export interface FailedStep {
  readonly model: Module;
  readonly loss: (output: Tensor, target: Tensor, weights?: Tensor) => Tensor;
  readonly rows: Rows;
  /** These rows' position in a batch shared by the ranks of a world. */
  readonly share: BatchShare | undefined;
  readonly world: Sharers | undefined;
  /** The indices of the rows. */
  readonly batch: Int32Array;
  readonly lr: number;
}

/** A loss or weights that are NaN or infinite. */
export type Failure =
  | { readonly kind: "loss"; readonly loss: number; readonly step: number; readonly epoch: number }
  | { readonly kind: "weights"; readonly parameter: string; readonly step: number; readonly epoch: number };

/** The sentences about weights that an update made NaN or infinite. */
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
 * Repeats the forward pass of a step with its initial weights, and traces the loss back to the origin of the fault; undefined if the loss is finite.
 */
export function* findOrigin({ model, loss, rows, batch, lr, ...ranks }: FailedStep): Reading<Origin | undefined> {
  const update = yield* brokenParameter(model);
  if (update !== undefined)
    return { where: `because the update before it made the weights NaN or infinite: "${update}"`, cure: lowerRate(lr) };
  // Only these rows: values of other rows cannot be the cause.
  const fields = [rows.features, rows.targets, ...(rows.weights === undefined ? [] : [rows.weights])];
  const found = yield* valuesOf(fields);
  const [features, targets, weights] = fields.map((field, place) =>
    tensor(at(found, place), { shape: field.shape, dtype: field.dtype }),
  );
  if (features === undefined || targets === undefined) return undefined;
  for (const [what, values] of [
    ["inputs", at(found, 0)],
    ["target", at(found, 1)],
  ] as const) {
    const place = values.findIndex((value) => !Number.isFinite(value));
    if (place >= 0) {
      const row = batch[Math.floor(place / (values.length / batch.length))];
      return {
        where: `because the ${what} of training sample ${row} (counted from 0) contain ${values[place]}`,
        cure: "fix that sample or remove it",
      };
    }
  }
  const measure = (own: Rows): Tensor => loss(model.forward(own.features), own.targets, own.weights);
  const alone = { ...rows, features, targets, weights };
  const origin = originOf(yield* inspection(() => drawnAsShare(alone, ranks, measure)));
  if (origin === undefined) return undefined;
  const layer = origin.path === "" ? "in the loss" : `in layer "${origin.path}"`;
  return {
    where: `first ${layer}: ${origin.formula}`,
    cure: `${lowerRate(lr)}, or keep the inputs of ${origin.op} within its range`,
    layer: origin.path,
  };
}

/** Traces NaN and infinite values back from the result, to the one whose inputs are all finite. */
function originOf(seen: readonly Inspected[]): Inspected | undefined {
  const byName = new Map(seen.map((value) => [value.name, value]));
  let at = seen.at(-1);
  if (at === undefined || finite(at.value)) return undefined;
  for (;;) {
    const broken: Inspected[] = at.inputs.flatMap((name) => {
      const input = byName.get(name);
      return input === undefined || finite(input.value) ? [] : [input];
    });
    // NaN before infinity: a mask of −∞ is not a fault.
    const next: Inspected | undefined = broken.find(({ value }) => value.some(Number.isNaN)) ?? broken[0];
    if (next === undefined) return at;
    at = next;
  }
}
