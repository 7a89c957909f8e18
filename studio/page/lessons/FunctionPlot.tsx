// Functions of one number, drawn with axes and a marker.
import * as say from "../../texts/en/lessons.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";

export interface Line {
  readonly name: string;
  readonly at: Float64Array;
  readonly values: Float64Array;
  readonly color: string;
  readonly dash: readonly number[];
}

interface Props {
  readonly lines: readonly Line[];
  /** The least range of the plot; it extends as far as the functions do. */
  readonly low: number;
  readonly high: number;
  readonly marker: number;
  readonly label: string;
}

const plain = (value: number): string => String(Number(value.toPrecision(3))).replace("-", "−");

/** The range of the functions, rounded to ticks, so that nothing is cut off. */
function rangeOf({ lines, low: least, high: most }: Pick<Props, "lines" | "low" | "high">) {
  let [low, high] = [least, most];
  for (const { values } of lines)
    for (const value of values) if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const span = high - low;
  const tick = span > 8 ? 2 : span > 4 ? 1 : 0.5;
  // A negligible excess over a tick needs no further one.
  const slack = 0.01;
  return { low: tick * Math.floor(low / tick + slack), high: tick * Math.ceil(high / tick - slack), tick };
}

export function FunctionPlot({ lines, low: least, high: most, marker, label }: Props) {
  const { low, high, tick } = rangeOf({ lines, low: least, high: most });
  const paint = ({ context, width, height }: Surface): void => {
    const palette = colors.value;
    const first = lines[0]?.at;
    if (first === undefined) return;
    const [x0, x1] = [first[0] ?? -1, first.at(-1) ?? 1];
    const [left, bottom] = [36, 20];
    const x = (value: number): number => left + ((value - x0) / (x1 - x0)) * (width - left - 8);
    const y = (value: number): number => 6 + (1 - (value - low) / (high - low)) * (height - bottom - 10);
    context.font = "11px ui-sans-serif, system-ui, sans-serif";
    context.fillStyle = palette.soft;
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.textAlign = "right";
    for (let k = 0; k <= Math.round((high - low) / tick); k++) {
      const value = low + k * tick;
      context.beginPath();
      context.moveTo(left, y(value));
      context.lineTo(width - 8, y(value));
      context.stroke();
      context.fillText(plain(value), left - 5, y(value) + 4);
    }
    context.textAlign = "center";
    for (let k = 0; k <= 8; k++) {
      const value = x0 + ((x1 - x0) * k) / 8;
      context.fillText(plain(value), x(value), height - 5);
    }
    context.strokeStyle = palette.soft;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(x(marker), 6);
    context.lineTo(x(marker), height - bottom);
    context.stroke();
    for (const { at, values, color, dash } of lines) {
      context.beginPath();
      at.forEach((value, k) => {
        context.lineTo(x(value), y(values[k] ?? 0));
      });
      context.setLineDash([...dash]);
      context.strokeStyle = color;
      context.lineWidth = 2.2;
      context.stroke();
    }
    context.setLineDash([]);
  };
  const [first] = lines;
  return (
    <>
      <div class="function-plot">
        <Canvas paint={paint} label={say.fromTo(label, plain(low), plain(high))} />
      </div>
      <AsTable
        label={label}
        heads={[say.at, ...lines.map(({ name }) => name)]}
        rows={() => {
          const every = Math.max(1, Math.floor((first?.at.length ?? 0) / 24));
          const places = Array.from(first?.at ?? []).filter((_, k) => k % every === 0);
          return places.map((place) => [plain(place), ...lines.map((line) => plain(valueAt(line, place)))]);
        }}
      />
    </>
  );
}

/** The value of a line at the sample nearest to `place`. */
export function valueAt({ at, values }: Pick<Line, "at" | "values">, place: number): number {
  let best = 0;
  at.forEach((value, k) => {
    if (Math.abs(value - place) < Math.abs((at[best] ?? 0) - place)) best = k;
  });
  return values[best] ?? Number.NaN;
}
