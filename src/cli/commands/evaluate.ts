// hebb evaluate: the metrics of a trained model on other data.
import { at } from "../../graph/at.ts";
import { HebbError } from "../../graph/errors.ts";
import { visible } from "../../graph/visible.ts";
import { amountOf, applyTo } from "../../run/apply.ts";
import { type ClassCosts, costPerRow, costsOf } from "../../run/costs.ts";
import { type Measured, measurer } from "../../run/measure.ts";
import { formFor, read } from "../../run/read.ts";
import { openModel } from "../../run/saved.ts";
import { classNames, predictedIn } from "../../run/task.ts";
import { metrics as figuresOf } from "../../train/index.ts";
import { figures } from "../../train/metricText.ts";
import { out } from "../output.ts";
import { classLines, noticesFor, positiveText } from "../report.ts";

export async function evaluate(
  folder: string,
  path: string,
  args: {
    readonly labels?: string | undefined;
    readonly sql?: string | undefined;
    readonly sheet?: string | undefined;
    readonly confusion: boolean;
    readonly report: boolean;
    /** The cost of missing a row of each class. */
    readonly costs?: ClassCosts | undefined;
    readonly json: boolean;
  },
): Promise<number> {
  const opened = openModel(folder);
  const { config, preprocessing } = opened;
  const names = classNames(preprocessing);
  for (const option of ["confusion", "report"] as const)
    if (args[option] && names === undefined)
      throw new HebbError(
        `--${option} is for classes, but this run predicts ${predictedIn(preprocessing)}; leave it out`,
      );
  const costs = args.costs === undefined ? undefined : costsOf(opened, args.costs);
  const notices = noticesFor(args.json);
  const source = await read(path, {
    target: config.target ?? undefined,
    sql: args.sql,
    sheet: args.sheet,
    labels: args.labels,
    seed: config.seed,
    needLabels: true,
    form: formFor(preprocessing),
    like: preprocessing,
    notices,
  });
  const { dataset, notes } = applyTo(preprocessing, source);
  notices.warn(notes);
  const { metrics, classes: report, confusion: confusionOf } = await measurer(opened)(dataset);
  const confusion = args.confusion ? confusionOf(costs) : null;
  const spent = costs === undefined ? undefined : spentOf(confusionOf, costs);
  const positive = names?.length === 2 ? names[figuresOf.positiveClass] : undefined;
  if (args.json) {
    const ofClasses = report === null ? {} : { ...(positive === undefined ? {} : { positiveClass: positive }), report };
    const matrix = confusion === null ? {} : { classes: names, confusion };
    out.json({ ...metrics, ...ofClasses, ...matrix, ...(spent === undefined ? {} : { costPerRow: spent }) });
    return 0;
  }
  out.line(`${amountOf(dataset)}: ${figures(metrics)}`);
  if (positive !== undefined) out.line(positiveText(positive));
  if (spent !== undefined && names !== undefined)
    out.line(
      `cost per row ${short(spent.decided)} with the least expected cost, ${short(spent.mostProbable)} with the most probable class, ${short(spent.always.cost)} where it is always ${visible(at(names, spent.always.class))}`,
    );
  if (args.report && report !== null) out.line("", ...classLines(report));
  if (confusion !== null && names !== undefined) out.line(...matrixLines(confusion, names));
  return 0;
}

const short = (value: number): string => String(Number(value.toPrecision(4)));

interface Spent {
  readonly decided: number;
  readonly mostProbable: number;
  /** The single class that costs least when predicted for every row. */
  readonly always: { readonly class: number; readonly cost: number };
}

/** The cost of a row for three ways of deciding. */
function spentOf(confusionOf: Measured["confusion"], costs: readonly number[]): Spent {
  const plain = confusionOf() ?? [];
  const counts = plain.map((row) => row.reduce((sum, count) => sum + count, 0));
  const alwaysOne = plain.map((_, k) =>
    costPerRow(
      counts.map((count) => plain.map((__, place) => (place === k ? count : 0))),
      costs,
    ),
  );
  const least = Math.min(...alwaysOne);
  return {
    decided: costPerRow(confusionOf(costs) ?? [], costs),
    mostProbable: costPerRow(plain, costs),
    always: { class: alwaysOne.indexOf(least), cost: least },
  };
}

/** Longer class names do not fit above the columns. */
const longestHead = 12;

/** More classes do not fit side by side. */
const mostInMatrix = 20;
const mostMistakes = 20;

/** The most frequently confused pairs of classes. */
function mistakeLines(matrix: readonly (readonly number[])[], shown: readonly string[]): string[] {
  const pairs = matrix
    .flatMap((row, truth) => row.map((rows, said) => ({ rows, truth, said })))
    .filter(({ rows, truth, said }) => rows > 0 && truth !== said)
    .sort((a, b) => b.rows - a.rows);
  const labels = pairs.slice(0, mostMistakes).map(({ truth }) => shown[truth] ?? "");
  const label = Math.max(0, ...labels.map((name) => name.length));
  const count = String(pairs[0]?.rows ?? 0).length;
  const left = pairs.length - labels.length;
  return [
    "",
    pairs.length === 0 ? "no row is misclassified" : "true → predicted, the most frequent mistakes",
    ...pairs
      .slice(0, mostMistakes)
      .map(
        ({ rows, said }, place) =>
          `${String(rows).padStart(count)}  ${(labels[place] ?? "").padEnd(label)} → ${shown[said] ?? ""}`,
      ),
    ...(left > 0 ? [`and ${left} other pairs of classes; --json has the whole matrix`] : []),
  ];
}

/** Rows are true classes, columns predicted ones; for many classes only the mistakes. */
export function matrixLines(matrix: readonly (readonly number[])[], names: readonly string[]): string[] {
  const shown = names.map(visible);
  if (names.length > mostInMatrix) return mistakeLines(matrix, shown);
  // Long names would be cut, and may differ only in the part that is cut, so their columns are numbered.
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
