// Tiles of matrices that subgroups multiply as a whole.
import type { Extents } from "./extents.ts";

/** An m × k matrix times a k × n one, by a subgroup of `subgroup` invocations. */
export interface MatrixShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly subgroup: number;
}

/** Two by two subgroups, each with `side` by `side` matrices of results. Both operands are brought `depth` steps of k at a time. */
export interface MatrixTile {
  readonly shape: MatrixShape;
  readonly side: number;
  readonly depth: number;
}

/** So many subgroups in each direction share a tile. */
export const subgroupsAcross = 2;
/** Elements between rows in shared memory: neighbours store at once, and matrices begin at multiples of 16 bytes. */
export const matrixPadding = 8;
/** What every device has. */
const sharedBytes = 16384;
const mostInvocations = 256;

/** Results of a tile. */
export const matrixHeightOf = ({ shape, side }: MatrixTile): number => subgroupsAcross * side * shape.m;
export const matrixWidthOf = ({ shape, side }: MatrixTile): number => subgroupsAcross * side * shape.n;

/** Bytes that a workgroup shares: rows of float16 of both operands, and a matrix of float32 results of each subgroup. */
function bytesOf(tile: MatrixTile): number {
  const row = matrixHeightOf(tile) + matrixWidthOf(tile) + 2 * matrixPadding;
  return 2 * tile.depth * row + 4 * subgroupsAcross ** 2 * tile.shape.m * tile.shape.n;
}

/**
 * The largest tile of which there are `cores` or more, or the smallest: large ones read least, small ones leave no core idle. Undefined where the
 * product is smaller than a matrix.
 */
export function matrixTileFor(
  { batch, m, n, k }: Extents,
  shape: MatrixShape,
  cores: number,
): { readonly tile: MatrixTile; readonly workgroup: number; readonly groups: number } | undefined {
  if (m < shape.m || n < shape.n || k < shape.k) return undefined;
  const workgroup = subgroupsAcross ** 2 * shape.subgroup;
  if (workgroup > mostInvocations) return undefined;
  const groupsOf = (tile: MatrixTile): number =>
    batch * Math.ceil(m / matrixHeightOf(tile)) * Math.ceil(n / matrixWidthOf(tile));
  const possible = [4, 2, 1]
    .map((side): MatrixTile => ({ shape, side, depth: side === 4 ? shape.k : 2 * shape.k }))
    .filter((tile) => {
      // Invocations bring fours of a row, or of a column, in equal shares.
      const shares = [tile.depth, matrixHeightOf(tile) / 4, matrixWidthOf(tile) / 4];
      return shares.every((count) => workgroup % count === 0) && bytesOf(tile) <= sharedBytes;
    });
  const tile = possible.find((one) => groupsOf(one) >= cores) ?? possible.at(-1);
  return tile && { tile, workgroup, groups: groupsOf(tile) };
}
