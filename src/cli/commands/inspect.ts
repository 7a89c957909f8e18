// hebb inspect: the layers and weights of a run, and every value of one forward pass; or the contents of a file of arrays, or of a pretrained model.
import { readEvents } from "../../formats/node.ts";
import { type FileReport, inspectFile } from "../../run/arrayFiles.ts";
import { readColumns } from "../../run/columns.ts";
import { isRunFolder } from "../../run/isRun.ts";
import { inspectModel, isModelFolder, type ModelReport } from "../../run/modelFolder.ts";
import { sampleBatch, takesTokens } from "../../run/sample.ts";
import { openModel } from "../../run/saved.ts";
import { type Inspected, inspect as inspectGraph } from "../../tensor/index.ts";
import { figures } from "../../train/metricText.ts";
import { bytesInWords } from "../bytes.ts";
import { columnLines } from "../columnTable.ts";
import { out } from "../output.ts";

interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
  /** The fraction of exact zeros. */
  readonly zeros: number;
}

function summarize(values: ArrayLike<number>): Summary {
  let [sum, squares, zeros] = [0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number;
    sum += value;
    squares += value * value;
    if (value === 0) zeros++;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const mean = sum / values.length;
  return {
    count: values.length,
    mean,
    deviation: Math.sqrt(Math.max(0, squares / values.length - mean * mean)),
    min,
    max,
    zeros: zeros / values.length,
  };
}

const inWords = ({ mean, deviation, min, max, zeros }: Summary): string =>
  `mean ${mean.toPrecision(3)} ± ${deviation.toPrecision(3)}, ${min.toPrecision(3)} … ${max.toPrecision(3)}${zeros > 0 ? `, ${(100 * zeros).toFixed(0)} % zero` : ""}`;

export interface InspectArguments {
  readonly graph?: boolean | undefined;
  readonly json: boolean;
}

export async function inspect(path: string, args: InspectArguments): Promise<number> {
  if (await isRunFolder(path)) return inspectRun(path, args);
  if (await isModelFolder(path)) {
    const model = await inspectModel(path);
    if (args.json) out.json(model);
    else out.line(...modelLines(model), ...linesOf(model.weights, args.graph === true));
    return 0;
  }
  const report = await inspectFile(path);
  if (args.json) out.json(report);
  else out.line(...linesOf(report, args.graph === true));
  return 0;
}

function modelLines(model: ModelReport): string[] {
  const { path, family, architecture, head, heads, classes, tokenizer, pictures, weights } = model;
  const beside = [...(tokenizer ? ["a tokenizer"] : []), ...(pictures ? ["the preparation of pictures"] : [])];
  return [
    `${path}: ${family}${architecture === null ? "" : `, saved as ${architecture}`}, ${counted(weights.parameters)} parameters`,
    `head ${head ?? "unknown"}${classes === null ? "" : ` with the classes ${classes.slice(0, 10).join(", ")}${classes.length > 10 ? ", …" : ""}`}; the family takes ${heads.join(", ")}`,
    ...(beside.length === 0 ? [] : [`with ${beside.join(" and ")}`]),
    "",
  ];
}

const shapeOf = (shape: readonly number[]): string => `[${shape.join(", ")}]`;
const counted = (value: number): string => value.toLocaleString("en-US");
/** Values of metadata may be whole documents. */
const shortened = (text: string): string =>
  text.length > 100 ? `${text.slice(0, 100)}… (${counted(text.length)} characters)` : text;

function linesOf(report: FileReport, graph: boolean): string[] {
  const { arrays, metadata } = report;
  const widths = [0, 1, 2].map((column) =>
    Math.max(0, ...arrays.map(({ name, type, shape }) => [name, type, shapeOf(shape)][column]?.length ?? 0)),
  );
  const row = (...cells: readonly string[]): string =>
    `  ${cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd()}`;
  const lines = [
    `${report.path}: ${report.title}, ${bytesInWords(report.bytes)}${report.notes.map((note) => `, ${note}`).join("")}`,
    `${counted(arrays.length)} ${arrays.length === 1 ? "array" : "arrays"}, ${counted(report.parameters)} values, ${bytesInWords(report.memory)} in memory${report.flops === null ? "" : `, ${counted(report.flops)} FLOPs`}`,
  ];
  const facts = Object.entries(report.facts);
  if (facts.length > 0) lines.push("", ...facts.map(([title, text]) => `${title}: ${text}`));
  if (Object.keys(metadata).length > 0)
    lines.push("", "metadata", ...Object.entries(metadata).map(([key, text]) => `  ${key}: ${shortened(text)}`));
  if (arrays.length > 0)
    lines.push(
      "",
      "arrays",
      ...arrays.map(({ name, type, shape, bytes }) => row(name, type, shapeOf(shape), bytesInWords(bytes))),
    );
  if (graph) lines.push("", ...(report.graph ?? ["this file format has no graph, only arrays"]));
  return lines;
}

async function inspectRun(folder: string, args: InspectArguments): Promise<number> {
  const { run, config, preprocessing, model } = openModel(folder);
  const parameters = Object.entries(model.stateDict()).map(([name, value]) => ({
    name,
    shape: value.shape,
    ...summarize(value.dataSync()),
  }));
  const batch = sampleBatch(config);
  const [rows] = batch.shape;
  const layers = inspectGraph(() => model.forward(batch)).filter(
    ({ op }) => op !== "value" && op !== "reshape" && op !== "permute" && op !== "expand",
  );
  const last = readEvents(run).events.at(-1);
  const columns = readColumns(run);
  if (args.json) {
    const values = layers.map(({ formula, path, shape, value }) => ({ formula, path, shape, ...summarize(value) }));
    out.json({ run: run.path, config, columns: columns ?? null, parameters, values, lastEvent: last ?? null });
    return 0;
  }
  const lines: string[] = [
    `${run.path}: ${config.model.kind} on ${config.data}, ${config.loss}, ${config.optimizer} at ${config.lr}`,
    `inputs [${config.model.inputShape.join(", ")}]${preprocessing.kind === "table" ? ` = ${preprocessing.featureNames.join(", ")}` : ""}`,
    "",
    ...(columns === undefined ? [] : [...columnLines(columns), ""]),
    ...model.summary().split("\n"),
    "",
    "parameters",
    ...parameters.map(({ name, shape, ...summary }) => `  ${name} [${shape.join(", ")}]: ${inWords(summary)}`),
    "",
    `one forward pass of ${rows} ${takesTokens(config.model) ? "windows of arbitrary tokens" : "standard inputs"}`,
    ...layers.flatMap(({ formula, path, value }: Inspected) => [
      `  ${formula}${path === "" ? "" : `  # ${path}`}`,
      `      ${inWords(summarize(value))}`,
    ]),
  ];
  if (last !== undefined && typeof last === "object" && "metrics" in last) {
    const { metrics } = last as {
      metrics: { train: Record<string, number>; validation: Record<string, number> | null };
    };
    lines.push(
      "",
      `train ${figures(metrics.train)}`,
      ...(metrics.validation === null ? [] : [`validation ${figures(metrics.validation)}`]),
    );
  }
  out.line(...lines);
  return 0;
}
