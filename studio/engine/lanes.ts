// Lanes in lockstep: several runs that differ in one thing, their bands over seeds, and the landscape they cross.
import { noGrad, type Tensor, tensor } from "../../src/index.ts";
import type { Landscape, LaneNumbers, LanesAsk, LanesMove, SeedAsk, SeedRun } from "../shared/compare.ts";
import type { OwnData } from "../shared/protocol.ts";
import type { StudioState } from "../shared/state.ts";
import { type Prepared, prepare } from "./data.ts";
import { keptFloats } from "./kept.ts";
import { squash } from "./network.ts";
import { Session } from "./session.ts";
import { View } from "./view.ts";

const mapSide = 40;
/** Larger networks leave no path. */
const mostTraced = 5000;
const mostPathPoints = 90;
const landscapeSide = 31;

interface Lane {
  readonly session: Session;
  readonly view: View;
  /** The weights at some steps, flattened. */
  path: Float32Array[];
  readonly output: ((x: Tensor) => Float32Array[]) | undefined;
}

const flat = (session: Session): Float32Array =>
  Float32Array.from(session.network.model.parameters().flatMap((parameter) => Array.from(parameter.dataSync())));

export class Lanes {
  readonly #lanes: Lane[];
  readonly #states: readonly StudioState[];
  readonly #prepared: readonly Prepared[];
  #grid: Tensor | undefined;

