// Fully connected layers: Linear, Bilinear, Flatten and Unflatten, and the shared initialisation of their weights.
import { conversionToWeight } from "../graph/dtype.ts";
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../graph/shape.ts";
import { given, givenOrNot } from "../tensor/arguments.ts";
import { lowered } from "../tensor/autocast.ts";
import { composed } from "../tensor/composed.ts";
import { Parameter, type Tensor } from "../tensor/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";
import { fromTo } from "./print.ts";
import { checkSizes } from "./sizes.ts";

/** x Wᵀ + b, with W [out, in]: [..., in] → [..., out]. Source: torch.nn.functional.linear. */
export function linear(input: Tensor, matrix: Tensor, shift?: Tensor): Tensor {
  const x = lowered(given("linear", input));
  const weight = lowered(given("linear", matrix, "the weight"));
  givenOrNot("linear", shift, "the bias");
  const bias = shift && lowered(shift);
  const [outputs, inputs] = weight.shape;
  if (weight.rank !== 2 || inputs === undefined)
    throw new ShapeError(`linear: the weight must be [out, in], got ${formatShape(weight.shape)}`);
  if (x.rank === 0 || x.shape[x.rank - 1] !== inputs) {
    const flat = x.rank > 2 && sizeOf(x.shape.slice(1)) === inputs;
    throw new ShapeError(
      `linear: the input ${formatShape(x.shape)} ends in ${x.shape[x.rank - 1] ?? "nothing"}, but the weight ${formatShape(weight.shape)} takes ${inputs} features; ${flat ? "put a Flatten before it" : `does the layer before have ${inputs} outputs, or did a Flatten change size?`}`,
    );
  }
  if (x.dtype !== weight.dtype)
    throw new ShapeError(
      `linear: the input is ${x.dtype} and the weight ${weight.dtype}; ${conversionToWeight(x.dtype, weight.dtype)}`,
    );
  if (bias !== undefined && (bias.rank !== 1 || bias.size !== outputs)) {
    throw new ShapeError(
      `linear: bias ${formatShape(bias.shape)} must hold one number for each of the ${outputs} outputs of the weight ${formatShape(weight.shape)}`,
    );
  }
  return composed("linear", [x, weight, bias], {}, () => {
    const product = x.matmul<Shape, Shape>(weight.t());
    return bias === undefined ? product : product.add(bias);
  });
}

/** A parameter initialised like PyTorch's linear and convolution layers: uniform ±1/√fanIn. */
export function fanInUniform(shape: readonly number[], fanIn: number, dtype?: init.FloatDType): Parameter {
  const parameter = new Parameter(init.blank(shape, dtype));
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  init.uniform(parameter, -bound, bound);
  return parameter;
}

export interface LinearOptions {
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: init.FloatDType;
}

const linearKinds: OptionKinds<LinearOptions> = { bias: kind.boolean, dtype: kind.floatDType };

/** y = x Wᵀ + b: [*, in] → [*, out]. Initially uniform ±1/√in. Source: torch.nn.Linear. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly inFeatures: number;
  readonly outFeatures: number;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkOptions("Linear", options, linearKinds);
    if (!(Number.isInteger(inFeatures) && Number.isInteger(outFeatures) && inFeatures >= 0 && outFeatures >= 0)) {
      throw new ShapeError(
        `Linear: takes whole numbers of inputs and outputs, got ${kind.describe(inFeatures)} and ${kind.describe(outFeatures)}`,
      );
    }
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = fanInUniform([outFeatures, inFeatures], inFeatures, options.dtype);
    this.bias = options.bias === false ? undefined : fanInUniform([outFeatures], inFeatures, options.dtype);
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  override extraRepr(): string {
    return fromTo(this.inFeatures, this.outFeatures, this);
  }
}

/** y[k] = x1ᵀ A[k] x2 + b[k], with A [out, in1, in2]: [*, in1] and [*, in2] → [*, out]. Source: torch.nn.functional.bilinear. */
export function bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  given("bilinear", x1, "the first input");
  given("bilinear", x2, "the second input");
  given("bilinear", weight, "the weight");
  givenOrNot("bilinear", bias, "the bias");
  const [outputs = 0, first = 0, second = 0] = weight.shape;
  const lead = x1.shape.slice(0, -1);
  if (
    weight.rank !== 3 ||
    x1.shape.at(-1) !== first ||
    x2.shape.at(-1) !== second ||
    !sameShape(lead, x2.shape.slice(0, -1))
  ) {
    throw new ShapeError(
      `bilinear: takes [*, ${first}] and [*, ${second}] for a weight [out, in1, in2] of ${formatShape(weight.shape)}, got ${formatShape(x1.shape)} and ${formatShape(x2.shape)}`,
    );
  }
  const rows = sizeOf(lead);
  // Σᵢ x1ᵢ Σⱼ A[k, i, j] x2ⱼ: one product with the second input, then a sum over the first.
  const inner = x2.reshape([rows, second]).matmul<Shape, Shape>(weight.reshape([outputs * first, second]).t());
  const product = inner
    .reshape([rows, outputs, first])
    .mul(x1.reshape([rows, 1, first]))
    .sum(-1)
    .reshape([...lead, outputs]);
  return bias === undefined ? product : product.add(bias);
}

/** y = x1ᵀ A x2 + b. Initially uniform ±1/√in1. Source: torch.nn.Bilinear. */
export class Bilinear extends Module<Tensor, [x1: Tensor, x2: Tensor]> {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(in1Features: number, in2Features: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkOptions("Bilinear", options, linearKinds);
    checkSizes("Bilinear", { in1Features, in2Features, outFeatures });
    this.weight = fanInUniform([outFeatures, in1Features, in2Features], in1Features, options.dtype);
    this.bias = options.bias === false ? undefined : fanInUniform([outFeatures], in1Features, options.dtype);
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias);
  }

  override extraRepr(): string {
    const [outputs = 0, first = 0, second = 0] = this.weight.shape;
    return fromTo(`${first} and ${second}`, outputs, this);
  }
}

/** Merges dims startDim … endDim. Default 1 … −1, so each sample becomes a row. Source: torch.nn.Flatten. */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim = 1, endDim = -1) {
    super();
    this.startDim = startDim;
    this.endDim = endDim;
  }

  forward(x: Tensor): Tensor {
    return given("Flatten", x).flatten(this.startDim, this.endDim);
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
    return given("Unflatten", x).unflatten(this.dim, this.sizes);
  }
}
