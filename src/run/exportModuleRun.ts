// hebb export --to module: a run with its preprocessing as one source file, which is executed and compared on sample rows.
import { basename, resolve } from "node:path";
import { Table } from "../data/index.ts";
import type { TablePreprocessing } from "../data/preprocessing.ts";
import { writeFileAtomic } from "../formats/node.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import { storedNumbers } from "../graph/halves.ts";
import type { Node, Source } from "../graph/node.ts";
import { sizeOf } from "../graph/shape.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { Perceptron } from "../nn/index.ts";
import { Cell, compileStandalone, memoryOf } from "../runtime/index.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Trace, withTrace } from "../tensor/trace.ts";
import { makeObjective } from "../train/index.ts";
import type { ExportReport } from "./exportNames.ts";
import { loadRun } from "./loadRun.ts";
import { type Exportable, type ModuleParts, moduleSource } from "./moduleSource.ts";
import type { Prediction } from "./predictions.ts";
import { type OpenedRun, openModel } from "./saved.ts";
import { classNames, taskFor } from "./task.ts";

/** The number of rows of the program for many rows. */
const many = 64;

export async function exportModuleRun(folder: string, path: string): Promise<ExportReport> {
  const opened = openModel(folder);
  const { model, preprocessing } = opened;
  if (preprocessing.kind !== "table" && preprocessing.kind !== "images")
    throw new HebbError(
      `${folder} is a run of texts, and a module has no tokenizer; use --to onnx, which carries it in its metadata`,
    );
  const parts = await partsOf(opened, preprocessing, basename(resolve(folder)));
  const text = moduleSource({ ...parts, language: /\.m?js$/.test(path) ? "JavaScript" : "TypeScript" });
  const bytes = new TextEncoder().encode(text);
  writeFileAtomic(path, bytes);
  const values = Object.values(model.stateDict());
  return {
    path,
    to: "module",
    bytes: bytes.byteLength,
    arrays: values.length,
    parameters: values.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    difference: 0,
    outputs: await difference(moduleSource({ ...parts, language: "JavaScript" }), preprocessing, folder),
    notes: [],
  };
}

async function partsOf(
  opened: OpenedRun,
  preprocessing: Exportable,
  title: string,
): Promise<Omit<ModuleParts, "language">> {
  const graphs = [1, many].map((rows) => ({ name: `${title}, ${rows} rows`, output: traced(opened, rows) }));
  const standalone = compileStandalone(graphs);
  const nodes = new Map<Source, Node>();
  for (const node of topologicalOrder(graphs.map(({ output }) => output)))
    if (node.source !== undefined) nodes.set(node.source, node);
  const { values } = standalone;
  const [first, last] = [values[0], values.at(-1)];
  const start = first?.address ?? 0;
  const weights = new Uint8Array((last === undefined ? 0 : last.address + last.bytes) - start);
  for (const { source, address } of values) {
    const node = nodes.get(source);
    if (node === undefined) throw new InternalError(`a value of ${title} is no node of its graph`);
    const data =
      source instanceof Cell
        ? await memoryOf(source).readCellLater(source)
        : storedNumbers(node.dtype, await Tensor.of(node).data());
    weights.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address - start);
  }
  const gives =
    opened.model instanceof Perceptron ? "place" : classNames(preprocessing) === undefined ? "number" : "probabilities";
  return { title, preprocessing, standalone, weights, rows: many, gives };
}

/** The network, from features to the objective's interpretation of its outputs. */
function traced({ model, config, preprocessing }: OpenedRun, rows: number): Node {
  const trace = new Trace();
  const features = Tensor.of(trace.argument({ shape: [rows, ...config.model.inputShape], dtype: "float32" }));
  return withTrace(trace, () => {
    const result =
      model instanceof Perceptron
        ? model.forward(features.flatten(1))
        : makeObjective(config.loss, taskFor(preprocessing)).predict(model.forward(features));
    return result.to("float32").node;
  });
}

/** Rows for both programs: values as in training, extreme ones, gaps, known and unknown categories and words. */
function sampleRows({ inputs }: TablePreprocessing, count: number): Record<string, string | number | null>[] {
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(
      inputs.map((input, column) => {
        const turn = row * 7 + column * 3;
        if (turn % 11 === 10) return [input.column, null];
        if (input.kind === "category")
          return [input.column, input.categories[turn % (input.categories.length + 1)] ?? "a value that was not there"];
        if (input.kind === "text") return [input.column, sampleText(input.terms, turn)];
        const level = input.mean + input.scale * (((turn * 37) % 100) / 25 - 2);
        const value = input.transform === "log" ? Math.sign(level) * Math.expm1(Math.abs(level)) : level;
        if (input.reading.kind !== "date") return [input.column, Math.fround(value)];
        return [input.column, input.reading.form === "time" ? timeOf(value) : dateOf(value)];
      }),
    ),
  );
}

/** A few terms, some repeated, and an unknown word. */
const sampleText = (terms: readonly string[], turn: number): string =>
  `${Array.from({ length: turn % 9 }, (_, k) => terms[(turn + k * k) % terms.length]).join(" ")}, Unheard!`;

const dateOf = (days: number): string => new Date(Math.round(days) * 864e5).toISOString().slice(0, 10);

const timeOf = (days: number): string => new Date((((days % 1) + 1) % 1) * 864e5).toISOString().slice(11, 16);

/** The largest difference between a number predicted by the file and by the run; executes the file's JavaScript. */
async function difference(source: string, preprocessing: Exportable, folder: string): Promise<number> {
  const run = await loadRun(folder);
  const count = many + 3;
  const size = preprocessing.kind === "images" ? sizeOf(preprocessing.shape) : 0;
  const pixels = Uint8Array.from({ length: count * size }, (_, place) => (place * 97 + (place >> 5) * 31) % 256);
  const rows =
    preprocessing.kind === "table"
      ? sampleRows(preprocessing, count)
      : Array.from({ length: count }, (_, row) => pixels.subarray(row * size, (row + 1) * size));
  const wanted = await (preprocessing.kind === "table"
    ? run.predict(Table.fromRows(sampleRows(preprocessing, count)))
    : run.predict({ dtype: "uint8", shape: [count, ...preprocessing.shape], data: pixels }));
  const address = `data:text/javascript;base64,${Buffer.from(source).toString("base64")}`;
  const module: { predict(rows: readonly unknown[]): Prediction[] } = await import(address);
  const predicted = module.predict(rows);
  return Math.max(...wanted.map((own, row) => apart(own, predicted[row], row)));
}

function apart(wanted: Prediction, got: Prediction | undefined, row: number): number {
  if (got === undefined) throw new HebbError(`the module predicts nothing for row ${row}; report this`);
  const { prediction, probabilities } = wanted;
  if (probabilities !== undefined)
    return Math.max(
      ...Object.entries(probabilities).map(([name, value]) =>
        Math.abs(value - (got.probabilities?.[name] ?? Number.NaN)),
      ),
    );
  if (typeof prediction === "number") return Math.abs(prediction - Number(got.prediction));
  return prediction === got.prediction ? 0 : 1;
}
