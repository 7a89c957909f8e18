// hebb predict: raw rows in, predictions out; the preprocessing comes from the run folder.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { findColumn } from "../../data/columnNames.ts";
import type { TablePart } from "../../data/tableFile.ts";
import type { Preprocessing } from "../../formats/index.ts";
import { writeFileAtomic } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { quoted } from "../../graph/visible.ts";
import { featuresOf } from "../../run/apply.ts";
import { type ClassCosts, costsOf } from "../../run/costs.ts";
import { intervalsOf } from "../../run/intervals.ts";
import { noted, predictor } from "../../run/predictions.ts";
import { describeOutput, isOnnxFile, predictOnnx } from "../../run/predictOnnx.ts";
import { formFor, read } from "../../run/read.ts";
import { notOfText, openModel } from "../../run/saved.ts";
import type { Source } from "../../run/source.ts";
import { classNames } from "../../run/task.ts";
import { out } from "../output.ts";
import { noticesFor } from "../report.ts";
import { formatOf, type Row, type RowFormat, rowsParquet, rowsText } from "../rowFiles.ts";
import { shortest } from "../shortest.ts";

/** In the terminal a number has float32's digits; files and JSON keep all. */
const printedTo =
  (scale: number | undefined) =>
  (row: Row): Row => {
    const own = ["prediction", "lower", "upper"].flatMap((column): [string, number][] => {
      const value = row[column];
      return typeof value === "number" ? [[column, shortest(value, scale)]] : [];
    });
    return { ...row, ...Object.fromEntries(own) };
  };

/** The scale of the numbers that a table's run predicts; undefined if it varies, as with a logarithm. */
function scaleOf(preprocessing: Preprocessing): number | undefined {
  const target = preprocessing.kind === "table" ? preprocessing.target : undefined;
  return target?.kind === "number" && target.transform !== "log" ? target.scale : undefined;
}

/** A row of the result with its notes. */
const withNotes = (row: Row, notes: readonly string[] | undefined): object =>
  notes === undefined ? row : { ...row, notes };

export interface PredictArguments extends TablePart {
  readonly out?: string | undefined;
  /** Columns of the data to include next to the predictions. */
  readonly keep?: readonly string[] | undefined;
  /** The probability that the target lies between the columns "lower" and "upper". */
  readonly interval?: number | undefined;
  /** The cost of missing a row of each class. */
  readonly costs?: ClassCosts | undefined;
  /** The format of standard output. */
  readonly format?: RowFormat | undefined;
  readonly json: boolean;
}

/** The cells of the kept columns, row by row. */
function keptOf(source: Source, keep: readonly string[]): (row: number) => Row {
  if (source.kind !== "table") throw new HebbError("--keep is for the columns of a table; leave it out");
  const { table, name } = source;
  const kept = keep.map((column) => table.column(findColumn(name, table.columnNames, column)));
  return (row) => Object.fromEntries(kept.map(({ name: column, cells }) => [column, cells[row] ?? ""]));
}

export async function predict(folder: string, path: string, args: PredictArguments): Promise<number> {
  if (await isOnnxFile(folder)) return predictArrays(folder, path, args);
  const opened = openModel(folder);
  const { config, preprocessing } = opened;
  notOfText(config, folder, "generate text with hebb generate");
  const wanted = {
    halfWidth: args.interval === undefined ? undefined : intervalsOf(opened)(args.interval),
    costs: args.costs === undefined ? undefined : costsOf(opened, args.costs),
  };
  const notices = noticesFor(args.json);
  const format = args.out === undefined ? undefined : formatOf(args.out);
  const source = await read(path, {
    target: config.target ?? undefined,
    sql: args.sql,
    sheet: args.sheet,
    seed: config.seed,
    needLabels: false,
    form: formFor(preprocessing),
    like: preprocessing,
    notices,
  });
  if (args.out !== undefined && resolve(args.out) === resolve(path))
    throw new HebbError(`--out ${args.out} is the data file itself, which would be overwritten; name another file`);
  if (args.out !== undefined && statSync(args.out, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new HebbError(`--out ${args.out} is a folder; name a file in it`);
  const { dataset, notes, unread, files } = featuresOf(preprocessing, source);
  notices.warn(notes);
  const predictions = noted(await predictor(opened)(dataset, wanted), unread);
  let rows = predictions.map(({ prediction, probabilities, lower, upper }): Row => {
    // In the order of the list of names: an object would reorder classes that are numbers.
    const shares = probabilities === undefined ? [] : (classNames(preprocessing) ?? []);
    return {
      prediction,
      ...(lower === undefined || upper === undefined ? {} : { lower, upper }),
      ...Object.fromEntries(
        shares.map((name) => [`probability ${name}`, Number((probabilities?.[name] ?? 0).toFixed(6))]),
      ),
    };
  });
  if (files !== undefined) rows = rows.map((row, place): Row => ({ file: files[place] ?? "", ...row }));
  if (args.keep !== undefined) {
    const kept = keptOf(source, args.keep);
    const own = rows[0] ?? {};
    const both = Object.keys(kept(0)).find((column) => Object.hasOwn(own, column));
    if (both !== undefined)
      throw new HebbError(
        `--keep: the result has a column ${quoted(both)} of its own, which would take the place of that of ${path}; rename it there`,
      );
    rows = rows.map((row, place): Row => ({ ...kept(place), ...row }));
  }
  const columns = Object.keys(rows[0] ?? { prediction: "" });
  if (args.out !== undefined) {
    const bytes =
      format === "parquet"
        ? await rowsParquet(rows, columns)
        : new TextEncoder().encode(rowsText(rows, columns, format ?? "csv"));
    writeFileAtomic(args.out, bytes);
  }
  if (args.json) out.json(rows.map((row, place) => withNotes(row, predictions[place]?.notes)));
  else if (args.out === undefined)
    out.data(rowsText(rows.map(printedTo(scaleOf(preprocessing))), columns, args.format ?? "csv"));
  else out.line(`${rows.length} predictions → ${args.out}`);
  return 0;
}

/** For an ONNX model: named arrays in, named arrays out. */
async function predictArrays(
  model: string,
  path: string,
  args: { readonly out?: string | undefined; readonly json: boolean },
): Promise<number> {
  const prediction = await predictOnnx(model, path, args.out);
  if (args.json) out.json(prediction);
  else out.line(`${prediction.outputs.map(describeOutput).join(", ")} → ${prediction.path}`);
  return 0;
}
