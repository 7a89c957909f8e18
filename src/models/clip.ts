// CLIP: a text encoder and an image encoder into one space (Radford et al. 2021).
import { functional, Linear, Module } from "../nn/index.ts";
import { arange, Parameter, type Tensor, tensor } from "../tensor/index.ts";
import { Decoder, type DecoderSpec } from "./decoder.ts";
import { ImageTransformer, type ImageTransformerSpec } from "./imageTransformer.ts";
import type { TextInputs } from "./parts/embeddings.ts";

export interface ClipSpec {
  /** Text tokens attend only to earlier ones, as in a decoder. */
  readonly text: DecoderSpec;
  readonly image: ImageTransformerSpec;
  readonly projection: number;
  readonly logitScale: number;
  /** The token whose state represents the text; undefined: the one with the largest id. */
  readonly end: number | undefined;
}

export interface ClipOutput {
  /** [images, texts] */
  readonly logits: Tensor;
  /** [texts, projection], of length 1. */
  readonly texts: Tensor;
  /** [images, projection], of length 1. */
  readonly images: Tensor;
}

/** Texts [T, L] and pixels [N, channels, height, width] → similarity of each image and text. */
export class Clip extends Module<ClipOutput, [ids: Tensor, pixels: Tensor, inputs?: TextInputs]> {
  readonly text: Decoder;
  readonly image: ImageTransformer;
  readonly textProjection: Module;
  readonly imageProjection: Module;
  readonly logitScale: Parameter;
  readonly spec: ClipSpec;

  constructor(spec: ClipSpec) {
    super();
    this.spec = spec;
    this.text = new Decoder(spec.text);
    this.image = new ImageTransformer(spec.image, false);
    this.textProjection = new Linear(this.text.width, spec.projection, { bias: false });
    this.imageProjection = new Linear(this.image.width, spec.projection, { bias: false });
    this.logitScale = new Parameter(tensor(spec.logitScale));
  }

  forward(ids: Tensor, pixels: Tensor, inputs: TextInputs = {}): ClipOutput {
    const texts = this.embedTexts(ids, inputs);
    const images = this.embedImages(pixels);
    return { logits: images.matmul(texts.t()).mul(this.logitScale.exp()), texts, images };
  }

  /** Vectors of length 1: [T, projection]. */
  embedTexts(ids: Tensor, inputs: TextInputs = {}): Tensor {
    const hidden = this.text.forward(ids, inputs);
    const [count = 0, length = 0, width = 0] = hidden.shape;
    const { end } = this.spec;
    const place = (end === undefined ? ids : ids.eq(end).to("int32")).argmax(1);
    const rows = arange(count).mul(length).add(place);
    const read = hidden.reshape([count * length, width]).indexSelect(0, rows);
    return functional.normalize(this.textProjection.forward(read));
  }

  /** Vectors of length 1: [N, projection]. */
  embedImages(pixels: Tensor): Tensor {
    return functional.normalize(this.imageProjection.forward(this.image.pooled(this.image.forward(pixels))));
  }
}
