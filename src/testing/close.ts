// Whether tensors, and trees of them such as state dicts, are equal within rounding; if not, where they differ and by how much.
import { type DType, isFloat } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, type Shape, sameShape, stridesOf } from "../graph/shape.ts";
import { type NestedArray, Tensor, tensor } from "../tensor/index.ts";

/** The values to compare: tensors, numbers, arrays of numbers, and arrays and plain objects of these. */
export type TensorTree =
  | Tensor
  | number
  | boolean
  | ArrayBufferView
  | NestedArray
  | readonly TensorTree[]
  | { readonly [name: string]: TensorTree };

export interface ClosenessOptions {
  /** The tolerance relative to the expected number. Default 1.3e-6 for float32, 1e-7 for float64, 0 for whole numbers. */
  readonly rtol?: number;
  /** The absolute tolerance. Default 1e-5 for float32, 1e-7 for float64, 0 for whole numbers. */
  readonly atol?: number;
  /** NaN equals NaN. Default false. */
  readonly equalNan?: boolean;
  /** Whether dtypes must be the same if both sides are tensors. Default true. */
  readonly checkDtype?: boolean;
}

const kinds: OptionKinds<ClosenessOptions> = {
  rtol: kind.number,
  atol: kind.number,
  equalNan: kind.boolean,
  checkDtype: kind.boolean,
};

/** The tolerances of torch.testing.assert_close; for two dtypes the wider one. */
function tolerances(dtypes: readonly DType[], options: ClosenessOptions): { rtol: number; atol: number } {
  const [rtol, atol] = dtypes.includes("float32") ? [1.3e-6, 1e-5] : dtypes.some(isFloat) ? [1e-7, 1e-7] : [0, 0];
  return { rtol: options.rtol ?? rtol, atol: options.atol ?? atol };
}

/** The differences, as sentences with the position in the tree; empty if all values are close. */
export function differences(actual: unknown, expected: unknown, options: ClosenessOptions = {}): string[] {
  checkOptions("assertTensorsClose", options, kinds);
  return treeDifferences(actual, expected, options, "");
}

function treeDifferences(actual: unknown, expected: unknown, options: ClosenessOptions, path: string): string[] {
  const at = path === "" ? "" : `${path}: `;
  if (actual instanceof Tensor || expected instanceof Tensor || isNumeric(expected)) {
    const [a, b] = [asTensor(actual), asTensor(expected)];
    if (a === undefined || b === undefined)
      return [`${at}cannot compare ${kind.describe(actual)} with ${kind.describe(expected)}`];
    const dtypesMatter = (options.checkDtype ?? true) && actual instanceof Tensor && expected instanceof Tensor;
    return tensorDifferences(a, b, options, dtypesMatter).map((sentence) => at + sentence);
  }
  const [mine, theirs] = [branches(actual), branches(expected)];
  if (mine === undefined || theirs === undefined)
    return [`${at}cannot compare ${kind.describe(actual)} with ${kind.describe(expected)}`];
  const found: string[] = [];
  for (const name of theirs.keys()) if (!mine.has(name)) found.push(`${at}there is no "${name}"`);
  for (const name of mine.keys()) if (!theirs.has(name)) found.push(`${at}"${name}" is not expected`);
  for (const [name, value] of theirs)
    if (mine.has(name))
      found.push(...treeDifferences(mine.get(name), value, options, path === "" ? name : `${path}.${name}`));
  return found;
}

/** A number, or an array that holds only numbers. */
function isNumeric(value: unknown): boolean {
  if (typeof value === "number" || typeof value === "boolean" || ArrayBuffer.isView(value)) return true;
  return Array.isArray(value) && value.every(isNumeric);
}

function asTensor(value: unknown): Tensor | undefined {
  if (value instanceof Tensor) return value;
  return isNumeric(value) ? tensor(value as NestedArray) : undefined;
}

/** The parts of an array or a plain object, by name. */
function branches(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return undefined;
  return new Map(Object.entries(value));
}

function tensorDifferences(a: Tensor, b: Tensor, options: ClosenessOptions, dtypesMatter: boolean): string[] {
  if (!sameShape(a.shape, b.shape)) return [`the shape is ${formatShape(a.shape)}, expected ${formatShape(b.shape)}`];
  if (dtypesMatter && a.dtype !== b.dtype) return [`the dtype is ${a.dtype}, expected ${b.dtype}`];
  const { rtol, atol } = tolerances([a.dtype, b.dtype], options);
  const [x, y] = [a.dataSync(), b.dataSync()];
  let [count, worst, excess] = [0, -1, -1];
  for (let place = 0; place < x.length; place++) {
    const [found, wanted] = [x[place] as number, y[place] as number];
    if (found === wanted || (options.equalNan === true && Number.isNaN(found) && Number.isNaN(wanted))) continue;
    const over = Math.abs(found - wanted) - (atol + rtol * Math.abs(wanted));
    // A value that is NaN or infinite on only one side differs by infinity.
    const by = Number.isFinite(found) && Number.isFinite(wanted) ? over : Number.POSITIVE_INFINITY;
    if (by <= 0) continue;
    count++;
    if (by > excess) [worst, excess] = [place, by];
  }
  if (count === 0) return [];
  const [found, wanted] = [x[worst] as number, y[worst] as number];
  const place = a.rank === 0 ? "" : ` at ${formatShape(indexOf(worst, a.shape))}`;
  const difference = Number.isFinite(excess)
    ? `, ${shortly(Math.abs(found - wanted))} apart where ${shortly(atol + rtol * Math.abs(wanted))} is allowed`
    : "";
  return [
    `${count} of ${x.length} ${x.length === 1 ? "element differs" : "elements differ"}, most${place}: ${found}, expected ${wanted}${difference}`,
  ];
}

const shortly = (value: number): string => String(Number(value.toPrecision(3)));

const indexOf = (flat: number, shape: Shape): number[] =>
  stridesOf(shape).map((stride, axis) => Math.floor(flat / stride) % (shape[axis] ?? 1));

/** Throws HebbError with the differences unless all values are close. Defaults are those of torch.testing.assert_close. */
export function assertTensorsClose(actual: TensorTree, expected: TensorTree, options: ClosenessOptions = {}): void {
  const found = differences(actual, expected, options);
  if (found.length > 0) throw new HebbError(`tensors are not close: ${listed(found)}`);
}

/** A few sentences, and the number of further ones. */
export const listed = (sentences: readonly string[]): string =>
  sentences.length > 5 ? `${sentences.slice(0, 5).join("; ")}; and ${sentences.length - 5} more` : sentences.join("; ");
