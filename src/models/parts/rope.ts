// Rotary position embeddings: queries and keys are rotated by angles that grow with the position (Su et al. 2021).
import { cat, type Tensor, tensor } from "../../tensor/index.ts";

/** The scaling of the angles for sequences longer than in training. */
export type RopeScaling =
  | { readonly kind: "none" }
  | { readonly kind: "linear"; readonly factor: number }
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalLength: number;
    };

export interface RopeSpec {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

/** Radians per position for each pair of features. */
export function ropeFrequencies(width: number, { theta, scaling }: RopeSpec): Float32Array {
  return Float32Array.from({ length: width / 2 }, (_, pair) => scaled(theta ** -((2 * pair) / width), scaling));
}

function scaled(frequency: number, scaling: RopeScaling): number {
  switch (scaling.kind) {
    case "none":
      return frequency;
    case "linear":
      return frequency / scaling.factor;
    case "llama3": {
      const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalLength } = scaling;
      const turns = (originalLength * frequency) / (2 * Math.PI);
      if (turns < low) return frequency / factor;
      if (turns > high) return frequency;
      const share = (turns - low) / (high - low);
      return (1 - share) * (frequency / factor) + share * frequency;
    }
  }
}

/** Cosines and sines of the angles, each [L, width]. */
export interface Rotation {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** The rotation of positions [L] in heads of this width. */
export function rotation(positions: Tensor, width: number, spec: RopeSpec): Rotation {
  const frequencies = tensor(ropeFrequencies(width, spec));
  const half = positions.to("float32").unsqueeze(1).mul(frequencies);
  const angles = cat([half, half], 1);
  return { cos: angles.cos(), sin: angles.sin() };
}

/** Rotates x [..., L, width]: pairs feature i with feature i + width / 2. */
export function rotate(x: Tensor, { cos, sin }: Rotation): Tensor {
  const width = x.shape.at(-1) ?? 0;
  const swapped = cat([x.slice(-1, width / 2, width).neg(), x.slice(-1, 0, width / 2)], -1);
  return x.mul(cos).add(swapped.mul(sin));
}
