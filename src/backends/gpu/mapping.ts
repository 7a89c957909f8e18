// Maps a kernel to a GPU: workgroups, invocations, tiles. It depends only on extents, not on a shading language.
import type { ContractionKernel, Kernel, LoopKernel, Statement } from "../../compiler/kernel.ts";
import { binary, cast } from "../../graph/scalar.ts";
import { extentOf } from "../analysis/steps.ts";
import { type Extents, extentsOf } from "./extents.ts";
import { ofHalves } from "./halves.ts";
import { type MatrixShape, type MatrixTile, matrixTileFor } from "./matrices.ts";

export type Mapping =
  /** An invocation for each point of the kernel's axes. */
  | { readonly kind: "points"; readonly kernel: LoopKernel; readonly workgroup: number; readonly groups: number }
  /** A workgroup for each point: its invocations share the inner loops, and reduce as a tree, within subgroups first where there are any. */
  | {
      readonly kind: "rows";
      readonly kernel: LoopKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly subgroups: boolean;
    }
  /** A workgroup for each tile of a product's results. */
  | {
      readonly kind: "tiles";
      /** Its operands are the bits of float16 numbers where `halves` says so. */
      readonly kernel: ContractionKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly tile: Tile;
      readonly halves: boolean;
    }
  /** A workgroup for each tile, whose subgroups multiply small matrices of float16 as a whole. The operands are bits. */
  | {
      readonly kind: "matrices";
      readonly kernel: ContractionKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly tile: MatrixTile;
    }
  /** The same tile, whose invocations read the operands in place and share nothing. */
  | {
      readonly kind: "blocks";
      readonly kernel: ContractionKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly tile: Block;
    };

/** What computes: a graphics card, or a driver that does a card's work on the processor. There a barrier costs as much as a thousand operations. */
export type Target =
  | {
      readonly kind: "card";
      /** Whether the invocations of a workgroup can pass values on within subgroups, which are in order. */
      readonly subgroups: boolean;
      /** Whether shaders compute with float16. */
      readonly float16: boolean;
      /** The matrices of float16, with sums in float32, that a subgroup multiplies as a whole. */
      readonly matrices?: MatrixShape;
    }
  | { readonly kind: "processor" };

/** A workgroup of side × side invocations computes `side · rows` by `side · columns` results. */
export interface Block {
  readonly side: number;
  readonly rows: number;
  readonly columns: number;
}

/**
 * A workgroup of down × across invocations, each with `rows` by `columns` results, which are fours that lie together. Both operands are brought
 * `depth` steps of k at a time.
 */
export interface Tile {
  readonly down: number;
  readonly across: number;
  readonly rows: 4 | 8;
  readonly columns: 4;
  readonly depth: number;
}

/** Every device has workgroups this large, and 16 KiB that they share. */
const workgroup = 64;
const largeWorkgroup = 256;

/** From this many steps on, a loop is shared by a workgroup. */
const longLoop = 32;
const veryLongLoop = 1024;
/** So many points keep a GPU busy with an invocation each, unless their loops are long. */
const manyPoints = 1 << 15;

export function mapKernel(kernel: Kernel, target: Target): Mapping {
  if (target.kind === "processor") return kernel.kind === "contraction" ? mapBlocks(kernel) : mapPoints(kernel);
  return kernel.kind === "contraction" ? mapContraction(kernel, target) : mapLoops(kernel, target.subgroups);
}

function mapPoints(kernel: LoopKernel): Mapping {
  return { kind: "points", kernel, workgroup, groups: Math.ceil(extentOf(kernel.axes) / workgroup) };
}

function mapLoops(kernel: LoopKernel, subgroups: boolean): Mapping {
  const points = extentOf(kernel.axes);
  const longest = Math.max(0, ...kernel.body.map(sharedSteps));
  const checks = kernel.body.some(({ kind }) => kind === "check");
  const shared = longest >= veryLongLoop || (longest >= longLoop && points < manyPoints);
  if (checks || shared) {
    const size = longest >= veryLongLoop ? largeWorkgroup : workgroup;
    return { kind: "rows", kernel, workgroup: size, groups: points, subgroups };
  }
  return mapPoints(kernel);
}

/** Steps of a statement that invocations can share. */
function sharedSteps(statement: Statement): number {
  switch (statement.kind) {
    case "reduce":
      return extentOf(statement.axes);
    case "for":
      return statement.order === "parallel" ? extentOf(statement.axes) : 0;
    case "let":
    case "store":
    case "scan":
    case "check":
      return 0;
  }
}

