// Tiles of matrices that subgroups multiply cooperatively.
import type { Extents } from "./extents.ts";

/** An m × k matrix times a k × n one, by a subgroup of `subgroup` invocations. */
export interface MatrixShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly subgroup: number;
}

/** Two by two subgroups, each with `side` by `side` matrices of results. Both operands are loaded `depth` steps of k at a time. */
export interface MatrixTile {
  readonly shape: MatrixShape;
  readonly side: number;
  readonly depth: number;
}

/** Subgroups per tile in each direction. */
export const subgroupsAcross = 2;
/** Padding elements between rows in shared memory: neighbours can store at the same time, and matrices start at multiples of 16 bytes. */
export const matrixPadding = 8;
/** Supported by every device. */
const sharedBytes = 16384;
const mostInvocations = 256;

/** Results per tile. */
export const matrixHeightOf = ({ shape, side }: MatrixTile): number => subgroupsAcross * side * shape.m;
export const matrixWidthOf = ({ shape, side }: MatrixTile): number => subgroupsAcross * side * shape.n;

/** Shared bytes of a workgroup: rows of float16 of both operands, and one float32 result matrix per subgroup. */
function bytesOf(tile: MatrixTile): number {
  const row = matrixHeightOf(tile) + matrixWidthOf(tile) + 2 * matrixPadding;
  return 2 * tile.depth * row + 4 * subgroupsAcross ** 2 * tile.shape.m * tile.shape.n;
}

/**
 * The largest tile that yields at least `cores` tiles, or else the smallest: large tiles read less, small ones leave no core idle.
 * Undefined if the product is smaller than a matrix.
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
      // Invocations load groups of four of a row or column, in equal shares of at least one.
      const quads = [matrixHeightOf(tile) / 4, matrixWidthOf(tile) / 4];
      const areShared = [tile.depth, ...quads].every((count) => workgroup % count === 0);
      return (
        areShared && quads.every((count) => (count * tile.depth) % workgroup === 0) && bytesOf(tile) <= sharedBytes
      );
    });
  const tile = possible.find((one) => groupsOf(one) >= cores) ?? possible.at(-1);
  return tile && { tile, workgroup, groups: groupsOf(tile) };
}
