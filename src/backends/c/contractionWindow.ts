// Windows that slide over an image, one weight for each of their elements, as in depthwise convolutions: neighbouring rows of
// results are sums in registers, and each vector of the image is loaded once for all of them.
import type { ContractionKernel } from "../../compiler/kernel.ts";
import type { Axis } from "../../graph/scalar.ts";
import { type Operand, operandOf, tableOf } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import type { Factor, Plan } from "./contractionPlan.ts";
import { kept, reread, type TileSums, type TileType } from "./contractionTile.ts";
import type { EmitContext } from "./emitter.ts";
import { laneLetter, needLanes, scalarType } from "./lanes.ts";
import { type Target, vectorLanes } from "./target.ts";

/** Products that one tile writes out: more would be long code. */
const mostProducts = 800;
/** Cycles of loading a vector that crosses a line of memory, and around one tile. */
const cyclesLoad = 2;
const cyclesTile = 40;

/** What the image and the weights are, and which rows of results share what they read. */
interface Windows {
  readonly image: Operand;
  readonly weights: Operand;
  readonly row: Axis;
  readonly column: Axis;
  readonly outer: readonly Axis[];
  /** How far into the image and the weights each product lies. */
  readonly products: readonly { readonly at: number; readonly weight: number }[];
}

function windowsOf(kernel: ContractionKernel): Windows | undefined {
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

/** The plan, where the rows of results read the same elements. */
export function windowPlan(kernel: ContractionKernel, target: Target): Plan | undefined {
  if (extentOf(kernel.k) > mostProducts) return undefined;
  const windows = windowsOf(kernel);
  if (windows === undefined) return undefined;
  const { row, column, outer, products } = windows;
  let lanes = vectorLanes(kernel.dtype, target);
  while (lanes > 4 && column.extent <= lanes / 2) lanes /= 2;
  const wanted = Math.ceil(column.extent / lanes);
  const vectors = Math.ceil(wanted / Math.ceil(wanted / 2));
  const sums = target.registers >= 32 ? 24 : 10;
  const highest = Math.min(Math.floor(sums / vectors), Math.floor(mostProducts / (products.length * vectors)));
  if (highest < 2) return undefined;
  const height = Math.ceil(row.extent / Math.ceil(row.extent / highest));
  const loads = loadsOf(windows, height);
  if (loads.size === height * products.length) return undefined;
  const width = vectors * lanes;
  const batch = [...kernel.batch, ...outer].filter(({ extent }) => extent !== 1);
  const columnPanels = Math.ceil(column.extent / width);
  const tiles = extentOf(batch) * Math.ceil(row.extent / height) * columnPanels;
  const perTile = vectors * Math.max(height * products.length, loads.size * cyclesLoad) + cyclesTile;
  const factor = (axis: Axis): Factor => ({
    value: axis === row ? kernel.a : kernel.b,
    operand: undefined,
    group: { outer: [], inner: [axis], merged: axis },
    together: axis.extent,
  });
  return {
    kind: "windows",
    rows: factor(row),
    columns: factor(column),
    packRows: false,
    packColumns: false,
    ownColumns: false,
    depth: products.length,
    lanes,
    height,
    width,
    batch,
    epilogue: kernel.epilogue,
    epilogueAlong: "columns",
    cycles: tiles * perTile,
  };
}

/** The products of a tile by the place in the image that they read: rows of results, and weights. */
function loadsOf(
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

export interface WindowTiles {
  readonly image: Operand;
  readonly weights: Operand;
  /** From one row of results to the next, in elements of the image. */
  readonly rowStep: number;
  /**
   * The name of `void f(const T *weights, const T *image, T *tile)`, or with `finish` `…, char *const *places)`, for so many rows and
   * columns.
   */
  tile(height: number, width: number): string;
}

export function windowTiles(
  context: EmitContext,
  kernel: ContractionKernel,
  plan: Plan,
  dtype: TileType,
  finish: ((sums: TileSums) => string) | undefined,
): WindowTiles | undefined {
  const windows = windowsOf(kernel);
  if (windows === undefined) return undefined;
  const { image, weights, row } = windows;
  const { lanes } = plan;
  const [T, V] = [scalarType(dtype), `${laneLetter(dtype)}${lanes}`];
  needLanes(context, lanes);
  const tile = (height: number, width: number): string => {
    const vectors = Math.ceil(width / lanes);
    const last = width - (vectors - 1) * lanes;
    const mask = last < lanes;
    const each = (count: number, text: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => text(i)).join("");
    const sum = (row: number, vector: number): string => `c${row * vectors + vector}`;
    const load = (at: string, vector: number): string =>
      mask && vector === vectors - 1 ? `${V}_loadm(${at}, mask)` : `${V}_load(${at})`;
    const body = [...loadsOf(windows, height)]
      .map(
        ([from, uses]) => `  {
${each(vectors, (vector) => `    ${V} b${vector} = ${load(`b + ${from + vector * lanes}`, vector)};${kept(context, `b${vector}`)}\n`)}${uses
  .map(({ row, weight }) => {
    const products = each(vectors, (vector) => ` ${sum(row, vector)} = ${V}_fma(x, b${vector}, ${sum(row, vector)});`);
    return `    { const ${V} x = ${V}_splat(a[${weight}]);${products} }\n`;
  })
  .join("")}  }
${reread}`,
      )
      .join("");
    const end =
      finish?.({ lanes, height, vectors, mask, lanesOf: () => lanes, sum }) ??
      each(height, (row) =>
        each(vectors, (vector) => `  ${V}_store(tile + ${row * plan.width + vector * lanes}, ${sum(row, vector)});\n`),
      );
    const to = finish === undefined ? `${T} *tile` : "char *const *places";
    const sums = Array.from({ length: height * vectors }, (_, i) => `c${i} = {0}`).join(", ");
    return context.function(
      `windows_${V}_${height}x${vectors}${mask ? `_${last}` : ""}`,
      `(const ${T} *a, const ${T} *b, ${to}) {
${mask ? `  const I${lanes} mask = I${lanes}_first(${last});\n` : ""}  ${V} ${sums};
${body}${end}}
`,
    );
  };
  return { image, weights, rowStep: image.strideOf(row), tile };
}
