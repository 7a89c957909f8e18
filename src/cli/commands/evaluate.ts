// hebb evaluate: the figures of a trained model on other data.
import { Perceptron } from "../../nn/index.ts";
import { Evaluator, type Metrics, makeObjective, residentOf, samplesOf } from "../../train/index.ts";
import { inverseFor, taskFor } from "../job.ts";
import { perceptronMetrics } from "../perceptronJob.ts";
import { figures } from "../report.ts";
import { openModel } from "../saved.ts";
import { applyTo, readSource } from "../source.ts";
import { readTokens } from "../textData.ts";

export async function evaluate(
  folder: string,
  path: string,
  args: { readonly labels?: string | undefined; readonly json: boolean },
): Promise<number> {
  const { config, preprocessing, model } = openModel(folder);
  if (preprocessing.kind === "text") {
    const tokens = await readTokens(path, preprocessing);
    const { metrics } = new Evaluator(model, makeObjective(config.loss, taskFor(preprocessing, config))).evaluate(
      samplesOf(tokens),
    );
    process.stdout.write(
      args.json ? `${JSON.stringify(metrics)}\n` : `${tokens.tokens.length} tokens: ${figures(metrics)}\n`,
    );
    return 0;
  }
  const raw = await readSource(path, {
    target: config.target ?? undefined,
    labels: args.labels,
    seed: config.seed,
    needLabels: true,
  });
  const data = applyTo(preprocessing, raw);
  const metrics: Metrics =
    model instanceof Perceptron
      ? perceptronMetrics(model, data)
      : new Evaluator(model, makeObjective(config.loss, taskFor(preprocessing))).evaluate(
          residentOf(data),
          inverseFor(preprocessing),
        ).metrics;
  process.stdout.write(args.json ? `${JSON.stringify(metrics)}\n` : `${data.length} rows: ${figures(metrics)}\n`);
  return 0;
}
