// The landscape in three dimensions, with the path of every lane: rotated by dragging or with the arrow keys.

import { useMemo, useRef, useState } from "preact/hooks";
import type { Landscape } from "../../shared/compare.ts";
import * as say from "../../texts/en/landscape.ts";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { laneColor } from "./LaneKey.tsx";
import { firstView, piecesOf, reliefOf, turned, type View } from "./relief.ts";

/** Radians with each key, and with each pixel of a drag. */
const perKey = Math.PI / 18;
const perPixel = 0.008;

const keys: Readonly<Record<string, Partial<View>>> = {
  ArrowLeft: { turn: -perKey },
  ArrowRight: { turn: perKey },
  ArrowUp: { tilt: perKey },
  ArrowDown: { tilt: -perKey },
};

export function ReliefView({ landscape, label }: { readonly landscape: Landscape; readonly label: string }) {
  const [view, setView] = useState(firstView);
  const held = useRef<{ readonly x: number; readonly y: number } | undefined>(undefined);
  const relief = useMemo(() => reliefOf(landscape), [landscape]);
  const paint = ({ context, width, height }: Surface): void => {
    const { ramp, card, line } = colors.value;
    context.lineJoin = "round";
    context.lineCap = "round";
    for (const { points, height: high, lane } of piecesOf(landscape, relief, view, width, height)) {
      context.beginPath();
      for (const { x, y } of points) context.lineTo(x, y);
      if (lane === undefined) {
        const pixel = ramp[Math.min(255, Math.floor(256 * high))] ?? 0;
        context.closePath();
        context.fillStyle = `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;
        context.fill();
        context.strokeStyle = line;
        context.lineWidth = 0.6;
        context.stroke();
      } else {
        context.strokeStyle = card;
        context.lineWidth = 5;
        context.stroke();
        context.strokeStyle = laneColor(lane);
        context.lineWidth = 2.6;
        context.stroke();
      }
    }
  };
  return (
    <>
      <div
        class="landscape-box relief"
        role="group"
        aria-label={say.lossLandscapeInThreeDimensionsThe}
        tabIndex={0}
        data-arrows
        onKeyDown={(event) => {
          const by = keys[event.key];
          if (by === undefined && event.key !== "Home") return;
          event.preventDefault();
          setView((now) => (by === undefined ? firstView : turned(now, by)));
        }}
        onPointerDown={({ currentTarget, pointerId, clientX: x, clientY: y }) => {
          currentTarget.setPointerCapture(pointerId);
          held.current = { x, y };
        }}
        onPointerMove={({ clientX: x, clientY: y }) => {
          const from = held.current;
          if (from === undefined) return;
          held.current = { x, y };
          setView((now) => turned(now, { turn: perPixel * (x - from.x), tilt: perPixel * (y - from.y) }));
        }}
        onPointerUp={() => {
          held.current = undefined;
        }}
        onPointerCancel={() => {
          held.current = undefined;
        }}
      >
        <Canvas paint={paint} label={label} />
      </div>
      <p class="hint">{say.dragItOrUseTheArrow}</p>
    </>
  );
}
