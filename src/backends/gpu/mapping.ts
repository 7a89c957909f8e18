// How a kernel is spread over a GPU: workgroups, invocations, tiles. It depends on extents alone, and on no shading language.
import type { ContractionKernel, Kernel, LoopKernel, Statement } from "../../compiler/kernel.ts";
import { binary, cast } from "../../graph/scalar.ts";
import { extentOf } from "../analysis/steps.ts";

export type Mapping =
  /** An invocation for each point of the kernel's axes. */
  | { readonly kind: "points"; readonly kernel: LoopKernel; readonly workgroup: number; readonly groups: number }
  /** A workgroup for each point: its invocations share the inner loops, and reduce as a tree. */
  | { readonly kind: "rows"; readonly kernel: LoopKernel; readonly workgroup: number; readonly groups: number }
  /** A workgroup for each tile of a product's results. */
  | {
      readonly kind: "tiles";
      readonly kernel: ContractionKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly tile: Tile;
    }
  /** The same tile, whose invocations read the operands where they lie and share nothing. */
  | {
      readonly kind: "blocks";
      readonly kernel: ContractionKernel;
      readonly workgroup: number;
      readonly groups: number;
      readonly tile: Block;
    };

/** What computes: a graphics card, or a driver that does a card's work on the processor. There a barrier costs as much as a thousand operations. */
export type Target = "card" | "processor";

/** A workgroup of side × side invocations computes `side · rows` by `side · columns` results. */
export interface Block {
  readonly side: number;
  readonly rows: number;
  readonly columns: number;
}

/** A block for which both operands are brought `depth` steps of k at a time. */
export interface Tile extends Block {
  readonly depth: number;
}

/** Every device has workgroups this large, and 16 KiB that they share. */
const workgroup = 64;
const largeWorkgroup = 256;
const side = 16;
const depth = 16;

/** From this many steps on, a loop is shared by a workgroup. */
const longLoop = 32;
const veryLongLoop = 1024;
/** So many points keep a GPU busy with an invocation each, unless their loops are long. */
const manyPoints = 1 << 15;

export function mapKernel(kernel: Kernel, target: Target): Mapping {
  if (target === "processor") return kernel.kind === "contraction" ? mapBlocks(kernel) : mapPoints(kernel);
  return kernel.kind === "contraction" ? mapContraction(kernel) : mapLoops(kernel);
}

function mapPoints(kernel: LoopKernel): Mapping {
  return { kind: "points", kernel, workgroup, groups: Math.ceil(extentOf(kernel.axes) / workgroup) };
}

function mapLoops(kernel: LoopKernel): Mapping {
  const points = extentOf(kernel.axes);
  const longest = Math.max(0, ...kernel.body.map(sharedSteps));
  const checks = kernel.body.some(({ kind }) => kind === "check");
  const shared = longest >= veryLongLoop || (longest >= longLoop && points < manyPoints);
  if (checks || shared)
    return { kind: "rows", kernel, workgroup: longest >= veryLongLoop ? largeWorkgroup : workgroup, groups: points };
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

/** So many workgroups keep a card busy. */
const manyGroups = 64;
/** From so many steps on, few results are worth a workgroup each. */
const longSum = 512;

interface Extents {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

const extentsOf = ({ batch, m, n, k }: ContractionKernel): Extents => ({
  batch: extentOf(batch),
  m: extentOf(m),
  n: extentOf(n),
  k: extentOf(k),
});

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

function mapContraction(kernel: ContractionKernel): Mapping {
  const extents = extentsOf(kernel);
  if (!tiled(kernel, extents)) return mapLoops(asLoops(kernel));
  const { batch, m, n, k } = extents;
  const across = (results: number): number => (results > 2 * side ? 4 : results > side ? 2 : 1);
  let tile: Tile = { side, rows: across(m), columns: across(n), depth };
  const groupsOf = ({ rows, columns }: Tile): number =>
    batch * Math.ceil(m / (side * rows)) * Math.ceil(n / (side * columns));
  // Few large tiles leave most of a card idle.
  while (groupsOf(tile) < manyGroups && tile.rows * tile.columns > 1)
    tile = tile.rows < tile.columns ? { ...tile, columns: tile.columns / 2 } : { ...tile, rows: tile.rows / 2 };
  const groups = groupsOf(tile);
  // A workgroup for each result shares its long sum.
  if (groups < manyGroups && k >= longSum) return mapLoops(asLoops(kernel));
  return { kind: "tiles", kernel, workgroup: side * side, groups, tile };
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
