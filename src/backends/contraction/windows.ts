// Sliding windows with one weight per element, as in depthwise convolutions: sums for neighbouring rows of results stay in
// registers, and each vector of the image is loaded once for all of them.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import type { Axis } from "../../graph/scalar.ts";
import { type Operand, tableOf } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import { storedAlongN, vectorLanes } from "./cost.ts";
import type { Machine } from "./machine.ts";
import type { WindowPlan, Windows } from "./plan.ts";
import type { Side } from "./sides.ts";
import { shortenedLanes } from "./tile.ts";

/** Most products in an unrolled tile: more would make the code long. */
const mostProducts = 800;

function windowsOf(kernel: ContractionKernel, { operandOf }: Machine): Windows | undefined {
  const single = extentOf(kernel.m) === 1;
  if (!single && extentOf(kernel.n) !== 1) return undefined;
  const [image, weights] = [operandOf(single ? kernel.b : kernel.a), operandOf(single ? kernel.a : kernel.b)];
  const axes = (single ? kernel.n : kernel.m).filter(({ extent }) => extent > 1);
  const [row, column] = axes.slice(-2);
  if (image === undefined || weights === undefined || row === undefined || column === undefined) return undefined;
  if (image.strideOf(column) !== 1 || image.strideOf(row) <= 0) return undefined;
  const offsets = (operand: Operand): number[] =>
    tableOf(kernel.k.map((axis) => ({ extent: axis.extent, stride: operand.strideOf(axis) })));
  const weightAt = offsets(weights);
  const products = offsets(image).map((at, step) => ({ at, weight: weightAt[step] ?? 0 }));
  return { image, weights, row, column, outer: axes.slice(0, -2), products };
}

/** The plan, if rows of results share elements of the image. */
export function windowPlan(kernel: ContractionKernel, machine: Machine): WindowPlan | undefined {
  if (extentOf(kernel.k) > mostProducts) return undefined;
  const windows = windowsOf(kernel, machine);
  if (windows === undefined) return undefined;
  const { row: m, column: n, outer, products } = windows;
  const lanes = shortenedLanes(vectorLanes(kernel.dtype, machine), n.extent);
  const wanted = Math.ceil(n.extent / lanes);
  const vectors = Math.ceil(wanted / Math.ceil(wanted / 2));
  const highest = Math.min(
    Math.floor(machine.windowSums / vectors),
    Math.floor(mostProducts / (products.length * vectors)),
  );
  if (highest < 2) return undefined;
  const mr = Math.ceil(m.extent / Math.ceil(m.extent / highest));
  const loads = windowLoads(windows, mr);
  if (loads.size === mr * products.length) return undefined;
  const nr = vectors * lanes;
  const batch = [...kernel.batch, ...outer].filter(({ extent }) => extent !== 1);
  const tiles = extentOf(batch) * Math.ceil(m.extent / mr) * Math.ceil(n.extent / nr);
  const { unalignedLoad, windowTile } = machine.costs;
  const perTile = vectors * Math.max(mr * products.length, loads.size * unalignedLoad) + windowTile;
  const { epilogue } = kernel;
  const cycles = tiles * perTile + storedAlongN({ batch, m, n, epilogue }, machine);
  const side = (axis: Axis): Side => ({
    value: axis === m ? kernel.a : kernel.b,
    operand: undefined,
    group: { outer: [], inner: [axis], merged: axis },
    span: axis.extent,
  });
  const [a, b] = [side(m), side(n)];
  const kc = products.length;
  return { kind: "window", windows, a, b, batch, epilogue, m, n, mr, nr, kc, lanes, epilogueLanes: "n", cycles };
}

/** The products of a tile, by the offset in the image that they read: rows of results, and weights. */
export function windowLoads(
  { image, row, products }: Windows,
  height: number,
): Map<number, { readonly row: number; readonly weight: number }[]> {
  const loads = new Map<number, { row: number; weight: number }[]>();
  for (let place = 0; place < height; place++) {
    for (const { at, weight } of products) {
      const from = place * image.strideOf(row) + at;
      const known = loads.get(from);
      if (known === undefined) loads.set(from, [{ row: place, weight }]);
      else known.push({ row: place, weight });
    }
  }
  return new Map([...loads].sort(([a], [b]) => a - b));
}
