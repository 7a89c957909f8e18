// Activations by their names in configurations.
import { HebbError } from "../../graph/errors.ts";
import { functional } from "../../nn/index.ts";
import type { Tensor } from "../../tensor/index.ts";

export type Activation = (x: Tensor) => Tensor;

const tanhGelu: Activation = (x) => functional.gelu(x, "tanh");

/** Aliases of a function may compute it in different ways; the last bits may differ. */
const activations: Readonly<Record<string, Activation>> = {
  gelu: (x) => functional.gelu(x),
  gelu_new: tanhGelu,
  gelu_fast: tanhGelu,
  gelu_pytorch_tanh: tanhGelu,
  quick_gelu: (x) => x.mul(x.mul(1.702).sigmoid()),
  relu: (x) => x.relu(),
  silu: functional.silu,
  swish: functional.silu,
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  mish: functional.mish,
  linear: (x) => x,
};

export const activationNames: readonly string[] = Object.keys(activations);

export function activationNamed(name: string): Activation {
  const found = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (found === undefined)
    throw new HebbError(`there is no activation "${name}"; choose one of ${activationNames.join(", ")}`);
  return found;
}
