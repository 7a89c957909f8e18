// Curves in bounded memory: each stretch of steps keeps the points with a minimum or a maximum of a figure.
import type { HistoryPoint } from "./protocol.ts";

/** The most points of a curve. */
export const mostPoints = 4096;
/** The number of stretches of a thinned curve; each keeps at most eight points and the first NaN. */
const stretches = 256;

const figures: readonly ((point: HistoryPoint) => number | undefined)[] = [
  ({ train }) => train.loss,
  ({ train }) => train.metric,
  ({ test }) => test?.loss,
  ({ test }) => test?.metric,
];

/** The points with the minimum and the maximum of each figure, and the first NaN. */
function extremes(points: readonly HistoryPoint[]): ReadonlySet<HistoryPoint> {
  const kept = new Set<HistoryPoint>();
  for (const figureOf of figures) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    let [lowest, highest, lost]: (HistoryPoint | undefined)[] = [];
    for (const point of points) {
      const figure = figureOf(point);
      if (figure === undefined) continue;
      if (!Number.isFinite(figure)) lost ??= point;
      else {
        if (figure < low) [low, lowest] = [figure, point];
        if (figure > high) [high, highest] = [figure, point];
      }
    }
    for (const point of [lowest, highest, lost]) if (point !== undefined) kept.add(point);
  }
  return kept;
}

/** Thins a curve in place once it has more than `mostPoints`; its first and last point stay, and so does every extreme. */
export function thin(points: HistoryPoint[]): void {
  const [first, last] = [points[0], points.at(-1)];
  if (points.length <= mostPoints || first === undefined || last === undefined) return;
  const span = last.step - first.step + 1;
  const parts = Array.from({ length: stretches }, (): HistoryPoint[] => []);
  for (const point of points) parts[Math.floor(((point.step - first.step) * stretches) / span)]?.push(point);
  const kept = parts.flatMap((part) => {
    const telling = extremes(part);
    return part.filter((point) => telling.has(point) || point === first || point === last);
  });
  points.splice(0, points.length, ...kept);
}

/** Appends a point. It is ignored if its step is not beyond the last point's. */
export function addPoint(points: HistoryPoint[], point: HistoryPoint): void {
  if (point.step <= (points.at(-1)?.step ?? -1)) return;
  points.push(point);
  thin(points);
}
