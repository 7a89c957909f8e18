// nn.utils: parameters as one vector, and weights that are computed from others.
export { padSequence, unpadSequence } from "./sequences.ts";
export { getTotalNorm, parametersToVector, vectorToParameters } from "./vectors.ts";
export {
  removeSpectralNorm,
  removeWeightNorm,
  type SpectralNormOptions,
  spectralNorm,
  type WeightNormOptions,
  weightNorm,
} from "./weights.ts";
