// Gradient clipping, between backward and step.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { type Parameter, stack, Tensor } from "../tensor/index.ts";
import { broughtTo, homeOf, onOneDevice } from "../tensor/placement.ts";
import { parametersIn } from "./optimizerOptions.ts";
import { checkNumber } from "./schedule.ts";

/**
 * Scales all gradients so that their global norm is at most `maxNorm`. Returns the norm before, which is the norm of the gradients' norms. `normType`
 * may be any number, Infinity (the largest element) or -Infinity. Works inside `compile`. Default normType 2. Source: torch.nn.utils.clip_grad_norm_.
 */
export function clipGradNorm(
  parameters: Iterable<Parameter>,
  maxNorm: number,
  options: { readonly normType?: number } = {},
): Tensor {
  checkOptions("clipGradNorm", options, { normType: kind.number });
  const { normType = 2 } = options;
  checkNumber("clipGradNorm", "maxNorm", maxNorm, 0);
  if (Number.isNaN(normType)) throw new HebbError("clipGradNorm: normType must be a number, got NaN");
  const found = parametersIn("clipGradNorm", parameters).flatMap((parameter) =>
    parameter.grad === undefined ? [] : [{ parameter, grad: parameter.grad }],
  );
  if (found.length === 0)
    throw new HebbError("clipGradNorm: no parameter has a gradient; call it between backward() and step()");
  // The wider of float32 and float64; the norm of 16-bit floats may exceed their range.
  const dtype = found.some(({ grad }) => grad.dtype === "float64") ? "float64" : "float32";
  // Parts of a model may be on different devices: their norms move to the first of these.
  const norms = onOneDevice(found.map(({ grad }) => grad.detach().to(dtype).norm(normType).node));
  const total = stack(norms.map((norm) => Tensor.of(norm))).norm(normType);
  const factor = total.add(1e-6).reciprocal().mul(maxNorm).clamp(undefined, 1);
  for (const { parameter, grad } of found) {
    const here = Tensor.of(broughtTo(factor.node, homeOf(grad.node)));
    parameter.grad = grad.mul(here.to(grad.dtype));
  }
  return total;
}

/** Limits every element of every gradient to [−clipValue, clipValue]. Source: torch.nn.utils.clip_grad_value_. */
export function clipGradValue(parameters: Iterable<Parameter>, clipValue: number): void {
  checkNumber("clipGradValue", "clipValue", clipValue, 0);
  for (const parameter of parametersIn("clipGradValue", parameters)) {
    if (parameter.grad !== undefined) parameter.grad = parameter.grad.clamp(-clipValue, clipValue);
  }
}
