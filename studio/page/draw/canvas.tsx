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
  /** What the picture shows, for screen readers; without it the canvas is decoration next to other content. */
  readonly label?: string;
  /** A key of the picture's content: while it stays equal, snapshots do not repaint the picture. Without it every snapshot does. */
  readonly of?: () => unknown;
}

export function Canvas({ paint, class: name, label, of }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const latest = useRef({ paint, of });
  latest.current = { paint, of };
  const painted = useRef<{ readonly of: unknown; readonly density: number } | undefined>(undefined);
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
      latest.current.paint({ context, width, height });
    };
    const follow = (): void => {
      const own = latest.current.of;
      const now = { of: own?.(), density: devicePixelRatio };
      if (own !== undefined && painted.current?.of === now.of && painted.current?.density === now.density) return;
      painted.current = now;
      draw();
    };
    const observer = new ResizeObserver(() => {
      painted.current = undefined;
      repaint();
    });
    observer.observe(canvas);
    const stop = onPicture(follow);
    follow();
    return () => {
      observer.disconnect();
      stop();
    };
  }, []);
  // Changed props or themes take effect in the next frame.
  useEffect(() => {
    painted.current = undefined;
    repaint();
  }, [paint, theme]);
  return label === undefined ? (
    <canvas ref={ref} class={name} />
  ) : (
    <canvas ref={ref} class={name} role="img" aria-label={label} />
  );
}
