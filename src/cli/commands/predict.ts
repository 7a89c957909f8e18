// hebb predict: raw rows in, predictions out; the preprocessing comes from the run folder.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { formatCsv } from "../../data/index.ts";
import { writeFileAtomic } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { featuresOf } from "../../run/apply.ts";
import { predictor } from "../../run/predictions.ts";
import { formFor, read } from "../../run/read.ts";
import { notOfText, openModel } from "../../run/saved.ts";
import { classNames } from "../../run/task.ts";
import { out } from "../output.ts";
import { noticesFor } from "../report.ts";
import { shortest } from "../shortest.ts";

type Row = Readonly<Record<string, string | number>>;

/** In the terminal a number has the digits that float32 has; files and JSON keep all. */
const printed = (row: Row): Row => {
  const { prediction } = row;
  return typeof prediction === "number" ? { ...row, prediction: shortest(prediction) } : row;
};

export async function predict(
  folder: string,
  path: string,
  args: { readonly out?: string | undefined; readonly json: boolean },
): Promise<number> {
  const opened = openModel(folder);
  const { config, preprocessing } = opened;
  notOfText(config, folder, "generate text with hebb generate");
  const notices = noticesFor(args.json);
  const source = await read(path, {
    target: config.target ?? undefined,
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
  const { dataset, notes, files } = featuresOf(preprocessing, source);
  notices.warn(notes);
  let rows = predictor(opened)(dataset).map(({ prediction, probabilities }): Row => {
    // By the list of names: an object would bring classes that are numbers into another order.
    const shares = probabilities === undefined ? [] : (classNames(preprocessing) ?? []);
    return {
      prediction,
      ...Object.fromEntries(
        shares.map((name) => [`probability ${name}`, Number((probabilities?.[name] ?? 0).toFixed(6))]),
      ),
    };
  });
  if (files !== undefined) rows = rows.map((row, place): Row => ({ file: files[place] ?? "", ...row }));
  const text = (written: (row: Row) => Row): string => {
    const columns = Object.keys(rows[0] ?? { prediction: "" });
    return formatCsv(
      columns,
      rows.map(written).map((row) => columns.map((column) => row[column])),
    );
  };
  if (args.out !== undefined) writeFileAtomic(args.out, new TextEncoder().encode(text((row) => row)));
  if (args.json) out.json(rows);
  else if (args.out === undefined) out.data(text(printed));
  else out.line(`${rows.length} predictions → ${args.out}`);
  return 0;
}
