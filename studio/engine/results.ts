// The quality of a trained network, and its most useful columns: answers, worst rows, importance and partial dependence.

import type { TextInput } from "../../src/data/preprocessing.ts";
import { tellingTerms } from "../../src/data/tellingTerms.ts";
import { data, HebbError, noGrad, type Tensor, tensor } from "../../src/index.ts";
import { partialDependence, permutationImportance } from "../../src/train/index.ts";
import type { DataInfo, InputGroup } from "../shared/protocol.ts";
import type {
  DependenceAsk,
  DependenceCurve,
  ImportanceAsk,
  Importances,
  Results,
  WorstRow,
} from "../shared/results.ts";
import * as say from "../texts/en/engine.ts";
import { orderedCells, type Prepared } from "./data.ts";
import { keptFloats } from "./kept.ts";
import { decide, type Part, type Session } from "./session.ts";

const mostWorst = 24;
/** The most rows used for importance and dependence. */
const mostRows = 1000;
const dependencePoints = 24;
/** The most words shown side by side. */
const mostWords = 8;

/** The rows of the bar's figures: test rows, or training rows if there are none. */
const judged = ({ testPart, trainPart }: Session): Part => testPart ?? trainPart;

/** A number in the target's own units; anything else unchanged. */
function inUnits({ table }: Prepared): (value: number) => number {
  const target = table?.target;
  return (value) => (target?.kind === "number" ? data.inverseTarget(target, value) : value);
}

/** The first rows of the judged part. */
function firstRows({ prepared, testPart }: Session): data.Dataset {
  const whole = testPart === undefined ? prepared.train : (prepared.test ?? prepared.train);
  return whole.length > mostRows ? whole.subset(Array.from({ length: mostRows }, (_, row) => row)) : whole;
}

const partOf = ({ features, targets, length }: data.Dataset): Part => ({
  x: tensor(features.data, { shape: [length, ...features.shape] }),
  y: tensor(targets.data, { shape: [length, ...targets.shape] }),
  rows: length,
});

/** The loss of one row, compiled once for each session. */
const rowLosses = new WeakMap<Session, (x: Tensor, y: Tensor) => Float32Array[]>();

function rowLossOf(session: Session): (x: Tensor, y: Tensor) => Float32Array[] {
  const known = rowLosses.get(session);
  if (known !== undefined) return known;
  const { model } = session.network;
  const made = keptFloats((x, y) =>
    noGrad(() => (x === undefined || y === undefined ? [] : [session.loss(model.forward(x), y)])),
  );
  rowLosses.set(session, made);
  return made;
}

/** The loss of single rows. */
function lossesOf(session: Session, part: Part, rows: readonly number[]): number[] {
  const { model } = session.network;
  const ofRow = rowLossOf(session);
  model.eval();
  const losses = rows.map((row) => {
    const [loss] = ofRow(part.x.narrow(0, row, 1), part.y.narrow(0, row, 1));
    return loss?.[0] ?? Number.NaN;
  });
  model.train();
  return losses;
}

/** The values of a picture before its channels were scaled. */
export function pictureOf({ images }: Prepared, values: Float32Array): Float32Array {
  if (images === undefined) return values;
  const plane = values.length / images.mean.length;
  return values.map((value, k) => {
    const channel = Math.floor(k / plane);
    return value * (images.scale[channel] ?? 1) + (images.mean[channel] ?? 0);
  });
}

function worstOf(session: Session, part: Part, outputs: Float32Array, truth: Float32Array): WorstRow[] {
  const { prepared } = session;
  const { info, origin } = prepared;
  const width = outputs.length / part.rows;
  const chance = (row: number): number => {
    const label = truth[row] ?? 0;
    if (info.task === "binary") return label === 1 ? (outputs[row] ?? 0) : 1 - (outputs[row] ?? 0);
    return outputs[row * width + label] ?? 0;
  };
  const off = (row: number): number => (info.task === "number" ? (outputs[row] ?? 0) - (truth[row] ?? 0) : chance(row));
  const badness = (row: number): number => (info.task === "number" ? Math.abs(off(row)) : 1 - off(row));
  const rows = Array.from({ length: part.rows }, (_, row) => row)
    .sort((a, b) => badness(b) - badness(a))
    .slice(0, mostWorst);
  const losses = lossesOf(session, part, rows);
  const features = part.x.dataSync();
  const size = features.length / part.rows;
  const told = (value: number): string => String(Number(value.toPrecision(5)));
  return rows.map((row, place) => {
    const at = (session.testPart === undefined ? origin?.trainRows : origin?.testRows)?.[row];
    const values = Float32Array.from(features.subarray(row * size, (row + 1) * size));
    const image = info.inputShape.length === 3;
    return {
      row: (at ?? row) + 1,
      cells:
        origin !== undefined && at !== undefined
          ? origin.columns.map((name) => origin.table.column(name).cells[at] ?? "")
          : image || size > 8
            ? []
            : Array.from(values, told),
      truth: info.task === "number" ? told(truth[row] ?? 0) : (info.classes[truth[row] ?? 0] ?? ""),
      said: info.task === "number" ? told(outputs[row] ?? 0) : (info.classes[decide(outputs, row, width)] ?? ""),
      off: off(row),
      loss: losses[place] ?? Number.NaN,
      picture: image ? pictureOf(prepared, values) : undefined,
    };
  });
}

