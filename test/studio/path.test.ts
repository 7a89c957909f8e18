// The drawing of a step: every number on the network and in the formulas is the engine's own, to the bit, over a random walk of states.
import { describe, expect, it } from "vitest";
import { data, Generator, inspectStep, tensor, useBackend, withGenerator } from "../../src/index.ts";
import { noteGradients } from "../../studio/engine/noted.ts";
import { Session } from "../../studio/engine/session.ts";
import { stepThrough } from "../../studio/engine/stepThrough.ts";
import { View } from "../../studio/engine/view.ts";
import { explain } from "../../studio/page/step/explain.ts";
import type { Expr, Leaf } from "../../studio/page/step/formula.ts";
import { type Cursor, cursorOf, extentOf, Path, printCursor } from "../../studio/page/step/path.ts";
import { rowOf, sceneOf } from "../../studio/page/step/scene.ts";
import { activationNames, initNames, lossesOf, optimizerNames } from "../../studio/shared/names.ts";
import { type StudioState, startState } from "../../studio/shared/state.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

const leavesOf = (of: Expr): Leaf[] => {
  switch (of.kind) {
    case "leaf":
      return [of];
    case "text":
      return [];
    case "row":
      return of.parts.flatMap(leavesOf);
    case "fraction":
      return [...leavesOf(of.over), ...leavesOf(of.under)];
    case "power":
      return [...leavesOf(of.of), ...leavesOf(of.to)];
    case "root":
    case "term":
      return leavesOf(of.of);
    case "slope":
      return [of.leaf];
    case "slot":
      return [of.number];
  }
};

const floats = (values: ArrayLike<number>): Float32Array => Float32Array.from(values);

interface Held {
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly slots: ReadonlyMap<string, Float32Array>;
}

const held = (session: Session): Held => ({
  weights: new Map(
    session.network.model.namedParameters().map(([path, value]) => [path, floats(value.dataSync())] as const),
  ),
  slots: new Map(
    Object.entries(session.optimizerState().state).map(([name, value]) => [name, floats(value.dataSync())] as const),
  ),
});

/** The library's own inspection of the step, in a separate session: the output of each module. */
function inspected(session: Session) {
  const { model } = session.network;
  const { train, info } = session.prepared;
  const batch = train.subset(session.nextRows());
  const generator = new Generator(0);
  generator.setState(session.random);
  const x = tensor(floats(batch.features.data), { shape: [batch.length, ...batch.features.shape] });
  const y =
    info.task === "number"
      ? tensor(floats(batch.targets.data), { shape: [batch.length, 1] })
      : tensor(Int32Array.from(batch.targets.data));
  const nodes = withGenerator(generator, () =>
    inspectStep(() => session.loss(model.forward(x), y), { optimizer: session.optimizer }),
  );
  const first = nodes.findIndex(({ gradientOf }) => gradientOf.length > 0);
  const results = session.network.modules.map((_, place) => {
    const own = nodes.slice(0, first).findLast(({ op, path }) => op !== "value" && path === String(place));
    return own === undefined ? undefined : floats(own.value);
  });
  return { x: floats(x.dataSync()), y: floats(y.dataSync()), results };
}

/** The loss and the slopes of the Trainer's own step, in a separate session that is about to take it. */
function taken(session: Session, gradientOf: ReturnType<typeof noteGradients>) {
  session.advance(1);
  const parameters = session.network.model.namedParameters();
  return {
    slopes: new Map(parameters.map(([path, parameter]) => [path, gradientOf(parameter)] as const)),
    loss: session.batchLoss,
  };
}

/** The expected value of a number, by its name; undefined if only the step itself holds it. */
function truthOf(
  session: Session,
  row: number,
  before: Held,
  after: Held,
  told: ReturnType<typeof inspected> & ReturnType<typeof taken>,
  at: string,
): number | undefined {
  const { stages, layers } = session.network;
  const [name = "", ...places] = at.split(".");
  const layer = Number(name.slice(1));
  const path = stages[layer + 1]?.path ?? "";
  const [unit = 0, k = 0] = places.map(Number);
  const rows = told.y.length;
  const inRow = (values: Float32Array | undefined): number | undefined => values?.[row * (values.length / rows) + unit];
  const kinds = session.network.modules.map((module) => module.constructor.name);
  const from = Number(path);
  const until = Number(stages[layer + 2]?.path ?? kinds.length);
  const resultOf = (fits: (kind: string) => boolean): Float32Array | undefined => {
    const place = kinds.findIndex((kind, one) => one > from && one < until && fits(kind));
    return place < 0 ? undefined : told.results[place];
  };
  const inputs = (layers[layer]?.weight.size ?? 0) / (layers[layer]?.weight.shape[0] ?? 1);
  const parameter = (values: ReadonlyMap<string, Float32Array>): number | undefined =>
    k === inputs ? values.get(`${path}.bias`)?.[unit] : values.get(`${path}.weight`)?.[unit * inputs + k];
  if (at === "loss") return told.loss;
  if (at === "y") return told.y[row];
  if (name === "slot") {
    const [slot = "", l = "", u = "", w = ""] = places0(at);
    const own = stages[Number(l) + 1]?.path ?? "";
    const wide = (layers[Number(l)]?.weight.size ?? 0) / (layers[Number(l)]?.weight.shape[0] ?? 1);
    const late = w.endsWith("′");
    const place = Number(w.replace("′", ""));
    const order = session.network.model.namedParameters().map(([one]) => one);
    const number = order.indexOf(`${own}.${place === wide ? "bias" : "weight"}`);
    const values = (late ? after : before).slots.get(`${number}.${slot}`);
    return values?.[place === wide ? Number(u) : Number(u) * wide + place] ?? 0;
  }
  switch (name[0]) {
    case "x":
      return inRow(told.x);
    case "z":
      return inRow(told.results[from]);
    case "n":
      return inRow(resultOf((kind) => kind.startsWith("BatchNorm")));
    case "p":
      return inRow(resultOf((kind) => kind === "MaxPool2d"));
    case "m":
      return !/^m\d+$/.test(name) ? undefined : inRow(resultOf((kind) => kind === "Dropout"));
    case "a":
      return layer === layers.length - 1
        ? undefined
        : inRow(resultOf((kind) => !/BatchNorm|MaxPool|Dropout|Flatten/.test(kind)));
    case "w":
      return parameter(before.weights);
    case "b":
      return name.startsWith("beta") ? undefined : before.weights.get(`${path}.bias`)?.[unit];
    case "u":
      return /^u\d+$/.test(name) ? parameter(after.weights) : undefined;
    case "g":
      return /^g\d+$/.test(name) ? parameter(told.slopes) : undefined;
    default:
      return undefined;
  }
}

