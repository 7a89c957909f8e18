// hebb explain: the contribution of each column of one row to the difference from a run's mean prediction.
import type { TablePart } from "../../data/tableFile.ts";
import { visible } from "../../graph/visible.ts";
import { formFor, read } from "../../run/read.ts";
import { notOfText, openModel } from "../../run/saved.ts";
import { type ExplainOptions, explainer, type RowExplanation } from "../../run/understanding/explain.ts";
import { out } from "../output.ts";
import { noticesFor } from "../report.ts";

export async function explain(
  folder: string,
  path: string,
  { json, sql, sheet, ...options }: ExplainOptions & TablePart & { readonly json: boolean },
): Promise<number> {
  const opened = openModel(folder);
  const { config, preprocessing } = opened;
  notOfText(config, folder, "it has no columns to explain");
  const notices = noticesFor(json);
  const source = await read(path, {
    target: config.target ?? undefined,
    sql,
    sheet,
    seed: config.seed,
    needLabels: false,
    form: formFor(preprocessing),
    like: preprocessing,
    notices,
  });
  const found = await explainer(opened, notices)(source, options);
  notices.warn(found.notes ?? []);
  if (json) out.json(found);
  else out.line(...linesOf(found));
  return 0;
}

/** The number of columns with a line of their own; the others share one. */
const mostShown = 12;
const widest = 40;
const cut = (text: string): string => (text.length > widest ? `${text.slice(0, widest - 1)}…` : text);

/** A sum from the mean to the prediction, with the largest contribution first. */
function linesOf({ row, target, class: name, base, prediction, contributions }: RowExplanation): string[] {
  const what = name === undefined ? visible(target) : `probability of ${visible(target)} = ${visible(name)}`;
  // A line for one more column is as short as a line that only counts it.
  const shown = contributions.length === mostShown + 1 ? contributions.length : mostShown;
  const steps = contributions.slice(0, shown);
  const rest = contributions.slice(shown);
  // As many decimals as the largest contribution needs for four digits.
  const most = Math.max(
    Math.abs(base),
    Math.abs(prediction),
    ...steps.map(({ contribution }) => Math.abs(contribution)),
  );
  const places = most > 0 ? Math.min(12, Math.max(0, 3 - Math.floor(Math.log10(most)))) : 0;
  const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(places)}`;
  const lines: readonly (readonly [string, string, string])[] = [
    [base.toFixed(places), "", "mean over training rows"],
    ...steps.map(
      ({ column, value, contribution, error }) =>
        [signed(contribution), `± ${error.toFixed(places)}`, cut(`${visible(column)} = ${visible(value)}`)] as const,
    ),
    ...(rest.length === 0
      ? []
      : [
          [
            signed(rest.reduce((sum, { contribution }) => sum + contribution, 0)),
            "",
            `${rest.length} further columns`,
          ] as const,
        ]),
    [prediction.toFixed(places), "", what],
  ];
  const [values, errors] = [
    Math.max(...lines.map(([value]) => value.length)),
    Math.max(...lines.map(([, error]) => error.length)),
  ];
  const told = lines.map(([value, error, text]) => `${value.padStart(values)}  ${error.padEnd(errors)}  ${text}`);
  return [`row ${row}: ${what}${name === undefined ? "" : " is"} ${prediction.toFixed(places)}`, "", ...told];
}
