// Numbers as 8-bit integers: a scale and a zero point for activations, a scale for each row of a weight.
import { at } from "../../graph/at.ts";
import { ones, type Tensor, where, zeros } from "../../tensor/index.ts";

/** x ≈ scale · (q − zeroPoint), with q a uint8: a float32 and an int32, each without dims. */
export interface Affine {
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
}

const greatestByte = 255;
/** −128 is not used, so that the range is symmetric around 0. */
const greatestWeight = 127;

/** A scale that is safe to divide by. If the values hold NaN, the scale is NaN, and so are the scaled values. */
const divisor = (scale: Tensor): Tensor => where(scale.eq(0), 1, scale);

/** Maps the range from `low` to `high`, extended to include 0 exactly, to the bytes. */
export function affineOf(low: Tensor, high: Tensor): Affine {
  const [least, most] = [low.minimum(0), high.maximum(0)];
  const scale = divisor(most.sub(least).div(greatestByte));
  return { scale, zeroPoint: least.neg().div(scale).round().clamp(0, greatestByte).to("int32") };
}

/** affineOf for the values of a tensor. */
export function affineOfValues(x: Tensor): Affine {
  const none = zeros([]);
  return x.size === 0 ? affineOf(none, none) : affineOf(x.amin(), x.amax());
}

/** round(x / scale) + zeroPoint, ties to even, clamped to a byte; 0 for NaN. */
export const quantized = (x: Tensor, { scale, zeroPoint }: Affine): Tensor =>
  x.div(scale).round().add(zeroPoint).clamp(0, greatestByte).to("uint8");

/** Each row along the first dim as int8, with a scale for each: w ≈ scale · q, with scale = max |w| / 127. */
export function quantizedRows(weight: Tensor): { readonly values: Tensor; readonly scale: Tensor } {
  const rows = weight.detach().to("float32").flatten(1);
  const scale = rows.size === 0 ? ones([at(rows.shape, 0)]) : divisor(rows.abs().amax(1).div(greatestWeight));
  const values = rows.div(scale.unsqueeze(1)).round().clamp(-greatestWeight, greatestWeight).to("int8");
  return { values: values.reshape(weight.shape), scale };
}
