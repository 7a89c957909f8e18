// Plans a contraction: which side is vectorised, what is packed, the tile size. Pure arithmetic.
import type { ContractionKernel, Statement } from "../../compiler/kernel.ts";
import { byteSize } from "../../graph/dtype.ts";
import type { Axis, Scalar } from "../../graph/scalar.ts";
import { axesIn, contiguity, type Group, groupFrom, mergedGroup, mergeStatements } from "../analysis/contraction.ts";
import { along, type Operand, operandOf, type Stride } from "../analysis/operand.ts";
import type { PaddedDim } from "../analysis/padding.ts";
import { extentOf } from "../analysis/steps.ts";
import { type Live, livePanels } from "./contractionPadding.ts";
import { windowPlan } from "./contractionWindow.ts";
import { type Target, vectorLanes } from "./target.ts";

/** One side of the product. */
export interface Factor {
  readonly value: Scalar;
  /** The strides, where it is a plain load. */
  readonly operand: Operand | undefined;
  readonly group: Group;
  /** Rows or columns of the group that no tile reaches beyond: all of them, or where they are read in place as many as lie together. */
  readonly together: number;
}

export interface Plan {
  /**
   * "lanes": columns are lanes, rows are broadcast. "dots": lanes run along k, and each sum is taken across them at the end.
   * "windows": columns are lanes, rows are rows of results that read the same vectors of an image.
   */
  readonly kind: "lanes" | "dots" | "windows";
  readonly rows: Factor;
  readonly columns: Factor;
  /** Whether a side is first copied into panels as high or wide as a tile. */
  readonly packRows: boolean;
  readonly packColumns: boolean;
  /** Whether each unit of work takes all rows, and packs the columns that it needs itself, while they are in the caches. */
  readonly ownColumns: boolean;
  /** Steps of k that a tile sums at once: the last may be fewer. */
  readonly depth: number;
  /** What is left where rows read in place hold padding, as far as that is worth knowing. */
  readonly live?: Live | undefined;
  /** Lanes of a vector. */
  readonly lanes: number;
  /** Rows of a tile. */
  readonly height: number;
  /** Columns of a tile: vectors · lanes, or in dots single sums. */
  readonly width: number;
  readonly batch: readonly Axis[];
  readonly epilogue: readonly Statement[];
  /** Whether the epilogue's lanes run along the columns, or the rows. */
  readonly epilogueAlong: "columns" | "rows";
  /** Estimated cycles of all of it. */
  readonly cycles: number;
}

/** Steps of k after which sums go to memory, so that what a tile reads stays in the caches. */
const kBlock = 512;
/** Larger tables are not worth their memory. */
const longestTable = 8192;
/** Cycles of one element: copied in order, transposed, gathered; stored in lanes, or one by one. */
const cyclesCopied = 0.2;
const cyclesTurned = 0.45;
const cyclesGathered = 1.6;
/** The same where an element's place has to be divided out first. */
const cyclesDivided = 4.8;
/** And for what is packed before all tiles: written to memory, and read again. */
const cyclesApartPacked = 0.2;
const cyclesStored = 0.25;
const cyclesScattered = 1.6;
/** Cycles around one tile: entering it, and its epilogue. */
const cyclesTile = 30;
/** Cycles for the sum across the lanes of one accumulator. */
const cyclesAcross = 5;
/** Reading rows where they lie touches this much more memory for each step of k when they are far apart. */
const cyclesApart = 0.12;
/** A line that is not in the first cache because others took its place. */
const cyclesConflict = 2.5;
/** Up to this many rows, a unit takes all of them. */
const mostOwnRows = 320;
/** Up to this many rows are always one tile, which has an offset for each: the height of a tile two vectors wide. */
const mostTogether = ({ registers }: Target): number => (registers >= 32 ? 14 : 6);
const firstCacheBytes = 32 * 1024;
/** Addresses so far apart lie in one set of the first cache. */
const conflictBytes = 4096;

const ceil = Math.ceil;

export const roundUp = (value: number, to: number): number => ceil(value / to) * to;

/** The dimensions of a buffer that are padded with zeros, as far as that is known. */
export type PaddingOf = (buffer: number) => readonly PaddedDim[] | undefined;

