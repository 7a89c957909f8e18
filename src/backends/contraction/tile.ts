// Sizes of tiles, blocks of k, and work units.
import type { KBlocks, Machine, TileLimits, UnitLimits } from "./machine.ts";

export const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Pieces that cover an extent; the last may be smaller. */
export interface Pieces {
  readonly count: number;
  readonly last: number;
}

export function piecesOf(extent: number, size: number): Pieces {
  const count = Math.ceil(extent / size);
  return { count, last: extent - (count - 1) * size };
}

/** The size of pieces of at most `most`: evenly sized, so that none is much smaller than the others, or as large as possible. */
export const share = (extent: number, most: number, even: boolean): number =>
  even ? Math.ceil(extent / Math.ceil(extent / most)) : Math.min(extent, most);

/** The rows of a tile and its vectors per row: sums in registers, with room for the factors of one step. */
export function tileOf(
  rows: number,
  vectorsWanted: number,
  { sums, tallest, widest, even }: TileLimits,
): { readonly mr: number; readonly vectors: number } {
  let vectors = Math.min(2, vectorsWanted);
  // Few rows use wide tiles.
  if (rows * 3 <= sums && vectorsWanted > 2)
    vectors = share(vectorsWanted, Math.min(widest, Math.floor(sums / rows)), even);
  const highest = Math.min(tallest[vectors === 1 ? 0 : 1], Math.floor(sums / vectors));
  return { mr: share(rows, Math.max(1, highest), even), vectors };
}

/** Most arbitrarily placed rows that always form one tile: the height of a tile two vectors wide. */
export const mostUneven = ({ tile }: Machine): number => Math.min(tile.tallest[1], Math.floor(tile.sums / 2));

/** Steps in a block of k. */
export function kBlock(steps: number, { longest, wanted, multiple }: KBlocks): number {
  if (steps <= longest) return steps;
  const blocks = Math.max(Math.ceil(steps / longest), Math.round(steps / wanted));
  return roundUp(Math.ceil(steps / blocks), multiple);
}

/** How tiles are grouped into work units: blocks of row and column panels, at each point of the batch. */
export interface Units {
  /** Panels of rows and of columns in one unit. */
  readonly rows: number;
  readonly columns: number;
  /** Units along the rows and the columns, and in total. */
  readonly rowUnits: number;
  readonly columnUnits: number;
  readonly count: number;
}

/** Small work is one unit. Larger work is cut for parallelism, but not into tiny units. */
export function unitsOf(
  work: {
    readonly points: number;
    readonly rowPanels: number;
    readonly columnPanels: number;
    readonly mr: number;
    readonly nr: number;
    /** Whether each unit takes all rows. */
    readonly allRows: boolean;
    /** Estimated total time. */
    readonly nanoseconds: number;
  },
  limits: UnitLimits,
): Units {
  const { points, rowPanels, columnPanels, allRows } = work;
  const [high, wide] = limits.of === "elements" ? [work.mr, work.nr] : [1, 1];
  let rows = allRows ? rowPanels : Math.min(rowPanels, Math.max(1, Math.floor(limits.rows / high)));
  let columns = Math.min(columnPanels, Math.max(1, Math.floor(limits.columns / wide)));
  const count = (): number => points * Math.ceil(rowPanels / rows) * Math.ceil(columnPanels / columns);
  const wanted = Math.min(limits.enough, Math.max(1, work.nanoseconds / limits.nanoseconds));
  while (count() < wanted && (columns > 1 || (rows > 1 && !allRows))) {
    if (allRows || rows === 1 || (columns > 1 && columns * wide >= rows * high)) columns = Math.ceil(columns / 2);
    else rows = Math.ceil(rows / 2);
  }
  const [rowUnits, columnUnits] = [Math.ceil(rowPanels / rows), Math.ceil(columnPanels / columns)];
  return { rows, columns, rowUnits, columnUnits, count: points * rowUnits * columnUnits };
}

/** For few columns, a shorter vector without a mask. */
export function shortenedLanes(full: number, columns: number): number {
  let lanes = full;
  while (lanes > 4 && columns <= lanes / 2) lanes /= 2;
  return lanes;
}
