// The space that a search draws from: options of `hebb train` with the values they may take.
import type { Random } from "../../data/index.ts";
import { HebbError } from "../../graph/errors.ts";

/** One option and its values. */
export type Dimension = { readonly option: string } & (
  | { readonly kind: "choice"; readonly values: readonly string[] }
  | { readonly kind: "range"; readonly low: number; readonly high: number; readonly scale: "linear" | "log" | "whole" }
);

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
  if (range === null) return { option, kind: "choice", values: values.split("|") };
  const [low, high] = [Number(range[1]), Number(range[2])];
  const scale = range[3] ?? "linear";
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high))
    throw new HebbError(`--space ${text}: a range must go from a number to a larger one, such as 1e-4..1e-1`);
  if (scale !== "linear" && scale !== "log" && scale !== "whole")
    throw new HebbError(`--space ${text}: a range may end in :log or :whole, not :${scale}`);
  if (scale === "log" && low <= 0)
    throw new HebbError(`--space ${text}: a logarithmic range must start above 0, not at ${low}`);
  return { option, kind: "range", low, high, scale };
}

function draw(dimension: Dimension, random: Random): string {
  if (dimension.kind === "choice") return dimension.values[random.integer(dimension.values.length)] ?? "";
  const { low, high, scale } = dimension;
  if (scale === "whole") return String(Math.ceil(low) + random.integer(Math.floor(high) - Math.ceil(low) + 1));
  const value = scale === "log" ? Math.exp(random.uniform(Math.log(low), Math.log(high))) : random.uniform(low, high);
  return String(Number(value.toPrecision(4)));
}

/** A point of the space; the same generator gives the same points. */
const drawPoint = (space: readonly Dimension[], random: Random): Point =>
  Object.fromEntries(space.map((dimension) => [dimension.option, draw(dimension, random)]));

/** Draws after which a space counts as used up. */
const mostDraws = 200;

/** So many points, none of them twice; fewer where the space has no more. */
export function drawPoints(space: readonly Dimension[], count: number, random: Random): Point[] {
  const points = new Map<string, Point>();
  for (let misses = 0; points.size < count && misses < mostDraws; ) {
    const point = drawPoint(space, random);
    const key = JSON.stringify(point);
    if (points.has(key)) misses++;
    else {
      points.set(key, point);
      misses = 0;
    }
  }
  return [...points.values()];
}
