// A canvas that follows the size of its container and the pixel ratio, and repaints with every picture.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { onPicture, repaint } from "../store.ts";
import { colors } from "./colors.ts";

export interface Surface {
  readonly context: CanvasRenderingContext2D;
  /** In CSS pixels; the context is scaled to them. */
  readonly width: number;
  readonly height: number;
}

interface Props {
  readonly paint: (surface: Surface) => void;
  readonly class?: string;
  /** What the picture shows, for those who do not see it; without it the canvas is decoration beside other content. */
  readonly label?: string;
}

export function Canvas({ paint, class: name, label }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const latest = useRef(paint);
  latest.current = paint;
  const theme = colors.value;
  useLayoutEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext("2d");
    if (!canvas || !context) return;
    const draw = (): void => {
      const { clientWidth: width, clientHeight: height } = canvas;
      if (width === 0 || height === 0) return;
      const density = Math.min(2, devicePixelRatio);
      if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
        canvas.width = Math.round(width * density);
        canvas.height = Math.round(height * density);
      }
      context.setTransform(density, 0, 0, density, 0, 0);
      context.clearRect(0, 0, width, height);
      latest.current({ context, width, height });
    };
    const observer = new ResizeObserver(() => repaint());
    observer.observe(canvas);
    const stop = onPicture(draw);
    draw();
    return () => {
      observer.disconnect();
      stop();
    };
  }, []);
  // What the props or the theme change shows at the next frame.
  useEffect(() => repaint(), [paint, theme]);
  return label === undefined ? (
    <canvas ref={ref} class={name} />
  ) : (
    <canvas ref={ref} class={name} role="img" aria-label={label} />
  );
}
