// The search space: options of `hebb train` with their possible values.
import type { Random } from "../../data/index.ts";
import { at } from "../../graph/at.ts";
import { HebbError } from "../../graph/errors.ts";

/** One option and its values. */
export type Dimension = { readonly option: string } & (
  | { readonly kind: "choice"; readonly values: readonly string[] }
  | Range
);

/** Numbers from `low` to `high`. */
export interface Range {
  readonly kind: "range";
  readonly low: number;
  readonly high: number;
  readonly scale: "linear" | "log" | "whole";
}

/** Options by name, as text. */
export type Point = Readonly<Record<string, string>>;

/** Options that a search sets itself. */
const taken: readonly string[] = ["out", "json", "epochs", "pause-after", "folds", "find-lr", "threads"];

/** `lr=1e-4..1e-1:log`, `dropout=0..0.5`, `width=16..128:whole`, `optimizer=adamw|nesterov`, `hidden=64|64,32|none`. */
export function parseDimension(text: string): Dimension {
  const [, option, values] = /^(?:--)?([a-z][a-z-]*)=(.+)$/.exec(text) ?? [];
  if (option === undefined || values === undefined)
    throw new HebbError(
      `--space ${text} is not understood; write NAME=LOW..HIGH, NAME=LOW..HIGH:log, NAME=LOW..HIGH:whole or NAME=A|B|C`,
    );
  if (taken.includes(option)) throw new HebbError(`--space ${text}: the search sets --${option} itself; leave it out`);
  const range = /^([^.|]+(?:\.[^.|]+)?)\.\.([^|:]+)(?::(\w+))?$/.exec(values);
  if (range === null) return { option, kind: "choice", values: [...new Set(values.split("|"))] };
  const [low, high] = [Number(range[1]), Number(range[2])];
  const scale = range[3] ?? "linear";
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
    throw new HebbError(`--space ${text}: a range must go from a number to a larger one, such as 1e-4..1e-1`);
  if (scale !== "linear" && scale !== "log" && scale !== "whole")
    throw new HebbError(`--space ${text}: a range may end in :log or :whole, not :${scale}`);
  if (scale === "whole" && Math.ceil(low) > Math.floor(high))
    throw new HebbError(`--space ${text}: there is no whole number from ${low} to ${high}`);
  if (scale === "log" && low <= 0)
    throw new HebbError(`--space ${text}: a logarithmic range must start above 0, not at ${low}`);
  return { option, kind: "range", low, high, scale };
}

/** The whole numbers of a range. */
const wholes = ({ low, high }: Range): { readonly first: number; readonly count: number } => {
  const first = Math.ceil(low);
  return { first, count: Math.floor(high) - first + 1 };
};

/** The value of a range at a position in [0, 1), as text. */
export function valueAt(range: Range, place: number): string {
  const { low, high, scale } = range;
  if (scale === "whole") {
    const { first, count } = wholes(range);
    return String(first + Math.min(count - 1, Math.floor(place * count)));
  }
  const value = scale === "log" ? low * (high / low) ** place : low + (high - low) * place;
  return String(Number(value.toPrecision(4)));
}

/** The position of a value in its range, from 0 to 1; a whole number is in the middle of its share. */
export function placeOf(range: Range, value: string): number {
  const { low, high, scale } = range;
  const number = Number(value);
  if (scale === "whole") {
    const { first, count } = wholes(range);
    return (number - first + 0.5) / count;
  }
  return scale === "log" ? Math.log(number / low) / Math.log(high / low) : (number - low) / (high - low);
}

/** The number of values to choose from; Infinity for a continuous range. */
const countOf = (dimension: Dimension): number =>
  dimension.kind === "choice"
    ? dimension.values.length
    : dimension.scale === "whole"
      ? wholes(dimension).count
      : Number.POSITIVE_INFINITY;

/** The number of points in a space. */
export const sizeOf = (space: readonly Dimension[]): number =>
  space.reduce((product, dimension) => product * countOf(dimension), 1);

/** The point with this index in a finite space. */
export function pointAt(space: readonly Dimension[], number: number): Point {
  let rest = number;
  return Object.fromEntries(
    space.map((dimension) => {
      const count = countOf(dimension);
      const place = rest % count;
      rest = Math.floor(rest / count);
      return [
        dimension.option,
        dimension.kind === "choice" ? at(dimension.values, place) : valueAt(dimension, (place + 0.5) / count),
      ];
    }),
  );
}

/** A uniformly drawn point of the space. */
export const drawPoint = (space: readonly Dimension[], random: Random): Point =>
  Object.fromEntries(
    space.map((dimension) => [
      dimension.option,
      dimension.kind === "choice"
        ? at(dimension.values, random.integer(dimension.values.length))
        : valueAt(dimension, random.uniform()),
    ]),
  );
