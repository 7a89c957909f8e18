// From the state to data sets: generators, tables and images, split by seed, with the values that the page draws.

import { featureNamesOf, type NumberInput, type TextInput } from "../../src/data/preprocessing.ts";
import { readerOf } from "../../src/data/reading.ts";
import { checkPreprocessing } from "../../src/formats/preprocessingJson.ts";
import { data, HebbError } from "../../src/index.ts";
import { numberPlaces } from "../../src/run/tabular.ts";
import { fewestSplit } from "../shared/code.ts";
import { derived, features } from "../shared/features.ts";
import type { TaskKind } from "../shared/names.ts";
import { isPlane } from "../shared/names.ts";
import type { DataInfo, Examined, FormField, InputGroup, OwnData, Preview, Questions } from "../shared/protocol.ts";
import { columnsIn, paintedNames, paintedPoints, type StudioState } from "../shared/state.ts";
import * as say from "../texts/en/engine.ts";
import { digits } from "./digits.ts";
import { contextLetters, letters, nextLetters } from "./words.ts";

export interface Prepared {
  readonly info: DataInfo;
  readonly train: data.Dataset;
  readonly test: data.Dataset | undefined;
  /** For tables, how a raw row becomes inputs. */
  readonly table: data.TablePreprocessing | undefined;
  readonly images: data.ImagePreprocessing | undefined;
  /** The table that the rows come from. */
  readonly origin: Origin | undefined;
}

/** A table, the columns used as inputs, and the rows of each part. */
export interface Origin {
  readonly table: data.Table;
  readonly columns: readonly string[];
  readonly trainRows: Int32Array;
  readonly testRows: Int32Array;
}

/** The common form of all sources, from which the page's view is made. */
interface Source {
  readonly name: string;
  readonly train: data.Dataset;
  readonly test: data.Dataset | undefined;
  readonly inputs: readonly string[];
  readonly classes: readonly string[];
  readonly target: string;
  readonly notes: readonly string[];
  readonly findings?: readonly data.TableFinding[];
  readonly table?: data.TablePreprocessing;
  readonly images?: data.ImagePreprocessing;
  readonly origin?: Origin;
}

const shownRows = 1500;
const mostSamples = 12;
/** Wider rows are not drawn as points. */
const drawnWidth = 128;

function splitPoints(whole: data.Dataset, state: StudioState): { train: data.Dataset; test: data.Dataset | undefined } {
  if (whole.length < fewestSplit || state.test === 0) return { train: whole, test: undefined };
  const classes = whole.targets.dtype === "int32";
  const { train, validation } = data.trainValidationSplit(whole.length, {
    validation: state.test,
    seed: state.dataSeed,
    ...(classes ? { labels: Array.from(whole.targets.data) } : {}),
  });
  return { train: whole.subset(train), test: validation.length > 0 ? whole.subset(validation) : undefined };
}

/** Gates store their output as numbers; here they are two classes. */
function gate(name: data.Gate): data.Dataset {
  const { features, targets } = data.gate(name);
  return new data.Dataset({ features: features.data, featureShape: [2], targets: Int32Array.from(targets.data) });
}

function painted(state: StudioState): data.Dataset {
  const points = paintedPoints(state);
  return new data.Dataset({
    features: Float32Array.from(points.flatMap((point) => point.slice(0, 2))),
    featureShape: [2],
    targets: Int32Array.from(points, ([, , label]) => label),
  });
}

function plane(name: string, given: data.Dataset, state: StudioState, classes: readonly string[]): Source {
  const line = given.features.shape[0] === 1;
  const names = line ? [] : state.features;
  const inputs = line ? ["x"] : ["x₁", "x₂", ...names.map((feature) => features[feature].title)];
  const whole =
    names.length === 0
      ? given
      : new data.Dataset({
          features: derived(given.features.data, names),
          featureShape: [inputs.length],
          targets: given.targets.data,
          targetShape: given.targets.shape,
        });
  return {
    name,
    ...splitPoints(whole, state),
    inputs,
    classes,
    target: classes.length > 0 ? say.classWord : "y",
    notes: [],
  };
}

