// Sizes that depend on the named dims of an export: their values in several traces, and the formula that fits them all.
import { at } from "../../../graph/at.ts";

/** A named dim, with its sizes in the traces. */
export interface NamedDim {
  readonly name: string;
  /** The input and axis that give the size at run time. */
  readonly input: string;
  readonly dim: number;
  readonly samples: readonly number[];
}

/** A number, or its value in each trace. */
export type Size = number | readonly number[];

/** A single number if all traces agree. */
export function sizeOf(values: readonly number[]): Size {
  const first = at(values, 0);
  return values.every((value) => value === first) ? first : values;
}

export const isFixed = (size: Size | undefined): size is number => typeof size === "number";

export const sameSize = (a: Size | undefined, b: Size | undefined): boolean =>
  a === b ||
  (typeof a === "object" && typeof b === "object" && a.length === b.length && a.every((value, k) => value === b[k]));

export const sameSizes = (a: readonly Size[], b: readonly Size[]): boolean =>
  a.length === b.length && a.every((size, axis) => sameSize(size, b[axis]));

/** A product of named dims and a factor. */
export interface Term {
  readonly factor: number;
  readonly dims: readonly NamedDim[];
}

/** Every combination of the smallest and the next size of each dim, then traces of further sizes that only check the formulas. */
export function samplesOf(least: readonly number[], apart: number): readonly (readonly number[])[] {
  const corners = Array.from({ length: 2 ** least.length }, (_, corner) =>
    least.map((size, dim) => size + ((corner >> dim) & 1) * 3 * apart),
  );
  return [...corners, least.map((size) => size + 7 * apart), least.map((size, dim) => size + (12 + dim) * apart)];
}

/** The sum of products of dims that matches every trace; undefined if there is none with whole factors. */
export function formulaOf(values: readonly number[], dims: readonly NamedDim[]): readonly Term[] | undefined {
  const corners = 2 ** dims.length;
  const factors = values.slice(0, corners);
  dims.forEach(({ samples }, dim) => {
    const [low, high] = [at(samples, 0), at(samples, 2 ** dim)];
    for (let corner = 0; corner < corners; corner++) {
      if ((corner >> dim) & 1) continue;
      const other = corner + 2 ** dim;
      const slope = (at(factors, other) - at(factors, corner)) / (high - low);
      factors[corner] = at(factors, corner) - low * slope;
      factors[other] = slope;
    }
  });
  const whole = factors.map(Math.round);
  const terms = whole.flatMap((factor, corner): Term[] =>
    factor === 0 ? [] : [{ factor, dims: dims.filter((_, dim) => (corner >> dim) & 1) }],
  );
  const fits = values.every((value, trace) => {
    const given = terms.reduce(
      (sum, { factor, dims: of }) => sum + of.reduce((product, { samples }) => product * at(samples, trace), factor),
      0,
    );
    return Math.abs(given - value) <= 1e-9 * Math.abs(value);
  });
  return fits ? terms : undefined;
}

/** The formula as text: "2·batch + 1". */
export const formulaText = (terms: readonly Term[]): string =>
  terms
    .map(({ factor, dims }) =>
      [...(factor === 1 && dims.length > 0 ? [] : [String(factor)]), ...dims.map(({ name }) => name)].join("*"),
    )
    .join(" + ");
