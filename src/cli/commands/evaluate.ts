// hebb evaluate: the metrics of a trained model on other data.
import type { Dataset } from "../../data/index.ts";
import { HebbError } from "../../graph/errors.ts";
import { visible } from "../../graph/visible.ts";
import { Perceptron } from "../../nn/index.ts";
import { classNames, inverseFor, namedScores, taskFor } from "../../run/config.ts";
import { measurePerceptron } from "../../run/perceptron.ts";
import { type OpenedRun, openModel } from "../../run/saved.ts";
import { applyTo, readSource } from "../../run/source.ts";
import { readTokens } from "../../run/text.ts";
import {
  Evaluator,
  metrics as figuresOf,
  type Metrics,
  makeObjective,
  residentOf,
  samplesOf,
} from "../../train/index.ts";
import { out } from "../output.ts";
import { classLines, figures, notices, positiveText, warn } from "../report.ts";

export async function evaluate(
  folder: string,
  path: string,
  args: {
    readonly labels?: string | undefined;
    readonly confusion: boolean;
    readonly report: boolean;
    readonly json: boolean;
  },
): Promise<number> {
  const opened = openModel(folder);
  const { config, preprocessing, model } = opened;
  const names = classNames(preprocessing);
  for (const option of ["confusion", "report"] as const)
    if (args[option] && names === undefined)
      throw new HebbError(
        `--${option} is for classes, but this run predicts ${preprocessing.kind === "text" ? "a text" : "a number"}; leave it out`,
      );
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
    notices,
  });
  const { dataset: data, notes } = applyTo(preprocessing, raw);
  warn(notes);
  const { metrics, classes, decided } = measure(opened, data);
  const confusion =
    args.confusion && names !== undefined
      ? figuresOf.confusionMatrix(decided, data.targets.data, names.length)
      : undefined;
  const report = namedScores(classes, names);
  const positive = names?.length === 2 ? names[figuresOf.positiveClass] : undefined;
  if (args.json) {
    const ofClasses = report === null ? {} : { ...(positive === undefined ? {} : { positiveClass: positive }), report };
    const matrix = confusion === undefined ? {} : { classes: names, confusion };
    out.json({ ...metrics, ...ofClasses, ...matrix });
    return 0;
  }
  out.line(`${data.length} rows: ${figures(metrics)}`);
  if (positive !== undefined) out.line(positiveText(positive));
  if (args.report && report !== null) out.line("", ...classLines(report));
  if (confusion !== undefined && names !== undefined) out.line(...matrixLines(confusion, names));
  return 0;
}

interface Measured {
  readonly metrics: Metrics;
  readonly classes: readonly figuresOf.ClassScores[] | undefined;
  /** Of each row, where there are classes. */
  readonly decided: ArrayLike<number>;
}

function measure({ config, preprocessing, model }: OpenedRun, data: Dataset): Measured {
  if (model instanceof Perceptron) return measurePerceptron(model, data);
  const evaluator = new Evaluator(model, makeObjective(config.loss, taskFor(preprocessing)));
  const { metrics, classes, predictions } = evaluator.evaluate(residentOf(data), inverseFor(preprocessing));
  const width = classNames(preprocessing)?.length ?? 1;
  return { metrics, classes, decided: figuresOf.predictedClasses(predictions, width) };
}

/** Longer class names do not fit above the columns. */
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
