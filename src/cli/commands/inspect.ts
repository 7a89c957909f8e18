// hebb inspect: the layers and weights of a run, and every value of one forward pass.
import { readEvents } from "../../formats/node.ts";
import { openModel } from "../../run/saved.ts";
import { type Inspected, inspect as inspectGraph, rand, randint, seed } from "../../tensor/index.ts";
import { isLanguage } from "../../train/index.ts";
import { out } from "../output.ts";
import { figures } from "../report.ts";

interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
  /** Share of exact zeros. */
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

export async function inspect(folder: string, args: { readonly json: boolean }): Promise<number> {
  const { run, config, preprocessing, model } = openModel(folder);
  const parameters = Object.entries(model.stateDict()).map(([name, value]) => ({
    name,
    shape: value.shape,
    ...summarize(value.dataSync()),
  }));
  seed(0);
  // A batch of inputs of mean 0 and deviation 1: what layers do with values of the scale they were trained on; or any tokens.
  const [rows, shape] = [isLanguage(config.model) ? 2 : 16, config.model.inputShape];
  const batch = isLanguage(config.model)
    ? randint(0, config.model.outputs, [rows, ...shape])
    : rand([rows, ...shape])
        .sub(0.5)
        .mul(Math.sqrt(12));
  batch.dataSync();
  const layers = inspectGraph(() => model.forward(batch)).filter(
    ({ op }) => op !== "value" && op !== "reshape" && op !== "permute" && op !== "expand",
  );
  const last = readEvents(run).events.at(-1);
  if (args.json) {
    const values = layers.map(({ formula, path, shape, value }) => ({ formula, path, shape, ...summarize(value) }));
    out.json({ run: run.path, config, parameters, values, lastEvent: last ?? null });
    return 0;
  }
  const lines: string[] = [
    `${run.path}: ${config.model.kind} on ${config.data}, ${config.loss}, ${config.optimizer} at ${config.lr}`,
    `inputs [${config.model.inputShape.join(", ")}]${preprocessing.kind === "table" ? ` = ${preprocessing.featureNames.join(", ")}` : ""}`,
    "",
    ...model.summary().split("\n"),
    "",
    "parameters",
    ...parameters.map(({ name, shape, ...summary }) => `  ${name} [${shape.join(", ")}]: ${inWords(summary)}`),
    "",
    `one forward pass of ${rows} ${isLanguage(config.model) ? "windows of any tokens" : "standard inputs"}`,
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