const places0 = (at: string): string[] => at.split(".").slice(1);

const random = new data.Random(5);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random.uniform() * list.length)] as T;

function randomState(): StudioState {
  const conv = random.uniform() < 0.25;
  const batch = pick([1, 2, 5, 16, 17, 33, 64, 512]);
  const name = conv ? "digits" : pick(["moons", "iris", "curve", "loans", "words"] as const);
  const task = name === "curve" ? "number" : name === "moons" || name === "loans" ? "binary" : "classes";
  const activation = () => pick(activationNames);
  const dense = () => ({
    kind: "dense" as const,
    units: 1 + Math.floor(7 * random.uniform()),
    activation: activation(),
  });
  return {
    ...startState,
    data: name,
    loss: pick(lossesOf[task]),
    count: 120,
    batch,
    batchNorm: batch > 1 && random.uniform() < 0.4,
    dropout: pick([0, 0, 0.3]),
    decay: pick([0, 0.01]),
    optimizer: pick(optimizerNames),
    init: pick(initNames.filter((one) => one !== "zeros")),
    layers: conv
      ? [
          { kind: "conv", units: 2, activation: activation() },
          { kind: "conv", units: 3, activation: activation() },
          dense(),
        ]
      : Array.from({ length: Math.floor(4 * random.uniform()) }, dense),
    step: Math.floor(30 * random.uniform()),
    lr: 0.01,
  };
}

describe("the numbers of the drawing", () => {
  it("are the engine's own to the bit, over a random walk of 16 states", async () => {
    const wrong: string[] = [];
    let compared = 0;
    for (let k = 0; k < 16; k++) {
      const state = randomState();
      const open = (): Promise<Session> => Session.open(state, undefined);
      const [session, other, third] = await Promise.all([open(), open(), open()]);
      const gradientOf = noteGradients(third.optimizer, third.network.model.parameters());
      for (const one of [session, other, third]) one.goTo(state.step);
      // As on the page, which has already drawn it.
      new View(session).snapshot(state, 0);
      const trace = stepThrough(session, { edits: [] });
      const before = held(session);
      session.advance(1);
      const after = held(session);
      const told = { ...inspected(other), ...taken(third, gradientOf) };
      const path = new Path(trace);
      for (const stage of path.stages) {
        const extent = extentOf(trace, stage);
        for (let tries = 0; tries < 2; tries++) {
          const some = (most: number): number => Math.floor(random.uniform() * most);
          const place: Cursor = {
            stage: stage.id,
            unit: some(extent.units),
            spot: some(extent.spots),
            weight: some(extent.weights),
            term: 0,
          };
          const terms = path.terms(place);
          const cursor = { ...place, term: tries === 0 ? terms - 1 : some(terms) };
          expect(cursorOf(trace, printCursor(cursor)).cursor).toEqual(cursor);
          const row = rowOf(trace, stage, cursor, some(trace.rows));
          const scene = sceneOf(path, cursor, row);
          const { formulas } = explain(trace, stage, cursor, row);
          // A sum over rows has an index for each row.
          const sums = (stage.kind === "slope" && trace.layers[stage.layer]?.kind === "dense") || stage.kind === "loss";
          const leaves = [
            ...scene.numbers.flat().flatMap((one) => one ?? []),
            ...(scene.label === undefined ? [] : [scene.label]),
            ...(scene.loss === undefined ? [] : [scene.loss]),
            ...formulas.map(({ result }) => (result.kind === "slope" ? result.leaf : result)),
            ...(sums ? [] : formulas.flatMap(({ of }) => leavesOf(of))),
          ];
          for (const { at, value } of leaves) {
            const truth = at === undefined ? undefined : truthOf(session, scene.row, before, after, told, at);
            if (Number.isNaN(value) && at !== undefined) wrong.push(`${at} is not there`);
            if (truth === undefined) continue;
            compared++;
            if (!Object.is(Math.fround(truth) + 0, value + 0))
              wrong.push(`${k} ${printCursor(cursor)} ${at}: ${value}, not ${truth}`);
          }
        }
      }
    }
    expect(wrong.slice(0, 30)).toEqual([]);
    expect(compared).toBeGreaterThan(3000);
  }, 300_000);
});