/** The cheapest of the ways that are possible. */
export function planContraction(kernel: ContractionKernel, target: Target, paddingOf: PaddingOf): Plan {
  const plans: Plan[] = [];
  for (const swapped of [false, true]) {
    for (const packColumns of [false, true]) {
      for (const packRows of [false, true]) {
        const plan = lanesPlan(kernel, target, paddingOf, swapped, packRows, packColumns);
        if (plan !== undefined) plans.push(plan);
      }
    }
  }
  const dots = dotsPlan(kernel, target);
  if (dots !== undefined) plans.push(dots);
  const windows = windowPlan(kernel, target);
  if (windows !== undefined) plans.push({ ...windows, cycles: windows.cycles + storingAlongColumns(windows) });
  return plans.reduce((best, plan) => (plan.cycles < best.cycles ? plan : best));
}

/** Which sides are read where they lie, and in how large groups: see `rowsInPlace`. */
interface InPlace {
  readonly rows: boolean;
  readonly columns: boolean;
  readonly apart: boolean;
  readonly mostUneven: number;
}

const bothPacked: InPlace = { rows: false, columns: false, apart: false, mostUneven: 0 };

function sides(kernel: ContractionKernel, swapped: boolean, direct: InPlace) {
  const side = (axes: readonly Axis[], value: Scalar, isRows: boolean): Factor => {
    const operand = operandOf(value);
    if (operand !== undefined && isRows && direct.rows) {
      const group = mergedGroup(axes, kernel.epilogue);
      return {
        value,
        operand,
        ...rowsInPlace([...group.outer, ...group.inner], group.outer.length, operand, direct),
      };
    }
    const group = mergedGroup(
      axes,
      kernel.epilogue,
      operand !== undefined && direct.columns && !isRows ? [operand] : [],
    );
    return { value, operand, group, together: group.merged.extent };
  };
  const left = side(kernel.m, kernel.a, !swapped);
  const right = side(kernel.n, kernel.b, swapped);
  const [m, n] = [left.group, right.group];
  const batch = [...kernel.batch, ...m.outer, ...n.outer].filter((axis) => axis.extent !== 1);
  const epilogue = mergeStatements(kernel.epilogue, [m, n]);
  return swapped ? { rows: right, columns: left, batch, epilogue } : { rows: left, columns: right, batch, epilogue };
}

/**
 * Rows that tiles read where they lie: evenly, or for the few of one tile anywhere. With `apart`, the axes outside them, from
 * the place `least` on, count as rows too where they step evenly among themselves: tiles of one unit then read the same columns.
 */
function rowsInPlace(
  axes: readonly Axis[],
  least: number,
  operand: Operand,
  { apart, mostUneven }: InPlace,
): Pick<Factor, "group" | "together"> {
  const strideAt = (place: number): number => operand.strideOf(axes[place] as Axis);
  const extentAt = (place: number): number => axes[place]?.extent ?? 1;
  let first = axes.length;
  let together = 1;
  let even = true;
  while (first > least) {
    const outer = first - 1;
    const continues: boolean =
      first === axes.length || (even && strideAt(outer) === strideAt(axes.length - 1) * together);
    if (!continues && together * extentAt(outer) > mostUneven) break;
    even &&= continues;
    together *= extentAt(outer);
    first--;
  }
  for (let panels = 1, last = first - 1; apart && first > least; first--) {
    if (panels > 1 && strideAt(first - 1) !== strideAt(last) * panels) break;
    panels *= extentAt(first - 1);
  }
  return { group: groupFrom(axes, first), together };
}

/** The steps of the axes that a tile takes as its rows or columns. */
const innerSteps = ({ operand, group }: Factor): Stride[] => (operand === undefined ? [] : along(operand, group.inner));

