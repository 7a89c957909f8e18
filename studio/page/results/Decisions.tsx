// For classes: precision, recall and F1 at a threshold, the ROC curve, and the calibration of probabilities.

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import * as metrics from "../../../src/train/metrics.ts";
import type { RunInfo } from "../../shared/protocol.ts";
import type { Results } from "../../shared/results.ts";
import * as say from "../../texts/en/results.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { apart } from "../draw/names.ts";
import { type Frame, lineOf, Plot } from "../draw/Plot.tsx";
import { Choice, Range } from "../lab/controls.tsx";
import { grouped, percent, short } from "../numbers.ts";
import { answers } from "./resultsStore.ts";

/** The line of chance, or of perfect calibration. */
const Diagonal = ({ frame }: { readonly frame: Frame }) => (
  <path
    class="chance"
    d={lineOf(frame, [
      [0, 0],
      [1, 1],
    ])}
  />
);

/** The class that is distinguished from the rest; for two classes the second. */
export const chosen = signal(1);
export const threshold = signal(0.5);
const share = { from: 0, to: 1, show: (value: number): string => `${Math.round(100 * value)} %` };

interface Props {
  readonly info: RunInfo;
  readonly found: Results;
}

/** The probability of one class for each row, and whether the row belongs to it. */
export function oneAgainstRest({ outputs, truth, rows }: Results, place: number, binary: boolean) {
  const width = outputs.length / rows;
  return {
    scores: Float32Array.from({ length: rows }, (_, row) =>
      binary ? (place === 1 ? (outputs[row] ?? 0) : 1 - (outputs[row] ?? 0)) : (outputs[row * width + place] ?? 0),
    ),
    target: Uint8Array.from({ length: rows }, (_, row) => (truth[row] === place ? 1 : 0)),
  };
}

export const rowsOf = ({ rows, onTest }: Pick<Results, "rows" | "onTest">): string =>
  onTest ? say.testRows(grouped(rows)) : say.trainingRows(grouped(rows));

function Scores({ info, found }: Props) {
  const { classes, task } = info.data;
  const predicted =
    task === "binary"
      ? Uint8Array.from(found.outputs, (chance) => (chance >= 0.5 ? 1 : 0))
      : metrics.predictedClasses(found.outputs, classes.length);
  const scores = metrics.classScores(predicted, found.truth, classes.length);
  const mean = metrics.macroAverage(scores);
  // A column has room only for the distinct parts of names.
  const told = apart(classes);
  const row = (name: string, { precision, recall, f1, support }: metrics.ClassScores, whole = name) => (
    <tr key={name}>
      <th scope="row" title={whole}>
        {name}
      </th>
      <td>{percent(precision)}</td>
      <td>{percent(recall)}</td>
      <td>{percent(f1)}</td>
      <td>{grouped(support)}</td>
    </tr>
  );
  return (
    <section class="panel" aria-labelledby="scores-title">
      <header>
        <h2 id="scores-title">{say.decisionsClassByClass}</h2>
        <p class="hint steady">
          {say.accuracyBalanced(
            rowsOf(found),
            found.onTest ? say.test : say.train,
            percent(metrics.accuracy(predicted, found.truth)),
            percent(metrics.balancedAccuracy(predicted, found.truth, classes.length)),
          )}
        </p>
      </header>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={say.scoresOfEachClass}>
        <table class="class-scores">
          <thead>
            <tr>
              <th scope="col">{say.classWord}</th>
              <th scope="col" title={say.ofTheRowsGivenThisClass}>
                {say.precision}
              </th>
              <th scope="col" title={say.ofTheRowsOfThisClass}>
                {say.recall}
              </th>
              <th scope="col" title={say.n2PrecisionRecallPrecisionRecall}>
                F1
              </th>
              <th scope="col">{say.rows}</th>
            </tr>
          </thead>
          <tbody>
            {scores.map((score, place) => row(told[place] ?? "", score, classes[place]))}
            {row(say.meanOfTheClasses, mean)}
          </tbody>
        </table>
      </div>
      <p class="hint">{say.precisionOfTheRowsGivenA}</p>
    </section>
  );
}

function Threshold({ scores, target, name }: { scores: Float32Array; target: Uint8Array; name: string }) {
  const at = threshold.value;
  const called = Uint8Array.from(scores, (score) => (score >= at ? 1 : 0));
  const [[right = 0, alarms = 0] = [], [missed = 0, hits = 0] = []] = metrics.confusionMatrix(called, target, 2);
  const { precision = 0, recall = 0, f1 = 0 } = metrics.classScores(called, target, 2)[1] ?? {};
  const cell = (count: number, what: string, good: boolean) => (
    <div class={good ? "good" : "wrong"}>
      <b>{grouped(count)}</b>
      <span>{what}</span>
    </div>
  );
  return (
    <div class="threshold">
      <Range
        id="threshold"
        label={say.sayFromAChanceOf(name)}
        value={at}
        min={0}
        max={1}
        step={0.01}
        show={percent}
        choose={(value) => {
          threshold.value = value;
        }}
      />
      <div class="outcomes" role="group" aria-label={say.decisionsAtThisThreshold}>
        {cell(hits, say.found, true)}
        {cell(missed, say.missed, false)}
        {cell(alarms, say.falseAlarms, false)}
        {cell(right, say.correctlyRejected, true)}
      </div>
      <p class="figures">
        {say.precisionRecallF1Accuracy(
          <b>{percent(precision)}</b>,
          <b>{percent(recall)}</b>,
          <b>{percent(f1)}</b>,
          <b>{percent(metrics.accuracy(called, target))}</b>,
        )}
      </p>
    </div>
  );
}

