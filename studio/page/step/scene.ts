// The network's drawing at one term of a step: the number on every unit, the highlighted edges and units, the loss.
import type { Numbers, StepTrace } from "../../shared/steps.ts";
import { explain } from "./explain.ts";
import { type Leaf, leaf, slopeBy } from "./formula.ts";
import { type Cursor, extentOf, type Path, type Stage } from "./path.ts";
import { fanIn, givenBy, givenTo, metBy, spotsOf, valueAt, waysBack } from "./reading.ts";
import { Signs } from "./signs.ts";

export type Turn = "done" | "now" | "ahead";

/** A connection from a unit to one further right, or back; column 0 is the inputs, the loss comes after the output. */
export interface LitEdge {
  readonly column: number;
  readonly from: number;
  readonly to: number;
  readonly turn: Turn;
  readonly backward: boolean;
}

export interface LitUnit {
  readonly column: number;
  readonly unit: number;
  readonly turn: Turn;
}

/** The values of a row over the map of each unit of a column; values not computed yet are 0. */
export interface ColumnMap {
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly backward: boolean;
}

export interface Scene {
  readonly row: number;
  readonly edges: readonly LitEdge[];
  readonly units: readonly LitUnit[];
  /** The number at the current edge. */
  readonly label: Leaf | undefined;
  /** The number on each unit of each column that is a single number. */
  readonly numbers: readonly (readonly (Leaf | undefined)[])[];
  readonly maps: readonly (ColumnMap | undefined)[];
  readonly loss: Leaf | undefined;
  /** The row's target: a class by its index, or a number. */
  readonly target: Leaf;
}

/** The row of the batch for a term: a slope goes through all of them. */
export function rowOf({ rows, layers }: StepTrace, { kind, layer }: Stage, { term }: Cursor, row: number): number {
  const own = kind === "slope" && layers[layer]?.kind === "dense" && term < rows ? term : row;
  return Math.min(own, rows - 1);
}

interface Shown {
  readonly numbers: Numbers;
  readonly shape: readonly number[];
  readonly leafOf: (unit: number, index: number) => Leaf;
  readonly backward: boolean;
}

/** The values that a stage leaves on its layer's units. */
function leftBy(signs: Signs, { kind, layer }: Stage): Shown | undefined {
  const { step, trace, row } = signs;
  const { shape } = step;
  const forward = (letter: "z" | "n" | "a" | "p" | "m", numbers: Numbers | undefined, own = shape): Shown | undefined =>
    numbers && { numbers, shape: own, leafOf: (unit) => signs.value(letter, unit), backward: false };
  const backward = (numbers: Numbers | undefined, id: string, own = shape): Shown | undefined =>
    numbers && {
      numbers,
      shape: own,
      leafOf: (unit, index) =>
        id === "d"
          ? signs.delta(unit)
          : slopeBy(signs.value("a", unit).sign, valueAt(numbers, trace.rows, row, index), `${id}${layer}.${index}`)
              .leaf,
      backward: true,
    };
  switch (kind) {
    case "sum":
      return forward("z", step.z);
    case "norm":
      return forward("n", step.norm?.values);
    case "activation":
    case "output":
      return forward("a", step.a);
    case "pool":
      return forward("p", step.pool?.values, step.pool?.shape);
    case "dropout":
      return forward("m", step.dropout?.values, givenBy(step).shape);
    case "back":
      return backward(step.back, "e", givenBy(step).shape);
    case "delta":
      return step.norm === undefined ? backward(step.delta, "d") : backward(step.norm.delta, "dn");
    case "normBack":
      return backward(step.delta, "d");
    case "loss":
    case "slope":
    case "update":
      return undefined;
  }
}

/** The progress of a stage: the last finished unit and position. */
interface Reached {
  readonly unit: number;
  readonly spot: number;
}

