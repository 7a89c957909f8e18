// The position of every neuron on the canvas: a pure function of stages and size.
import type { StageInfo } from "../../shared/protocol.ts";

export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

export interface Column {
  readonly stage: number;
  readonly kind: StageInfo["kind"];
  readonly units: number;
  /** Centre of the column. */
  readonly x: number;
  /** One spot for each unit; for a matrix, a single spot for all of them. */
  readonly spots: readonly Spot[];
  readonly matrix: boolean;
  /** Units that are there and not drawn. */
  readonly left: number;
}

/** A layer with more units becomes one picture. */
export const mostSpots = 32;
const mostImages = 12;

export function layoutNetwork(stages: readonly StageInfo[], width: number, height: number): Column[] {
  const edge = 34;
  const gap = stages.length > 1 ? (width - 2 * edge) / (stages.length - 1) : 0;
  return stages.map((stage, place) => {
    const x = stages.length > 1 ? edge + place * gap : width / 2;
    const image = stage.shape.length === 3;
    const drawn = Math.min(stage.units, image ? mostImages : stage.units);
    const matrix = !image && stage.units > mostSpots;
    if (matrix) {
      const size = place === 0 ? 46 : Math.min(gap * 0.62, height * 0.62, 110);
      return {
        stage: place,
        kind: stage.kind,
        units: stage.units,
        x,
        spots: [{ x, y: height / 2, size }],
        matrix,
        left: 0,
      };
    }
    // Two or more files where one would make the squares too small.
    const roomy = Math.max(12, gap * 0.62);
    const files = drawn > 12 && (height - 8) / drawn < 17 && roomy > 34 ? (drawn > 24 ? 2 : 2) : 1;
    const perFile = Math.ceil(drawn / files);
    const largest = place === 0 || stage.kind === "output" ? 46 : 44;
    const size = Math.max(5, Math.min(largest, roomy / files, (height - 12) / perFile / 1.22));
    const pitch = Math.min(size * 1.5, (height - size - 6) / Math.max(1, perFile - 1));
    const spots = Array.from({ length: drawn }, (_, unit): Spot => {
      const file = Math.floor(unit / perFile);
      const inFile = Math.min(perFile, drawn - file * perFile);
      return {
        x: x + (file - (files - 1) / 2) * size * 1.2,
        y: height / 2 + ((unit % perFile) - (inFile - 1) / 2) * pitch,
        size,
      };
    });
    return { stage: place, kind: stage.kind, units: stage.units, x, spots, matrix, left: stage.units - drawn };
  });
}
