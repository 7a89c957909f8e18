// The loss over a plane in weight space, with the path of every lane: as a map or as a relief.

import { signal } from "@preact/signals";
import type { Landscape } from "../../shared/compare.ts";
import * as say from "../../texts/en/landscape.ts";
import { AsTable } from "../draw/AsTable.tsx";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { contour, mapOf } from "../draw/field.ts";
import { Segments } from "../lab/controls.tsx";
import { percent, short } from "../numbers.ts";
import { laneColor, laneDashes } from "./LaneKey.tsx";
import { ReliefView } from "./ReliefView.tsx";

const drawnAs = signal<"map" | "relief">("map");

export function LandscapeView({
  landscape,
  names,
}: {
  readonly landscape: Landscape;
  readonly names: readonly string[];
}) {
  const { side, values, x, y, paths, share } = landscape;
  if (side === 0)
    return (
      <section class="panel" aria-label={say.landscape}>
        <p class="hint">{say.thereIsNoLandscapeYetLet}</p>
      </section>
    );
  const finite = Array.from(values).filter(Number.isFinite);
  const heights = Float32Array.from(values, (value) => Math.log(Math.max(1e-4, Number.isFinite(value) ? value : 1e4)));
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const paint = ({ context, width, height }: Surface): void => {
    const palette = colors.value;
    const size = Math.min(width, height);
    const left = (width - size) / 2;
    context.imageSmoothingEnabled = true;
    context.drawImage(
      mapOf({ values: heights, from: 0, side }, palette, (high - low) / 2 || 1, (low + high) / 2),
      left,
      0,
      size,
      size,
    );
    const pixel = size / side;
    context.strokeStyle = palette.ink;
    context.lineWidth = 0.7;
    context.globalAlpha = 0.35;
    context.beginPath();
    for (let level = 1; level < 14; level++)
      contour(heights, side, low + ((high - low) * level) / 14, (x0, y0, x1, y1) => {
        context.moveTo(left + (x0 + 0.5) * pixel, (y0 + 0.5) * pixel);
        context.lineTo(left + (x1 + 0.5) * pixel, (y1 + 0.5) * pixel);
      });
    context.stroke();
    context.globalAlpha = 1;
    paths.forEach((path, lane) => {
      context.beginPath();
      for (let k = 0; k + 1 < path.length; k += 2)
        context.lineTo(
          left + (((path[k] ?? 0) - x[0]) / (x[1] - x[0])) * size,
          (1 - ((path[k + 1] ?? 0) - y[0]) / (y[1] - y[0])) * size,
        );
      context.strokeStyle = palette.card;
      context.lineWidth = 5;
      context.stroke();
      context.strokeStyle = laneColor(lane);
      context.lineWidth = 2.4;
      context.setLineDash(laneDashes(lane));
      context.stroke();
      context.setLineDash([]);
    });
  };
  const label = say.theLossAroundThe(names.length > 1 ? say.waysOfLanes(names.length) : say.wayOf(names[0] ?? ""));
  return (
    <section class="panel landscape" aria-labelledby="landscape-title">
      <header>
        <h2 id="landscape-title">{say.lossLandscape}</h2>
        <p class="hint">
          {say.aTwoDimensionalSliceNoMore(
            names.length > 1 ? say.theLanes : names[0],
            percent(share),
            short(Math.min(...finite)),
            short(Math.max(...finite)),
          )}
        </p>
        <Segments
          label={say.howItIsDrawn}
          value={drawnAs.value}
          options={[
            ["map", "map"],
            ["relief", "3-D"],
          ]}
          choose={(one) => {
            drawnAs.value = one;
          }}
        />
      </header>
      {drawnAs.value === "relief" ? (
        <ReliefView landscape={landscape} label={label} />
      ) : (
        <div class="landscape-box">
          <Canvas paint={paint} label={label} />
        </div>
      )}
      <AsTable
        label={say.theWaysOfTheLanesIn}
        heads={[say.lane, say.beginsAt, say.endsAt, say.lengthOfItsWay]}
        rows={() =>
          paths.map((path, lane) => {
            let length = 0;
            for (let k = 2; k + 1 < path.length; k += 2)
              length += Math.hypot((path[k] ?? 0) - (path[k - 2] ?? 0), (path[k + 1] ?? 0) - (path[k - 1] ?? 0));
            const at = (k: number): string => `${short(path[k] ?? 0)}, ${short(path[k + 1] ?? 0)}`;
            return [names[lane] ?? "", at(0), at(path.length - 2), short(length)];
          })
        }
      />
    </section>
  );
}
