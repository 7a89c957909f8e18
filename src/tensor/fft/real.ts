// Transforms between real numbers and the non-redundant half of their spectrum: an even length costs half a complex transform.
import type { DType } from "../../graph/dtype.ts";
import { zeros } from "../creation.ts";
import { cat, stack } from "../functional.ts";
import type { Tensor } from "../tensor.ts";
import { times } from "./planes.ts";
import { transform } from "./transform.ts";
import { remembered, root } from "./waves.ts";

const conjugate = (x: Tensor): Tensor => cat([x.slice(0, 0, 1), x.slice(0, 1, 2).neg()]);

/** The forward transform of [batch, length], unscaled: [2, batch, ⌊length / 2⌋ + 1]. */
export function ofReal(x: Tensor): Tensor {
  const [batch = 1, length = 1] = x.shape;
  const half = Math.floor(length / 2);
  if (length % 2 === 1 || batch === 0)
    return transform(stack([x, zeros(x.shape, { dtype: x.dtype })]), -1).narrow(2, 0, half + 1);
  // Even positions are the real parts of a sequence half as long, odd ones the imaginary parts.
  const short = transform(x.reshape([batch, half, 2]).permute([2, 0, 1]), -1);
  const whole = cat([short, short.narrow(2, 0, 1)], 2);
  const mirrored = conjugate(whole.flip([2]));
  const turns = halfTurns(half, x.dtype, (cos, sin) => [-sin / 2, -cos / 2]);
  return whole
    .add(mirrored)
    .mul(0.5)
    .add(times(whole.sub(mirrored), turns));
}

/**
 * The inverse of `ofReal`, times the length: [2, batch, ⌊length / 2⌋ + 1] → [batch, length]. Ignores imaginary parts that a real spectrum cannot
 * have.
 */
export function toReal(x: Tensor, length: number): Tensor {
  const [, batch = 1] = x.shape;
  const half = Math.floor(length / 2);
  const spectrum = x.mul(realEnds(half, length % 2 === 0, x.dtype));
  if (length % 2 === 1 || batch === 0) {
    const mirrored = conjugate(spectrum.narrow(2, 1, half)).flip([2]);
    return transform(cat([spectrum, mirrored], 2), 1).select(0, 0);
  }
  const mirrored = conjugate(spectrum.flip([2]));
  const turns = halfTurns(half, x.dtype, (cos, sin) => [-sin, cos]);
  const short = spectrum.add(mirrored).add(times(spectrum.sub(mirrored), turns));
  return transform(short.narrow(2, 0, half), 1)
    .permute([1, 2, 0])
    .reshape([batch, length]);
}

/** `of` applied to cos and sin of 2π k / (2 · half), for k from 0 to half. */
function halfTurns(half: number, dtype: DType, of: (cos: number, sin: number) => readonly [number, number]): Tensor {
  return remembered(`turns ${half} ${of(1, 2)}`, [2, 1, half + 1], dtype, (data) => {
    for (let k = 0; k <= half; k++) [data[k], data[half + 1 + k]] = of(...root(k, 2 * half));
  });
}

/** 0 for the imaginary parts of the mean and, for an even length, of the highest frequency; else 1. */
const realEnds = (half: number, even: boolean, dtype: DType): Tensor =>
  remembered(`ends ${half} ${even}`, [2, 1, half + 1], dtype, (data) => {
    data.fill(1);
    data[half + 1] = 0;
    if (even) data[2 * half + 1] = 0;
  });
