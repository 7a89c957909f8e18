// Chooses the next point of a search: at random, or by a tree-structured Parzen estimator. No point is tried twice.
import { Random } from "../../data/index.ts";
import { at } from "../../graph/at.ts";
import { type Dimension, drawPoint, type Point, placeOf, pointAt, type Range, sizeOf, valueAt } from "./space.ts";

export type SamplerName = "tpe" | "random";

/** Chooses points, one after another. */
export interface Sampler {
  /**
   * The next point. `ended` are the points with known results, best first; `pending` those still running. Undefined when the space has no more
   * points.
   */
  next(ended: readonly Point[], pending: readonly Point[]): Point | undefined;
}

export interface SamplerOptions {
  readonly space: readonly Dimension[];
  readonly seed: number;
}

/** A separate stream, independent of those of splits and shuffles. */
const spaceStream = 0x54554e45;
/** The number of draws after which an infinite space counts as used up, and a finite one is enumerated. */
const mostDraws = 200;
/** The number of random points before the estimator has data. */
const startup = 10;
/** The number of candidates drawn from the good points for each trial. */
const candidates = 24;

export function makeSampler(name: SamplerName, { space, seed }: SamplerOptions): Sampler {
  const random = new Random(seed, spaceStream);
  const tried = new Set<string>();
  return {
    next(ended, pending) {
      const learns = name === "tpe" && ended.length + pending.length >= startup && ended.length > 1;
      const point =
        (learns ? promising(space, ended, pending, tried, random) : undefined) ?? fresh(space, tried, random);
      if (point !== undefined) tried.add(keyOf(point));
      return point;
    },
  };
}

const keyOf = (point: Point): string => JSON.stringify(point);

/** A point that has not been tried. */
function fresh(space: readonly Dimension[], tried: ReadonlySet<string>, random: Random): Point | undefined {
  for (let draw = 0; draw < mostDraws; draw++) {
    const point = drawPoint(space, random);
    if (!tried.has(keyOf(point))) return point;
  }
  const size = sizeOf(space);
  if (!Number.isSafeInteger(size)) return undefined;
  const first = Math.floor(random.uniform(0, size));
  for (let step = 0; step < size; step++) {
    const point = pointAt(space, (first + step) % size);
    if (!tried.has(keyOf(point))) return point;
  }
  return undefined;
}

/**
 * The tree-structured Parzen estimator (Bergstra 2011) with joint kernels (Falkner 2018): the best tenth of the points, at most 25, define a density
 * l, the others a density g. Of 24 points drawn from l, the one with the largest l/g is tried, which maximises the expected improvement. Running
 * trials count towards g, so that concurrent ones differ.
 */
function promising(
  space: readonly Dimension[],
  ended: readonly Point[],
  pending: readonly Point[],
  tried: ReadonlySet<string>,
  random: Random,
): Point | undefined {
  const good = Math.min(25, Math.ceil(0.1 * ended.length));
  const better = new Parzen(space, ended.slice(0, good));
  const other = new Parzen(space, [...ended.slice(good), ...pending]);
  let [best, most]: [Point | undefined, number] = [undefined, Number.NEGATIVE_INFINITY];
  for (let candidate = 0; candidate < candidates; candidate++) {
    const point = better.draw(random);
    const gain = better.logDensity(point) - other.logDensity(point);
    if (gain > most && !tried.has(keyOf(point))) [best, most] = [point, gain];
  }
  return best;
}

/** A mixture of one kernel around each point and one as wide as the space. */
class Parzen {
  readonly #space: readonly Dimension[];
  readonly #points: readonly Point[];
  /** The standard deviation of a kernel, relative to its range: Scott's rule for points that fill the range, and at least 1/(n+1). */
  readonly #width: number;
  /** The fraction of a kernel spread equally over all values of a choice. */
  readonly #leak: number;

  constructor(space: readonly Dimension[], points: readonly Point[]) {
    this.#space = space;
    this.#points = points;
    const count = points.length + 1;
    this.#width = Math.max(0.2 * count ** (-1 / (space.length + 4)), 1 / Math.min(100, count + 1));
    this.#leak = 1 / count;
  }

  draw(random: Random): Point {
    const centre = this.#points[random.integer(this.#points.length + 1)];
    if (centre === undefined) return drawPoint(this.#space, random);
    return Object.fromEntries(
      this.#space.map((dimension) => {
        const own = cellOf(centre, dimension);
        return [
          dimension.option,
          dimension.kind === "choice"
            ? this.#choose(dimension.values, own, random)
            : this.#near(dimension, own, random),
        ];
      }),
    );
  }

  #choose(values: readonly string[], own: string, random: Random): string {
    const leaks = random.uniform() < this.#leak;
    return leaks ? at(values, random.integer(values.length)) : own;
  }

  /** Draws from a normal distribution truncated to the range. */
  #near(range: Range, own: string, random: Random): string {
    const centre = placeOf(range, own);
    for (;;) {
      const place = random.normal(centre, this.#width);
      if (place >= 0 && place < 1) return valueAt(range, place);
    }
  }

  logDensity(point: Point): number {
    // In logarithms relative to the largest: products of many small densities would underflow. The kernel as wide as the space is 1 for ranges.
    const wide = this.#space.reduce(
      (sum, dimension) => sum - (dimension.kind === "choice" ? Math.log(dimension.values.length) : 0),
      0,
    );
    const logs = [wide, ...this.#points.map((centre) => this.#logKernel(centre, point))];
    const most = Math.max(...logs);
    return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length);
  }

  #logKernel(centre: Point, point: Point): number {
    return this.#space.reduce((sum, dimension) => {
      const [from, to] = [cellOf(centre, dimension), cellOf(point, dimension)];
      if (dimension.kind === "choice") {
        const spread = this.#leak / dimension.values.length;
        return sum + Math.log(from === to ? 1 - this.#leak + spread : spread);
      }
      const [middle, place] = [placeOf(dimension, from), placeOf(dimension, to)];
      const inside = normalBelow((1 - middle) / this.#width) - normalBelow(-middle / this.#width);
      const height = Math.log(this.#width * Math.sqrt(2 * Math.PI) * inside);
      return sum - 0.5 * ((place - middle) / this.#width) ** 2 - height;
    }, 0);
  }
}

const cellOf = (point: Point, { option }: Dimension): string => point[option] ?? "";

/** The normal distribution function, accurate to 7.5e-8: Abramowitz and Stegun 26.2.17. */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}
