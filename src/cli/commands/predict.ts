// hebb predict: raw rows in, predictions out; the preprocessing comes from the run folder.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { Dataset, formatCsv } from "../../data/index.ts";
import { writeFileAtomic } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { Perceptron } from "../../nn/index.ts";
import { Evaluator, metrics as figuresOf, makeObjective, residentOf } from "../../train/index.ts";
import { classNames, inverseFor, notOfText, taskFor } from "../job.ts";
import { openModel } from "../saved.ts";
import { featuresOf, readSource } from "../source.ts";

type Row = Readonly<Record<string, string | number>>;

export async function predict(
  folder: string,
  path: string,
  args: { readonly out?: string | undefined; readonly json: boolean },
): Promise<number> {
  const { config, preprocessing, model } = openModel(folder);
  notOfText(config, folder, "it writes: hebb generate");
  const raw = await readSource(path, {
    target: config.target ?? undefined,
    seed: config.seed,
    needLabels: false,
    like: preprocessing,
  });
  if (args.out !== undefined && resolve(args.out) === resolve(path))
    throw new HebbError(`--out ${args.out} is the data themselves, which would be lost; name another file`);
  if (args.out !== undefined && statSync(args.out, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new HebbError(`--out ${args.out} is a folder; name a file in it`);
  const data = featuresOf(preprocessing, raw);
  const resident = residentOf(data);
  const names = classNames(preprocessing);
  let rows: Row[];
  if (model instanceof Perceptron) {
    rows = Array.from(
      model.forward(resident.features.flatten(1)).dataSync(),
      (decision): Row => ({ prediction: names?.[decision] ?? decision }),
    );
  } else {
    const objective = makeObjective(config.loss, taskFor(preprocessing));
    // Targets are not known: the figures of this evaluation mean nothing and only its predictions are used.
    const { predictions } = new Evaluator(model, objective).evaluate(
      objective.task.kind === "number" ? residentOf(withoutTargets(data)) : resident,
    );
    rows = names === undefined ? numbers(predictions, inverseFor(preprocessing)) : classes(predictions, names);
  }
  const files = raw.kind === "images" ? raw.files : undefined;
  if (files !== undefined) rows = rows.map((row, place): Row => ({ file: files[place] ?? "", ...row }));
  const text = (): string => {
    const columns = Object.keys(rows[0] ?? { prediction: "" });
    return formatCsv(
      columns,
      rows.map((row) => columns.map((column) => row[column])),
    );
  };
  if (args.out !== undefined) writeFileAtomic(args.out, new TextEncoder().encode(text()));
  if (args.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else process.stdout.write(args.out === undefined ? text() : `${rows.length} predictions → ${args.out}\n`);
  return 0;
}

/** The same rows with a target of 0 each, where numbers are to be predicted. */
const withoutTargets = ({ features, length }: Dataset): Dataset =>
  new Dataset({
    features: features.data,
    featureShape: features.shape,
    targets: new Float32Array(length),
    targetShape: [1],
  });

function numbers(predictions: Float32Array, inverse: ((value: number) => number) | undefined): Row[] {
  return Array.from(predictions, (value): Row => ({ prediction: inverse === undefined ? value : inverse(value) }));
}

function classes(probabilities: Float32Array, names: readonly string[]): Row[] {
  const chosen = figuresOf.predictedClasses(probabilities, names.length);
  return Array.from(
    chosen,
    (place, row): Row => ({
      prediction: names[place] as string,
      ...Object.fromEntries(
        names.map((name, k) => [
          `probability ${name}`,
          Number((probabilities[row * names.length + k] as number).toFixed(6)),
        ]),
      ),
    }),
  );
}
