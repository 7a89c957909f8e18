// Cached layers for parts of a picture that seldom change: redrawn when their key changes or they are too old.
import type { Surface } from "./canvas.tsx";

interface Kept {
  readonly canvas: OffscreenCanvas;
  readonly key: string;
  readonly at: number;
}

const kept = new Map<string, Kept>();

/** Draws `draw` through a cached picture called `name`, redrawn when `key` or the size changes or after `age` milliseconds. */
export function layer(
  surface: Surface & { readonly left?: number },
  name: string,
  key: string,
  age: number,
  draw: (context: OffscreenCanvasRenderingContext2D) => void,
): void {
  const { context, width, height } = surface;
  const density = context.getTransform().a;
  const [columns, rows] = [Math.max(1, Math.round(width * density)), Math.max(1, Math.round(height * density))];
  const whole = `${columns} ${rows} ${key}`;
  const now = performance.now();
  let own = kept.get(name);
  if (own === undefined || own.key !== whole || now - own.at > age) {
    const canvas = own?.canvas ?? new OffscreenCanvas(columns, rows);
    canvas.width = columns;
    canvas.height = rows;
    const fresh = canvas.getContext("2d");
    if (fresh === null) return;
    fresh.setTransform(density, 0, 0, density, 0, 0);
    draw(fresh);
    own = { canvas, key: whole, at: now };
    kept.set(name, own);
  }
  context.imageSmoothingEnabled = true;
  context.drawImage(own.canvas, surface.left ?? 0, 0, width, height);
}
