// Runs one call of the scan and describes how it differs from PyTorch.
import { isFloat } from "../../src/graph/dtype.ts";
import { HebbError } from "../../src/graph/errors.ts";
import { Tensor, tensor } from "../../src/tensor/index.ts";
import { type Numeral, numbers, tensorOf } from "../golden/figures.ts";
import type { Input } from "./inputs.ts";
import type { Row } from "./rows.ts";

export interface Figure {
  /** Why PyTorch refuses such an input. */
  readonly refused?: string;
  readonly outputs?: readonly {
    readonly shape: readonly number[];
    readonly data: readonly Numeral[];
  }[];
  readonly gradients?: readonly (readonly Numeral[] | null)[];
}

export type Outcome =
  | { readonly kind: "equal" }
  /** Ours is refused with a message. */
  | { readonly kind: "sentence"; readonly text: string }
  /** Ours returns a number where PyTorch returns none. */
  | { readonly kind: "more" }
  | { readonly kind: "wrong"; readonly text: string };

const wrong = (text: string): Outcome => ({ kind: "wrong", text });

export function outcomeOf({ ours }: Row, inputs: readonly Input[], figure: Figure): Outcome {
  const given = inputs.map((input) => tensorOf(input, "float64", isFloat(input.dtype)));
  const [x] = given;
  if (x === undefined) return wrong("a row has at least one input");
  const [, y = x, z = y] = given;
  let outputs: readonly Tensor[];
  let gradients: readonly (ArrayLike<number> | undefined)[];
  let values: readonly ArrayLike<number>[];
  try {
    const result = ours(x, y, z);
    outputs = result instanceof Tensor ? [result] : result;
    values = outputs.map((output) => output.dataSync());
    const parts = outputs.filter(({ requiresGrad }) => requiresGrad).map(weighted);
    if (parts.length > 0) parts.reduce((sum, part) => sum.add(part)).backward();
    gradients = given.map(({ grad }) => grad?.dataSync());
  } catch (error) {
    if (!(error instanceof HebbError))
      return wrong(`throws a bare ${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
    return { kind: "sentence", text: error.message };
  }
  if (figure.outputs === undefined) return { kind: "more" };
  const problems = figure.outputs.flatMap(({ shape, data }, place) => {
    const output = outputs[place];
    if (output === undefined || output.shape.join() !== shape.join())
      return [`output ${place} is [${output?.shape}], not [${shape}]`];
    return differences(`output ${place}`, values[place] ?? [], numbers(data));
  });
  figure.gradients?.forEach((expected, place) => {
    if (expected !== null)
      problems.push(
        ...differences(`gradient ${place}`, gradients[place] ?? new Float64Array(expected.length), numbers(expected)),
      );
  });
  return problems.length === 0 ? { kind: "equal" } : wrong(problems.join("; "));
}

function weighted(output: Tensor): Tensor {
  const weights = Array.from({ length: output.size }, (_, place) => Math.cos(place + 1));
  return output.mul(tensor(Float64Array.from(weights), { shape: output.shape, dtype: "float64" })).sum();
}

/**
 * Figures have six digits: the comparison shows which number it is, not how exact. Small ones are the remainder of the largest after cancellation.
 */
const precision = 1e-5;

function differences(what: string, found: ArrayLike<number>, expected: readonly number[]): string[] {
  const largest = Math.max(1e-3, ...expected.filter(Number.isFinite).map(Math.abs));
  const off = expected.some((value, place) => {
    const ours = found[place] ?? Number.NaN;
    if (Object.is(ours, value) || ours === value) return false;
    return !(Math.abs(ours - value) <= precision * Math.max(Math.abs(value), 1e-3 * largest));
  });
  const show = (values: ArrayLike<number>): string =>
    Array.from(values, (value) => Number(value.toPrecision(6)))
      .slice(0, 8)
      .join(" ");
  return off || found.length !== expected.length ? [`${what} is ${show(found)}, not ${show(expected)}`] : [];
}
