// A pad to draw a figure on, which becomes a picture of the network's input size.

import { useRef } from "preact/hooks";
import * as say from "../../texts/en/draw.ts";

/** The drawing, scaled and centred by its mass as in the network's training pictures. */
function pixelsOf(canvas: HTMLCanvasElement, rows: number, columns: number): number[] {
  const source = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height);
  if (source === undefined) return [];
  const ink = (x: number, y: number): number => (source.data[4 * (y * canvas.width + x) + 3] ?? 0) / 255;
  let [left, right, top, bottom, mass, mx, my] = [canvas.width, 0, canvas.height, 0, 0, 0, 0];
  for (let y = 0; y < canvas.height; y++)
    for (let x = 0; x < canvas.width; x++) {
      const value = ink(x, y);
      if (value < 0.1) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      mass += value;
      mx += value * x;
      my += value * y;
    }
  if (mass === 0) return Array.from({ length: rows * columns }, () => 0);
  // MNIST's own recipe: the figure fills 20 of 28 pixels, with its centre of mass in the middle. The drawn figures fill a little more.
  const scale = (Math.max(right - left, bottom - top) + 1) / ((rows >= 20 ? 20 / 28 : 0.82) * rows);
  const [cx, cy] = [mx / mass, my / mass];
  const parts = 4;
  return Array.from({ length: rows * columns }, (_, k) => {
    const [column, row] = [k % columns, Math.floor(k / columns)];
    let sum = 0;
    for (let a = 0; a < parts; a++)
      for (let b = 0; b < parts; b++) {
        const x = Math.round(cx + (column + (a + 0.5) / parts - columns / 2) * scale);
        const y = Math.round(cy + (row + (b + 0.5) / parts - rows / 2) * scale);
        if (x >= 0 && y >= 0 && x < canvas.width && y < canvas.height) sum += ink(x, y);
      }
    return sum / parts ** 2;
  });
}

interface Props {
  /** The shape of the network's pictures: [channels, height, width]. */
  readonly shape: readonly number[];
  /** Receives the pixels, from 0 to 1, channel by channel. */
  readonly use: (pixels: readonly number[]) => void;
  readonly clear: () => void;
}

export function Pad({ shape, use, clear }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const last = useRef<readonly [number, number] | undefined>(undefined);
  const [channels = 1, rows = 28, columns = 28] = shape;
  const look = (): void => {
    if (ref.current === null) return;
    const drawn = pixelsOf(ref.current, rows, columns);
    use(Array.from({ length: channels }, () => drawn).flat());
  };
  const stroke = (event: PointerEvent): void => {
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context || event.buttons === 0) return;
    const box = canvas.getBoundingClientRect();
    const at = [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ] as const;
    const [x, y] = last.current ?? at;
    context.lineWidth = 22;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(at[0], at[1] + 0.01);
    context.stroke();
    last.current = at;
  };
  return (
    <div class="pad">
      <canvas
        ref={ref}
        width={260}
        height={260}
        role="img"
        aria-label={say.aPadToDrawAFigure}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          last.current = undefined;
          stroke(event);
        }}
        onPointerMove={stroke}
        onPointerUp={look}
      />
      <div class="row">
        <button
          type="button"
          class="small"
          onClick={() => {
            ref.current?.getContext("2d")?.clearRect(0, 0, 260, 260);
            clear();
          }}
        >
          {say.clear}
        </button>
        <span class="hint">{say.drawWithPointerOrFingerOr}</span>
      </div>
    </div>
  );
}
