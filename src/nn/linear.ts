// Fully connected layers: Linear and Flatten, and the weights they share with others.
import { ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { Parameter, type Tensor } from "../tensor/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";

/** x Wᵀ + b, with W [out, in]. Source: torch.nn.functional.linear. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  if (x.shape[x.rank - 1] !== weight.shape[1]) {
    throw new ShapeError(
      `linear: the input ${formatShape(x.shape)} ends in ${x.shape[x.rank - 1] ?? "nothing"}, but the weight ${formatShape(weight.shape)} takes ${weight.shape[1]} features; does the layer before have ${weight.shape[1]} outputs, or is a Flatten missing?`,
    );
  }
  const product = x.matmul(weight.t());
  return bias === undefined ? product : product.add(bias);
}

/** A parameter as PyTorch starts those of linear and convolution layers: uniform ±1/√fanIn. */
export function fanInUniform(shape: readonly number[], fanIn: number): Parameter {
  const parameter = new Parameter(init.blank(shape));
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  init.uniform(parameter, -bound, bound);
  return parameter;
}

export interface LinearOptions {
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
}

/** y = x Wᵀ + b: [*, in] → [*, out]. Starts uniform ±1/√in. Source: torch.nn.Linear. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly inFeatures: number;
  readonly outFeatures: number;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    if (!(Number.isInteger(inFeatures) && Number.isInteger(outFeatures) && inFeatures >= 0 && outFeatures >= 0)) {
      throw new ShapeError(`Linear: takes whole numbers of inputs and outputs, got ${inFeatures} and ${outFeatures}`);
    }
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = fanInUniform([outFeatures, inFeatures], inFeatures);
    this.bias = options.bias === false ? undefined : fanInUniform([outFeatures], inFeatures);
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}

/** Joins dims startDim … endDim. Default 1 … −1, so each sample becomes a row. Source: torch.nn.Flatten. */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim = 1, endDim = -1) {
    super();
    this.startDim = startDim;
    this.endDim = endDim;
  }

  forward(x: Tensor): Tensor {
    return x.flatten(this.startDim, this.endDim);
  }
}

/** Splits one dim into several. Source: torch.nn.Unflatten. */
export class Unflatten extends Module {
  readonly dim: number;
  readonly sizes: readonly number[];

  constructor(dim: number, sizes: readonly number[]) {
    super();
    this.dim = dim;
    this.sizes = sizes;
  }

  forward(x: Tensor): Tensor {
    return x.unflatten(this.dim, this.sizes);
  }
}
