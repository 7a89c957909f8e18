// Vision transformers: patches as tokens after a class token (Dosovitskiy et al. 2021).
import { ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { Conv2d, functional, init, Linear, Module } from "../nn/index.ts";
import { cat, Parameter, type Tensor, zeros } from "../tensor/index.ts";
import { type Block, type BlockSpec, blocks } from "./parts/block.ts";
import { type NormSpec, norm } from "./parts/norm.ts";

export interface ImageTransformerSpec {
  readonly width: number;
  readonly layers: number;
  readonly size: readonly [height: number, width: number];
  readonly patch: readonly [height: number, width: number];
  readonly channels: number;
  readonly patchBias: boolean;
  readonly block: BlockSpec;
  readonly norm: NormSpec;
  /** A norm before the first block. */
  readonly normBefore: boolean;
  /** The scope of the final norm: all positions, or only the class token. */
  readonly normAfter: "all" | "pooled";
  readonly dropout: number;
}

class ImageEmbeddings extends Module {
  readonly patches: Conv2d;
  readonly classToken: Parameter;
  readonly positions: Parameter;
  readonly spec: ImageTransformerSpec;

  constructor(spec: ImageTransformerSpec) {
    super();
    this.spec = spec;
    const { width, size, patch, channels, patchBias } = spec;
    const count = Math.floor(size[0] / patch[0]) * Math.floor(size[1] / patch[1]);
    this.patches = new Conv2d(channels, width, patch, { stride: patch, bias: patchBias });
    this.classToken = new Parameter(zeros([width]));
    this.positions = new Parameter(zeros([count + 1, width]));
    init.truncNormal(this.classToken, 0, 0.02);
    init.truncNormal(this.positions, 0, 0.02);
  }

  forward(pixels: Tensor): Tensor {
    const { size, channels, width, dropout } = this.spec;
    const [batch = 0, ...image] = pixels.shape;
    if (image.length !== 3 || image[0] !== channels || image[1] !== size[0] || image[2] !== size[1])
      throw new ShapeError(
        `the pixels must be ${formatShape([batch, channels, ...size])}, got ${formatShape(pixels.shape)}; bring pictures to this size with the model's image processor`,
      );
    const patches = this.patches.forward(pixels).flatten(2).transpose(1, 2);
    const first = this.classToken.reshape([1, 1, width]).expand([batch, 1, width]);
    return functional.dropout(cat([first, patches], 1).add(this.positions), dropout, this.training);
  }
}

/** pixels [N, channels, height, width] → hidden states [N, 1 + patches, width] */
export class ImageTransformer extends Module {
  readonly embeddings: ImageEmbeddings;
  readonly normBefore: Module | undefined;
  readonly blocks: readonly Block[];
  readonly norm: Module;
  readonly pooler: Module | undefined;
  readonly spec: ImageTransformerSpec;

  constructor(spec: ImageTransformerSpec, pooler: boolean) {
    super();
    this.spec = spec;
    this.embeddings = new ImageEmbeddings(spec);
    if (spec.normBefore) this.normBefore = norm(spec.width, spec.norm);
    this.blocks = blocks(spec.layers, spec.block);
    this.norm = norm(spec.width, spec.norm);
    if (pooler) this.pooler = new Linear(spec.width, spec.width);
  }

  get width(): number {
    return this.spec.width;
  }

  forward(pixels: Tensor): Tensor {
    let x = this.embeddings.forward(pixels);
    if (this.normBefore !== undefined) x = this.normBefore.forward(x);
    for (const block of this.blocks) x = block.forward(x, { causal: false });
    return this.spec.normAfter === "all" ? this.norm.forward(x) : x;
  }

  /** The vector of the class token: [N, width]. */
  pooled(hidden: Tensor): Tensor {
    const first = hidden.select(1, 0);
    if (this.spec.normAfter === "pooled") return this.norm.forward(first);
    return this.pooler === undefined ? first : this.pooler.forward(first).tanh();
  }
}
