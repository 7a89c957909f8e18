// Shared by convolutions and pools: kernel, strides, pads and dilations of a node, with the resulting sizes.
import { at } from "../../../graph/at.ts";
import { int, maybeInts, string } from "./attributes.ts";
import type { Call } from "./rule.ts";

export const windowKinds = {
  auto_pad: string("NOTSET"),
  dilations: maybeInts,
  kernel_shape: maybeInts,
  pads: maybeInts,
  strides: maybeInts,
};
export const poolKinds = { ...windowKinds, ceil_mode: int(0) };

export interface WindowAttributes {
  readonly auto_pad: string;
  readonly dilations: readonly number[] | undefined;
  readonly kernel_shape: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

export interface Geometry {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly pads: readonly (readonly [before: number, after: number])[];
}

/** One number per spatial dim. */
function perDim(
  call: Call<unknown>,
  name: string,
  given: readonly number[] | undefined,
  rank: number,
  least: number,
): readonly number[] {
  const list = given ?? new Array<number>(rank).fill(1);
  if (list.length !== rank || list.some((value) => value < least || value > 2 ** 31))
    throw call.fail(`${name} [${list.join(", ")}] must be ${rank} numbers of at least ${least}`);
  return list;
}

/** The geometry over the given spatial sizes; `shape` is the kernel if the node does not declare one. */
export function geometryOf(
  call: Call<WindowAttributes>,
  sizes: readonly number[],
  shape?: readonly number[],
): Geometry {
  const { attributes: a } = call;
  const rank = sizes.length;
  const kernel = perDim(call, "kernel_shape", a.kernel_shape ?? shape, rank, 1);
  const stride = perDim(call, "strides", a.strides, rank, 1);
  const dilation = perDim(call, "dilations", a.dilations, rank, 1);
  const pads = sizes.map((size, dim): [number, number] => {
    const reach = (at(kernel, dim) - 1) * at(dilation, dim) + 1;
    switch (a.auto_pad) {
      case "SAME_UPPER":
      case "SAME_LOWER": {
        const step = at(stride, dim);
        const total = Math.max(0, (Math.ceil(size / step) - 1) * step + reach - size);
        const less = Math.floor(total / 2);
        return a.auto_pad === "SAME_UPPER" ? [less, total - less] : [total - less, less];
      }
      case "VALID":
        return [0, 0];
      case "NOTSET":
      case "": {
        const given = a.pads ?? new Array<number>(2 * rank).fill(0);
        if (given.length !== 2 * rank) throw call.fail(`${given.length} pads do not fit ${rank} spatial dims`);
        return [at(given, dim), at(given, dim + rank)];
      }
      default:
        throw call.fail(`auto_pad ${JSON.stringify(a.auto_pad)} is not one of NOTSET, SAME_UPPER, SAME_LOWER, VALID`);
    }
  });
  return { kernel, stride, dilation, pads };
}
