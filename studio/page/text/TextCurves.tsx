// Loss and accuracy over the steps: of training rows and of held-out rows, or of several models side by side.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { HistoryPoint } from "../../shared/protocol.ts";
import { isTask, modelTitles } from "../../shared/text.ts";
import * as say from "../../texts/en/text.ts";
import { LaneKey, laneColor, laneDashes } from "../compare/LaneKey.tsx";
import { followSize, readByArrows } from "../draw/chart.ts";
import { colors } from "../draw/colors.ts";
import { Icon } from "../icons.tsx";
import { grouped, percent, short } from "../numbers.ts";
import { onPicture } from "../store.ts";
import { hot, info, slow, text } from "./textStore.ts";

type Which = "loss" | "metric";

interface Line {
  readonly name: string;
  /** The name where the model is clear from the context. */
  readonly brief: string;
  readonly color: string;
  readonly dash: number[];
  readonly lane: number;
  readonly part: "train" | "test";
}

function linesNow(): Line[] {
  const { ink, accent } = colors.value;
  const lanes = info.value?.lanes ?? [];
  if (lanes.length < 2)
    return [
      { name: say.train, brief: say.train, color: ink, dash: [], lane: 0, part: "train" },
      { name: say.test2, brief: say.test2, color: accent, dash: [5, 3], lane: 0, part: "test" },
    ];
  return lanes.map(({ model }, lane) => ({
    name: say.testOf(modelTitles[model]),
    brief: modelTitles[model],
    color: laneColor(lane),
    dash: laneDashes(lane),
    lane,
    part: "test",
  }));
}

/** The points of a model, with the current one after the last of them. */
function pointsOf(lane: number): readonly HistoryPoint[] {
  const points = hot.histories[lane] ?? [];
  const now = hot.picture?.lanes[lane]?.now;
  return now === undefined || now.step <= (points.at(-1)?.step ?? -1) ? points : [...points, now];
}

/** Every model is measured at the same steps; one that became NaN has fewer points. */
function seriesOf(lines: readonly Line[], which: Which): uPlot.AlignedData {
  const steps = pointsOf(0).map(({ step }) => step);
  const figure = (point: HistoryPoint | undefined, part: Line["part"]): number | null => {
    const value = point?.[part]?.[which];
    return value === undefined || !Number.isFinite(value) ? null : value;
  };
  return [
    steps,
    ...lines.map(({ lane, part }) => {
      const own = new Map(pointsOf(lane).map((point) => [point.step, point]));
      return steps.map((step) => figure(own.get(step), part));
    }),
  ];
}

/** Milliseconds between two drawings of the curves. */
const every = 250;

function Plot({ which, title, up }: { readonly which: Which; readonly title: string; readonly up: string }) {
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLSpanElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const palette = colors.value;
  const lanes = info.value?.lanes;
  const show = which === "metric" ? percent : short;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const lines = linesNow();
    const axis = {
      stroke: palette.soft,
      grid: { stroke: palette.line, width: 1 },
      ticks: { show: false },
      font: "11px ui-sans-serif, system-ui, sans-serif",
      labelFont: "11px ui-sans-serif, system-ui, sans-serif",
      labelSize: 16,
      labelGap: 0,
    };
    const tell = ({ cursor, data }: uPlot): void => {
      if (readout.current === null) return;
      const at = cursor.idx ?? data[0].length - 1;
      const step = data[0][at];
      readout.current.textContent =
        step === undefined
          ? ""
          : `${say.stepNumber(grouped(step))}${lines.map(({ brief }, k) => `   ${brief} ${show(data[k + 1]?.[at] ?? Number.NaN)}`).join("")}`;
    };
    const made = new uPlot(
      {
        width: Math.max(80, element.clientWidth),
        height: Math.max(80, element.clientHeight),
        legend: { show: false },
        padding: [6, 16, 0, 0],
        cursor: { points: { size: 7 }, y: false },
        scales: {
          x: { time: false },
          y: { range: (_, __, high) => (which === "metric" ? [0, 1] : [0, (high ?? 1) * 1.05 || 1]) },
        },
        axes: [
          { ...axis, label: say.step, size: 20, space: 60 },
          {
            ...axis,
            label: up,
            size: 44,
            space: 28,
            values: (_, ticks) =>
              ticks.map((tick) =>
                which === "metric" ? `${Math.round(100 * tick)} %` : String(Number(tick.toPrecision(3))),
              ),
          },
        ],
        series: [
          {},
          ...lines.map(({ color, dash }) => ({
            stroke: color,
            width: 1.6,
            dash,
            points: { show: false },
            spanGaps: true,
          })),
        ],
        hooks: { setCursor: [tell] },
      },
      seriesOf(lines, which),
      element,
    );
    plot.current = made;
    let last = 0;
    const draw = (): void => {
      const now = performance.now();
      if (now - last < every && hot.picture?.reset !== true) return;
      last = now;
      made.setData(seriesOf(lines, which));
      tell(made);
    };
    const stop = onPicture(draw);
    const stopFollowing = followSize(made, element, () => Math.max(80, element.clientHeight));
    draw();
    return () => {
      stop();
      stopFollowing();
      made.destroy();
      plot.current = undefined;
    };
  }, [palette, which, up, lanes]);
  return (
    <figure class="plot">
      <figcaption>
        <b>{title}</b>
        <span ref={readout} class="readout" />
      </figcaption>
      <div
        class="plot-area"
        ref={box}
        tabIndex={0}
        role="application"
        aria-label={say.byStepArrowKeysReadValues(title, up)}
        data-arrows
        onKeyDown={(event) => readByArrows(event, plot.current)}
      />
    </figure>
  );
}