/** The rows of a table preprocessed as in a run: with its choices and its fitted values. */
function asInRun(
  table: data.Table,
  prepared: data.PreparedTable,
  preprocessing: data.TablePreprocessing,
): data.PreparedTable {
  const made = (rows: Int32Array): data.Dataset =>
    data.tableDataset(
      data.applyPreprocessing(preprocessing, table.select(rows), { targets: "required", unreadable: "missing" }),
    );
  const { trainRows, validationRows } = prepared;
  return {
    ...prepared,
    preprocessing,
    train: made(trainRows),
    ...(validationRows.length > 0 ? { validation: made(validationRows) } : {}),
  };
}

function fromTable(table: data.Table, target: string, state: StudioState, fitted?: data.TablePreprocessing): Source {
  const fresh = data.prepareTable(table, { target, validation: state.test, seed: state.dataSeed });
  const prepared = fitted?.target.column === target ? asInRun(table, fresh, fitted) : fresh;
  const { preprocessing } = prepared;
  return {
    name: table.name,
    train: prepared.train,
    test: prepared.validation,
    inputs: preprocessing.featureNames,
    classes: preprocessing.target.kind === "classes" ? preprocessing.target.classes : [],
    target,
    notes: preprocessing.notes,
    table: preprocessing,
    origin: {
      table,
      columns: preprocessing.inputs.map(({ column }) => column),
      trainRows: prepared.trainRows,
      testRows: prepared.validationRows,
    },
  };
}

async function fromImages(own: Extract<OwnData, { kind: "images" }>, state: StudioState): Promise<Source> {
  const names = { images: own.name, labels: say.theLabelArray };
  const images = await data.readIdx(own.images, { name: own.name });
  const { classes } = own;
  const labels: data.LabelArray = {
    ...(await data.readIdx(own.labels, { name: say.theLabelArray })),
    ...(classes === undefined ? {} : { classes }),
  };
  data.checkImagesAndLabels(images, labels, names);
  const split = data.trainValidationSplit(labels.data.length, {
    validation: state.test,
    seed: state.dataSeed,
    labels: labels.data,
  });
  const preprocessing = data.fitImagePreprocessing(images, labels, { rows: split.train, names });
  const { features, targets } = data.applyImagePreprocessing(preprocessing, images, labels, names);
  const whole = new data.Dataset({ features, featureShape: preprocessing.shape, targets: targets ?? new Int32Array() });
  return {
    name: own.name,
    train: whole.subset(split.train),
    test: split.validation.length > 0 ? whole.subset(split.validation) : undefined,
    inputs: Array.from({ length: whole.features.data.length / whole.length }, (_, k) => say.pixel(k + 1)),
    classes: preprocessing.target.classes,
    target: "label",
    notes: preprocessing.notes,
    images: preprocessing,
  };
}

async function source(state: StudioState, own: OwnData | undefined): Promise<Source> {
  const options = { count: state.count, noise: state.noise, seed: state.dataSeed };
  const two = ["A", "B"];
  switch (state.data) {
    case "loans":
      return fromTable(data.loans({ ...options, count: Math.max(40, state.count) }), "approved", state);
    case "iris":
      return fromTable(data.iris(), "species", state);
    case "and":
    case "or":
    case "xor":
      return plane(state.data.toUpperCase(), gate(state.data), state, ["0", "1"]);
    case "moons":
      return plane("moons", data.moons(options), state, two);
    case "circles":
      return plane("circles", data.circles(options), state, two);
    case "spirals":
      return plane("spirals", data.spirals({ ...options, noise: state.noise / 4 }), state, two);
    case "blobs":
      return plane("blobs", data.blobs({ ...options, noise: 4 * state.noise }), state, ["A", "B", "C"]);
    case "curve":
      return plane("curve", data.curve(options), state, []);
    case "painted": {
      const { inputs, classes } = paintedNames(state);
      const made = plane(say.paintedPoints, painted(state), state, classes);
      return { ...made, inputs: [...inputs, ...made.inputs.slice(2)] };
    }
    case "digits": {
      const whole = digits(state.count, state.noise, state.dataSeed);
      return {
        name: "digits",
        ...splitPoints(whole, state),
        inputs: Array.from({ length: whole.features.data.length / whole.length }, (_, k) => say.pixel(k + 1)),
        classes: Array.from({ length: 10 }, (_, k) => String(k)),
        target: say.figure,
        notes: [],
      };
    }
    case "words":
      return {
        name: "words",
        ...splitPoints(nextLetters(), state),
        inputs: Array.from({ length: contextLetters }, (_, place) =>
          letters.map((letter) => `${place - contextLetters} = ${letter}`),
        ).flat(),
        classes: letters,
        target: say.nextLetter,
        notes: [],
      };
    case "own": {
      if (own === undefined) throw new HebbError(say.yourDataIsNotInThis);
      if (own.kind === "images") return fromImages(own, state);
      const table = data.parseCsv(own.text, { name: own.name }).drop(...columnsIn(state.without));
      const target = table.has(state.target) ? table.column(state.target).name : data.guessTarget(table).target;
      const fitted = own.preprocessing === undefined ? undefined : checkPreprocessing(own.preprocessing, own.name);
      return {
        ...fromTable(table, target, state, fitted?.kind === "table" ? fitted : undefined),
        findings: data.tableFindings(table, { target }),
      };
    }
  }
}