export function results(session: Session): Results {
  const { prepared, step, testPart } = session;
  const part = judged(session);
  const back = inUnits(prepared);
  const number = prepared.info.task === "number";
  const raw = session.measure(part).output;
  const outputs = Float32Array.from(raw, (value) => (number ? back(value) : value));
  const truth = Float32Array.from(part.y.dataSync(), (value) => (number ? back(value) : value));
  const worst = worstOf(session, part, outputs, truth);
  return {
    step,
    onTest: testPart !== undefined,
    rows: part.rows,
    outputs,
    truth,
    columns: worst[0]?.cells.length === 0 ? [] : (prepared.origin?.columns ?? prepared.info.inputs),
    worst,
  };
}

/** The columns of a table; for other rows of numbers, each input. */
function columnsOf({ groups, inputs, inputShape }: DataInfo): readonly InputGroup[] {
  if (inputShape.length > 1) throw new HebbError(say.picturesHavePixelsNotColumnsTheir);
  return groups.length > 0 ? groups : inputs.map((name, from) => ({ name, from, count: 1 }));
}

export function importance(session: Session, { repeats }: ImportanceAsk): Importances {
  const { prepared, step, testPart } = session;
  const rows = firstRows(session);
  const score = (shuffled: data.Dataset): number => session.measure(partOf(shuffled)).metric;
  return {
    step,
    onTest: testPart !== undefined,
    rows: rows.length,
    metric: score(rows),
    columns: [
      ...permutationImportance(rows, { groups: columnsOf(prepared.info), score, repeats, seed: session.state.seed }),
    ].sort((a, b) => b.mean - a.mean),
  };
}

/** The values that a column of a table is set to, and the inputs made from them. */
function valuesOf(
  prepared: Prepared,
  { name, from, count }: InputGroup,
  rows: data.Dataset,
  answers: () => readonly ArrayLike<number>[],
) {
  const { table, origin } = prepared;
  const input = table?.inputs.find(({ column }) => column === name);
  const cells = origin?.table.column(name).cells;
  if (table === undefined || origin === undefined || input === undefined || cells === undefined) {
    const width = rows.features.data.length / rows.length;
    const sorted = Float32Array.from(
      { length: rows.length },
      (_, row) => rows.features.data[row * width + from] ?? 0,
    ).sort();
    const at = spread(sorted);
    return { at, names: [], values: at.map((value) => [value]) };
  }
  /** The most informative words, each as a separate text. */
  const words = ({ terms }: TextInput): string[] =>
    tellingTerms(rows, { from, terms }, answers(), mostWords).map((place) => terms[place] ?? "");
  const encoded = (given: readonly string[]): Float32Array[] => {
    const like = origin.table.select(origin.trainRows.subarray(0, 1));
    const record = Object.fromEntries(like.columnNames.map((column) => [column, like.column(column).cells[0] ?? ""]));
    const made = data.Table.fromRows(
      given.map((cell) => ({ ...record, [name]: cell })),
      say.valuesOfTheColumn,
    );
    const { features, featureCount } = data.applyPreprocessing(table, made, { targets: "none" });
    return given.map((_, k) => features.slice(k * featureCount + from, k * featureCount + from + count));
  };
  if (input.kind === "category" || input.kind === "text") {
    const names = input.kind === "text" ? words(input) : input.categories.slice(0, dependencePoints);
    // The appended full stop keeps words such as NA from being read as missing.
    const written = input.kind === "text" ? names.map((term) => `${term}.`) : names;
    return { at: names.map((_, k) => k), names, values: encoded(written) };
  }
  // As written in the table: values in between may be invalid.
  const known = orderedCells(origin, input);
  const last = known.length - 1;
  const picked = [
    ...new Set(
      Array.from({ length: dependencePoints }, (_, k) => known[Math.round((k / (dependencePoints - 1)) * last)] ?? ""),
    ),
  ];
  const whole = encoded(picked);
  const at = whole.map((features) => rawOf(input, features[0] ?? 0));
  const fresh = picked.map((_, k) => k).filter((k) => k === 0 || at[k] !== at[k - 1]);
  const values = fresh.map((k) => whole[k] ?? []);
  // Days and durations have no round figures, so they are shown in the table's notation.
  if (input.kind !== "number") return { at: fresh.map((_, k) => k), names: fresh.map((k) => picked[k] ?? ""), values };
  return { at: fresh.map((k) => at[k] ?? 0), names: [], values };
}

/** A scaled number in the table's units. */
function rawOf(
  { mean, scale, transform }: { mean: number; scale: number; transform: "none" | "log" },
  value: number,
): number {
  const level = value * scale + mean;
  return transform === "log" ? Math.sign(level) * Math.expm1(Math.abs(level)) : level;
}

/** Values at equal quantiles of the rows, in ascending order. */
function spread(sorted: Float32Array): number[] {
  const last = sorted.length - 1;
  const at = Array.from(
    { length: dependencePoints },
    (_, k) => sorted[Math.round((k / (dependencePoints - 1)) * last)] ?? 0,
  );
  return [...new Set(at)];
}

export function dependence(session: Session, { column }: DependenceAsk): DependenceCurve {
  const { prepared, step } = session;
  const group = columnsOf(prepared.info)[column];
  if (group === undefined) throw new HebbError(say.thereIsNoColumn(column + 1));
  const rows = firstRows(session);
  const back = inUnits(prepared);
  const number = prepared.info.task === "number";
  const { at, names, values } = valuesOf(prepared, group, rows, () => {
    const { output } = session.measure(partOf(rows));
    const outputs = output.length / rows.length;
    return Array.from({ length: outputs }, (_, place) =>
      Float32Array.from({ length: rows.length }, (_, row) => output[row * outputs + place] ?? Number.NaN),
    );
  });
  const found = partialDependence(rows, {
    group,
    values,
    predict: (set) => {
      const { output } = session.measure(partOf(set));
      return number ? output.map(back) : output;
    },
  });
  return { step, column: group.name, rows: rows.length, at, names, ...found };
}
