// A small chart of lines, points and bars in one frame, as SVG: axes with round ticks, names and units.
import type { ComponentChildren } from "preact";
import { short } from "../numbers.ts";

export interface Extent {
  readonly from: number;
  readonly to: number;
}

export interface Frame {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

interface Props {
  readonly label: string;
  readonly across: Extent & { readonly title: string; readonly show?: (value: number) => string };
  readonly up: Extent & { readonly title: string; readonly show?: (value: number) => string };
  /** Labels under the ticks instead of numbers. */
  readonly names?: readonly string[];
  /** Narrow, next to others of its kind. */
  readonly small?: boolean;
  readonly children: (frame: Frame) => ComponentChildren;
}

const edge = { right: 20, top: 10, bottom: 38 };
/** The least room for the title on the left with its ticks, and the width of a digit. */
const [titled, leastLeft, digit] = [22, 50, 6.4] as const;

/** About five round numbers inside an extent. */
export function ticksOf({ from, to }: Extent): number[] {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span)) return [from];
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** A path through points, with a gap at every NaN. */
export function lineOf(frame: Frame, points: readonly (readonly [number, number])[]): string {
  let pen = "M";
  return points
    .flatMap(([x, y]) => {
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        pen = "M";
        return [];
      }
      const part = `${pen}${frame.x(x).toFixed(1)} ${frame.y(y).toFixed(1)}`;
      pen = "L";
      return [part];
    })
    .join("");
}

export const tick = (value: number): string =>
  value === 0
    ? "0"
    : short(value)
        .replace(/(\.\d*?)0+(?=$|e)/, "$1")
        .replace(/\.(?=$|e)/, "");

/** The most letters of a name; of longer ones the beginning. */
const begun = (name: string, most: number): string => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
/** A date has ten: 2024-05-01. */
const mostLetters = 10;
/** Up to this many names are all drawn, cut to fit; of more, only as many as fit whole. */
const mostNames = 6;

export function Plot({ label, across, up, names, small = false, children }: Props) {
  const [width, height] = small ? [230, 190] : [340, 250];
  const levels = ticksOf(up).map((at) => [at, (up.show ?? tick)(at)] as const);
  const left = Math.max(leastLeft, titled + 6 + digit * Math.max(0, ...levels.map(([, text]) => text.length)));
  const frame: Frame = {
    x: (value) => left + ((value - across.from) / (across.to - across.from || 1)) * (width - left - edge.right),
    y: (value) =>
      height - edge.bottom - ((value - up.from) / (up.to - up.from || 1)) * (height - edge.top - edge.bottom),
  };
  /** As many of the ticks as fit side by side. */
  const apart = (all: readonly (readonly [number, string])[]): (readonly [number, string])[] => {
    const [first = 0, second = first] = all.map(([at]) => frame.x(at));
    const widest = 10 + digit * Math.max(0, ...all.map(([, text]) => text.length));
    const step = second > first ? Math.ceil(widest / (second - first)) : 1;
    return all.filter((_, place) => place % step === 0);
  };
  const room = names === undefined || names.length > mostNames ? mostLetters : (frame.x(1) - frame.x(0) - 4) / digit;
  const labels =
    names === undefined
      ? ticksOf(across).map((at) => [at, (across.show ?? tick)(at)] as const)
      : names.map((name, at) => [at, begun(name, Math.min(mostLetters, Math.max(2, Math.floor(room))))] as const);
  return (
    <svg class="plot-svg" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {levels.map(([at, text]) => (
        <g key={at}>
          <path class="grid" d={`M${left} ${frame.y(at)}H${width - edge.right}`} />
          <text class="plot-tick" x={left - 6} y={frame.y(at) + 4} text-anchor="end">
            {text}
          </text>
        </g>
      ))}
      {(names !== undefined && names.length <= mostNames ? labels : apart(labels)).map(([at, name]) => (
        <text key={at} class="plot-tick" x={frame.x(at)} y={height - edge.bottom + 15} text-anchor="middle">
          {name}
        </text>
      ))}
      <path class="axis" d={`M${left} ${edge.top}V${height - edge.bottom}H${width - edge.right}`} />
      <text class="axis-title" x={(left + width - edge.right) / 2} y={height - 5} text-anchor="middle">
        {begun(across.title, width / 8)}
      </text>
      <text
        class="axis-title"
        transform={`translate(12 ${(edge.top + height - edge.bottom) / 2}) rotate(-90)`}
        text-anchor="middle"
      >
        {begun(up.title, height / 8)}
      </text>
      {children(frame)}
    </svg>
  );
}