/** The findings about a table and this target. */
export function examine({ own, target, without }: Questions["examine"]["ask"]): Examined {
  if (own.kind !== "table") throw new HebbError(say.onlyTablesAreExamined);
  const table = data.parseCsv(own.text, { name: own.name }).drop(...without);
  const findings = data.tableFindings(table, { target });
  if (findings.some(({ code }) => code === "target")) return { findings, task: "" };
  const { target: read } = data.fitPreprocessing(table, { target });
  return { findings, task: read.kind === "classes" ? say.classes(read.classes.length) : say.aNumber };
}

/** The contents of a dropped table. Throws HebbError naming the row that does not fit. */
export function preview(own: OwnData): Preview {
  if (own.kind !== "table") throw new HebbError(say.onlyTablesHaveAPreview);
  const table = data.parseCsv(own.text, { name: own.name });
  if (table.rowCount === 0) throw new HebbError(say.hasAHeaderAndNoRows(own.name));
  return {
    rows: table.rowCount,
    columns: table.describe().map(({ name, kind, distinct, missing }) => ({
      name,
      kind,
      distinct,
      missing,
      example: table.column(name).cells.find((cell) => cell !== undefined) ?? "",
    })),
    head: Array.from({ length: Math.min(5, table.rowCount) }, (_, row) =>
      table.columns.map(({ cells }) => cells[row] ?? ""),
    ),
    ...data.guessTarget(table),
  };
}

function rangesOf({ features, length }: data.Dataset): [number, number][] {
  const width = features.data.length / length;
  return Array.from({ length: width }, (_, column) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let row = 0; row < length; row++) {
      const value = features.data[row * width + column] ?? 0;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const margin = 0.12 * (high - low) || 1;
    return [low - margin, high + margin];
  });
}

/** Both parts in one list, training rows first, at most `shownRows` of each. */
function shownOf({ train, test }: Source): DataInfo["shown"] {
  const width = train.features.data.length / train.length;
  const parts = [train, ...(test === undefined ? [] : [test])].map((part, place) => ({
    part,
    count: Math.min(part.length, place === 0 ? shownRows : shownRows / 2),
  }));
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const kept = width <= drawnWidth ? width : 0;
  const features = new Float32Array(count * kept);
  const targets = new Float32Array(count);
  const flags = new Uint8Array(count);
  let row = 0;
  for (const { part, count: taken } of parts) {
    for (let k = 0; k < taken; k++, row++) {
      if (kept > 0) features.set(part.features.data.subarray(k * width, (k + 1) * width), row * width);
      targets[row] = part.targets.data[k] ?? 0;
      flags[row] = part === test ? 1 : 0;
    }
  }
  return { width: kept, count, features, targets, test: flags };
}

