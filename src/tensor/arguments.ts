// Run-time checks of arguments, with clear errors, for callers that the types do not protect.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind } from "../graph/options.ts";
import { notATensor } from "./refusals.ts";
import { Tensor } from "./tensor.ts";

export const tensorKind = kind.of<Tensor>("a tensor", (value) => value instanceof Tensor);

/** Returns the tensor; refuses anything else. `what` is the name of the argument. */
export function given(where: string, value: Tensor, what = "the input"): Tensor {
  if (value instanceof Tensor) return value;
  throw notATensor(where, what, value);
}

/** Refuses a value that is neither a tensor nor undefined. */
export function givenOrNot(where: string, value: Tensor | undefined, what: string): void {
  if (value !== undefined) given(where, value, what);
}

/** Returns the list of tensors; refuses anything else. */
export function givenList(where: string, values: readonly Tensor[]): readonly Tensor[] {
  if (!Array.isArray(values))
    throw new HebbError(`${where}: takes a list of tensors, [a, b], got ${kind.describe(values)}`);
  for (const [place, value] of values.entries()) given(where, value as Tensor, `tensor ${place}`);
  return values;
}

/** Refuses values that are not numbers, naming the argument. */
export function checkNumbers(where: string, values: Readonly<Record<string, number>>): void {
  for (const [what, value] of Object.entries(values)) checkKind(where, what, value, kind.number);
}
