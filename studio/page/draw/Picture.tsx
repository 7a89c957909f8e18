// A small picture drawn from its values: one channel is grey, three are colour. Bytes are shown unscaled; floats from minimum to maximum.
import { useEffect, useRef } from "preact/hooks";

interface Props {
  /** Empty if its context describes it. */
  readonly label: string;
  /** [channels, height, width]. */
  readonly shape: readonly number[];
  readonly values: Uint8Array | Float32Array;
}

export function Picture({ label, shape, values }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const [channels = 1, height = 1, width = 1] = shape;
  useEffect(() => {
    const context = ref.current?.getContext("2d");
    if (!context) return;
    let [low, high] = [0, 255];
    if (values instanceof Float32Array) {
      [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const value of values) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    const picture = context.createImageData(width, height);
    const plane = width * height;
    for (let k = 0; k < plane; k++) {
      for (let c = 0; c < 3; c++) {
        const value = values[(channels === 3 ? c * plane : 0) + k] ?? 0;
        picture.data[4 * k + c] = (255 * (value - low)) / Math.max(1e-9, high - low);
      }
      picture.data[4 * k + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }, [values, channels, height, width]);
  return label === "" ? (
    <canvas class="thumb" ref={ref} width={width} height={height} />
  ) : (
    <canvas class="thumb" ref={ref} width={width} height={height} role="img" aria-label={label} />
  );
}
