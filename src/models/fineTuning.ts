// Fine-tuning a pretrained model in a run: described by plain data, so that a run folder rebuilds it, and fed with rows of tokens or pixels.
import type { JsonObject } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import { Module } from "../nn/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { CausalLanguageModel } from "./decoder.ts";
import { filesOf, type PretrainedFiles } from "./files.ts";
import { ImageClassifier, TextClassifier } from "./heads.ts";
import { addLora, trainHeadOnly } from "./lora.ts";
import { designPretrained, fillPretrained, type Pretrained } from "./pretrained.ts";

/** The trained part of a pretrained model. */
export type Trained =
  | { readonly kind: "all" }
  | { readonly kind: "head" }
  | { readonly kind: "lora"; readonly rank: number };

export const fineTunedHeads = ["sequence", "image", "causal"] as const;
/** Classes of texts, classes of pictures, the next token. */
export type FineTunedHead = (typeof fineTunedHeads)[number];

/** The complete structure of a pretrained model, and its trained part. */
export interface PretrainedDescription {
  readonly kind: "pretrained";
  readonly head: FineTunedHead;
  /** [L] for the tokens of a text; [channels, height, width] for a picture. */
  readonly inputShape: readonly number[];
  /** Number of classes, or of tokens. */
  readonly outputs: number;
  /** config.json of the base. */
  readonly config: JsonObject;
  /** The names of the classes; empty for tokens. */
  readonly labels: readonly string[];
  /** The padding token. */
  readonly padding: number;
  readonly trained: Trained;
}

/** What a model without this head cannot do. */
export const inabilities: Readonly<Record<FineTunedHead, string>> = {
  sequence: "does not classify texts",
  image: "does not classify pictures",
  causal: "does not write text",
};

/** Padded rows of tokens [N, L] → [N, classes]; pixels → [N, classes]; tokens [N, L] → the next ones, [N, L, vocabulary]. */
export class FineTuned extends Module {
  readonly model: TextClassifier | ImageClassifier | CausalLanguageModel;
  readonly padding: number;
  readonly #pretrained: Pretrained;

  constructor({ config, head, labels, padding, trained }: PretrainedDescription) {
    super();
    const classes = head === "causal" ? {} : { labels };
    const pretrained = designPretrained(filesOf("the base model", {}), config, { head, ...classes });
    const { model } = pretrained;
    if (!(model instanceof TextClassifier || model instanceof ImageClassifier || model instanceof CausalLanguageModel))
      throw new HebbError(`a ${pretrained.family.type} ${inabilities[head]}; choose a base that does`);
    switch (trained.kind) {
      case "all":
        break;
      case "head":
        trainHeadOnly(pretrained);
        break;
      case "lora":
        addLora(pretrained, { rank: trained.rank });
        break;
    }
    this.model = model;
    this.padding = padding;
    this.#pretrained = pretrained;
  }

  forward(rows: Tensor): Tensor {
    if (this.model instanceof ImageClassifier) return this.model.forward(rows);
    const ids = rows.to("int32");
    if (this.model instanceof CausalLanguageModel) return this.model.forward(ids);
    return this.model.forward(ids, { attentionMask: ids.ne(this.padding) });
  }

  /** Loads the weights of the base; the head is initialised at random if its classes differ. */
  async startFrom(files: PretrainedFiles): Promise<void> {
    await fillPretrained(this.#pretrained, files, true);
  }
}
