// A map of a convolution as pixels, with marked positions.
import { useEffect, useRef } from "preact/hooks";
import { colors } from "../draw/colors.ts";

export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly side: number;
  /** For the gradient that comes back, drawn in the other hue. */
  readonly backward?: boolean;
}

interface Props {
  readonly values: Float32Array;
  readonly from: number;
  readonly height: number;
  readonly width: number;
  /** The value at full hue. */
  readonly scale: number;
  readonly marks?: readonly Mark[];
  readonly class?: string;
}

/** The value at full hue: the largest magnitude. */
export function scaleOf(values: Float32Array): number {
  let most = 0;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most === 0 ? 1 : most;
}

export function MapPicture({ values, from, height, width, scale, marks = [], class: name = "" }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const palette = colors.value;
  useEffect(() => {
    const context = ref.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let k = 0; k < pixels.length; k++) {
      const place = 127.5 + (127.5 * (values[from + k] ?? 0)) / scale;
      pixels[k] = Number.isNaN(place)
        ? palette.noNumber[k % 2 === 0 ? 0 : 1]
        : (palette.ramp[Math.max(0, Math.min(255, Math.trunc(place)))] ?? 0);
    }
    context.putImageData(image, 0, 0);
  }, [values, from, height, width, scale, palette]);
  return (
    <span class={`map-picture ${name}`} style={{ aspectRatio: `${width} / ${height}` }}>
      <canvas ref={ref} width={width} height={height} />
      {marks.map(({ x, y, side, backward }) => (
        <span
          key={`${x} ${y} ${side}`}
          class={`mark ${backward === true ? "backward" : ""}`}
          style={{
            left: `${(100 * x) / width}%`,
            top: `${(100 * y) / height}%`,
            width: `${(100 * side) / width}%`,
            height: `${(100 * side) / height}%`,
          }}
        />
      ))}
    </span>
  );
}
