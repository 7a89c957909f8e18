// hebb evaluate: the figures of a trained model on other data.
import { HebbError } from "../../graph/errors.ts";
import { visible } from "../../graph/visible.ts";
import { Perceptron } from "../../nn/index.ts";
import {
  Evaluator,
  metrics as figuresOf,
  type Metrics,
  makeObjective,
  residentOf,
  samplesOf,
} from "../../train/index.ts";
import { classNames, inverseFor, taskFor } from "../job.ts";
import { out } from "../output.ts";
import { perceptronMetrics } from "../perceptronJob.ts";
import { figures, warn } from "../report.ts";
import { openModel } from "../saved.ts";
import { applyTo, readSource } from "../source.ts";
import { readTokens } from "../textData.ts";

export async function evaluate(
  folder: string,
  path: string,
  args: { readonly labels?: string | undefined; readonly confusion: boolean; readonly json: boolean },
): Promise<number> {
  const { config, preprocessing, model } = openModel(folder);
  if (preprocessing.kind === "text") {
    const tokens = await readTokens(path, preprocessing);
    const { metrics } = new Evaluator(model, makeObjective(config.loss, taskFor(preprocessing, config))).evaluate(
      samplesOf(tokens),
    );
    if (args.json) out.json(metrics);
    else out.line(`${tokens.tokens.length} tokens: ${figures(metrics)}`);
    return 0;
  }
  const raw = await readSource(path, {
    target: config.target ?? undefined,
    labels: args.labels,
    seed: config.seed,
    needLabels: true,
    like: preprocessing,
  });
  const { dataset: data, notes } = applyTo(preprocessing, raw);
  warn(notes);
  if (model instanceof Perceptron) {
    const metrics: Metrics = perceptronMetrics(model, data);
    if (args.json) out.json(metrics);
    else out.line(`${data.length} rows: ${figures(metrics)}`);
    return 0;
  }
  const evaluator = new Evaluator(model, makeObjective(config.loss, taskFor(preprocessing)));
  const { metrics, predictions } = evaluator.evaluate(residentOf(data), inverseFor(preprocessing));
  const names = classNames(preprocessing);
  const confusion =
    args.confusion && names !== undefined
      ? figuresOf.confusionMatrix(
          figuresOf.predictedClasses(predictions, names.length),
          data.targets.data,
          names.length,
        )
      : undefined;
  if (args.confusion && names === undefined)
    throw new HebbError("--confusion counts classes, but this run predicts a number; leave it out");
  if (args.json) {
    out.json(confusion === undefined ? metrics : { ...metrics, classes: names, confusion });
    return 0;
  }
  out.line(`${data.length} rows: ${figures(metrics)}`);
  if (confusion !== undefined && names !== undefined) out.line(...matrixLines(confusion, names));
  return 0;
}

/** Longer names of classes do not stand over columns. */
const longestHead = 12;

/** Rows are what is true, columns what was predicted. */
function matrixLines(matrix: readonly (readonly number[])[], names: readonly string[]): string[] {
  const shown = names.map(visible);
  // Long names would be cut, and may differ in what is cut off: their columns go by number.
  const long = shown.some((name) => name.length > longestHead);
  const heads = long ? shown.map((_, place) => `[${place + 1}]`) : shown;
  const labels = long ? shown.map((name, place) => `[${place + 1}] ${name}`) : shown;
  const label = Math.max(...labels.map((name) => name.length));
  const width = Math.max(...heads.map((head) => head.length), ...matrix.flat().map((n) => String(n).length)) + 2;
  const line = (head: string, cells: readonly string[]): string =>
    `${head.padEnd(label)}${cells.map((cell) => cell.padStart(width)).join("")}`;
  return [
    "",
    "true ↓  predicted →",
    line("", heads),
    ...matrix.map((row, place) => line(labels[place] ?? "", row.map(String))),
  ];
}