function Roc({ scores, target, name }: { scores: Float32Array; target: Uint8Array; name: string }) {
  const points = useMemo(() => metrics.rocCurve(scores, target), [scores, target]);
  const at = points.findLast((point) => point.threshold >= threshold.value) ?? points[0];
  const auc = metrics.rocAuc(scores, target);
  return (
    <figure>
      <figcaption>
        {say.areaAveragePrecision(<b>{say.roc}</b>, short(auc), short(metrics.averagePrecision(scores, target)))}
      </figcaption>
      <Plot
        label={say.rocCurveOfArea(name, short(auc))}
        across={{ ...share, title: say.falseAlarmsOfTheOthers }}
        up={{ ...share, title: say.foundOfTheClass }}
      >
        {(frame) => (
          <>
            <Diagonal frame={frame} />
            <path
              class="curve"
              d={lineOf(
                frame,
                points.map(({ falsePositives, truePositives }) => [falsePositives, truePositives]),
              )}
            />
            {at !== undefined && Number.isFinite(at.falsePositives + at.truePositives) && (
              <circle class="here" cx={frame.x(at.falsePositives)} cy={frame.y(at.truePositives)} r="5" />
            )}
          </>
        )}
      </Plot>
      <AsTable
        label={say.theROCCurve}
        heads={[say.fromAChanceOf, say.falseAlarms, say.found]}
        follows={answers}
        rows={() =>
          points.map(({ threshold: from, falsePositives, truePositives }) => [
            short(from),
            percent(falsePositives),
            percent(truePositives),
          ])
        }
      />
    </figure>
  );
}

function Calibration({ scores, target, name }: { scores: Float32Array; target: Uint8Array; name: string }) {
  const parts = useMemo(() => metrics.calibrationCurve(scores, target), [scores, target]);
  const most = Math.max(1, ...parts.map(({ rows }) => rows));
  return (
    <figure>
      <figcaption>
        {say.errorBrier(
          <b>{say.calibration}</b>,
          percent(metrics.expectedCalibrationError(scores, target)),
          short(metrics.brierScore(scores, target)),
        )}
      </figcaption>
      <Plot
        label={say.calibrationOfWhatChancesItGives(name)}
        across={{ ...share, title: say.predictedProbability }}
        up={{ ...share, title: say.observedFrequency }}
      >
        {(frame) => (
          <>
            {parts.map(({ from, to, rows }) => (
              <rect
                key={from}
                class="count"
                x={frame.x(from) + 1}
                width={frame.x(to) - frame.x(from) - 2}
                y={frame.y((0.3 * rows) / most)}
                height={frame.y(0) - frame.y((0.3 * rows) / most)}
              />
            ))}
            <Diagonal frame={frame} />
            <path
              class="curve"
              d={lineOf(
                frame,
                parts.filter(({ rows }) => rows > 0).map(({ said, found }) => [said, found]),
              )}
            />
            {parts.map(({ from, rows, said, found }) =>
              rows > 0 ? <circle key={from} class="dot" cx={frame.x(said)} cy={frame.y(found)} r="3.5" /> : null,
            )}
          </>
        )}
      </Plot>
      <AsTable
        label={say.calibration}
        heads={[say.chances, say.rows, say.meanProbability, say.observedFrequency]}
        follows={answers}
        rows={() =>
          parts.map(({ from, to, rows, said, found }) => [
            `${percent(from)} to ${percent(to)}`,
            String(rows),
            percent(said),
            percent(found),
          ])
        }
      />
    </figure>
  );
}

export function Decisions({ info, found }: Props) {
  const { classes, task } = info.data;
  const place = Math.min(chosen.value, classes.length - 1);
  const { scores, target } = useMemo(() => oneAgainstRest(found, place, task === "binary"), [found, place, task]);
  const name = classes[place] ?? "";
  const lost = scores.some(Number.isNaN);
  return (
    <>
      <Scores info={info} found={found} />
      <section class="panel" aria-labelledby="threshold-title">
        <header>
          <h2 id="threshold-title">{say.orNot(name)}</h2>
          <Choice
            hidden
            label={say.classWord}
            value={String(place)}
            options={classes.map((title, k) => [String(k), title] as const)}
            choose={(value) => {
              chosen.value = Number(value);
            }}
          />
        </header>
        {lost ? (
          <p class="notice bad">{say.theNetworksAnswersAreNaNThere}</p>
        ) : (
          <>
            <Threshold scores={scores} target={target} name={name} />
            <div class="figure-pair">
              <Roc scores={scores} target={target} name={name} />
              <Calibration scores={scores} target={target} name={name} />
            </div>
            <p class="hint">{say.onTheDashedLineANetwork}</p>
          </>
        )}
      </section>
    </>
  );
}
