// The report of a run, section by section, as one HTML file.
import { at } from "../../graph/at.ts";
import type { ClassesSeen, NumbersSeen, Understanding } from "../../run/understanding/understanding.ts";
import type { Metrics } from "../../train/index.ts";
import { figure } from "../../train/metricText.ts";
import { cardsHtml, heatHtml, listHtml, pageHtml, sectionHtml, tableHtml } from "./page.ts";
import { bars, chart, type Series } from "./svg.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A metric as separate name and value. */
const cardOf = ([name, value]: readonly [string, number]): readonly [string, string] => [
  name,
  figure(name, value).slice(name.length + 1),
];

export function runPage(seen: Understanding): string {
  const { folder, config, rows, metrics } = seen;
  const on =
    rows === undefined
      ? ""
      : ` Figures are of ${rows.count} ${rows.part} rows${rows.part === "training" ? ", which it was trained on, so they are optimistic" : ""}.`;
  const made = `${config.model.kind}, target ${config.target ?? "–"}, ${seen.epochs.length} epochs, ${config.optimizer} at ${config.lr}, seed ${config.seed}.${on}`;
  return pageHtml(
    `Report of ${folder}`,
    [
      `<header><h1>${sectionTitle(folder)}</h1></header>`,
      sectionHtml("This run", made),
      metrics === undefined ? "" : cardsHtml(Object.entries(metrics).map(cardOf)),
      baselines(seen),
      curves(seen),
      seen.seen?.kind === "classes" ? classes(seen.seen) : "",
      seen.seen?.kind === "numbers" ? numbers(seen.seen, seen.rows?.part ?? "") : "",
      inColumns(seen),
      worst(seen),
      findings(seen),
      columns(seen),
      seen.notes.length === 0 ? "" : sectionHtml("Notes", "", listHtml(seen.notes)),
    ].join(""),
  );
}

