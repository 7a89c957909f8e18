// The visual key of a lane, wherever it is drawn or named: its hue and its dashes.
import { colors } from "../draw/colors.ts";

/** Lanes differ in hue and in their dashes. */
export const laneColor = (place: number): string => {
  const palette = colors.value;
  return (
    [
      palette.ink,
      palette.high,
      palette.low,
      palette.accent,
      palette.classes[3] ?? palette.ink,
      palette.classes[7] ?? palette.ink,
    ][place] ?? palette.ink
  );
};
export const laneDashes = (place: number): number[] =>
  [[], [8, 3], [3, 3], [10, 3, 2, 3], [2, 2], [14, 4]][place] ?? [];

/** A piece of the lane's line, for legends. */
export const LaneKey = ({ lane }: { readonly lane: number }) => (
  <svg class="lane-key" viewBox="0 0 24 8" aria-hidden="true">
    <line
      x1="0"
      y1="4"
      x2="24"
      y2="4"
      stroke={laneColor(lane)}
      stroke-width="3"
      stroke-dasharray={laneDashes(lane).join(" ")}
    />
  </svg>
);