export function sceneOf(path: Path, cursor: Cursor, chosenRow: number): Scene {
  const { trace, stages } = path;
  const stage = path.stage(cursor);
  const now = stages.indexOf(stage);
  const row = rowOf(trace, stage, cursor, chosenRow);
  const { terms } = explain(trace, stage, cursor, row);
  const finished = cursor.term === terms - 1;
  const reached: Reached = { unit: cursor.unit, spot: finished ? cursor.spot + 1 : cursor.spot };
  const numbers: (readonly (Leaf | undefined)[])[] = [];
  const maps: (ColumnMap | undefined)[] = [];
  const first = new Signs(trace, 0, row);
  if (trace.inputShape.length === 3) {
    const [, height = 1, width = 1] = trace.inputShape;
    const size = trace.x.values.length / trace.rows;
    maps.push({ values: trace.x.values.subarray(row * size, (row + 1) * size), height, width, backward: false });
    numbers.push([]);
  } else {
    maps.push(undefined);
    numbers.push(
      trace.inputs.map((_, k) => {
        const one = first.source(k);
        return one.kind === "leaf" ? one : undefined;
      }),
    );
  }
  trace.layers.forEach((step, layer) => {
    const signs = new Signs(trace, layer, row);
    const passed = stages.slice(0, now + 1).filter((one) => one.layer === layer);
    const shown = passed
      .map((one) => ({ stage: one, left: leftBy(signs, one) }))
      .filter(({ left }) => left !== undefined);
    const latest = shown.at(-1);
    const before = latest?.stage === stage ? shown.at(-2)?.left : latest?.left;
    const left = latest?.stage === stage ? latest.left : undefined;
    if (step.shape.length === 3) {
      maps.push(mapOf(trace, row, before, left, reached));
      numbers.push([]);
      return;
    }
    maps.push(undefined);
    numbers.push(
      Array.from({ length: step.units }, (_, unit) => {
        const done = unit < reached.unit || (unit === reached.unit && reached.spot > 0);
        const own = left !== undefined && done ? left : before;
        return own?.leafOf(unit, unit);
      }),
    );
  });
  const lossAt = stages.findIndex(({ kind }) => kind === "loss");
  return {
    ...lit(trace, stage, cursor, finished),
    row,
    numbers,
    maps,
    target: leaf({ letter: "y" }, trace.target[row], "y"),
    loss:
      now > lossAt || (now === lossAt && finished) ? leaf({ letter: "L" }, trace.loss.values[0], "loss") : undefined,
  };
}

/** The maps of a layer: the finished part of the current stage, the rest from the previous stage. */
function mapOf(
  trace: StepTrace,
  row: number,
  before: Shown | undefined,
  left: Shown | undefined,
  { unit, spot }: Reached,
): ColumnMap | undefined {
  const source = left ?? before;
  if (source === undefined) return undefined;
  const [, height = 1, width = 1] = source.shape;
  const slice = ({ numbers }: Shown): Float32Array => {
    const size = numbers.values.length / trace.rows;
    return numbers.values.subarray(row * size, (row + 1) * size);
  };
  if (left === undefined) return { values: slice(source), height, width, backward: source.backward };
  const values = new Float32Array(slice(left).length);
  const until = unit * height * width + spot;
  values.set(slice(left).subarray(0, until));
  return { values, height, width, backward: left.backward };
}

type Lit = Pick<Scene, "edges" | "units" | "label">;

function lit(trace: StepTrace, stage: Stage, cursor: Cursor, finished: boolean): Lit {
  const { layer, kind } = stage;
  const { unit, spot, weight, term } = cursor;
  const step = trace.layers[layer];
  if (step === undefined) return { edges: [], units: [], label: undefined };
  const column = layer + 1;
  const own: LitUnit = { column, unit, turn: finished ? "done" : "now" };
  const signs = new Signs(trace, layer, 0);
  const spots = spotsOf(givenTo(trace, layer).shape);
  const sourceOf = (k: number): number | undefined => {
    const met = metBy(trace, layer, spot, k);
    return met === undefined ? undefined : Math.floor(met / spots);
  };
  const turnOf = (k: number): Turn => (k < term ? "done" : k === term ? "now" : "ahead");
  switch (kind) {
    case "sum": {
      // Weights of one kernel share an edge, which is current while any of them is.
      const turns = new Map<number, Turn>();
      for (let k = 0; k < fanIn(step); k++) {
        const from = sourceOf(k) ?? Math.floor(metless(trace, layer, k));
        if (turns.get(from) !== "now") turns.set(from, k === term ? "now" : turnOf(k));
      }
      return {
        edges: [...turns].map(([from, turn]) => ({ column: layer, from, to: unit, turn, backward: false })),
        units: [own, ...[...turns].filter(([, turn]) => turn === "now").map(([from]) => at(layer, from))],
        label: term < fanIn(step) ? signs.weight(unit, term) : undefined,
      };
    }
    case "output":
      return {
        edges: [],
        units: [
          own,
          ...(trace.task === "classes"
            ? Array.from({ length: step.units }, (_, k): LitUnit => ({ column, unit: k, turn: turnOf(k) }))
            : []),
        ].filter((one, place, all) => all.findIndex(({ unit: same }) => same === one.unit) === place),
        label: undefined,
      };
    case "loss":
      return {
        edges: Array.from(
          { length: step.units },
          (_, from): LitEdge => ({
            column,
            from,
            to: 0,
            turn: finished ? "done" : "now",
            backward: false,
          }),
        ),
        units: [{ column: column + 1, unit: 0, turn: finished ? "done" : "now" }],
        label: undefined,
      };
    case "back": {
      const ways = waysBack(trace, layer, unit, spot);
      const turns = new Map<number, Turn>();
      ways.forEach((way, k) => {
        if (turns.get(way.unit) !== "now") turns.set(way.unit, turnOf(k));
      });
      const way = ways[term];
      return {
        edges: [...turns].map(([to, turn]) => ({ column, from: unit, to, turn, backward: true })),
        units: [own, ...[...turns].filter(([, turn]) => turn === "now").map(([to]) => at(column + 1, to))],
        label: way === undefined ? undefined : signs.of(layer + 1).weight(way.unit, way.weight),
      };
    }
    case "delta":
      return {
        edges:
          layer === trace.layers.length - 1
            ? [{ column, from: unit, to: 0, turn: finished ? "done" : "now", backward: true }]
            : [],
        units: [own],
        label: undefined,
      };
    case "slope":
    case "update": {
      const inputs = fanIn(step);
      if (weight === inputs)
        return { edges: [], units: [{ ...own, turn: "now" }], label: labelOf(stage, cursor, signs) };
      const from = step.kind === "dense" ? Math.floor(weight / spots) : metless(trace, layer, weight);
      return {
        edges: [{ column: layer, from, to: unit, turn: "now", backward: kind === "slope" }],
        units: [{ ...own, turn: "now" }, at(layer, from)],
        label: labelOf(stage, cursor, signs),
      };
    }
    case "norm":
    case "activation":
    case "pool":
    case "dropout":
    case "normBack":
      return { edges: [], units: [own], label: undefined };
  }
}