function lanesPlan(
  kernel: ContractionKernel,
  target: Target,
  paddingOf: PaddingOf,
  swapped: boolean,
  packRows: boolean,
  packColumns: boolean,
): Plan | undefined {
  const direct = { rows: !packRows, columns: !packColumns, mostUneven: mostTogether(target) };
  const whole = sides(kernel, swapped, { ...direct, apart: true });
  const divides = ({ rows, columns }: typeof whole): boolean => {
    const wide = ceil(columns.group.merged.extent / vectorLanes(kernel.dtype, target));
    return (
      rows.together === rows.group.merged.extent || rows.together % tileOf(rows.together, wide, target).height === 0
    );
  };
  const { rows, columns, batch, epilogue } = divides(whole)
    ? whole
    : sides(kernel, swapped, { ...direct, apart: false });
  const [m, n, k] = [rows.group.merged.extent, columns.group.merged.extent, extentOf(kernel.k)];
  if (!packRows && !readable(rows, kernel)) return undefined;
  if (!packColumns) {
    if (!readable(columns, kernel)) return undefined;
    const steps = innerSteps(columns);
    if (steps.length > 0 && (steps.length > 1 || steps[0]?.stride !== 1)) return undefined;
  }
  const full = vectorLanes(kernel.dtype, target);
  // Few columns take a shorter vector, without a mask.
  let lanes = full;
  while (lanes > 4 && n <= lanes / 2) lanes /= 2;
  const { height, vectors } = tileOf(rows.together, ceil(n / lanes), target);
  const width = vectors * lanes;
  const points = extentOf(batch);
  const columnPanels = ceil(n / width);
  const tiles = points * ceil(m / height) * columnPanels;
  const perStep = (high: number, wide: number): number =>
    Math.max((high * wide) / 2, (high + wide) / 2, high * wide < 8 ? 4 : 0);
  const lastColumns = (n - (columnPanels - 1) * width) / lanes;
  const lastVectors = lanes * byteSize(kernel.dtype) === 64 ? ceil(2 * lastColumns) / 2 : ceil(lastColumns);
  const rowSteps = m / height;
  const ownColumns =
    packColumns && m <= mostOwnRows && dependsOnAll(columns, batch) && packsAlone(columns, kernel, target, width);
  // A panel ends where a run of its columns ends.
  const run = ownColumns ? runOf(columns, kernel) : k;
  let depth = ceil(run / ceil(run / kBlock));
  const dims = packRows || rows.operand === undefined ? undefined : paddingOf(rows.operand.buffer);
  let live = dims && livePanels(kernel, rows, height, batch, dims);
  if (live !== undefined) {
    const { operand } = columns;
    const even = packColumns || (operand !== undefined && along(operand, live.channels).length <= 1);
    // Blocks end where a round does; panels of their own where their runs do.
    if (!even || (ownColumns && depth % live.round !== 0 && run !== k)) live = undefined;
    else depth = roundUp(depth, live.round);
  }
  let cycles = points * rowSteps * k * ((columnPanels - 1) * perStep(height, vectors) + perStep(height, lastVectors));
  cycles = cycles * (live?.share ?? 1) + tiles * cyclesTile;
  cycles += tiles * (ceil(k / depth) - 1) * (height * vectors + cyclesTile);
  const packedApart = (side: Factor): number =>
    extentOf(batch.filter((axis) => side.operand?.strideOf(axis) !== 0)) * cyclesApartPacked;
  if (packColumns)
    cycles += (packing(columns, kernel, batch) + (ownColumns ? 0 : packedApart(columns))) * ceil(n / width) * width * k;
  if (packRows) cycles += (packing(rows, kernel, batch) + packedApart(rows)) * ceil(m / height) * height * k;
  else cycles += points * m * k * columnPanels * apartCycles(rows, kernel, height);
  if (!packColumns) cycles += points * ceil(m / height) * columnPanels * k * missCycles(columns, kernel, width);
  const { along: epilogueAlong, cycles: storing } = storingCycles(rows, columns, epilogue);
  cycles += points * m * n * storing;
  return {
    kind: "lanes",
    rows,
    columns,
    packRows,
    packColumns,
    ownColumns,
    depth,
    live,
    lanes,
    height,
    width,
    batch,
    epilogue,
    epilogueAlong,
    cycles,
  };
}

