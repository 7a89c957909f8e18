// A lane's boundary as a small multiple.

import type { LaneNumbers } from "../../shared/compare.ts";
import type { DataInfo } from "../../shared/protocol.ts";
import * as say from "../../texts/en/compare.ts";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { drawLine, drawPlane, frameOf } from "../draw/output.ts";

export function LaneMap({
  info,
  numbers,
  name,
}: {
  readonly info: DataInfo;
  readonly numbers: LaneNumbers;
  readonly name: string;
}) {
  const maps = { side: 0, stages: [], fine: numbers.side, output: numbers.map, axes: [0, 1] as const };
  const paint = (surface: Surface): void => {
    const frame = frameOf(surface);
    if (info.given === 1) drawLine(surface, maps, info, colors.value, frame);
    else drawPlane(surface, { maps, info }, colors.value, frame, { name, points: true, steps: false });
  };
  return (
    <div class="lane-map">
      <Canvas paint={paint} label={say.whatTheLaneAnswersOverThe(name)} />
    </div>
  );
}
