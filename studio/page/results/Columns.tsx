// The network's use of its columns: the loss of accuracy without each, and the dependence of its answer on one.

import { useEffect } from "preact/hooks";
import type { RunInfo } from "../../shared/protocol.ts";
import type { DependenceCurve } from "../../shared/results.ts";
import * as say from "../../texts/en/results.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { lineOf, Plot } from "../draw/Plot.tsx";
import { Choice } from "../lab/controls.tsx";
import { grouped, percent, short } from "../numbers.ts";
import { playing, run, shownStep } from "../store.ts";
import { extentOf } from "./Residuals.tsx";
import { column, curve, importances, measureColumns, measureCurve } from "./resultsStore.ts";

const mostBars = 40;

/** The columns in the order of the table. */
const names = ({ data }: RunInfo): readonly string[] =>
  data.groups.length > 0 ? data.groups.map(({ name }) => name) : data.inputs;

function choose(place: number): void {
  column.value = place;
  void measureCurve();
}

function Importance({ info }: { readonly info: RunInfo }) {
  const found = importances.value;
  if (found === undefined)
    return (
      <div class="importance">
        <p class="hint" style={{ "--bars": Math.min(mostBars, names(info).length) }}>
          {say.theColumnsAreBeingShuffled}
        </p>
      </div>
    );
  const figure = info.data.task === "number" ? say.r : say.accuracy;
  const told = (value: number): string => (info.data.task === "number" ? short(value) : percent(value));
  const most = Math.max(1e-9, ...found.columns.map(({ mean, deviation }) => Math.abs(mean) + deviation));
  const all = names(info);
  return (
    <>
      <p class="hint">
        {say.whatFallsByWhenAColumn(
          found.onTest ? say.test : say.train,
          figure,
          told(found.metric),
          grouped(found.rows),
          found.columns[0]?.drops.length ?? 0,
        )}
      </p>
      <ul class="importance">
        {found.columns.slice(0, mostBars).map(({ name, count, mean, deviation }) => (
          <li key={name}>
            <button
              type="button"
              class="small"
              aria-pressed={all[column.value] === name}
              title={say.showHowTheAnswerGoesWith(name)}
              onClick={() => choose(all.indexOf(name))}
            >
              {name}
              {count > 1 ? ` (${count})` : ""}
            </button>
            <span class="bar-track" aria-hidden="true">
              <span class={mean < 0 ? "filled low" : "filled"} style={{ width: `${(100 * Math.abs(mean)) / most}%` }} />
              <span
                class="whisker"
                style={{
                  left: `${(100 * Math.max(0, Math.abs(mean) - deviation)) / most}%`,
                  width: `${(100 * Math.min(2 * deviation, Math.abs(mean) + deviation)) / most}%`,
                }}
              />
            </span>
            <span class="amount">
              {told(mean)} <small>± {told(deviation)}</small>
            </span>
          </li>
        ))}
      </ul>
      {found.columns.length > mostBars && <p class="hint">{say.andColumnsBelow(found.columns.length - mostBars)}</p>}
    </>
  );
}

/** The most classes whose probabilities are drawn. */
const mostSeries = 10;

/** The offset of an output's band from the centre of its category; categories are 1 apart. */
const besides = (output: number, outputs: number): number => (0.6 * (output - (outputs - 1) / 2)) / outputs;

/** The caption of a curve's band, if there is one. */
const bandSays = ({ names: categories, mean }: DependenceCurve): string =>
  categories.length > 0 ? say.theBarsHoldTheMiddleHalf : mean[0]?.length === 1 ? say.theBandHoldsTheMiddleHalf : "";