/** Sums in registers, with room for the factors of one step; rows shared out evenly, so that no tile is much smaller. */
function tileOf(m: number, vectorsWanted: number, target: Target): { height: number; vectors: number } {
  const most = target.registers >= 32 ? 28 : 12;
  let vectors = Math.min(2, vectorsWanted);
  if (m * 3 <= most && vectorsWanted > 2) {
    const widest = Math.min(8, Math.floor(most / m));
    vectors = ceil(vectorsWanted / ceil(vectorsWanted / widest));
  }
  const highest = Math.max(1, Math.min(vectors === 1 ? 24 : 14, Math.floor(most / vectors)));
  const height = ceil(m / ceil(m / highest));
  return { height, vectors };
}

/** Whether tiles can read the side in place: it has few enough offsets along k. */
function readable({ operand }: Factor, kernel: ContractionKernel): boolean {
  if (operand === undefined) return false;
  return along(operand, kernel.k).length <= 1 || extentOf(kernel.k) <= longestTable;
}

/** Cycles more for each element of rows read where they lie, when they are far apart. */
function apartCycles(rows: Factor, kernel: ContractionKernel, height: number): number {
  const outer = Math.abs(innerSteps(rows).at(-1)?.stride ?? 0);
  const k = Math.abs((rows.operand && along(rows.operand, kernel.k).at(-1)?.stride) ?? 0);
  // Rows whole pages apart share the few places of one set of the first cache.
  const bytes = byteSize(kernel.dtype);
  if (height > 8 && outer > 0 && (outer * bytes) % conflictBytes === 0) return cyclesConflict / 4;
  if (k >= 256 && k % 256 === 0 && extentOf(kernel.k) > 32) return (2 * cyclesConflict) / height;
  return outer > 16 && k > 1 ? cyclesApart : 0;
}

/** Cycles more for each step of k of a tile whose columns are read where they lie. */
function missCycles(columns: Factor, kernel: ContractionKernel, width: number): number {
  const k = extentOf(kernel.k);
  const stride = Math.abs((columns.operand && along(columns.operand, kernel.k).at(-1)?.stride) ?? 0);
  const lines = ceil(width / 16) + 1;
  if (k > 32 && stride >= 256 && stride % 256 === 0) return lines * cyclesConflict;
  return k * width * 4 > firstCacheBytes ? lines * 1.5 : 0;
}

/** Cycles to pack one element, for each time it is packed. */
function packing(side: Factor, kernel: ContractionKernel, batch: readonly Axis[]): number {
  const { operand, group, value } = side;
  const used = axesIn(value);
  const times = extentOf(
    batch.filter((axis) => (operand === undefined ? used.has(axis.id) : operand.strideOf(axis) !== 0)),
  );
  if (operand === undefined) return times * cyclesGathered;
  const [outer, k] = [along(operand, group.inner), along(operand, kernel.k)];
  if (outer.length === 1 && outer[0]?.stride === 1 && outer[0].extent >= 8) return times * cyclesCopied;
  if (canTurn(side, kernel)) return times * cyclesTurned;
  return times * (k.length + outer.length > 2 ? cyclesDivided : (cyclesGathered + cyclesTurned) / 2);
}

/** Whether no panel of the side serves several points of the batch. */
const dependsOnAll = ({ operand }: Factor, batch: readonly Axis[]): boolean =>
  batch.every((axis) => operand?.strideOf(axis) !== 0);

/** Whether a panel can be packed by itself, for some steps of k: in whole vectors, from elements that lie evenly. */
function packsAlone(side: Factor, kernel: ContractionKernel, target: Target, width: number): boolean {
  if (liesInRows(side, kernel)) return width % Math.min(width, vectorLanes(kernel.dtype, target)) === 0;
  if (!canTurn(side, kernel) || target.vectorBytes !== 64 || width % 16 !== 0) return false;
  const run = runOf(side, kernel);
  return run === extentOf(kernel.k) || run % ceil(run / kBlock) === 0;
}

/** Steps of k that lie evenly. */
export const runOf = ({ operand }: Factor, kernel: ContractionKernel): number =>
  (operand && along(operand, kernel.k).at(-1)?.extent) ?? 1;

/** Whether neighbours of a panel are neighbours in memory, at even steps along k. */
export function liesInRows({ operand, group }: Factor, kernel: ContractionKernel): boolean {
  if (operand === undefined || extentOf(group.inner) < 8) return false;
  const outer = along(operand, group.inner);
  return outer.length === 1 && outer[0]?.stride === 1 && along(operand, kernel.k).length <= 1;
}

