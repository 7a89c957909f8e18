// The loss over the plane of weight space in which some runs moved most, with the path of each.
import type { Landscape } from "../shared/compare.ts";
import { principal } from "./principal.ts";
import type { Session } from "./session.ts";

const side = 31;
/** Larger networks have no path. */
export const mostTraced = 5000;

/** All weights in one row. */
export const flat = (session: Session): Float32Array =>
  Float32Array.from(session.network.model.parameters().flatMap((parameter) => Array.from(parameter.dataSync())));

/** Each run is given by its weights at some steps; the loss is the first run's. The side is 0 if no path spans a plane. */
export function landscapeOf(session: Session, ways: readonly (readonly Float32Array[])[]): Landscape {
  const size = ways[0]?.[0]?.length ?? 0;
  const usable = ways.map((path) => (path[0]?.length === size ? path : []));
  const all = usable.flat();
  if (size === 0 || all.length < 3)
    return { side: 0, values: new Float32Array(), x: [0, 1], y: [0, 1], paths: [], share: 0 };
  const mean = new Float64Array(size);
  for (const point of all)
    point.forEach((value, k) => {
      mean[k] = (mean[k] ?? 0) + value / all.length;
    });
  const centred = all.map((point) => Float64Array.from(point, (value, k) => value - (mean[k] ?? 0)));
  const { directions, share } = principal(centred);
  const [u, v] = directions;
  const place = (point: ArrayLike<number>): [number, number] => {
    let [x, y] = [0, 0];
    for (let k = 0; k < size; k++) {
      const moved = (point[k] ?? 0) - (mean[k] ?? 0);
      x += moved * (u[k] ?? 0);
      y += moved * (v[k] ?? 0);
    }
    return [x, y];
  };
  const paths = usable.map((path) => Float32Array.from(path.flatMap(place)));
  const range = (offset: number): readonly [number, number] => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const path of paths)
      for (let k = offset; k < path.length; k += 2) {
        if (!Number.isFinite(path[k] ?? 0)) continue;
        low = Math.min(low, path[k] ?? 0);
        high = Math.max(high, path[k] ?? 0);
      }
    const margin = Math.max(0.25 * (high - low), 0.5);
    return [low - margin, high + margin];
  };
  const [x, y] = [range(0), range(1)];
  return { side, values: heights(session, { x, y }, { mean, u, v }), x, y, paths, share };
}

function heights(
  session: Session,
  { x, y }: { readonly x: readonly [number, number]; readonly y: readonly [number, number] },
  { mean, u, v }: { readonly mean: Float64Array; readonly u: Float64Array; readonly v: Float64Array },
): Float32Array {
  const parameters = session.network.model.parameters();
  const kept = parameters.map((parameter) => parameter.dataSync().slice());
  const values = new Float32Array(side ** 2);
  for (let k = 0; k < values.length; k++) {
    const [a, b] = [
      x[0] + (((k % side) + 0.5) / side) * (x[1] - x[0]),
      y[1] - ((Math.floor(k / side) + 0.5) / side) * (y[1] - y[0]),
    ];
    let from = 0;
    for (const parameter of parameters) {
      const start = from;
      parameter.assign(
        Float32Array.from(
          { length: parameter.size },
          (_, i) => (mean[start + i] ?? 0) + a * (u[start + i] ?? 0) + b * (v[start + i] ?? 0),
        ),
      );
      from += parameter.size;
    }
    values[k] = session.measure(session.trainPart).loss;
  }
  parameters.forEach((parameter, place) => {
    const own = kept[place];
    if (own !== undefined) parameter.assign(own);
  });
  return values;
}
