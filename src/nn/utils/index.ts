// nn.utils: parameters as one vector, and weights computed from other parameters.
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
