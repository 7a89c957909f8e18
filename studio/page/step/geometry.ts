// The positions of edges and units of the drawn step, and hit testing.
import type { StageInfo } from "../../shared/protocol.ts";
import { type Column, mostInFile, type Spot, spotsOf } from "../draw/layout.ts";
import { short } from "../numbers.ts";
import type { LitEdge } from "./scene.ts";

/** The width of a number with about five digits. */
export function brief(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size === 0) return short(value);
  const text = size < 0.005 || size >= 1e4 ? value.toExponential(0) : value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
  return text.replaceAll("-", "−");
}

/** The distance between units, so that each has the 24 px that a finger needs. */
export const leastPitch = 30;

/** The least gap between columns, and the height at which each unit has its size. */
export function roomFor(stages: readonly StageInfo[]): { readonly gap: number; readonly height: number } {
  const most = Math.max(...stages.map(spotsOf));
  const perFile = most > mostInFile ? Math.max(mostInFile, Math.ceil(most / 2)) : most;
  return { gap: most > mostInFile ? 80 : 62, height: Math.max(330, 12 + leastPitch * perFile) };
}

/** Units are wider than they are high, for their numbers. */
export const wideOf = ({ size }: Spot, room: number): number => (size < 20 ? size : Math.max(size, Math.min(52, room)));

/** A point on the curve of an edge. */
export const bend = (a: number, b: number, t: number): number => a + (b - a) * t * t * (3 - 2 * t);

export interface Ends {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** The unit's square; for a layer in one picture, the picture. */
const spotOf = ({ spots, matrix }: Column, unit: number): Spot | undefined =>
  matrix ? spots[0] : spots[Math.min(unit, spots.length - 1)];

export function endsOf(columns: readonly Column[], loss: Spot, { column, from, to }: LitEdge): Ends | undefined {
  const [left, right] = [columns[column], columns[column + 1]];
  const start = left && spotOf(left, from);
  const end = right === undefined ? loss : spotOf(right, to);
  if (start === undefined || end === undefined) return undefined;
  return { x0: start.x + start.size / 2, y0: start.y, x1: end.x - end.size / 2, y1: end.y };
}

export const curve = ({ x0, y0, x1, y1 }: Ends): string => {
  const middle = (x0 + x1) / 2;
  return `M${x0} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}`;
};

export interface Edge {
  readonly column: number;
  readonly from: number;
  readonly to: number;
}

/** The edge under a point, if one is near. */
export function edgeUnder(columns: readonly Column[], x: number, y: number): Edge | undefined {
  let best: Edge | undefined;
  let least = 7;
  columns.slice(0, -1).forEach((left, column) => {
    const right = columns[column + 1];
    if (right === undefined || left.matrix || right.matrix) return;
    left.spots.forEach((start, from) => {
      right.spots.forEach((end, to) => {
        const [x0, x1] = [start.x + start.size / 2, end.x - end.size / 2];
        if (x < x0 || x > x1) return;
        const distance = Math.abs(bend(start.y, end.y, (x - x0) / Math.max(1, x1 - x0)) - y);
        if (distance < least) {
          least = distance;
          best = { column, from, to };
        }
      });
    });
  });
  return best;
}
