// The curves of all lanes in one chart, with bands between the quartiles if there are several seeds.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { LaneNumbers } from "../../shared/compare.ts";
import * as say from "../../texts/en/compare.ts";
import { followSize, readByArrows } from "../draw/chart.ts";
import { colors } from "../draw/colors.ts";
import { short } from "../numbers.ts";
import { run } from "../store.ts";
import { LaneKey, laneColor, laneDashes } from "./LaneKey.tsx";
import { drawable, rangeOf, type Which } from "./range.ts";

type Quartiles = readonly (readonly [number, number, number])[];

export interface Band {
  readonly steps: readonly number[];
  readonly loss: Quartiles;
  readonly metric: Quartiles;
}

interface Props {
  readonly seen: readonly (readonly LaneNumbers[])[];
  readonly bands: readonly Band[];
  readonly which: Which;
  readonly names: readonly string[];
  /** Whether the axis of a loss is logarithmic. */
  readonly log: boolean;
}

function dataOf({ seen, bands, which, names, log }: Props): uPlot.AlignedData {
  const shown = (value: number | undefined): number | null => drawable(value, log && which === "loss");
  if (bands.length > 0) {
    const steps = bands[0]?.steps ?? [];
    return [
      [...steps],
      ...bands.flatMap((band) => [1, 0, 2].map((quartile) => band[which].map((values) => shown(values[quartile])))),
    ];
  }
  return [
    seen.map((lanes) => lanes[0]?.step ?? 0),
    ...names.map((_, lane) => seen.map((lanes) => shown(lanes[lane]?.train[which]))),
  ];
}

export function LaneCurves(props: Props) {
  const { seen, bands, which, names, log } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const readout = useRef<HTMLParagraphElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const palette = colors.value;
  const banded = bands.length > 0;
  const key = `${banded} ${log} ${which} ${names.join("|")} ${palette.dark}`;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const axis = {
      stroke: palette.soft,
      grid: { stroke: palette.line, width: 1 },
      ticks: { show: false },
      font: "11px ui-sans-serif, system-ui, sans-serif",
      labelFont: "11px ui-sans-serif, system-ui, sans-serif",
      labelSize: 18,
      labelGap: 0,
    };
    const series: uPlot.Series[] = names.flatMap((_, lane) => {
      const line: uPlot.Series = { stroke: laneColor(lane), width: 2, dash: laneDashes(lane), points: { show: false } };
      const edge: uPlot.Series = { stroke: "transparent", points: { show: false } };
      return banded ? [line, edge, edge] : [line];
    });
    const alpha = (color: string): string =>
      color
        .replace("rgb(", "rgba(")
        .replace(")", ", 0.16)")
        .replaceAll(/(\d) (\d)/g, "$1, $2")
        .replaceAll(/(\d) (\d)/g, "$1, $2");
    const filled = (lane: number): string => {
      const color = laneColor(lane);
      return color.startsWith("#") ? `${color}2a` : alpha(color);
    };
    const made = new uPlot(
      {
        width: Math.max(120, element.clientWidth),
        height: 260,
        legend: { show: false },
        padding: [8, 24, 0, 0],
        cursor: { y: false },
        scales: {
          x: { time: false },
          y: log && which === "loss" ? { distr: 3 } : { range: (_, low, high) => rangeOf(which, low, high) },
        },
        axes: [
          { ...axis, label: say.step, size: 22 },
          {
            ...axis,
            label: say.train2(which === "loss" ? say.loss : run.value?.data.task === "number" ? "R²" : say.accuracy),
            size: 46,
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
        series: [{}, ...series],
        ...(banded
          ? {
              bands: names.map((_, lane) => ({
                series: [3 * lane + 3, 3 * lane + 2] as [number, number],
                fill: filled(lane),
              })),
            }
          : {}),
        hooks: {
          setCursor: [
            ({ cursor, data }) => {
              if (readout.current === null) return;
              const at = cursor.idx;
              readout.current.textContent =
                at === null || at === undefined
                  ? ""
                  : `${say.stepNumber(data[0][at] ?? 0)}: ${latest.current.names.map((name, lane) => `${name} ${short(data[banded ? 3 * lane + 1 : lane + 1]?.[at] ?? Number.NaN)}`).join(", ")}`;
            },
          ],
        },
      },
      dataOf(latest.current),
      element,
    );
    plot.current = made;
    const stop = followSize(made, element, () => 260);
    return () => {
      stop();
      made.destroy();
      plot.current = undefined;
    };
  }, [key]);
  useEffect(() => {
    const data = dataOf(props);
    if (plot.current !== undefined && data.length === plot.current.series.length) plot.current.setData(data);
  }, [seen, bands, which]);
  return (
    <div>
      <div
        class="lane-curves"
        ref={box}
        tabIndex={0}
        role="application"
        aria-label={say.ofEveryLaneArrowKeysRead(which === "loss" ? say.trainingLoss : say.metric)}
        data-arrows
        onKeyDown={(event) => readByArrows(event, plot.current)}
      />
      <p class="hint lane-readout" ref={readout} />
      <p class="legend">
        {names.map((name, lane) => (
          <span key={`${lane} ${name}`} class="class-name">
            <LaneKey lane={lane} /> {name}
          </span>
        ))}
        {/* Bands appear long after the click that requests them. */}
        <span class={`class-name ${banded ? "" : "kept-room"}`}>{say.lineMedianOfTheSeedsBand}</span>
      </p>
    </div>
  );
}
