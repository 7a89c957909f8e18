// A batch of inputs for a run's model, the same at every call: to show its layers, and to compare two models.
import type { PretrainedDescription } from "../models/fineTuning.ts";
import { rand, randint, seed, type Tensor } from "../tensor/index.ts";
import { isLanguage, type LanguageDescription } from "../train/index.ts";
import type { JobConfig } from "./config.ts";

/** The number of different tokens. */
function tokensOf(model: LanguageDescription | PretrainedDescription): number {
  if (model.kind !== "pretrained") return model.outputs;
  const { vocab_size: size } = model.config;
  return typeof size === "number" ? size : 1;
}

/** Whether a model takes tokens instead of numbers. */
export const takesTokens = (model: JobConfig["model"]): model is LanguageDescription | PretrainedDescription =>
  model.kind === "pretrained" ? model.head !== "image" : isLanguage(model);

/** Inputs with mean 0 and standard deviation 1, the scale that layers were trained on; or arbitrary tokens. */
export function sampleBatch({ model }: JobConfig): Tensor {
  seed(0);
  const batch = takesTokens(model)
    ? randint(0, tokensOf(model), [2, ...model.inputShape])
    : rand([16, ...model.inputShape])
        .sub(0.5)
        .mul(Math.sqrt(12));
  batch.dataSync();
  return batch;
}