/** Whether a side has rows whose neighbours in memory are neighbours along the last axis of k. */
export function canTurn({ operand, group }: Factor, kernel: ContractionKernel): boolean {
  if (operand === undefined || kernel.dtype !== "float32") return false;
  const [outer, k] = [along(operand, group.inner), along(operand, kernel.k)];
  const run = k.at(-1);
  if (outer.length > 1 || run === undefined || run.stride !== 1 || run.extent < 8) return false;
  return extentOf(kernel.k) / run.extent <= longestTable;
}

function storingCycles(
  rows: Factor,
  columns: Factor,
  epilogue: readonly Statement[],
): { along: "columns" | "rows"; cycles: number } {
  const [r, c] = [rows.group.merged, columns.group.merged];
  const [alongRows, alongColumns] = [contiguity(epilogue, r), contiguity(epilogue, c)];
  const cost = (share: number): number => share * cyclesStored + (1 - share) * cyclesScattered;
  // Along the rows the tile itself is read across its columns.
  const [columnsCost, rowsCost] = [cost(alongColumns), cost(alongRows) + 0.6];
  if (rowsCost < columnsCost && r.extent >= 8) return { along: "rows", cycles: rowsCost };
  return { along: "columns", cycles: columnsCost };
}

/** Cycles of storing all results, lanes along the columns. */
function storingAlongColumns({ batch, rows, columns, epilogue }: Plan): number {
  const share = contiguity(epilogue, columns.group.merged);
  const points = extentOf([...batch, rows.group.merged, columns.group.merged]);
  return points * (share * cyclesStored + (1 - share) * cyclesScattered);
}

function dotsPlan(kernel: ContractionKernel, target: Target): Plan | undefined {
  const lanes = vectorLanes(kernel.dtype, target);
  const swapped = extentOf(kernel.m) > extentOf(kernel.n) && extentOf(kernel.n) <= 4;
  const { rows, columns, batch, epilogue } = sides(kernel, swapped, bothPacked);
  const [a, b] = [rows.operand, columns.operand];
  if (a === undefined || b === undefined) return undefined;
  const last = kernel.k.filter((axis) => axis.extent > 1).at(-1);
  if (last === undefined || a.strideOf(last) !== 1 || b.strideOf(last) !== 1) return undefined;
  const run = runAlong(kernel, a, b);
  const [m, n, k] = [rows.group.merged.extent, columns.group.merged.extent, extentOf(kernel.k)];
  if (run < lanes / 2 || k / run > longestTable || m > longestTable || n > longestTable) return undefined;
  const most = target.registers >= 32 ? 24 : 8;
  const height = Math.min(m, target.registers >= 32 ? 4 : 2);
  const highest = Math.floor(most / height);
  const width = ceil(n / ceil(n / Math.min(n, highest)));
  const vectors = (k / run) * ceil(run / lanes);
  const points = extentOf(batch);
  const sums = points * ceil(m / height) * height * n;
  // Besides products, each vector of k loads the rows and the columns of the tile.
  const perStep = Math.max(1 / 2, (height + width) / 2 / (height * width), 4 / (height * width));
  const { along: epilogueAlong, cycles: storing } = storingCycles(rows, columns, epilogue);
  const masked = run % lanes === 0 ? 1 : 1.15;
  const cycles =
    sums * (vectors * perStep * 1.15 * masked + cyclesAcross) +
    points * ceil(m / height) * ceil(n / width) * cyclesTile +
    points * m * n * storing;
  return {
    kind: "dots",
    rows,
    columns,
    packRows: false,
    packColumns: false,
    ownColumns: false,
    depth: extentOf(kernel.k),
    lanes,
    height,
    width,
    batch,
    epilogue,
    epilogueAlong,
    cycles,
  };
}

/** How many steps along k both sides take from one neighbour in memory to the next. */
export function runAlong(kernel: ContractionKernel, a: Operand, b: Operand): number {
  let run = 1;
  for (const axis of [...kernel.k].reverse()) {
    if (axis.extent === 1) continue;
    if (a.strideOf(axis) !== run || b.strideOf(axis) !== run) break;
    run *= axis.extent;
  }
  return run;
}
