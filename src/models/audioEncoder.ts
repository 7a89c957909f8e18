// Whisper's encoder: two convolutions over log-mel features, then a transformer (Radford et al. 2022).
import { ShapeError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { Conv1d, functional, Module } from "../nn/index.ts";
import { Parameter, type Tensor, zeros } from "../tensor/index.ts";
import { type Block, type BlockSpec, blocks } from "./parts/block.ts";
import { type NormSpec, norm } from "./parts/norm.ts";

export interface AudioEncoderSpec {
  readonly width: number;
  readonly layers: number;
  readonly bands: number;
  /** Positions of the output; the input is twice as long. */
  readonly positions: number;
  readonly block: BlockSpec;
  readonly norm: NormSpec;
  readonly dropout: number;
}

/** features [N, bands, 2 · positions] → hidden states [N, positions, width] */
export class AudioEncoder extends Module {
  readonly first: Conv1d;
  readonly second: Conv1d;
  readonly positions: Parameter;
  readonly blocks: readonly Block[];
  readonly norm: Module;
  readonly spec: AudioEncoderSpec;

  constructor(spec: AudioEncoderSpec) {
    super();
    this.spec = spec;
    const { width, bands, positions } = spec;
    this.first = new Conv1d(bands, width, 3, { padding: 1 });
    this.second = new Conv1d(width, width, 3, { stride: 2, padding: 1 });
    this.positions = new Parameter(zeros([positions, width]));
    this.blocks = blocks(spec.layers, spec.block);
    this.norm = norm(width, spec.norm);
  }

  forward(features: Tensor): Tensor {
    const { bands, positions, dropout } = this.spec;
    const [batch = 0, given, length] = features.shape;
    if (features.rank !== 3 || given !== bands || length !== 2 * positions)
      throw new ShapeError(
        `the features must be ${formatShape([batch, bands, 2 * positions])}, got ${formatShape(features.shape)}; pad or cut them`,
      );
    const sound = functional.gelu(this.second.forward(functional.gelu(this.first.forward(features))));
    let x = functional.dropout(sound.transpose(1, 2).add(this.positions), dropout, this.training);
    for (const block of this.blocks) x = block.forward(x, { causal: false });
    return this.norm.forward(x);
  }
}
