// The curves of all lanes in one chart, with bands between the quartiles if there are several seeds.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { LaneNumbers } from "../../shared/compare.ts";
import { colors } from "../draw/colors.ts";
import { short } from "../numbers.ts";
import { run } from "../store.ts";

type Quartiles = readonly (readonly [number, number, number])[];

export interface Band {
  readonly steps: readonly number[];
  readonly loss: Quartiles;
  readonly metric: Quartiles;
}

/** Lanes differ in hue and in their dashes. */
export const laneColor = (place: number): string => {
  const palette = colors.value;
  return (
    [
      palette.ink,
      palette.high,
      palette.low,
      palette.accent,
      palette.classes[3] ?? palette.ink,
      palette.classes[7] ?? palette.ink,
    ][place] ?? palette.ink
  );
};
export const laneDashes = (place: number): number[] =>
  [[], [8, 3], [3, 3], [10, 3, 2, 3], [2, 2], [14, 4]][place] ?? [];

interface Props {
  readonly seen: readonly (readonly LaneNumbers[])[];
  readonly bands: readonly Band[];
  readonly which: "loss" | "metric";
  readonly names: readonly string[];
}

const ceiling = 1e6;
const drawable = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) || value > ceiling ? null : value;

function dataOf({ seen, bands, which, names }: Props): uPlot.AlignedData {
  if (bands.length > 0) {
    const steps = bands[0]?.steps ?? [];
    return [
      [...steps],
      ...bands.flatMap((band) => [1, 0, 2].map((quartile) => band[which].map((values) => drawable(values[quartile])))),
    ];
  }
  return [
    seen.map((lanes) => lanes[0]?.step ?? 0),
    ...names.map((_, lane) => seen.map((lanes) => drawable(lanes[lane]?.train[which]))),
  ];
}

export function LaneCurves(props: Props) {
  const { seen, bands, which, names } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const readout = useRef<HTMLParagraphElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const palette = colors.value;
  const banded = bands.length > 0;
  const key = `${banded} ${which} ${names.join("|")} ${palette.dark}`;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const axis = {
      stroke: palette.soft,
      grid: { stroke: palette.line, width: 1 },
      ticks: { show: false },
      font: "11px ui-sans-serif, system-ui, sans-serif",
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
          y: {
            range: (_, low, high) =>
              which === "loss"
                ? [0, Math.min(high ?? 1, 4) * 1.05 || 1]
                : [Math.min(low ?? 0, 0.45), Math.max(high ?? 1, 1)],
          },
        },
        axes: [
          { ...axis, size: 24 },
          {
            ...axis,
            size: 48,
            values: (_, ticks) =>
              ticks.map((tick) =>
                which === "metric" && run.value?.data.task !== "number"
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
                  : `step ${data[0][at] ?? 0}: ${latest.current.names.map((name, lane) => `${name} ${short(data[banded ? 3 * lane + 1 : lane + 1]?.[at] ?? Number.NaN)}`).join(", ")}`;
            },
          ],
        },
      },
      dataOf(latest.current),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(120, element.clientWidth), height: 260 }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [key]);
  useEffect(() => {
    const data = dataOf(props);
    if (plot.current !== undefined && data.length === plot.current.series.length) plot.current.setData(data);
  }, [seen, bands, which]);
  const move = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const made = plot.current;
    if (by === 0 || made === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const xs = made.data[0];
    const at = Math.max(0, Math.min(xs.length - 1, (made.cursor.idx ?? xs.length - 1) + by));
    made.setCursor({ left: made.valToPos(xs[at] ?? 0, "x"), top: 10 });
  };
  return (
    <div>
      <div
        class="lane-curves"
        ref={box}
        tabIndex={0}
        role="application"
        aria-label={`${which === "loss" ? "Training loss" : "Metric"} of every lane: arrow keys read values`}
        data-arrows
        onKeyDown={move}
      />
      <p class="hint lane-readout" ref={readout} />
      <p class="legend">
        {names.map((name, lane) => (
          <span key={`${lane} ${name}`} class="class-name">
            <svg class="lane-key" viewBox="0 0 24 8" aria-hidden="true">
              <line
                x1="0"
                y1="4"
                x2="24"
                y2="4"
                stroke={laneColor(lane)}
                stroke-width="3"
                stroke-dasharray={laneDashes(lane).join(" ")}
              />
            </svg>{" "}
            {name}
          </span>
        ))}
        {banded && <span class="class-name">line: median of the seeds; band: the middle half</span>}
      </p>
    </div>
  );
}
