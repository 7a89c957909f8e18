// The constants of Fourier transforms: roots of unity, computed in float64 and rounded once. The most recent ones are cached.
import { allocate, type DType, type TypedArray } from "../../graph/dtype.ts";
import { type Shape, sizeOf } from "../../graph/shape.ts";
import { tensor } from "../creation.ts";
import type { Tensor } from "../tensor.ts";

/** The most numbers to cache. */
const mostNumbers = 2 ** 23;
const kept = new Map<string, Tensor>();
let held = 0;

/** The tensor that `fill` computes, cached by `key`. */
export function remembered(key: string, shape: Shape, dtype: DType, fill: (data: TypedArray) => void): Tensor {
  const name = `${key} ${dtype}`;
  const known = kept.get(name);
  if (known !== undefined) return known;
  const data = allocate(dtype, sizeOf(shape));
  fill(data);
  const made = tensor(data, { shape, dtype });
  if (data.length > mostNumbers) return made;
  for (const [oldest, { size }] of kept) {
    if (held + data.length <= mostNumbers) break;
    kept.delete(oldest);
    held -= size;
  }
  kept.set(name, made);
  held += data.length;
  return made;
}

/** cos and sin of 2π · step / length, for an exact step: the angle is reduced to the first eighth, where it is most accurate. */
export function root(step: number, length: number): readonly [cos: number, sin: number] {
  const eighths = (8 * step) / length;
  const turn = Math.floor(eighths);
  const odd = turn % 2 === 1;
  // The angle from the nearest multiple of a quarter turn.
  const angle = (2 * Math.PI * (8 * step - (odd ? turn + 1 : turn) * length)) / (8 * length);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  switch (((odd ? turn + 1 : turn) / 2) % 4) {
    case 0:
      return [cos, sin];
    case 1:
      return [-sin, cos];
    case 2:
      return [-cos, -sin];
    default:
      return [sin, -cos];
  }
}

/**
 * The transform of a short length as a matrix over real and imaginary parts: [2 · rows, 2 · length], for the first `rows` results, times `scale`.
 * `sign` -1: forward.
 */
export function matrixOf(length: number, sign: 1 | -1, dtype: DType, scale = 1): Tensor {
  const width = 2 * length;
  return remembered(`matrix ${length} ${sign} ${scale}`, [width, width], dtype, (data) => {
    for (let k = 0; k < length; k++)
      for (let j = 0; j < length; j++) {
        const [cos, sin] = root((j * k) % length, length).map((part) => part * scale) as [number, number];
        const at = k * width + j;
        data[at] = cos;
        data[at + length] = -sign * sin;
        data[at + length * width] = sign * sin;
        data[at + length * width + length] = cos;
      }
  });
}

/** e^(± 2πi · k · j / (rows · columns)) at [k, j], real parts, then imaginary parts: [2, rows, columns]. */
export function twiddles(rows: number, columns: number, sign: 1 | -1, dtype: DType): Tensor {
  const length = rows * columns;
  return remembered(`twiddles ${rows} ${columns} ${sign}`, [2, rows, columns], dtype, (data) => {
    for (let k = 0; k < rows; k++)
      for (let j = 0; j < columns; j++) {
        const [cos, sin] = root(k * j, length);
        data[k * columns + j] = cos;
        data[length + k * columns + j] = sign * sin;
      }
  });
}
