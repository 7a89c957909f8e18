// A chart of a search: one panel per option, with a dot for the value and result of every trial.

import type { Trial } from "./search.ts";
import type { Dimension } from "./space.ts";

const [panel, gap, head] = [220, 60, 40];
const escaped = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");

interface Axis {
  /** The position along the panel, 0 … 1. */
  readonly place: (value: string) => number;
  readonly ends: readonly [string, string];
}

function axisOf(dimension: Dimension): Axis {
  if (dimension.kind === "choice") {
    const { values } = dimension;
    return {
      place: (value) => (values.indexOf(value) + 0.5) / values.length,
      ends: [values[0] ?? "", values.at(-1) ?? ""],
    };
  }
  const { low, high, scale } = dimension;
  const along = (value: number): number =>
    scale === "log" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return { place: (value) => along(Number(value)), ends: [String(low), String(high)] };
}

/** An SVG with metrics upwards and each option's values to the right; a dot is darker if its trial was trained for longer. */
export function pictureOf(trials: readonly Trial[], space: readonly Dimension[], metric: string): string {
  const measured = trials.filter(({ value }) => Number.isFinite(value));
  const values = measured.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const longest = Math.max(1, ...measured.map(({ epochs }) => epochs));
  const width = gap + space.length * (panel + gap);
  const panels = space.map((dimension, place) => {
    const left = gap + place * (panel + gap);
    const { place: along, ends } = axisOf(dimension);
    const dots = measured.map((trial) => {
      const x = left + panel * along(trial.point[dimension.option] ?? "");
      const y = head + panel * (high > low ? (high - trial.value) / (high - low) : 0.5);
      const title = `trial ${trial.number}: ${metric} ${trial.value.toPrecision(4)}, ${trial.epochs} epochs`;
      return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4" fill="#2563eb" fill-opacity="${(0.25 + (0.75 * trial.epochs) / longest).toFixed(2)}"><title>${escaped(title)}</title></circle>`;
    });
    return `<g><rect x="${left}" y="${head}" width="${panel}" height="${panel}" fill="none" stroke="#9ca3af"/><text x="${left + panel / 2}" y="${head + panel + 34}" text-anchor="middle">${escaped(dimension.option)}</text><text x="${left}" y="${head + panel + 16}">${escaped(ends[0])}</text><text x="${left + panel}" y="${head + panel + 16}" text-anchor="end">${escaped(ends[1])}</text>${dots.join("")}</g>`;
  });
  const scale = Number.isFinite(low)
    ? `<text x="${gap - 6}" y="${head + 4}" text-anchor="end">${high.toPrecision(3)}</text><text x="${gap - 6}" y="${head + panel}" text-anchor="end">${low.toPrecision(3)}</text>`
    : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${head + panel + 50}" font-family="sans-serif" font-size="11" fill="#374151"><rect width="100%" height="100%" fill="#ffffff"/><text x="${gap}" y="22" font-size="13">${escaped(metric)} of ${measured.length} trials</text>${scale}${panels.join("")}</svg>\n`;
}
