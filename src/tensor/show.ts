// How a tensor prints: its shape and dtype, and as many of its values as can be read. Browser bundles take showInPage.ts instead (the field "browser" of package.json).
import { type DType, isFloat, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { currentTrace } from "./trace.ts";

/** Node's console prints the result of the method with this name. Elsewhere it is an ordinary symbol. */
export const nodeInspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Larger tensors show only the values at both ends of each dim. */
const most = 100;
const edge = 3;

/** Values, nested like the tensor; "…" marks omitted ones. */
type Shown = number | "…" | Shown[];

/** The fewest decimals, up to four, that represent a number. */
const decimalsOf = (value: number): number =>
  value
    .toFixed(4)
    .replace(/\.?0+$/, "")
    .split(".")[1]?.length ?? 0;

/** Formats numbers of one table with a common number of decimals; with powers of ten if that would be too long or hide a small one. */
function writer(values: readonly number[], dtype: DType): (value: number) => string {
  if (dtype === "bool") return (value) => (value === 0 ? "false" : "true");
  if (!isFloat(dtype)) return String;
  const plain = (value: number): boolean => value === 0 || Math.abs(value) >= 1e-3;
  const finite = values.filter(Number.isFinite);
  const fixed =
    finite.every((value) => Math.abs(value) < 1e6) &&
    (finite.some((value) => value !== 0 && plain(value)) || finite.every(plain));
  const decimals = fixed ? Math.max(0, ...finite.filter(plain).map(decimalsOf)) : 0;
  return (value) => {
    if (!Number.isFinite(value)) return String(value);
    if (fixed)
      return plain(value) ? `${Object.is(value, -0) ? "-" : ""}${value.toFixed(decimals)}` : value.toExponential(1);
    return Number.isInteger(value) && Math.abs(value) < 1e9 ? String(value) : value.toExponential(4);
  };
}

/** The printed text: includes values, unless they are asynchronous or do not exist, as inside a compiled function. */
export function showTensor(
  tensor: { readonly shape: Shape; readonly dtype: DType; dataSync(): TypedArray },
  head: string,
  depth: number,
): string {
  if (depth < 0) return head;
  if (currentTrace() !== undefined) return `${head} (no values inside a compiled function)`;
  try {
    return `${head}${tensor.shape.length > 1 ? "\n" : " "}${showValues(tensor.dataSync(), tensor.shape, tensor.dtype)}`;
  } catch (error) {
    if (error instanceof HebbError) return `${head} (${error.message})`;
    throw error;
  }
}

/** The values as rows in brackets, with columns of equal width. */
export function showValues(data: TypedArray, shape: Shape, dtype: DType): string {
  if (data.length === 0) return "[]";
  const values: number[] = [];
  const pick = (axis: number, offset: number): Shown => {
    if (axis === shape.length) {
      const value = data[offset] ?? 0;
      values.push(value);
      return value;
    }
    const extent = shape[axis] ?? 0;
    const stride = sizeOf(shape.slice(axis + 1));
    const at = (place: number): Shown => pick(axis + 1, offset + place * stride);
    if (data.length <= most || extent <= 2 * edge + 1) return Array.from({ length: extent }, (_, place) => at(place));
    const ends = Array.from({ length: edge }, (_, place) => place);
    return [...ends.map(at), "…", ...ends.map((place) => at(extent - edge + place))];
  };
  const picked = pick(0, 0);
  const text = writer(values, dtype);
  const width = Math.max(...values.map((value) => text(value).length));
  const write = (shown: Shown, depth: number): string => {
    if (shown === "…") return shown;
    if (typeof shown === "number") return text(shown).padStart(width);
    const deeper = shape.length - depth - 1;
    const between = deeper === 0 ? ", " : `,${"\n".repeat(deeper)}${" ".repeat(depth + 1)}`;
    return `[${shown.map((part) => write(part, depth + 1)).join(between)}]`;
  };
  return write(picked, 0);
}