function Figures() {
  slow.value;
  const { model: own, beside, layers: deep, width: wide } = text.value;
  // Reserves the same number of rows before the models are made.
  const lanes =
    info.value?.lanes ??
    [own, ...beside].map((model) => ({ model, layers: deep, width: wide, parameters: Number.NaN }));
  const exact = isTask(text.value.source) ? say.exact : say.accuracy;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={say.figuresOfEveryModel}>
      <table>
        <thead>
          <tr>
            <th scope="col">{say.model2}</th>
            <th scope="col">{say.parameters2}</th>
            <th scope="col">{say.trainLoss}</th>
            <th scope="col">{say.testLoss}</th>
            <th scope="col">{say.test(exact)}</th>
            <th scope="col">{say.aStep}</th>
          </tr>
        </thead>
        <tbody>
          {lanes.map(({ model, layers, width, parameters }, lane) => {
            const now = hot.picture?.lanes[lane];
            return (
              <tr key={model}>
                <th scope="row">
                  <LaneKey lane={lane} />
                  {modelTitles[model]}, {layers} × {width}
                </th>
                <td>{Number.isNaN(parameters) ? "–" : grouped(parameters)}</td>
                <td>{short(now?.now.train.loss ?? Number.NaN)}</td>
                <td>{short(now?.now.test?.loss ?? Number.NaN)}</td>
                <td>{percent(now?.now.test?.metric ?? Number.NaN)}</td>
                <td>{now === undefined ? "–" : say.ms(now.stepTime.toFixed(1))}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Table() {
  slow.value;
  const points = pointsOf(0);
  const skip = Math.max(1, Math.ceil(points.length / 40));
  const exact = isTask(text.value.source) ? "exact" : "accuracy";
  return (
    <div class="table-scroll text-plots" tabIndex={0} role="region" aria-label={say.figuresByStep}>
      <table>
        <thead>
          <tr>
            {[say.step, say.trainLoss, say.testLoss, say.trainOf(exact), say.testOfFigure(exact)].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {points
            .filter((_, k) => k % skip === 0 || k === points.length - 1)
            .map(({ step, train, test }) => (
              <tr key={step}>
                <th scope="row">{step}</th>
                <td>{short(train.loss)}</td>
                <td>{short(test?.loss ?? Number.NaN)}</td>
                <td>{percent(train.metric)}</td>
                <td>{percent(test?.metric ?? Number.NaN)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}

export function TextCurves() {
  const [asTable, setTable] = useState(false);
  const task = isTask(text.value.source);
  const several = text.value.beside.length > 0;
  return (
    <section class="panel text-curves" aria-labelledby="text-curves-title">
      <header>
        <h2 id="text-curves-title">{say.curves}</h2>
        {!several && (
          <p class="legend">
            <span class="key train">{say.train}</span> <span class="key test">{say.test2}</span>
          </p>
        )}
        <button type="button" class="small" aria-pressed={asTable} onClick={() => setTable(!asTable)}>
          <Icon name="table" /> {asTable ? say.showAsChart : say.showAsTable}
        </button>
      </header>
      {asTable ? (
        <Table />
      ) : (
        <div class={`text-plots ${several ? "several" : ""}`}>
          <Plot which="loss" title={say.loss} up={say.natsPerToken} />
          <Plot
            which="metric"
            title={task ? say.wholeAnswerRight : say.nextTokenRight}
            up={task ? say.shareOfSequences : say.shareOfTokens}
          />
        </div>
      )}
      {several && <Figures />}
    </section>
  );
}
