// Small charts in SVG: lines, areas, dots and bars over axes with round ticks, in the colours of the page.
import { visible } from "../../graph/visible.ts";

export const escaped = (text: string): string =>
  visible(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

/** Rounds to as many digits as are useful to read. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(size >= 1000 ? 4 : 3)));
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** "line" connects the points, "dots" does not. */
  readonly as?: "line" | "dots" | "both";
  readonly dashed?: boolean;
}

export interface ChartOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly width?: number;
  readonly height?: number;
  /** The ends of the axes; by default computed from the points. */
  readonly xRange?: readonly [number, number] | undefined;
  readonly yRange?: readonly [number, number] | undefined;
  /** Draw the diagonal from corner to corner as a reference. */
  readonly diagonal?: boolean;
  /** A vertical line with a label. */
  readonly mark?: { readonly x: number; readonly text: string } | undefined;
}

const [left, right, top, bottom] = [52, 14, 30, 40];

/** About five round numbers between two ends. */
export function marksOf(low: number, high: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

function rangeOf(values: readonly number[], given: readonly [number, number] | undefined): readonly [number, number] {
  if (given !== undefined) return given;
  const finite = values.filter(Number.isFinite);
  const [low, high] = finite.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  if (!(low <= high)) return [0, 1];
  const room = high > low ? 0.04 * (high - low) : Math.max(0.5, Math.abs(high) * 0.1);
  return [low - room, high + room];
}

const figure = (title: string, width: number, height: number, body: string): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}"><text class="title" x="${left}" y="16">${escaped(title)}</text>${body}</svg>`;

/** Curves or dots over two axes. */
export function chart(series: readonly Series[], options: ChartOptions): string {
  const { title, x, y, width = 420, height = 260, diagonal = false, mark } = options;
  const points = series.flatMap((each) => each.points);
  const [x0, x1] = rangeOf(
    points.map((point) => point.x),
    options.xRange,
  );
  const [y0, y1] = rangeOf(
    points.map((point) => point.y),
    options.yRange,
  );
  const [w, h] = [width - left - right, height - top - bottom];
  const px = (value: number): string => (left + ((value - x0) / (x1 - x0)) * w).toFixed(1);
  const py = (value: number): string => (top + h - ((value - y0) / (y1 - y0)) * h).toFixed(1);
  const grid = [
    ...marksOf(y0, y1).map(
      (value) =>
        `<line class="grid" x1="${left}" x2="${left + w}" y1="${py(value)}" y2="${py(value)}"/><text class="mark" x="${left - 6}" y="${py(value)}" dy=".32em" text-anchor="end">${short(value)}</text>`,
    ),
    ...marksOf(x0, x1).map(
      (value) => `<text class="mark" x="${px(value)}" y="${top + h + 15}" text-anchor="middle">${short(value)}</text>`,
    ),
    `<line class="axis" x1="${left}" x2="${left + w}" y1="${top + h}" y2="${top + h}"/>`,
    diagonal
      ? `<line class="ideal" x1="${px(Math.max(x0, y0))}" y1="${py(Math.max(x0, y0))}" x2="${px(Math.min(x1, y1))}" y2="${py(Math.min(x1, y1))}"/>`
      : "",
    mark === undefined
      ? ""
      : `<line class="ideal" x1="${px(mark.x)}" x2="${px(mark.x)}" y1="${top}" y2="${top + h}"/><text class="mark" x="${px(mark.x)}" y="${top - 3}" text-anchor="middle">${escaped(mark.text)}</text>`,
  ];
  const drawn = series.map(({ points: own, as = "line", dashed }, place) => {
    const finite = own.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
    const line = `<polyline class="line c${place % 6}"${dashed === true ? ' stroke-dasharray="4 3"' : ""} points="${finite.map((point) => `${px(point.x)},${py(point.y)}`).join(" ")}"/>`;
    const dots = finite
      .map(
        (point) =>
          `<circle class="dot c${place % 6}" cx="${px(point.x)}" cy="${py(point.y)}" r="${as === "dots" ? 2 : 3}"/>`,
      )
      .join("");
    return `${as === "dots" ? "" : line}${as === "line" ? "" : dots}`;
  });
  const labels = `<text class="label" x="${left + w / 2}" y="${height - 6}" text-anchor="middle">${escaped(x)}</text><text class="label" transform="translate(12 ${top + h / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`;
  return `<figure>${figure(title, width, height, [...grid, ...drawn, labels].join(""))}${series.length > 1 ? legend(series.map(({ name }) => name)) : ""}</figure>`;
}

const legend = (names: readonly string[]): string =>
  `<figcaption>${names.map((name, place) => `<span><i class="c${place % 6}"></i>${escaped(name)}</span>`).join("")}</figcaption>`;

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly deviation?: number;
}

/** Bars with their names on the left; a thin line shows a deviation to both sides. */
export function bars(list: readonly Bar[], title: string, unit: string, width = 640): string {
  const [row, names] = [22, width > 500 ? 150 : 120];
  const [most, least] = [
    Math.max(1e-12, ...list.map(({ value, deviation = 0 }) => value + deviation)),
    Math.min(0, ...list.map(({ value, deviation = 0 }) => value - deviation)),
  ];
  const px = (value: number): number => names + ((value - least) / (most - least)) * (width - names - 70);
  const drawn = list.map(({ name, value, deviation = 0 }, place) => {
    const y = 34 + place * row;
    const label = name.length > names / 7 ? `${name.slice(0, Math.floor(names / 7))}…` : name;
    const [from, to] = [Math.min(px(0), px(value)), Math.max(px(0), px(value))];
    return `<g><title>${escaped(name)}: ${short(value)} ± ${short(deviation)}</title><text class="mark" x="${names - 8}" y="${y + 8}" dy=".32em" text-anchor="end">${escaped(label)}</text><rect class="bar c0" x="${from.toFixed(1)}" y="${y}" width="${Math.max(1, to - from).toFixed(1)}" height="16" rx="2"/><line class="spread" x1="${px(value - deviation).toFixed(1)}" x2="${px(value + deviation).toFixed(1)}" y1="${y + 8}" y2="${y + 8}"/><text class="mark" x="${(px(value + Math.max(0, deviation)) + 6).toFixed(1)}" y="${y + 8}" dy=".32em">${short(value)}</text></g>`;
  });
  return `<figure>${figure(`${title} (${unit})`, width, 44 + list.length * row, drawn.join(""))}</figure>`;
}
