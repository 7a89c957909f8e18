// Inference layers with int8 weights: products are summed in int32 and then scaled in float32.
import { type DType, isFloat } from "../../graph/dtype.ts";
import { ShapeError } from "../../graph/errors.ts";
import { type ConvOptions, convPadding, padWith } from "../../graph/ops/conv.ts";
import { formatShape } from "../../graph/shape.ts";
import * as F from "../../tensor/functional.ts";
import { State, Tensor, zeros } from "../../tensor/index.ts";
import type { Conv1d, Conv2d } from "../conv.ts";
import { type Embedding, embedding } from "../embedding.ts";
import type { Linear } from "../linear.ts";
import { Module } from "../module.ts";
import { type Affine, affineOfValues, quantized, quantizedRows } from "./affine.ts";

/** A weight as int8 with a scale for each of its rows. */
abstract class QuantizedWeight extends Module {
  /** int8, in the shape of the weight. */
  readonly weightQuantized: State;
  /** float32, one number for each row: the weight is about weightScale · weightQuantized. */
  readonly weightScale: State;
  /** The dtype of the original weight. */
  protected readonly dtype: DType;

  constructor(weight: Tensor) {
    super();
    this.dtype = weight.dtype;
    const { values, scale } = quantizedRows(weight);
    this.weightQuantized = new State(values);
    this.weightScale = new State(scale);
  }

  /**
   * weightScale · weightQuantized in the dtype of the original weight, for code that reads the weight itself, such as a head that shares the token
   * table.
   */
  get weight(): Tensor {
    const { weightQuantized, weightScale } = this;
    const dims = weightQuantized.shape.map((extent, axis) => (axis === 0 ? extent : 1));
    return weightQuantized.to("float32").mul(weightScale.reshape(dims)).to(this.dtype);
  }
}

/** One number for each row of outputs, shaped to precede `dims` other dims. */
const spread = (rows: Tensor, dims: number): Tensor => rows.reshape([rows.size, ...new Array<number>(dims).fill(1)]);

/**
 * A layer of products: Σ (q − zeroPoint) · weightQuantized in int32, where q are the inputs as uint8, times scale · weightScale, plus the bias, in
 * float32. The output has the dtype of the input. A sum has room for up to 66,000 products.
 */
abstract class QuantizedProduct extends QuantizedWeight {
  readonly bias: State | undefined;
  /** float32, without dims. Undefined if each input has its own scale. */
  readonly inputScale: State | undefined;
  /** uint8, without dims. */
  readonly inputZeroPoint: State | undefined;

  constructor({ weight, bias }: { readonly weight: Tensor; readonly bias: Tensor | undefined }, input?: Affine) {
    super(weight);
    this.bias = bias && new State(bias.detach().to("float32"));
    this.inputScale = input && new State(input.scale);
    this.inputZeroPoint = input && new State(input.zeroPoint.to("uint8"));
  }

  /** The output, from `sums` of products with the uint8 inputs. The output rows are followed by `spatial` dims. */
  protected output(
    x: Tensor,
    spatial: number,
    sums: (inputs: Tensor, weight: Tensor, zeroPoint: Tensor) => Tensor,
  ): Tensor {
    if (!isFloat(x.dtype))
      throw new ShapeError(
        `${this.constructor.name}: the input is ${x.dtype}, not of floats; convert it with .to("float32")`,
      );
    const wide = x.to("float32");
    const { inputScale, inputZeroPoint, bias } = this;
    const input: Affine =
      inputScale === undefined || inputZeroPoint === undefined
        ? affineOfValues(wide)
        : { scale: inputScale, zeroPoint: inputZeroPoint.to("int32") };
    const scaled = sums(quantized(wide, input), this.weightQuantized.to("int32"), input.zeroPoint)
      .to("float32")
      .mul(spread(this.weightScale.mul(input.scale), spatial));
    return (bias === undefined ? scaled : scaled.add(spread(bias, spatial))).to(x.dtype);
  }
}

/** A Linear layer with an int8 weight: [*, in] → [*, out]. */
export class QuantizedLinear extends QuantizedProduct {
  /** Without `input`, each input is quantised by its own minimum and maximum. */
  constructor(layer: Linear, input?: Affine) {
    super(layer, input);
  }

  forward(x: Tensor): Tensor {
    const features = this.weightQuantized.shape[1] ?? 0;
    if (x.shape.at(-1) !== features)
      throw new ShapeError(
        `QuantizedLinear: the input ${formatShape(x.shape)} must end in the ${features} features of the weight ${formatShape(this.weightQuantized.shape)}`,
      );
    // Σ q · w − zeroPoint · Σ w is the same integer, and its product has byte operands.
    return this.output(x, 0, (inputs, weight, zeroPoint) =>
      inputs.to("int32").matmul(weight.t()).sub(weight.sum(1).mul(zeroPoint)),
    );
  }
}

abstract class QuantizedConvolution extends QuantizedProduct {
  readonly options: ConvOptions;

  constructor(layer: Conv1d | Conv2d, input?: Affine) {
    super(layer, input);
    this.options = layer.options;
  }

  protected convolved(x: Tensor, convolution: typeof F.conv1d | typeof F.conv2d): Tensor {
    const { paddingMode = "zeros", ...options } = this.options;
    const kernel = this.weightQuantized.shape.slice(2);
    const spatial = kernel.length;
    const outer = new Array<[number, number]>(Math.max(x.rank - spatial, 0)).fill([0, 0]);
    const pads = [...outer, ...convPadding(`conv${spatial}d`, options, kernel)];
    // Σ (q − zeroPoint) · w is Σ q · w − zeroPoint · Σ w, whose product has byte operands. Padded zeros become the zero point.
    return this.output(x, spatial, (inputs, weight, zeroPoint) => {
      const border = zeros(x.shape, { dtype: "int32" }).pad(pads, 1);
      const padded =
        paddingMode === "zeros"
          ? inputs.pad(pads).add(border.mul(zeroPoint)).to("uint8")
          : Tensor.from(padWith(inputs.node, pads, paddingMode), [inputs]);
      const sums = convolution(padded.to("int32"), weight, undefined, { ...options, padding: 0 });
      return sums.sub(spread(weight.flatten(1).sum(1).mul(zeroPoint), spatial));
    });
  }
}

/** A Conv1d layer with an int8 weight: [N, C, L] → [N, out, L′]. */
export class QuantizedConv1d extends QuantizedConvolution {
  forward(x: Tensor): Tensor {
    return this.convolved(x, F.conv1d);
  }
}

/** A Conv2d layer with an int8 weight: [N, C, H, W] → [N, out, H′, W′]. */
export class QuantizedConv2d extends QuantizedConvolution {
  forward(x: Tensor): Tensor {
    return this.convolved(x, F.conv2d);
  }
}

/** An Embedding with an int8 table: int32 [*] → [*, dim] in the dtype of the original table. */
export class QuantizedEmbedding extends QuantizedWeight {
  constructor(layer: Embedding) {
    super(layer.weight);
  }

  forward(index: Tensor): Tensor {
    const rows = embedding(index, this.weightQuantized).to("float32");
    return rows.mul(embedding(index, this.weightScale.unsqueeze(1))).to(this.dtype);
  }
}
