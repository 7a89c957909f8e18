// Lanes in lockstep: several runs that differ in one setting, their bands over seeds, and the landscape around their paths.

import { noGrad, type Tensor, tensor } from "../../src/index.ts";
import type { Landscape, LaneNumbers, LanesAsk, LanesMove, SeedAsk, SeedRun } from "../shared/compare.ts";
import { derived } from "../shared/features.ts";
import type { OwnData } from "../shared/protocol.ts";
import type { StudioState } from "../shared/state.ts";
import * as say from "../texts/en/engine.ts";
import { type Prepared, prepare } from "./data.ts";
import { keptFloats } from "./kept.ts";
import { flat, landscapeOf, mostTraced } from "./landscape.ts";
import { squash } from "./network.ts";
import { Session } from "./session.ts";
import { View } from "./view.ts";

const mapSide = 40;
const mostPathPoints = 90;

interface Lane {
  readonly session: Session;
  readonly view: View;
  readonly sameStart: boolean;
  /** The weights at some steps, flattened. */
  path: Float32Array[];
  readonly output: ((x: Tensor) => Float32Array[]) | undefined;
}

const equal = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, k) => value === b[k]);

export class Lanes {
  readonly #lanes: Lane[];
  readonly #states: readonly StudioState[];
  readonly #prepared: readonly Prepared[];
  readonly #grids = new Map<string, Tensor>();

  private constructor(states: readonly StudioState[], prepared: readonly Prepared[]) {
    this.#states = states;
    this.#prepared = prepared;
    let first: Float32Array | undefined;
    this.#lanes = states.map((state, place) => {
      const data = prepared[place] ?? prepared[0];
      if (data === undefined) throw new Error(say.aLaneHasNoData);
      const session = new Session(state, data);
      const { info } = data;
      const { model } = session.network;
      const weights = flat(session);
      first ??= weights;
      const sameStart = equal(weights, first);
      const output =
        info.ranges.length > 0 && info.given <= 2
          ? keptFloats((x) => noGrad(() => (x === undefined ? [] : [squash(info, model.forward(x))])))
          : undefined;
      return {
        session,
        view: new View(session),
        sameStart,
        path: weights.length <= mostTraced ? [weights] : [],
        output,
      };
    });
  }

  /** Opens the state and its variants; lanes with equal data share it. */
  static async open({ state, lanes }: LanesAsk, own: OwnData | undefined): Promise<Lanes> {
    const states = [state, ...lanes.map((lane) => ({ ...state, ...lane }))];
    const keyOf = ({ data, count, noise, test, dataSeed, points, target, features }: StudioState): string =>
      JSON.stringify([data, count, noise, test, dataSeed, points, target, features]);
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
      const { session, view, sameStart } = lane;
      const point = session.now();
      const gradients = view.layers().map(({ weightGrad }) => Math.hypot(...weightGrad));
      const map = this.#map(lane);
      return {
        step: session.step,
        sameStart,
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
    const { ranges, inputs, given } = session.prepared.info;
    const { features } = session.state;
    const [[x0, x1], [y0, y1]] = [ranges[0] ?? [0, 1], ranges[1] ?? [0, 1]];
    const points = Float32Array.from({ length: mapSide ** 2 * given }, (_, k) => {
      const point = Math.floor(k / given);
      return k % given === 0
        ? x0 + (((point % mapSide) + 0.5) / mapSide) * (x1 - x0)
        : y1 - ((Math.floor(point / mapSide) + 0.5) / mapSide) * (y1 - y0);
    });
    const rows = given < inputs.length ? derived(points, features) : points;
    // Lanes may differ in their computed inputs.
    const key = features.join();
    const grid = this.#grids.get(key) ?? tensor(rows, { shape: [mapSide ** 2, rows.length / mapSide ** 2] });
    this.#grids.set(key, grid);
    session.network.model.eval();
    const [values = new Float32Array()] = output(grid);
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
      if (!Number.isFinite(session.now().train.loss)) continue;
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

  /** One lane again from another seed, measured at the given steps. */
  seedRun({ lane, seed, steps }: SeedAsk): SeedRun {
    const [state, prepared] = [this.#states[lane], this.#prepared[lane]];
    const loss = new Float32Array(steps.length).fill(Number.NaN);
    const metric = new Float32Array(steps.length).fill(Number.NaN);
    if (state === undefined || prepared === undefined) return { loss, metric };
    const session = new Session({ ...state, seed }, prepared);
    steps.forEach((step, place) => {
      const healthy = session.advance(step - session.step);
      const { train } = session.now();
      loss[place] = healthy ? train.loss : Number.NaN;
      metric[place] = train.metric;
    });
    return { loss, metric };
  }

  /** The loss over the plane in which the lanes moved most. */
  landscape(): Landscape {
    const [first] = this.#lanes;
    if (first === undefined) throw new Error(say.thereAreNoLanes);
    return landscapeOf(
      first.session,
      this.#lanes.map(({ path }) => path),
    );
  }
}