/** One training image of each class, up to `mostSamples`. */
function samplesOf({ train, classes, images }: Source): DataInfo["samples"] {
  const { features, targets, length } = train;
  if (features.shape.length < 3) return undefined;
  const rows: number[] = [];
  for (let label = 0; label < classes.length && rows.length < mostSamples; label++) {
    const row = targets.data.indexOf(label);
    if (row >= 0) rows.push(row);
  }
  for (let row = 0; rows.length < Math.min(8, length); row++) if (!rows.includes(row)) rows.push(row);
  const size = features.data.length / length;
  const values = new Float32Array(rows.length * size);
  rows.forEach((row, place) => {
    values.set(features.data.subarray(row * size, (row + 1) * size), place * size);
  });
  // Undoes the scaling of each channel.
  if (images !== undefined) {
    const plane = size / images.mean.length;
    values.forEach((value, k) => {
      const channel = Math.floor(k / plane) % images.mean.length;
      values[k] = value * (images.scale[channel] ?? 1) + (images.mean[channel] ?? 0);
    });
  }
  return { rows, values };
}

/** The columns of a table with the inputs made from each. */
function groupsOf({ table }: Source): InputGroup[] {
  let from = 0;
  return (table?.inputs ?? []).map((input) => {
    const count = featureNamesOf(input).length;
    from += count;
    return { name: input.column, from: from - count, count };
  });
}

/** The readable cells of a column in the training rows, in ascending order, as written. */
export function orderedCells({ table, trainRows }: Origin, { column, reading }: NumberInput): string[] {
  const { cells, typed } = table.column(column);
  const reader = readerOf(reading, typed);
  return Array.from(trainRows, (row) => cells[row])
    .filter((cell): cell is string => cell !== undefined && reader.reads(cell))
    .map((cell) => ({ cell, value: reader.number(cell) }))
    .sort((a, b) => a.value - b.value)
    .map(({ cell }) => cell);
}

/** A text from the training rows. */
export function firstText(origin: Origin | undefined, { column, reading }: TextInput): string {
  if (origin === undefined) return "";
  const { cells, typed } = origin.table.column(column);
  const reader = readerOf(reading, typed);
  const row = origin.trainRows.find((each) => reader.reads(cells[each]));
  return row === undefined ? "" : (cells[row] ?? "");
}

function formOf({ table, inputs, train, origin }: Source, given: number): FormField[] {
  if (table !== undefined)
    return table.inputs.map((input): FormField => {
      if (input.kind === "category") return { kind: "category", name: input.column, options: input.categories };
      if (input.kind === "text") return { kind: "text", name: input.column, start: firstText(origin, input) };
      // In the table's notation: 137,3 with decimal commas, and a date in its form.
      const cells = origin === undefined ? [] : orderedCells(origin, input);
      return { kind: "text", name: input.column, start: cells[cells.length >> 1] ?? "" };
    });
  return train.features.shape.length === 1 && given <= 4
    ? inputs.slice(0, given).map((name): FormField => ({ kind: "number", name, start: 0 }))
    : [];
}

function majorityOf({ targets, length }: data.Dataset, classes: number): number {
  const counts = new Uint32Array(classes);
  for (const label of classes === 0 ? [] : targets.data) counts[label] = (counts[label] ?? 0) + 1;
  return Math.max(0, ...counts) / length;
}

/** The data of a state. Throws HebbError for a file that does not fit. */
export async function prepare(state: StudioState, own: OwnData | undefined): Promise<Prepared> {
  const found = await source(state, own);
  const { train, test, classes } = found;
  const task: TaskKind = classes.length === 0 ? "number" : classes.length === 2 ? "binary" : "classes";
  const plain = train.features.shape.length === 1;
  const given = found.inputs.length - (isPlane(state.data) ? state.features.length : 0);
  const targets = train.targets.data;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of targets) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return {
    train,
    test,
    table: found.table,
    images: found.images,
    origin: found.origin,
    info: {
      name: found.name,
      task,
      inputs: found.inputs,
      given,
      inputShape: train.features.shape,
      numbers: found.table === undefined ? found.inputs.map((_, place) => place) : numberPlaces(found.table),
      scaled: found.table !== undefined,
      majority: majorityOf(test ?? train, classes.length),
      classes,
      target: found.target,
      trainCount: train.length,
      testCount: test?.length ?? 0,
      ranges: plain && found.inputs.length <= drawnWidth ? rangesOf(train) : [],
      targetRange: [low, high],
      notes: found.notes,
      findings: found.findings ?? [],
      groups: groupsOf(found),
      form: formOf(found, given),
      samples: samplesOf(found),
      shown: shownOf(found),
    },
  };
}
