// Clipping of gradients, between backward and step.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { type Parameter, stack, Tensor } from "../tensor/index.ts";
import { broughtTo, homeOf, onOneDevice } from "../tensor/placement.ts";
import { parametersIn } from "./optimizerOptions.ts";
import { checkNumber } from "./schedule.ts";

/**
 * Scales all gradients so that their global norm is at most `maxNorm`; returns the norm before, which is that of the norms of
 * the gradients. `normType` may be any number, Infinity (the largest element) or -Infinity. Works inside `compile`. Default normType 2.
 * Source: torch.nn.utils.clip_grad_norm_.
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
  // Of float32 and float64 together the wider; the norm of floats of 16 bits may be beyond them.
  const dtype = found.some(({ grad }) => grad.dtype === "float64") ? "float64" : "float32";
  // The parts of a model may be on different devices: their norms meet on the first of them.
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
