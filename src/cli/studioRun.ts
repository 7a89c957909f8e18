// Converts a run to the Studio's state: data, settings, final weights and curves.
import { arrayOfRows } from "../data/images.ts";
import { formatCsv, formatIdx, type Table } from "../data/index.ts";
import { type HostArray, type Preprocessing, writeSafetensors } from "../formats/index.ts";
import { hasValidated, readEvents } from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import type { JobConfig } from "../run/config.ts";
import { prepare } from "../run/prepare.ts";
import { read } from "../run/read.ts";
import { type OpenedRun, openValidated } from "../run/saved.ts";
import type { Source } from "../run/source.ts";
import type { Tensor } from "../tensor/index.ts";
import { isLanguage, isStudioOptimizer, type NetworkDescription, type TabularDescription } from "../train/index.ts";
import { noticesFor } from "./report.ts";

/** What to open: a query and a fragment for the page, and further files. */
export interface Opening {
  readonly query: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

type Field = string | number;

const losses: Readonly<Record<string, string>> = { bceWithLogits: "bce", smoothL1: "huber" };

/** Hidden layers in the page's notation: units and activation, "c" before a convolution. */
function layersOf({ kind, hidden, activation }: NetworkDescription | TabularDescription): string {
  const convolutions = kind === "cnn" ? [`c16.${activation}`, `c32.${activation}`] : [];
  return kind === "perceptron" ? "" : [...convolutions, ...hidden.map((units) => `${units}.${activation}`)].join("_");
}

/** A run's choices as the page's fragment. Choices that the page does not support go into `notes`. */
function settingsOf(
  config: JobConfig,
  model: NetworkDescription | TabularDescription,
  classes: number,
  notes: string[],
): string {
  const loss = classes === 2 && config.loss === "crossEntropy" ? "bce" : (losses[config.loss] ?? config.loss);
  const known = isStudioOptimizer(config.optimizer);
  if (!known) notes.push(`The Studio has no optimizer ${config.optimizer}; it continues with AdamW.`);
  const left = [
    ...(config.schedule === "constant" ? [] : [`the ${config.schedule} schedule`]),
    ...(config.warmup > 0 ? ["the warm-up"] : []),
    ...(config.clipNorm !== null || config.clipValue !== null ? ["clipped gradients"] : []),
    ...(config.ema === null ? [] : ["averaged weights"]),
    ...(config.classWeights === null ? [] : ["weights of classes"]),
    ...(config.augment.length > 0 ? ["changed pictures"] : []),
    ...(config.accumulate > 1 ? ["accumulated batches"] : []),
  ];
  if (left.length > 0) notes.push(`Training continues here without ${left.join(", ")}.`);
  if (model.kind === "perceptron")
    notes.push("A perceptron ends in a step function; here its neuron ends in a sigmoid.");
  const fields: readonly (readonly [string, Field])[] = [
    ["data", "own"],
    ["target", config.target ?? ""],
    ["test", config.validation],
    ["dataSeed", config.seed],
    ["layers", layersOf(model)],
    ["ensemble", model.kind === "tabular" ? `${model.members}.${model.bins}.${model.embedding}` : ""],
    ["dropout", model.dropout],
    ["loss", model.kind === "perceptron" ? "bce" : loss],
    ["optimizer", known ? config.optimizer : "adamw"],
    ["lr", config.lr],
    ["decay", config.weightDecay],
    ["batch", config.batchSize],
    ["seed", config.seed],
  ];
  return fields.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
}

interface Point {
  readonly step: number;
  readonly train: { readonly loss: number | null; readonly metric: null };
  readonly test: { readonly loss: number | null; readonly metric: number | null } | null;
}

const numberIn = (value: unknown, name: string): number | null => {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === "number" ? found : null;
};

interface Curves {
  readonly history: readonly Point[];
  readonly step: number;
}

/** The metrics of the epochs up to the kept weights, and the step of those weights. */
function curvesOf({ run, config }: OpenedRun, notes: string[]): Curves {
  const history: Point[] = [];
  let best = 0;
  for (const event of readEvents(run).events) {
    const { type, step, train, validation } = event;
    if (type !== "epoch" || typeof step !== "number") continue;
    history.push({
      step,
      train: { loss: numberIn(train, "loss"), metric: null },
      test:
        typeof validation === "object" && validation !== null
          ? {
              loss: numberIn(validation, "loss"),
              metric: numberIn(validation, "accuracy") ?? numberIn(validation, "r2"),
            }
          : null,
    });
    if (event["best"] === true) best = history.length;
  }
  // If held-out rows chose, the weights of the best epoch were restored.
  const kept = config.keep === "best" && config.validation > 0 && best > 0 ? best : history.length;
  if (kept < history.length) notes.push(`The weights are those of its best epoch, ${kept} of ${history.length}.`);
  if (hasValidated(run))
    notes.push(
      "After that it was trained again, including the held-out rows. Predictions use those weights; the Studio shows these.",
    );
  return { history: history.slice(0, kept), step: history[kept - 1]?.step ?? 0 };
}

const arrayOf = (value: Tensor): HostArray => ({
  dtype: "float32",
  shape: [...value.shape],
  data: Float32Array.from(value.dataSync()),
});

/** Weights and biases of the layers in order, under descriptive names; for an ensemble all parameters, under their own names. */
function weightsOf({ model, config }: OpenedRun): Uint8Array {
  if (config.model.kind === "tabular")
    return writeSafetensors(
      Object.fromEntries(Object.entries(model.stateDict()).map(([name, value]) => [name, arrayOf(value)])),
      { from: config.data },
    );
  const arrays = [...model.namedParameters()].map(([name, value], place): [string, HostArray] => [
    `${String(Math.floor(place / 2)).padStart(3, "0")}.${name.split(".").at(-1) ?? ""}`,
    arrayOf(value),
  ]);
  return writeSafetensors(Object.fromEntries(arrays), { from: config.data });
}

/** A table in the page's format. */
export function csvOfTable(table: Table): string {
  const rows = Array.from({ length: table.rowCount }, (_, row) => table.columns.map(({ cells }) => cells[row]));
  return formatCsv(table.columnNames, rows, table.delimiter);
}

function filesOf(source: Source): { files: [string, Uint8Array][]; classes: readonly string[] | null } {
  if (source.kind === "table") {
    return { files: [["table.csv", Buffer.from(csvOfTable(source.table))]], classes: null };
  }
  if (source.kind !== "images" || source.labels === undefined)
    throw new HebbError("the Studio shows networks for tables and images; this run has other data");
  return {
    files: [
      ["images.idx", formatIdx(arrayOfRows(source.images))],
      ["labels.idx", formatIdx(source.labels)],
    ],
    classes: source.labels.classes ?? null,
  };
}

/** The part of a preprocessing that shows which rows it was fitted on: for a table the run's columns, without the treatment of the target. */
function fittedOn(preprocessing: Preprocessing, run: Preprocessing): unknown {
  if (preprocessing.kind !== "table" || run.kind !== "table") return preprocessing;
  const taken = new Set(run.inputs.map(({ column }) => column));
  return preprocessing.inputs.filter(({ column }) => taken.has(column));
}

/** A run folder in the page's format. Throws HebbError if its data are gone, or are a text. */
export async function runOpening(folder: string, name: string): Promise<Opening> {
  const opened = openValidated(folder);
  const { config, preprocessing } = opened;
  if (config.model.kind === "pretrained")
    throw new HebbError(`${folder} was trained from a pretrained model; the Studio shows networks that start anew`);
  if (isLanguage(config.model) || preprocessing.kind === "text")
    throw new HebbError(`${folder} was trained on a text; the Studio shows networks for tables and images`);
  const source = await read(config.data, {
    target: config.target ?? undefined,
    labels: config.labels ?? undefined,
    seed: config.seed,
    needLabels: true,
    form: "whole",
    notices: noticesFor(false),
  });
  const notes: string[] = [];
  if (config.fold !== null) notes.push(`The run held out fold ${config.fold.number} of ${config.fold.of}.`);
  const { validation, seed } = config;
  const again = await prepare(source, { validation, fold: null, seed, columns: {}, text: null });
  if (
    JSON.stringify(fittedOn(again.preprocessing, preprocessing)) !==
    JSON.stringify(fittedOn(preprocessing, preprocessing))
  )
    notes.push("Here the rows are split or scaled differently from the run, so the figures differ.");
  const classes = preprocessing.target.kind === "classes" ? preprocessing.target.classes.length : 0;
  const settings = settingsOf(config, config.model, classes, notes);
  const { history, step } = curvesOf(opened, notes);
  const { files, classes: names } = filesOf(source);
  const told = {
    name,
    data: source.kind,
    source: config.data.split(/[/\\]/).at(-1),
    classes: names,
    preprocessing: preprocessing.kind === "table" ? preprocessing : null,
    step,
    history,
    notes,
  };
  return {
    query: `?run=${encodeURIComponent(name)}#${settings}`,
    files: new Map([
      ...files,
      ["run.json", Buffer.from(JSON.stringify(told))],
      ["weights.safetensors", weightsOf(opened)],
    ]),
  };
}
