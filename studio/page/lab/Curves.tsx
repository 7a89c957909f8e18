// Loss and metric over the epochs: two curves each, a scale that may be logarithmic, exact values under the cursor and as a table.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { lossUnits } from "../../shared/names.ts";
import type { HistoryPoint } from "../../shared/protocol.ts";
import * as say from "../../texts/en/lab.ts";
import { followSize, readByArrows } from "../draw/chart.ts";
import { colors } from "../draw/colors.ts";
import { Icon } from "../icons.tsx";
import { grouped, percent, short } from "../numbers.ts";
import { change, hot, onPicture, run, state } from "../store.ts";

type Which = "loss" | "metric";

const value = (point: HistoryPoint, which: Which, part: "train" | "test"): number | null => {
  const figure = point[part]?.[which];
  return figure === undefined || !Number.isFinite(figure) ? null : figure;
};

/** The points of the epochs, with the current one after the last of them. */
function pointsNow(): readonly HistoryPoint[] {
  const now = hot.snapshot?.now;
  return now === undefined || now.step <= (hot.history.at(-1)?.step ?? -1) ? hot.history : [...hot.history, now];
}

function seriesOf(points: readonly HistoryPoint[], which: Which, log: boolean): uPlot.AlignedData {
  const batches = run.value?.batches ?? 1;
  const positive = (figure: number | null): number | null =>
    log && which === "loss" && figure !== null && figure <= 0 ? null : figure;
  return [
    points.map(({ step }) => step / batches),
    points.map((point) => positive(value(point, which, "train"))),
    points.map((point) => positive(value(point, which, "test"))),
  ];
}

/** Marks the first NaN with a line and its step. */
function markNaN(plot: uPlot, color: string): void {
  const lost = pointsNow().find(({ train }) => !Number.isFinite(train.loss));
  if (lost === undefined) return;
  const { ctx, bbox } = plot;
  const x = plot.valToPos(lost.step / (run.value?.batches ?? 1), "x", true);
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `600 ${11 * devicePixelRatio}px ui-sans-serif, system-ui, sans-serif`;
  const left = x > bbox.left + bbox.width / 2;
  ctx.textAlign = left ? "right" : "left";
  ctx.fillText(
    say.atStep(short(lost.train.loss), lost.step),
    x + (left ? -6 : 6) * devicePixelRatio,
    bbox.top + 14 * devicePixelRatio,
  );
  ctx.restore();
}

