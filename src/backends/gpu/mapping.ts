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
    };

/** A workgroup of side × side invocations computes `side · rows` by `side · columns` results, `depth` steps of k at a time. */
export interface Tile {
  readonly side: number;
  readonly rows: number;
  readonly columns: number;
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

export function mapKernel(kernel: Kernel): Mapping {
  return kernel.kind === "contraction" ? mapContraction(kernel) : mapLoops(kernel);
}

function mapLoops(kernel: LoopKernel): Mapping {
  const points = extentOf(kernel.axes);
  const longest = Math.max(0, ...kernel.body.map(sharedSteps));
  const checks = kernel.body.some(({ kind }) => kind === "check");
  const shared = longest >= veryLongLoop || (longest >= longLoop && points < manyPoints);
  if (checks || shared)
    return { kind: "rows", kernel, workgroup: longest >= veryLongLoop ? largeWorkgroup : workgroup, groups: points };
  return { kind: "points", kernel, workgroup, groups: Math.ceil(points / workgroup) };
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

function mapContraction(kernel: ContractionKernel): Mapping {
  const [batch, m, n, k] = [kernel.batch, kernel.m, kernel.n, kernel.k].map(extentOf) as [
    number,
    number,
    number,
    number,
  ];
  const tiled = kernel.dtype === "float32" || kernel.dtype === "int32";
  if (!tiled || m < fewResults || n < fewResults || k < fewResults) return mapLoops(asLoops(kernel));
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