const sectionTitle = (folder: string): string => folder.replace(/[&<>"]/g, "");

function baselines({ baselines: found, metrics, rows }: Understanding): string {
  if (found === undefined || metrics === undefined) return "";
  const names = Object.keys(found.linear).filter((name) => name in metrics);
  const line = (name: string, own: Metrics): string[] => [
    name,
    ...names.map((each) => cardOf([each, own[each] ?? Number.NaN])[1]),
  ];
  return sectionHtml(
    "Comparison with simpler models",
    rows?.part === "test"
      ? "The two below are measured on the validation rows."
      : "All three are measured on the same rows.",
    tableHtml(
      ["model", ...names],
      [line("this run", metrics), line("a linear model", found.linear), line("constant prediction", found.constant)],
    ),
  );
}

function curves({ epochs, bestEpoch, config }: Understanding): string {
  if (epochs.length < 2) return "";
  const names = [...new Set(["loss", config.monitor, "accuracy", "r2"])].filter((name) =>
    epochs.some(({ train }) => name in train),
  );
  const mark = bestEpoch === undefined ? undefined : { x: bestEpoch + 1, text: "kept" };
  const drawn = names.slice(0, 2).map((name) => {
    const part = (of: "train" | "validation"): Series => ({
      name: of === "train" ? "training" : "validation",
      points: epochs.flatMap(({ epoch, [of]: own }) =>
        own?.[name] === undefined ? [] : [{ x: epoch + 1, y: own[name] }],
      ),
    });
    return chart(
      [part("train"), part("validation")].filter(({ points }) => points.length > 0),
      { title: name, x: "epoch", y: name, mark },
    );
  });
  return sectionHtml("Learning", "", `<div class="grid2">${drawn.join("")}</div>`);
}

function classes({ names, report, confusion, curves: found, calibration }: ClassesSeen): string {
  const unit: readonly [number, number] = [0, 1];
  const share = (value: number): string => (Number.isNaN(value) ? "–" : percent(value));
  const sections = [
    sectionHtml(
      "Classes",
      "",
      tableHtml(
        ["class", "precision", "recall", "f1", "rows"],
        report.map(({ name, precision, recall, f1, support }) => [
          name,
          share(precision),
          share(recall),
          share(f1),
          support,
        ]),
      ),
    ),
    names.length <= 40
      ? sectionHtml("Confusion", "Each row is one true class; colours are shares of it.", heatHtml(names, confusion))
      : "",
  ];
  if (found.length > 0)
    sections.push(
      sectionHtml(
        "Ranking",
        found
          .map(
            ({ name, auc, averagePrecision }) =>
              `${name}: ROC AUC ${auc.toFixed(3)}, average precision ${averagePrecision.toFixed(3)}`,
          )
          .join(" · "),
        `<div class="grid2">${chart(
          found.map(({ name, roc }) => ({ name, points: roc })),
          {
            title: "ROC",
            x: "false positive rate",
            y: "true positive rate",
            xRange: unit,
            yRange: unit,
            diagonal: true,
          },
        )}${chart(
          found.map(({ name, precisionRecall }) => ({ name, points: precisionRecall })),
          { title: "Precision and recall", x: "recall", y: "precision", xRange: unit, yRange: unit },
        )}</div>`,
      ),
    );
  if (calibration !== undefined) {
    const { before, after, temperature } = calibration;
    const line = (name: string, bins: typeof before.bins): Series => ({
      name,
      as: "both",
      points: bins.map(({ said, seen }) => ({ x: said, y: seen })),
    });
    sections.push(
      sectionHtml(
        "Calibration",
        `Of the rows given a probability of 70 %, about 70 % should come true. A temperature of ${temperature.toFixed(2)}, fitted on one half of the rows, is measured on the other.`,
        `<div class="grid2">${chart([line("as predicted", before.bins), line(`temperature ${temperature.toFixed(2)}`, after.bins)], { title: "Reliability", x: "predicted probability", y: "observed share", xRange: unit, yRange: unit, diagonal: true })}${tableHtml(
          ["", "calibration error", "log-loss"],
          [
            ["as predicted", before.error, before.logLoss],
            ["with temperature", after.error, after.logLoss],
          ],
        )}</div>`,
      ),
    );
  }
  return sections.join("");
}

function numbers({ pairs, residuals, intervals }: NumbersSeen, part: string): string {
  const dots = (points: Series["points"]): Series[] => [{ name: "rows", as: "dots", points }];
  const [p5 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0] = residuals;
  const residualsHtml = sectionHtml(
    "Residuals",
    "Actual minus predicted: half of the rows lie between the quartiles, nine in ten between the outer two.",
    `<div class="grid2">${chart(dots(pairs.map(({ predicted, actual }) => ({ x: predicted, y: actual }))), { title: "Actual against predicted", x: "predicted", y: "actual", diagonal: true })}${chart(dots(pairs.map(({ predicted, actual }) => ({ x: predicted, y: actual - predicted }))), { title: "Residuals against predicted", x: "predicted", y: "actual − predicted" })}</div>`,
    tableHtml(["5 %", "25 %", "median", "75 %", "95 %"], [[p5, p25, p50, p75, p95]]),
  );
  if (intervals.length === 0) return residualsHtml;
  const told =
    part === "validation"
      ? "The intervals were computed from these rows, so they contain as many as they promise; only test data can show more."
      : `The share of the ${part} rows that each interval contains is measured here.`;
  return `${residualsHtml}${sectionHtml(
    "Prediction intervals",
    `Around each prediction, by split conformal prediction: it contains the target of a new row as often as the first column says. ${told} hebb predict --interval 0.9 gives them.`,
    tableHtml(
      ["interval", "mean width", "rows inside"],
      intervals.map(({ level, width, coverage }) => [percent(level), width, percent(coverage)]),
    ),
  )}`;
}

function inColumns({ inColumns: found, rows }: Understanding): string {
  if (found === undefined) return "";
  const { importance, dependence, cost, shown } = found;
  const drawn = dependence.map(({ column, values, means }) => {
    if (values.every((value) => typeof value === "number")) {
      const series = shown.map(
        (name, k): Series => ({
          name,
          points: values.map((value, i) => ({ x: Number(value), y: at(at(means, i), k) })),
        }),
      );
      return chart(series, {
        title: column,
        x: column,
        y: shown.length === 1 ? `mean ${shown[0] ?? ""}` : "mean probability",
        height: 230,
      });
    }
    const list = values.map((value, i) => ({ name: String(value), value: at(at(means, i), 0) }));
    return bars(list, column, `mean ${shown[0] ?? ""}`, 420);
  });
  return [
    sectionHtml(
      "Column importance",
      `How much the ${cost} on ${rows?.part ?? ""} rows rises when the values of a column are shuffled: mean of 5 shuffles, the line is one standard deviation. Correlated columns share their importance.`,
      bars(
        importance.slice(0, 20).map(({ column, mean, deviation }) => ({ name: column, value: mean, deviation })),
        "Rise",
        cost,
      ),
    ),
    drawn.length === 0
      ? ""
      : sectionHtml(
          "Partial dependence",
          "The mean prediction when a column has the same value in every row. It shows what the model does, not what causes what.",
          `<div class="grid2">${drawn.join("")}</div>`,
        ),
  ].join("");
}

const longest = 100;
const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text);

function worst({ worst: rows, seen, inColumns: found }: Understanding): string {
  const wrong = seen?.kind === "numbers" ? rows : rows.filter(({ actual, predicted }) => actual !== predicted);
  if (wrong.length === 0) return "";
  // The most important columns come first; more than eight are hard to read.
  const order = found?.importance.map(({ column }) => column) ?? [];
  const known = Object.keys(rows[0]?.cells ?? {});
  const shown = [...order.filter((column) => known.includes(column))].slice(0, 8);
  return sectionHtml(
    "Rows with the largest errors",
    "Look here for wrong labels and for missing information. Rows are counted from 1.",
    tableHtml(
      [
        "row",
        "actual",
        "predicted",
        seen?.kind === "numbers" ? "actual − predicted" : "probability of the actual",
        ...shown,
      ],
      wrong.map(({ row, actual, predicted, figure: own, cells }) => [
        row + 1,
        seen?.kind === "numbers" ? Number(actual) : actual,
        seen?.kind === "numbers" ? Number(predicted) : predicted,
        own,
        ...shown.map((column) => cut(cells[column] ?? "")),
      ]),
    ),
  );
}

function findings({ findings: found }: Understanding): string {
  if (found.length === 0) return "";
  const lines = found.map(
    ({ what, fix }) => `${typeof what === "string" ? what : ""}${typeof fix === "string" ? ` — ${fix}` : ""}`,
  );
  return sectionHtml("The doctor's findings", "", listHtml(lines));
}

function columns({ columns: found }: Understanding): string {
  if (found.length === 0) return "";
  return sectionHtml(
    "Decisions about the columns",
    "",
    tableHtml(
      ["column", "used as", "type", "gaps", "features", "encoding", "why"],
      found.map(({ column, role, type, gaps, features, encoding, why }) => [
        column,
        role,
        type,
        gaps,
        features,
        encoding,
        why,
      ]),
    ),
  );
}
