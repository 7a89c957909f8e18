// Clipping of gradients, between backward and step.
import { HebbError } from "../graph/errors.ts";
import { type Parameter, stack, type Tensor } from "../tensor/index.ts";

/**
 * Scales all gradients so that the norm of them together is at most `maxNorm`; gives the norm before. `normType` may be
 * Infinity (the largest element). Works inside `compile`. Default normType 2. Source: torch.nn.utils.clip_grad_norm_.
 */
export function clipGradNorm(
  parameters: Iterable<Parameter>,
  maxNorm: number,
  options: { readonly normType?: number } = {},
): Tensor {
  const { normType = 2 } = options;
  if (!(maxNorm >= 0)) throw new HebbError(`clipGradNorm: maxNorm must be 0 or more, got ${maxNorm}`);
  if (!(normType > 0)) throw new HebbError(`clipGradNorm: normType must be above 0, got ${normType}`);
  const found = [...parameters].flatMap((parameter) =>
    parameter.grad === undefined ? [] : [{ parameter, grad: parameter.grad }],
  );
  if (found.length === 0)
    throw new HebbError("clipGradNorm: no parameter has a gradient; call it between backward() and step()");
  const parts = found.map(({ grad }) => {
    const sizes = grad.detach().abs();
    if (normType === Number.POSITIVE_INFINITY) return sizes.amax();
    return normType === 2 ? sizes.square().sum() : normType === 1 ? sizes.sum() : sizes.pow(normType).sum();
  });
  const all = stack(parts);
  const total =
    normType === Number.POSITIVE_INFINITY
      ? all.amax()
      : normType === 2
        ? all.sum().sqrt()
        : normType === 1
          ? all.sum()
          : all.sum().pow(1 / normType);
  const factor = total.add(1e-6).reciprocal().mul(maxNorm).clamp(undefined, 1);
  for (const { parameter, grad } of found) parameter.grad = grad.mul(factor.to(grad.dtype));
  return total;
}

/** Limits every element of every gradient to [−clipValue, clipValue]. Source: torch.nn.utils.clip_grad_value_. */
export function clipGradValue(parameters: Iterable<Parameter>, clipValue: number): void {
  if (!(clipValue >= 0)) throw new HebbError(`clipGradValue: the limit must be 0 or more, got ${clipValue}`);
  for (const parameter of parameters) {
    if (parameter.grad !== undefined) parameter.grad = parameter.grad.clamp(-clipValue, clipValue);
  }
}
