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
  /** Units that exist but are not drawn. */
  readonly left: number;
}

/** A layer with more units becomes one picture. */
export const mostSpots = 32;
const mostImages = 12;

const edge = 34;

/** The distance between two columns. */
export const gapOf = (stages: number, width: number): number => (stages > 1 ? (width - 2 * edge) / (stages - 1) : 0);

/** The centre of a column. */
export const centreOf = (place: number, stages: number, width: number): number =>
  stages > 1 ? edge + place * gapOf(stages, width) : width / 2;

/** The number of units with their own spot; a matrix has one for all. */
export function spotsOf({ units, shape }: StageInfo): number {
  if (shape.length === 3) return Math.min(units, mostImages);
  return units > mostSpots ? 1 : units;
}

/** Longer columns may be split into two files. */
export const mostInFile = 12;

/** The distance between the centres of two squares, in squares. */
const apart = 1.22;

/** Lays out a column in two files if one would put its units closer than `leastPitch`. */
export function layoutNetwork(stages: readonly StageInfo[], width: number, height: number, leastPitch = 17): Column[] {
  const gap = gapOf(stages.length, width);
  return stages.map((stage, place) => {
    const x = centreOf(place, stages.length, width);
    const drawn = spotsOf(stage);
    const matrix = stage.shape.length !== 3 && stage.units > mostSpots;
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
    const roomy = Math.max(12, gap * 0.62);
    const files = drawn > mostInFile && (height - 8) / drawn < leastPitch && roomy > 34 ? 2 : 1;
    const perFile = Math.ceil(drawn / files);
    const largest = place === 0 || stage.kind === "output" ? 46 : 44;
    const size = Math.max(5, Math.min(largest, roomy / files, (height - 12) / perFile / apart));
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