const at = (column: number, unit: number): LitUnit => ({ column, unit, turn: "now" });

/** The channel of a kernel's weight, even in the padding. */
function metless(trace: StepTrace, layer: number, k: number): number {
  const step = trace.layers[layer];
  const side = step?.weight.value.shape[3] ?? 1;
  return Math.floor(k / side ** 2);
}

/** The number at the weight during a slope or an update: the result, once it appears. */
function labelOf({ kind }: Stage, { unit, weight }: Cursor, signs: Signs): Leaf {
  const { step, layer } = signs;
  const inputs = fanIn(step);
  const own = weight === inputs ? step.bias : step.weight;
  const place = weight === inputs ? unit : unit * inputs + weight;
  return kind === "update"
    ? leaf(signs.weightSign(unit, weight, true), own.updated.values[place], `u${layer}.${unit}.${weight}`)
    : slopeBy(signs.weightSign(unit, weight), own.gradient.values[place], `g${layer}.${unit}.${weight}`).leaf;
}

/** The target of a click on a unit: the same kind of operation there, or the one that computes or reaches it. */
export function unitAt(path: Path, cursor: Cursor, column: number, unit: number): Cursor {
  const stage = path.stage(cursor);
  if (column === 0) return edgeAt(path, cursor, 0, unit, stage.layer === 0 ? cursor.unit : 0);
  const layer = column - 1;
  const same = stage.layer === layer && stage.kind !== "loss";
  const id = same
    ? stage.id
    : stage.phase === "backward"
      ? `d${layer}`
      : stage.phase === "update"
        ? `u${layer}`
        : `z${layer}`;
  const goal = path.stages.find((one) => one.id === id) ?? stage;
  const { units, weights } = extentOf(path.trace, goal);
  return {
    stage: goal.id,
    unit: Math.min(unit, units - 1),
    spot: 0,
    weight: same ? Math.min(cursor.weight, weights - 1) : 0,
    term: 0,
  };
}

/** The target of a click on an edge: its term in the sum, its slope, or its update. */
export function edgeAt(path: Path, cursor: Cursor, column: number, from: number, to: number): Cursor {
  const { phase } = path.stage(cursor);
  const step = path.trace.layers[column];
  const spots = spotsOf(givenTo(path.trace, column).shape);
  const side = step?.weight.value.shape[3] ?? 1;
  const weight = step?.kind === "conv" ? from * side ** 2 : from * spots;
  if (phase === "backward" || phase === "update")
    return { stage: `${phase === "update" ? "u" : "g"}${column}`, unit: to, spot: 0, weight, term: 0 };
  return { stage: `z${column}`, unit: to, spot: 0, weight: 0, term: weight };
}