function Plot({
  which,
  title,
  up,
  log,
  show,
}: {
  readonly which: Which;
  readonly title: string;
  /** The title of the vertical axis. */
  readonly up: string;
  readonly log: boolean;
  readonly show: (value: number) => string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLSpanElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const palette = colors.value;
  const batches = run.value?.batches ?? 1;
  const every = run.value?.measuredEvery ?? 1;
  const rarely = every === 1 ? "" : say.everyThFrom20On(every);
  const across = say.epochEach(grouped(batches), batches === 1 ? say.step : say.steps, rarely);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const axis = {
      stroke: palette.soft,
      grid: { stroke: palette.line, width: 1 },
      ticks: { show: false },
      font: "11px ui-sans-serif, system-ui, sans-serif",
      labelFont: "11px ui-sans-serif, system-ui, sans-serif",
      labelSize: 16,
      labelGap: 0,
    };
    let points = pointsNow();
    const tell = (at: number | null | undefined): void => {
      if (readout.current === null) return;
      const point = points[at ?? points.length - 1];
      if (point === undefined) return;
      const epoch = (point.step / (run.value?.batches ?? 1)).toFixed(at == null ? 0 : 1);
      // A figure that is NaN is shown, not left out.
      const said = (part: "train" | "test"): string => {
        const figure = point[part]?.[which];
        return figure === undefined
          ? ""
          : `   ${part === "train" ? say.train2 : say.test2} ${Number.isFinite(figure) ? show(figure) : short(figure)}`;
      };
      readout.current.textContent = `${say.epoch(epoch)}${said("train")}${said("test")}`;
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
          y:
            log && which === "loss"
              ? { distr: 3 }
              : which === "metric"
                ? { range: (_, low, high) => [Math.min(low, 0.9 * high), Math.max(high, 1)] }
                : { range: (_, __, high) => [0, high * 1.05 || 1] },
        },
        axes: [
          { ...axis, label: across, size: 20, space: 60 },
          {
            ...axis,
            label: up,
            size: 44,
            space: 28,
            values: (_, ticks) =>
              ticks.map((tick) =>
                tick === null
                  ? ""
                  : which === "metric" && run.value?.data.task !== "number"
                    ? `${Math.round(100 * tick)} %`
                    : String(Number(tick.toPrecision(3))),
              ),
          },
        ],
        series: [
          {},
          { stroke: palette.ink, width: 1.6, points: { show: false } },
          { stroke: palette.accent, width: 1.6, dash: [5, 3], points: { show: false } },
        ],
        hooks: { setCursor: [({ cursor }) => tell(cursor.idx)], draw: [(plot) => markNaN(plot, palette.ink)] },
      },
      seriesOf(points, which, log),
      element,
    );
    plot.current = made;
    let last = 0;
    const draw = (): void => {
      const now = performance.now();
      if (now - last < 250 && hot.history.length > 60) return;
      last = now;
      points = pointsNow();
      made.setData(seriesOf(points, which, log));
      tell(made.cursor.idx);
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
  }, [palette, log, which, up, across, run.value]);
  return (
    <figure class="plot">
      <figcaption>
        <b>{title}</b>
        <span ref={readout} class="readout" />
      </figcaption>
      <div
        class="plot-area"
        ref={box}
        role="application"
        aria-label={say.byArrowKeysReadValues(title, up, across)}
        data-arrows
        onKeyDown={(event) => readByArrows(event, plot.current)}
      />
    </figure>
  );
}

export function CurveTable({ points, metric }: { readonly points: readonly HistoryPoint[]; readonly metric: string }) {
  const step = Math.max(1, Math.ceil(points.length / 40));
  return (
    <div class="table-scroll filling" tabIndex={0} role="region" aria-label={say.figuresByStep}>
      <table>
        <thead>
          <tr>
            <th scope="col">{say.step}</th>
            <th scope="col">{say.trainLoss}</th>
            <th scope="col">{say.testLoss}</th>
            <th scope="col">{say.train(metric)}</th>
            <th scope="col">{say.test(metric)}</th>
          </tr>
        </thead>
        <tbody>
          {points
            .filter((_, k) => k % step === 0 || k === points.length - 1)
            .map(({ step: at, train, test }) => (
              <tr key={at}>
                <th scope="row">{at}</th>
                <td>{short(train.loss)}</td>
                <td>{test === undefined ? "–" : short(test.loss)}</td>
                <td>{short(train.metric)}</td>
                <td>{test === undefined ? "–" : short(test.metric)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}

export function Curves() {
  const [asTable, setTable] = useState(false);
  const { logLoss } = state.value;
  const number = run.value?.data.task === "number";
  const metric = number ? "R²" : "accuracy";
  return (
    <section class="panel curves" id="part-Curves" aria-labelledby="curves-title">
      <header>
        <h2 id="curves-title">{say.curves}</h2>
        <p class="legend">
          <span class="key train">{say.train2}</span> <span class="key test">{say.test2}</span>
        </p>
        <button type="button" class="small" aria-pressed={logLoss} onClick={() => change({ logLoss: !logLoss })}>
          {say.logScale}
        </button>
        <button type="button" class="small" aria-pressed={asTable} onClick={() => setTable(!asTable)}>
          <Icon name="table" /> {asTable ? say.showAsChart : say.showAsTable}
        </button>
      </header>
      {asTable ? (
        <CurveTable points={pointsNow()} metric={metric} />
      ) : (
        <div class="plots">
          <Plot
            which="loss"
            title={say.loss}
            up={lossUnits[run.value?.loss ?? state.value.loss]}
            log={logLoss}
            show={short}
          />
          <Plot
            which="metric"
            title={number ? "R²" : say.accuracy}
            up={number ? "R²" : say.shareOfRows}
            log={false}
            show={number ? short : percent}
          />
        </div>
      )}
    </section>
  );
}