  private constructor(states: readonly StudioState[], prepared: readonly Prepared[]) {
    this.#states = states;
    this.#prepared = prepared;
    this.#lanes = states.map((state, place) => {
      const data = prepared[place] ?? prepared[0];
      if (data === undefined) throw new Error("a lane has no data");
      const session = new Session(state, data);
      const { info } = data;
      const { model } = session.network;
      const output =
        info.ranges.length > 0 && info.inputs.length <= 2
          ? keptFloats((x) => noGrad(() => (x === undefined ? [] : [squash(info, model.forward(x))])))
          : undefined;
      return {
        session,
        view: new View(session),
        path: session.info.parameters <= mostTraced ? [flat(session)] : [],
        output,
      };
    });
  }

  /** Opens the state and its variants; those with equal data share it. */
  static async open({ state, lanes }: LanesAsk, own: OwnData | undefined): Promise<Lanes> {
    const states = [state, ...lanes.map((lane) => ({ ...state, ...lane }))];
    const keyOf = ({ data, count, noise, test, dataSeed, points, target }: StudioState): string =>
      JSON.stringify([data, count, noise, test, dataSeed, points, target]);
    const known = new Map<string, Prepared>();
    const prepared: Prepared[] = [];
    for (const one of states) {
      const found = known.get(keyOf(one)) ?? (await prepare(one, own));
      known.set(keyOf(one), found);
      prepared.push(found);
    }
    return new Lanes(states, prepared);
  }

  numbers(): LaneNumbers[] {
    return this.#lanes.map((lane) => {
      const { session, view } = lane;
      const point = session.record();
      const gradients = view.layers().map(({ weightGrad }) => Math.hypot(...weightGrad));
      const map = this.#map(lane);
      return {
        step: session.step,
        train: point.train,
        test: point.test,
        gradients,
        map,
        side: map.length > 0 ? mapSide : 0,
        parameters: session.info.parameters,
      };
    });
  }

  #map({ session, output }: Lane): Float32Array {
    if (output === undefined) return new Float32Array();
    const { ranges, inputs } = session.prepared.info;
    const [[x0, x1], [y0, y1]] = [ranges[0] ?? [0, 1], ranges[1] ?? [0, 1]];
    const width = inputs.length;
    this.#grid ??= tensor(
      Float32Array.from({ length: mapSide ** 2 * width }, (_, k) => {
        const point = Math.floor(k / width);
        return k % width === 0
          ? x0 + (((point % mapSide) + 0.5) / mapSide) * (x1 - x0)
          : y1 - ((Math.floor(point / mapSide) + 0.5) / mapSide) * (y1 - y0);
      }),
      { shape: [mapSide ** 2, width] },
    );
    session.network.model.eval();
    const [values = new Float32Array()] = output(this.#grid);
    session.network.model.train();
    const outputs = values.length / mapSide ** 2;
    const turned = new Float32Array(values.length);
    for (let point = 0; point < mapSide ** 2; point++)
      for (let unit = 0; unit < outputs; unit++)
        turned[unit * mapSide ** 2 + point] = values[point * outputs + unit] ?? 0;
    return turned;
  }

  move(move: LanesMove): LaneNumbers[] {
    for (const lane of this.#lanes) {
      const { session } = lane;
      if (!Number.isFinite(session.history.at(-1)?.train.loss ?? 0)) continue;
      if ("steps" in move) session.advance(move.steps);
      else {
        const end = performance.now() + move.milliseconds;
        while (performance.now() < end && session.advance(4));
      }
      if (lane.path.length > 0) {
        lane.path.push(flat(session));
        if (lane.path.length > mostPathPoints) lane.path = lane.path.filter((_, place) => place % 2 === 0);
      }
    }
    return this.numbers();
  }

  /** One lane again from another seed, measured at the steps that are asked for. */
  seedRun({ lane, seed, steps }: SeedAsk): SeedRun {
    const [state, prepared] = [this.#states[lane], this.#prepared[lane]];
    const loss = new Float32Array(steps.length).fill(Number.NaN);
    const metric = new Float32Array(steps.length).fill(Number.NaN);
    if (state === undefined || prepared === undefined) return { loss, metric };
    const session = new Session({ ...state, seed }, prepared);
    steps.forEach((step, place) => {
      const healthy = session.advance(step - session.step);
      const { train } = session.record();
      loss[place] = healthy ? train.loss : Number.NaN;
      metric[place] = train.metric;
    });
    return { loss, metric };
  }

  /** The loss over the plane in which the lanes moved most. */
  landscape(): Landscape {
    const [first] = this.#lanes;
    const size = first?.path[0]?.length ?? 0;
    const usable = this.#lanes.map(({ path }) => (path[0]?.length === size ? path : []));
    const all = usable.flat();
    if (first === undefined || size === 0 || all.length < 3)
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
    const values = this.#heights(first.session, { x, y }, { mean, u, v });
    return { side: landscapeSide, values, x, y, paths, share };
  }

  #heights(
    session: Session,
    { x, y }: { readonly x: readonly [number, number]; readonly y: readonly [number, number] },
    { mean, u, v }: { readonly mean: Float64Array; readonly u: Float64Array; readonly v: Float64Array },
  ): Float32Array {
    const parameters = session.network.model.parameters();
    const kept = parameters.map((parameter) => parameter.dataSync().slice());
    const values = new Float32Array(landscapeSide ** 2);
    for (let k = 0; k < values.length; k++) {
      const [a, b] = [
        x[0] + (((k % landscapeSide) + 0.5) / landscapeSide) * (x[1] - x[0]),
        y[1] - ((Math.floor(k / landscapeSide) + 0.5) / landscapeSide) * (y[1] - y[0]),
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
}

/** The two directions along which points spread most: power iteration on their Gram matrix. */
function principal(points: readonly Float64Array[]): { directions: [Float64Array, Float64Array]; share: number } {
  const n = points.length;
  const size = points[0]?.length ?? 0;
  const dot = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
    return sum;
  };
  const gram = points.map((a) => Float64Array.from(points, (b) => dot(a, b)));
  let total = 0;
  for (let k = 0; k < n; k++) total += gram[k]?.[k] ?? 0;
  let kept = 0;
  const found = [0, 1].map((which) => {
    let vector = Float64Array.from({ length: n }, (_, k) => Math.sin(1 + k * (which + 1.7)));
    let value = 0;
    for (let round = 0; round < 120; round++) {
      const next = Float64Array.from(gram, (row) => dot(row, vector));
      value = Math.sqrt(dot(next, next));
      if (value < 1e-12) break;
      vector = next.map((x) => x / value);
    }
    gram.forEach((row, i) => {
      for (let j = 0; j < n; j++) row[j] = (row[j] ?? 0) - value * (vector[i] ?? 0) * (vector[j] ?? 0);
    });
    kept += value;
    const direction = new Float64Array(size);
    points.forEach((point, k) => {
      for (let i = 0; i < size; i++) direction[i] = (direction[i] ?? 0) + (vector[k] ?? 0) * (point[i] ?? 0);
    });
    const length = Math.sqrt(dot(direction, direction)) || 1;
    return direction.map((x) => x / length);
  });
  return {
    directions: [found[0] ?? new Float64Array(size), found[1] ?? new Float64Array(size)],
    share: total > 0 ? Math.min(1, kept / total) : 0,
  };
}
