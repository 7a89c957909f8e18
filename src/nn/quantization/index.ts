// Quantisation for inference: weights as int8, products summed in int32.
export type { Affine } from "./affine.ts";
export { QuantizedConv1d, QuantizedConv2d, QuantizedEmbedding, QuantizedLinear } from "./layers.ts";
export {
  MinMaxObserver,
  MovingAverageMinMaxObserver,
  type MovingAverageOptions,
  type Observer,
} from "./observers.ts";
export {
  type ConvertOptions,
  convert,
  type PrepareOptions,
  prepare,
  type QuantizeOptions,
  quantizeDynamic,
} from "./quantize.ts";
