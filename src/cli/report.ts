// The training output: a progress bar with rate and ETA, a line per epoch, a curve at the end.
import { greatest, least } from "../graph/extremes.ts";
import { quoted, visible } from "../graph/visible.ts";
import type { Notices } from "../run/readOptions.ts";
import type { Finding, NamedScores, TrainEvent } from "../train/index.ts";
import { epochLine, epochsText, figures, refitLine, stopText } from "../train/metricText.ts";
import { betterThanNetwork, comparisonLine } from "./comparison.ts";
import { err, type Output, out } from "./output.ts";

/** Prints problems that do not stop a command on standard error. */
export function warn(notes: readonly string[]): void {
  for (const note of notes) err.line(`warning: ${note}`);
}

/** Notices besides the result: warnings and downloads go to standard error, the rest to people at a terminal. */
export const noticesFor = (json: boolean, quiet = false): Notices => ({
  progress: (line) => {
    if (!quiet) err.line(line);
  },
  warn,
  note: (line) => {
    if (!json && !quiet) out.line(line);
  },
});

/** The class that binary metrics refer to. */
export const positiveText = (name: string): string =>
  `precision, recall, f1 and prAuc are for the class ${quoted(name)}`;

/** Precision, recall, F1 and support of each class, one line each. */
export function classLines(classes: readonly NamedScores[]): string[] {
  const names = classes.map(({ name }) => visible(name));
  const width = names.reduce((most, name) => Math.max(most, name.length), 5);
  const cell = (share: number): string => (Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`).padStart(11);
  return [
    `${"class".padEnd(width)}${["precision", "recall", "f1", "rows"].map((head) => head.padStart(11)).join("")}`,
    ...classes.map(
      ({ precision, recall, f1, support }, place) =>
        `${(names[place] ?? "").padEnd(width)}${cell(precision)}${cell(recall)}${cell(f1)}${String(support).padStart(11)}`,
    ),
  ];
}

/** A finding of the doctor, with evidence, reason and fix. */
export const findingLines = ({ what, evidence, why, fix }: Finding): string[] => [
  `! ${what}`,
  `    seen  ${evidence}`,
  `    why   ${why}`,
  `    fix   ${fix}`,
];

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Which weights are kept and measured, if not those of the last epoch. */
const keptText = ({ bestEpoch, epochs }: Extract<TrainEvent, { type: "end" }>): string =>
  bestEpoch === null || bestEpoch + 1 === epochs ? "" : `, the weights are those of epoch ${bestEpoch + 1}, the best`;

/** The baselines of the result, and whether it could still improve. */
function baselineLines({ baselines, metrics, improving }: Extract<TrainEvent, { type: "end" }>): string[] {
  const lines: string[] = [];
  if (baselines !== null) {
    const compared = { ...baselines, own: metrics.validation ?? {} };
    const better = betterThanNetwork(compared);
    lines.push(
      comparisonLine(compared),
      ...(better === undefined ? [] : [`            ${better.what}`, `            → ${better.fix}`]),
    );
  }
  if (improving)
    lines.push("the validation metric was still improving in the last epochs: more --epochs, or more --time, may help");
  return lines;
}

/** Milliseconds after which a log, which shows no bar, gets another line. */
const silence = 10_000;

/** Reports progress to people. On a terminal the last line is a bar that is redrawn; otherwise lines appear now and then. */
export class Reporter {
  readonly #output: Output;
  readonly #losses: number[] = [];
  readonly #held: number[] = [];
  #epochs = 0;
  /** The first epoch seen: a resumed run starts in the middle. */
  #began = 0;
  #first: { readonly step: number; readonly at: number } | undefined;
  #positive: string | null = null;
  #lastLine = 0;
  #started = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  readonly listen = (event: TrainEvent): void => {
    switch (event.type) {
      case "start":
        this.#epochs = event.epochs;
        this.#started = performance.now();
        this.#output.line(
          `${event.parameters} parameters, up to ${epochsText(event.epochs)} of ${event.stepsPerEpoch} steps, on ${event.description}`,
        );
        this.#positive = event.positiveClass;
        for (const note of event.notes) this.#output.line(`  ${note}`);
        if (this.#output.terminal) this.#output.bar("compiling the training step …");
        break;
      case "progress":
        this.#progress(event);
        break;
      case "epoch":
        this.#epoch(event);
        break;
      case "warning":
        this.#output.line(`warning: ${event.message}`);
        break;
      case "earlyStop":
        this.#output.line(
          `stopped after ${epochsText(event.epoch)}: ${event.reason}; the best was epoch ${event.bestEpoch + 1}`,
        );
        break;
      case "refit":
        this.#output.line(refitLine(event));
        this.#epochs = event.epochs;
        this.#first = undefined;
        break;
      case "interrupted":
        this.#output.line(
          `${stopText(event)} at step ${event.step}; everything is saved${event.resume === null ? "" : `. Continue with: ${event.resume}`}`,
        );
        break;
      case "end":
        this.#output.line(...this.#curve());
        this.#output.line(`train       ${figures(event.metrics.train)}`);
        if (event.metrics.validation !== null) this.#output.line(`validation  ${figures(event.metrics.validation)}`);
        if (event.metrics.test !== null) this.#output.line(`test        ${figures(event.metrics.test)}`);
        this.#output.line(...baselineLines(event));
        if (this.#positive !== null) this.#output.line(positiveText(this.#positive));
        this.#output.line(
          `${epochsText(event.epochs)} in ${event.seconds.toFixed(1)} s${keptText(event)}${event.run === null ? "" : ` → ${event.run}`}`,
        );
        break;
      case "finding":
        // An interruption is a warning that says what is kept.
        if (event.finding.code !== "notANumber") this.#output.line(...findingLines(event.finding));
        break;
      case "improvement":
      case "histograms":
      case "checkpoint":
        break;
    }
  };

  #progress(event: Extract<TrainEvent, { type: "progress" }>): void {
    // Measured from the first report on: a resumed run starts in the middle, and compiling is not a step.
    this.#first ??= { step: event.step, at: performance.now() };
    const seconds = (performance.now() - this.#first.at) / 1000;
    const share = event.step / event.totalSteps;
    const left = (seconds / (event.step - this.#first.step)) * (event.totalSteps - event.step);
    // An asynchronous device delivers losses a few steps later, so the first ones are missing.
    const loss = Number.isNaN(event.loss) ? "–" : event.loss.toPrecision(4);
    const text = `epoch ${event.epoch + 1}/${this.#epochs}  loss ${loss}  ${Math.round(event.rowsPerSecond)} rows/s${Number.isFinite(left) && left > 0 ? `  at most ${duration(left)} left` : ""}`;
    if (!this.#output.terminal) {
      if (performance.now() - Math.max(this.#started, this.#lastLine) < silence) return;
      this.#lastLine = performance.now();
      return this.#output.line(`${text}  (step ${event.step} of ${event.totalSteps})`);
    }
    const width = Math.max(4, Math.min(24, this.#output.columns - text.length - 2));
    const full = Math.round(share * width);
    this.#output.bar(`${"█".repeat(full)}${"░".repeat(width - full)} ${text}`);
  }

  #epoch(event: Extract<TrainEvent, { type: "epoch" }>): void {
    if (this.#losses.length === 0) this.#began = event.epoch;
    this.#losses.push(event.train.loss ?? Number.NaN);
    if (event.validation !== null) this.#held.push(event.validation.loss ?? Number.NaN);
    const now = performance.now();
    // With many short epochs, two lines per second are enough.
    if (event.epoch > 0 && now - this.#lastLine < 500 && event.epoch + 1 < this.#epochs) return;
    this.#lastLine = now;
    this.#output.line(epochLine(event));
  }

  /** The losses over epochs, drawn with characters. */
  #curve(): string[] {
    if (this.#losses.length < 2) return [];
    const names = ["train loss", "validation loss"];
    return [
      "",
      ...plot([this.#losses, this.#held], names, { from: this.#began + 1, width: plotWidth(this.#output) }),
      "",
    ];
  }
}

const marks = ["●", "○"] as const;

/** The width that remains next to the axis labels. */
export const plotWidth = ({ columns }: Output): number => Math.max(16, Math.min(60, columns - 14));

/** How curves are drawn with characters. */
interface PlotOptions {
  readonly height?: number;
  readonly width?: number;
  /** The unit along the curves. */
  readonly unit?: string;
  /** The number of the first value. */
  readonly from?: number;
}

/** Curves over a common scale, each drawn with its mark; the first is on top. */
export function plot(
  series: readonly (readonly number[])[],
  names: readonly string[],
  { height = 9, width = 60, unit = "epochs", from = 1 }: PlotOptions = {},
): string[] {
  const values = series.flat().filter(Number.isFinite);
  const [low, high] = [least(values), greatest(values)];
  const span = high > low ? high - low : 1;
  const rows = Array.from({ length: height }, () => new Array<string>(width).fill(" "));
  for (let k = series.length - 1; k >= 0; k--) {
    const curve = series[k] as readonly number[];
    for (let column = 0; column < width && curve.length > 0; column++) {
      const value = curve[Math.round((column / (width - 1)) * (curve.length - 1))] as number;
      const row = Math.round(((high - value) / span) * (height - 1));
      if (Number.isFinite(value)) (rows[row] as string[])[column] = marks[k] ?? "·";
    }
  }
  const lines = rows.map((row, place) => {
    const label = place === 0 ? high : place === height - 1 ? low : undefined;
    return `${label === undefined ? "".padStart(9) : label.toPrecision(3).padStart(9)} │${row.join("").trimEnd()}`;
  });
  const length = greatest(series.map((curve) => curve.length));
  const legend = series.flatMap((curve, k) => (curve.length > 0 ? [`${marks[k] ?? "·"} ${names[k]}`] : [])).join("   ");
  return [
    ...lines,
    `${"".padStart(10)}└${"─".repeat(width)}`,
    `${"".padStart(11)}${from}${String(from + length - 1).padStart(width - String(from).length)}  ${unit}    ${legend}`,
  ];
}
