// A line search for the strong Wolfe conditions: the loss falls enough, and its slope is small enough.

/** The loss at a position along the direction. */
interface Point {
  readonly size: number;
  readonly loss: number;
  readonly gradient: Float64Array;
  /** The slope along the direction. */
  readonly slope: number;
}

type Evaluate = (size: number) => { readonly loss: number; readonly gradient: Float64Array };

const enoughFall = 1e-4;
const enoughSlope = 0.9;
const mostTries = 25;

const along = (gradient: Float64Array, direction: Float64Array): number =>
  gradient.reduce((sum, value, place) => sum + value * (direction[place] ?? 0), 0);

/** The lowest point, within bounds, of the cubic through two points with their slopes. */
function cubicMinimum(a: Point, b: Point, bounds?: readonly [low: number, high: number]): number {
  const [low, high] = bounds ?? [Math.min(a.size, b.size), Math.max(a.size, b.size)];
  const d1 = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.size - b.size);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const [left, right] = a.size <= b.size ? [a, b] : [b, a];
  const place = right.size - (right.size - left.size) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return Math.min(Math.max(place, low), high);
}

/**
 * A step size along the direction with loss(size) ≤ loss(0) + 1e-4·size·slope(0) and |slope(size)| ≤ 0.9·|slope(0)|: first finds a bracket that
 * contains one, then narrows it. `start` is the point at 0, with the size to try first. Source: Nocedal and Wright, algorithms 3.5 and 3.6.
 */
export function strongWolfe(
  evaluate: Evaluate,
  direction: Float64Array,
  start: Point,
  toleranceChange: number,
): { readonly size: number; readonly loss: number; readonly gradient: Float64Array; readonly evaluations: number } {
  const width = direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let evaluations = 0;
  const at = (size: number): Point => {
    evaluations++;
    const { loss, gradient } = evaluate(size);
    return { size, loss, gradient, slope: along(gradient, direction) };
  };
  const tooHigh = (point: Point): boolean => point.loss > start.loss + enoughFall * point.size * start.slope;
  const flatEnough = (point: Point): boolean => Math.abs(point.slope) <= -enoughSlope * start.slope;

  let previous: Point = { ...start, size: 0 };
  let point = at(start.size);
  let bracket: [Point, Point] | undefined;
  let tries = 0;
  for (; tries < mostTries; tries++) {
    if (tooHigh(point) || (tries > 1 && point.loss >= previous.loss) || point.slope >= 0 || flatEnough(point)) {
      if (!tooHigh(point) && !(tries > 1 && point.loss >= previous.loss) && flatEnough(point))
        return { ...point, evaluations };
      bracket = [previous, point];
      break;
    }
    const least = point.size + 0.01 * (point.size - previous.size);
    const next = cubicMinimum(previous, point, [least, point.size * 10]);
    previous = point;
    point = at(next);
  }
  let [low, high] = bracket ?? [{ ...start, size: 0 }, point];
  if (low.loss > high.loss) [low, high] = [high, low];
  let stuck = false;
  for (; tries < mostTries; tries++) {
    if (Math.abs(high.size - low.size) * width < toleranceChange) break;
    let size = cubicMinimum(low, high);
    const [least, most] = [Math.min(low.size, high.size), Math.max(low.size, high.size)];
    // Too close to an end: accepted once, then moved a tenth inwards.
    const margin = 0.1 * (most - least);
    if (Math.min(most - size, size - least) < margin) {
      if (stuck || size >= most || size <= least) {
        size = Math.abs(size - most) < Math.abs(size - least) ? most - margin : least + margin;
        stuck = false;
      } else stuck = true;
    } else stuck = false;
    const middle = at(size);
    if (tooHigh(middle) || middle.loss >= low.loss) {
      high = middle;
      continue;
    }
    if (flatEnough(middle)) return { ...middle, evaluations };
    if (middle.slope * (high.size - low.size) >= 0) high = low;
    low = middle;
  }
  return { ...low, evaluations };
}