function Curve({ info, found }: { readonly info: RunInfo; readonly found: DependenceCurve }) {
  const { task, classes, target } = info.data;
  const { at, names: categories, mean, low, high } = found;
  const number = task === "number";
  const outputs = mean[0]?.length ?? 1;
  const across =
    categories.length > 0 ? { from: -0.5, to: categories.length - 0.5 } : extentOf(at.length > 0 ? at : [0, 1]);
  const up = number ? extentOf([...low.flat(), ...high.flat()]) : { from: 0, to: 1 };
  const title = number ? target : outputs === 1 ? say.chanceOf(classes[1] ?? "") : say.chanceOfEachClass;
  const line = (values: readonly (readonly number[])[], output: number) =>
    at.map((x, k) => [x, values[k]?.[output] ?? Number.NaN] as const);
  return (
    <>
      <Plot
        label={say.howGoesWith(title, found.column)}
        across={{ ...across, title: found.column }}
        up={{ ...up, title, ...(number ? {} : { show: (value: number) => `${Math.round(100 * value)} %` }) }}
        {...(categories.length > 0 ? { names: categories } : {})}
      >
        {(frame) =>
          Array.from({ length: Math.min(outputs, mostSeries) }, (_, output) => (
            <g key={output} class={outputs > 1 ? `series-${output}` : ""}>
              {outputs === 1 && categories.length === 0 && (
                <path
                  class="band"
                  d={`${lineOf(frame, line(low, output))}${lineOf(frame, [...line(high, output)].reverse()).replace("M", "L")}Z`}
                />
              )}
              {categories.length === 0 ? (
                <path class="curve" d={lineOf(frame, line(mean, output))} />
              ) : (
                at.map((x, k) => {
                  // With several classes the bands would cover one another.
                  const place = x + besides(output, Math.min(outputs, mostSeries));
                  return (
                    <g key={x}>
                      <path
                        class="whisk"
                        d={lineOf(frame, [
                          [place, low[k]?.[output] ?? 0],
                          [place, high[k]?.[output] ?? 0],
                        ])}
                      />
                      <circle class="dot" cx={frame.x(place)} cy={frame.y(mean[k]?.[output] ?? 0)} r="4" />
                    </g>
                  );
                })
              )}
            </g>
          ))
        }
      </Plot>
      {outputs > 1 && (
        <p class="legend">
          {classes.slice(0, mostSeries).map((name, place) => (
            <span key={name} class={`class-name series-${place}`}>
              <span class="swatch" aria-hidden="true" /> {name}
            </span>
          ))}
        </p>
      )}
      <AsTable
        label={say.howGoesWith(title, found.column)}
        heads={[
          found.column,
          ...(outputs === 1 ? ["mean", say.firstQuartile, say.thirdQuartile] : classes.slice(0, outputs)),
        ]}
        follows={curve}
        rows={() =>
          at.map((x, k) => [
            categories[k] ?? short(x),
            ...(outputs === 1
              ? [mean[k]?.[0], low[k]?.[0], high[k]?.[0]].map((value) => short(value ?? Number.NaN))
              : (mean[k] ?? []).map(percent)),
          ])
        }
      />
    </>
  );
}

export function Columns({ info }: { readonly info: RunInfo }) {
  const on = playing.value;
  const step = on ? -1 : shownStep.value;
  useEffect(() => {
    if (on && importances.value !== undefined) return;
    if (column.value >= names(info).length) column.value = 0;
    void measureColumns();
  }, [info, step, on]);
  const found = curve.value;
  const old = importances.value !== undefined && on;
  return (
    <>
      <section class="panel" aria-labelledby="importance-title">
        <header>
          <h2 id="importance-title">{say.whichColumnsCount}</h2>
          {old && (
            <button type="button" class="small" onClick={() => void measureColumns()}>
              {say.measureAgain}
            </button>
          )}
        </header>
        <Importance info={info} />
        {old && <p class="hint">{say.asOfStepMeasuredAgainAt(grouped(importances.value?.step ?? 0))}</p>}
      </section>
      <section class="panel" aria-labelledby="dependence-title">
        <header>
          <h2 id="dependence-title">{say.howTheAnswerGoesWithA}</h2>
          <Choice
            hidden
            label={say.column}
            value={String(column.value)}
            options={names(run.value ?? info).map((name, place) => [String(place), name] as const)}
            choose={(value) => choose(Number(value))}
          />
        </header>
        {found === undefined ? (
          <p class="hint awaited">{say.theColumnIsBeingSet}</p>
        ) : (
          <>
            <Curve info={info} found={found} />
            <p class="hint">{say.partialDependenceTheMeanAnswerOver(grouped(found.rows), bandSays(found))}</p>
          </>
        )}
      </section>
    </>
  );
}
