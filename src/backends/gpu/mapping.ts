// Maps a kernel to a GPU: workgroups, invocations, tiles. The mapping depends only on extents, not on a shading language.
import type { ContractionKernel, Kernel, LoopKernel, Statement } from "../../compiler/kernel.ts";
import { binary, cast } from "../../graph/scalar.ts";
import { extentOf } from "../analysis/steps.ts";
import { type Extents, extentsOf } from "./extents.ts";
import { ofHalves } from "./halves.ts";
import { type MatrixShape, type MatrixTile, matrixTileFor } from "./matrices.ts";

export type Mapping =
  /** One invocation per point of the kernel's axes. */
  | { readonly kind: "points"; readonly kernel: LoopKernel; readonly workgroup: number; readonly groups: number }
  /** One workgroup per point. Its invocations share the inner loops and reduce as a tree, within subgroups first if available. */
  | {
      readonly kind: "rows";
      readonly kernel: LoopKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly subgroups: boolean;
    }
  /** One workgroup per tile of a product's results. */
  | {
      readonly kind: "tiles";
      /** With `halves`, its operands are the bits of float16 numbers. */
      readonly kernel: ContractionKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly tile: Tile;
      readonly halves: boolean;
    }
  /** One workgroup per tile. Its subgroups multiply small float16 matrices cooperatively. The operands are bits. */
  | {
      readonly kind: "matrices";
      readonly kernel: ContractionKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly tile: MatrixTile;
    }
  /** One workgroup per tile. Its invocations read the operands in place and share nothing. */
  | {
      readonly kind: "blocks";
      readonly kernel: ContractionKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly tile: Block;
    };

/** The kind of adapter: a graphics card, or a CPU driver, where a barrier costs as much as a thousand operations. */
export type Target =
  | {
      readonly kind: "card";
      /** Whether the invocations of a workgroup can exchange values within subgroups, and these are in order. */
      readonly subgroups: boolean;
      /** Whether shaders support float16. */
      readonly float16: boolean;
      /** The float16 matrices, with float32 sums, that a subgroup multiplies cooperatively. */
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
 * A workgroup of down × across invocations, each with `rows` by `columns` results in contiguous groups of four. Both operands are loaded
 * `depth` steps of k at a time.
 */
export interface Tile {
  readonly down: number;
  readonly across: number;
  readonly rows: 4 | 8;
  readonly columns: 4;
  readonly depth: number;
}

/** Every device supports workgroups this large, with 16 KiB of shared memory. */
const workgroup = 64;
const largeWorkgroup = 256;

/** Minimum steps of a loop shared by a workgroup. */
const longLoop = 32;
const veryLongLoop = 1024;
/** Points that keep a GPU busy with one invocation each, unless their loops are long. */
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

/** A product with fewer rows or columns fills too little of a tile. */
const fewResults = 4;

/** Whether its results can be computed in tiles, and tiles pay. */
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

/** Minimum invocations that run together. */
const together = 32;
/** Cores of a large card. On a smaller one the choice is slightly worse. */
const cores = 128;
/** With fewer workgroups, a long sum that was not split into parts gets one workgroup per result. */
const manyGroups = 64;
const longSum = 512;
/** A longer epilogue is not unrolled for 32 results. */
const shortEpilogue = 4;

/** From 16 × 16 results per workgroup to 128 × 64. */
const tiles: readonly Tile[] = [4, 8, 16].flatMap((down) =>
  [4, 8, 16].flatMap((across) => {
    const tile = { down, across, rows: 4, columns: 4, depth: 16 } as const;
    return down * across < together ? [] : down * across < largeWorkgroup ? [tile] : [tile, { ...tile, rows: 8 }];
  }),
);

/** Results per tile. */
export const heightOf = ({ down, rows }: Tile): number => down * rows;
export const widthOf = ({ across, columns }: Tile): number => across * columns;

const tilesIn = (tile: Tile, { batch, m, n }: Extents): number =>
  batch * Math.ceil(m / heightOf(tile)) * Math.ceil(n / widthOf(tile));

/** The cost of loading a number into shared memory, in products. */
const costOfBringing = 16;

/** The work of the busiest core per step of k: products, the operands they read, and the loads into shared memory. */
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

/** The product as one sum per result. */
function asLoops({ name, batch, m, n, k, a, b, dtype, result, epilogue }: ContractionKernel): LoopKernel {
  const value = binary("mul", cast(a, dtype), cast(b, dtype));
  return {
    kind: "loops",
    name,
    axes: [...batch, ...m, ...n],
    body: [{ kind: "reduce", local: result, combine: "sum", axes: k, value }, ...epilogue],
  };
}