/** A product with fewer rows or columns than this fills too little of a tile. */
const fewResults = 4;

/** Whether tiles of its results can be computed, and are worth it. */
const tiled = ({ dtype }: ContractionKernel, { m, n, k }: Extents): boolean =>
  (dtype === "float32" || dtype === "int32") && Math.min(m, n, k) >= fewResults;

const blockSide = 8;

function mapBlocks(kernel: ContractionKernel): Mapping {
  const extents = extentsOf(kernel);
  if (!tiled(kernel, extents)) return mapPoints(asLoops(kernel));
  const { batch, m, n } = extents;
  const across = (results: number): number => (results > 2 * blockSide ? 4 : results > blockSide ? 2 : 1);
  const tile: Block = { side: blockSide, rows: across(m), columns: across(n) };
  const groups = batch * Math.ceil(m / (tile.side * tile.rows)) * Math.ceil(n / (tile.side * tile.columns));
  return { kind: "blocks", kernel, workgroup: blockSide ** 2, groups, tile };
}

/** Invocations that compute at once are this many at least. */
const together = 32;
/** Of a large card. With fewer the choice is a little worse. */
const cores = 128;
/** With fewer workgroups, a long sum that could not be cut into parts is shared by a workgroup for each result. */
const manyGroups = 64;
const longSum = 512;
/** An epilogue of more statements is not written for 32 results. */
const shortEpilogue = 4;

/** From 16 × 16 results of a workgroup to 128 × 64. */
const tiles: readonly Tile[] = [4, 8, 16].flatMap((down) =>
  [4, 8, 16].flatMap((across) => {
    const tile = { down, across, rows: 4, columns: 4, depth: 16 } as const;
    return down * across < together ? [] : down * across < largeWorkgroup ? [tile] : [tile, { ...tile, rows: 8 }];
  }),
);

/** Results of a tile. */
export const heightOf = ({ down, rows }: Tile): number => down * rows;
export const widthOf = ({ across, columns }: Tile): number => across * columns;

const tilesIn = (tile: Tile, { batch, m, n }: Extents): number =>
  batch * Math.ceil(m / heightOf(tile)) * Math.ceil(n / widthOf(tile));

/** What bringing a number into the workgroup's memory costs, in products. */
const costOfBringing = 16;

/** What the busiest core has to do for a step of k: products, the operands that are read for them, and those that are brought. */
function costOf(tile: Tile, extents: Extents): number {
  const { down, across, rows, columns } = tile;
  const computing = down * across * (rows * columns + 2 * (rows + columns));
  const bringing = costOfBringing * (heightOf(tile) + widthOf(tile));
  return Math.ceil(tilesIn(tile, extents) / cores) * (computing + bringing);
}

function mapContraction(kernel: ContractionKernel, target: Extract<Target, { kind: "card" }>): Mapping {
  const { subgroups, float16, matrices } = target;
  const extents = extentsOf(kernel);
  if (!tiled(kernel, extents)) return mapLoops(asLoops(kernel), subgroups);
  const halves = float16 ? ofHalves(kernel) : undefined;
  if (halves !== undefined && matrices !== undefined) {
    const mapped = matrixTileFor(extents, matrices, cores);
    if (mapped !== undefined) return { kind: "matrices", kernel: halves, ...mapped };
  }
  const possible = tiles.filter(({ rows }) => rows === 4 || kernel.epilogue.length <= shortEpilogue);
  const tile = possible.reduce((best, other) => (costOf(other, extents) < costOf(best, extents) ? other : best));
  const groups = tilesIn(tile, extents);
  if (groups < manyGroups && extents.k >= longSum) return mapLoops(asLoops(kernel), subgroups);
  const workgroup = tile.down * tile.across;
  return { kind: "tiles", kernel: halves ?? kernel, workgroup, groups, tile, halves: halves !== undefined };
}

/** The product as a sum at each of its results. */
function asLoops({ name, batch, m, n, k, a, b, dtype, result, epilogue }: ContractionKernel): LoopKernel {
  const value = binary("mul", cast(a, dtype), cast(b, dtype));
  return {
    kind: "loops",
    name,
    axes: [...batch, ...m, ...n],
    body: [{ kind: "reduce", local: result, combine: "sum", axes: k, value }, ...epilogue],
  };
}
