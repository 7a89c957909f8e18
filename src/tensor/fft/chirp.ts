// Transforms whose length has a large prime factor (Bluestein): jk = (j² + k² - (k - j)²) / 2 turns one into a convolution with a chirp, of any
// length.
// Source: L. Bluestein, A linear filtering approach to the computation of the discrete Fourier transform, 1970.
import type { DType } from "../../graph/dtype.ts";
import { zeros } from "../creation.ts";
import { cat } from "../functional.ts";
import type { Tensor } from "../tensor.ts";
import { type Sign, times } from "./planes.ts";
import { remembered, root } from "./waves.ts";

export function chirpTransform(x: Tensor, sign: Sign, transform: (x: Tensor, sign: Sign) => Tensor): Tensor {
  const [, batch = 1, length = 1] = x.shape;
  let width = 1;
  while (width < 2 * length - 1) width *= 2;
  const { chirp, filter } = constants(length, width, sign, x.dtype);
  const filled = cat([times(x, chirp), zeros([2, batch, width - length], { dtype: x.dtype })], 2);
  const folded = transform(times(transform(filled, -1), filter), 1);
  return times(folded.narrow(2, 0, length), chirp);
}

/** e^(sign πi j² / length), and the transform of its conjugate in both directions, divided by the width. */
function constants(length: number, width: number, sign: Sign, dtype: DType) {
  const wave = (j: number): readonly [number, number] => {
    // j² may exceed the integers that a number holds exactly; its remainder does not.
    const step = Number((BigInt(j) * BigInt(j)) % BigInt(2 * length));
    const [cos, sin] = root(step, 2 * length);
    return [cos, sign * sin];
  };
  const chirp = remembered(`chirp ${length} ${sign}`, [2, 1, length], dtype, (data) => {
    for (let j = 0; j < length; j++) [data[j], data[length + j]] = wave(j);
  });
  const filter = remembered(`filter ${length} ${width} ${sign}`, [2, 1, width], dtype, (data) => {
    const [re, im] = [new Float64Array(width), new Float64Array(width)];
    for (let j = 0; j < length; j++) {
      const [cos, sin] = wave(j);
      for (const place of [j, (width - j) % width]) {
        re[place] = cos / width;
        im[place] = -sin / width;
      }
    }
    transformHere(re, im);
    data.set(re);
    data.set(im, width);
  });
  return { chirp, filter };
}

/** The forward transform of a power of two, in place, in float64. */
function transformHere(re: Float64Array, im: Float64Array): void {
  const { length } = re;
  for (let j = 1, reversed = 0; j < length; j++) {
    let bit = length / 2;
    for (; reversed >= bit; bit /= 2) reversed -= bit;
    reversed += bit;
    if (j >= reversed) continue;
    for (const part of [re, im]) {
      const moved = part[j] as number;
      part[j] = part[reversed] as number;
      part[reversed] = moved;
    }
  }
  for (let half = 1; half < length; half *= 2)
    for (let k = 0; k < half; k++) {
      const [cos, sin] = root(k, 2 * half);
      for (let low = k; low < length; low += 2 * half) {
        const high = low + half;
        const [a, b, c, d] = [re[low], im[low], re[high], im[high]] as [number, number, number, number];
        const [real, imaginary] = [c * cos + d * sin, d * cos - c * sin];
        re[low] = a + real;
        im[low] = b + imaginary;
        re[high] = a - real;
        im[high] = b - imaginary;
      }
    }
}
