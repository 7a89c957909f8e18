// The innermost loops over windows of an image: each vector of it is loaded once for all rows of results that read it.
import type { WindowPlan } from "../../contraction/plan.ts";
import { windowLoads } from "../../contraction/windows.ts";
import type { EmitContext } from "../emitter.ts";
import { laneLetter, needLanes, scalarType } from "../lanes.ts";
import { elementsOf, type TileType } from "./elements.ts";
import { kept, reread, type TileSums } from "./tile.ts";

/**
 * The name of `void f(const T *weights, const T *image, T *tile)`, or with `finish` `…, char *const *places)`, for this many rows and
 * columns.
 */
export function windowTiles(
  context: EmitContext,
  { windows, lanes, nr }: WindowPlan,
  dtype: TileType,
  finish: ((sums: TileSums) => string) | undefined,
): (height: number, width: number) => string {
  const [T, V] = [scalarType(dtype), `${laneLetter(dtype)}${lanes}`];
  const a = elementsOf(context, windows.weights.dtype, dtype);
  const b = elementsOf(context, windows.image.dtype, dtype);
  needLanes(context, lanes);
  return (height, width) => {
    const vectors = Math.ceil(width / lanes);
    const last = width - (vectors - 1) * lanes;
    const mask = last < lanes;
    const each = (count: number, text: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => text(i)).join("");
    const sum = (row: number, vector: number): string => `c${row * vectors + vector}`;
    const load = (at: string, vector: number): string =>
      b.load(lanes, at, mask && vector === vectors - 1 ? "mask" : undefined);
    const body = [...windowLoads(windows, height)]
      .map(
        ([from, uses]) => `  {
${each(vectors, (vector) => `    ${V} b${vector} = ${load(`b + ${from + vector * lanes}`, vector)};${kept(context, `b${vector}`)}\n`)}${uses
  .map(({ row, weight }) => {
    const products = each(vectors, (vector) => ` ${sum(row, vector)} = ${V}_fma(x, b${vector}, ${sum(row, vector)});`);
    return `    { const ${V} x = ${a.splat(lanes, `a[${weight}]`)};${products} }\n`;
  })
  .join("")}  }
${reread}`,
      )
      .join("");
    const end =
      finish?.({ lanes, height, vectors, mask, lanesOf: () => lanes, sum }) ??
      each(height, (row) =>
        each(vectors, (vector) => `  ${V}_store(tile + ${row * nr + vector * lanes}, ${sum(row, vector)});\n`),
      );
    const to = finish === undefined ? `${T} *tile` : "char *const *places";
    const sums = Array.from({ length: height * vectors }, (_, i) => `c${i} = {0}`).join(", ");
    return context.function(
      `windows_${V}_${height}x${vectors}${mask ? `_${last}` : ""}`,
      `(const ${a.type} *a, const ${b.type} *b, ${to}) {
${mask ? `  const I${lanes} mask = I${lanes}_first(${last});\n` : ""}  ${V} ${sums};
${body}${end}}
`,
    );
  };
}
