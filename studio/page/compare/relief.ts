// The landscape as a relief: its points in space, rotated and projected, and its pieces from back to front.
import type { Landscape } from "../../shared/compare.ts";

/** The viewing direction, in radians. */
export interface View {
  /** Around the vertical axis. */
  readonly turn: number;
  /** The elevation above the horizon: 0 from the side, π/2 from above. */
  readonly tilt: number;
}

export const firstView: View = { turn: -0.6, tilt: 0.62 };
const mostTilt = Math.PI / 2;

/** The view rotated by some angles, within the limits of the drawing. */
export const turned = ({ turn, tilt }: View, by: Partial<View>): View => ({
  turn: (turn + (by.turn ?? 0)) % (2 * Math.PI),
  tilt: Math.min(mostTilt, Math.max(0.12, tilt + (by.tilt ?? 0))),
});

/** A point on the page, in pixels, with its distance: larger is farther. */
export interface Projected {
  readonly x: number;
  readonly y: number;
  readonly far: number;
}

/** Projects a point of the ground (−½ to ½ in both directions, the second upwards in the plane) at a height (0 to 1). */
export function projection(
  { turn, tilt }: View,
  width: number,
  height: number,
): (across: number, along: number, up: number) => Projected {
  // The ground's diagonal and the relief's height fit at any rotation.
  const size = Math.min(width / 1.5, height / 1.62);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const [level, steep] = [Math.cos(tilt), Math.sin(tilt)];
  return (across, along, up) => {
    const x = across * cos - along * sin;
    const back = across * sin + along * cos;
    const z = (up - 0.5) * 0.62;
    return {
      x: width / 2 + size * x,
      y: height / 2 - size * (back * steep + z * level),
      far: back * level - z * steep,
    };
  };
}

/** The logarithm of the loss at every point, from 0 at the lowest to 1 at the highest; NaN is highest. */
export function reliefOf({ values }: Landscape): Float32Array {
  const logs = Float32Array.from(values, (value) => Math.log(Math.max(1e-4, Number.isFinite(value) ? value : 1e4)));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  return logs.map((value) => (high > low ? (value - low) / (high - low) : 0));
}

/** The height between the points of the grid; `column` and `row` are in units of its points, row 0 at the far edge. */
export function heightAt(relief: Float32Array, side: number, column: number, row: number): number {
  const clamped = (value: number): number => Math.min(side - 1, Math.max(0, value));
  const [x, y] = [clamped(column), clamped(row)];
  const [left, top] = [Math.min(side - 2, Math.floor(x)), Math.min(side - 2, Math.floor(y))];
  const at = (right: number, below: number): number => relief[(top + below) * side + left + right] ?? 0;
  const [s, t] = [x - left, y - top];
  return (1 - t) * ((1 - s) * at(0, 0) + s * at(1, 0)) + t * ((1 - s) * at(0, 1) + s * at(1, 1));
}

/** A face of the relief or a piece of a lane's path. */
export interface Piece {
  readonly points: readonly Projected[];
  readonly far: number;
  /** The mean height of a face, 0 to 1. */
  readonly height: number;
  /** The lane of the path; undefined for a face. */
  readonly lane: number | undefined;
}

/** Everything to draw, the farthest first: nearer pieces are painted over it. */
export function piecesOf(
  landscape: Landscape,
  relief: Float32Array,
  view: View,
  width: number,
  height: number,
): Piece[] {
  const { side, paths, x, y } = landscape;
  const project = projection(view, width, height);
  // The points of the grid are the centres of its squares.
  const onGround = (column: number, row: number, lift = 0): Projected =>
    project((column + 0.5) / side - 0.5, 0.5 - (row + 0.5) / side, heightAt(relief, side, column, row) + lift);
  const farOf = (points: readonly Projected[]): number => points.reduce((sum, { far }) => sum + far / points.length, 0);
  const pieces: Piece[] = [];
  for (let row = 0; row + 1 < side; row++)
    for (let column = 0; column + 1 < side; column++) {
      const points = [
        onGround(column, row),
        onGround(column + 1, row),
        onGround(column + 1, row + 1),
        onGround(column, row + 1),
      ];
      const mean = heightAt(relief, side, column + 0.5, row + 0.5);
      pieces.push({ points, far: farOf(points), height: mean, lane: undefined });
    }
  paths.forEach((path, lane) => {
    const place = (k: number): Projected =>
      onGround(
        (((path[k] ?? 0) - x[0]) / (x[1] - x[0])) * side - 0.5,
        (1 - ((path[k + 1] ?? 0) - y[0]) / (y[1] - y[0])) * side - 0.5,
        0.012,
      );
    for (let k = 2; k + 1 < path.length; k += 2) {
      const points = [place(k - 2), place(k)];
      // A path lies on its faces, so it counts as slightly nearer than they are.
      pieces.push({ points, far: farOf(points) - 0.7 / side, height: 0, lane });
    }
  });
  return pieces.sort((a, b) => b.far - a.far);
}
