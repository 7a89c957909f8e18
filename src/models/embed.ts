// Sentences as vectors: the normalised mean of an encoder's states, as in sentence-transformers.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { functional } from "../nn/index.ts";
import { cat, compile, noGrad, type Tensor } from "../tensor/index.ts";
import { Clip } from "./clip.ts";
import { jsonIn } from "./files.ts";
import type { Pretrained } from "./pretrained.ts";
import { TextEncoder } from "./textEncoder.ts";
import type { TextTokenizer } from "./tokenizer.ts";

export interface EmbedOptions {
  /** Texts per batch. Default 32. */
  readonly batchSize?: number;
  /** Maximum number of tokens of a text; later ones are ignored. */
  readonly maxLength?: number;
  /** Scale vectors to length 1. Default true. */
  readonly normalize?: boolean;
  /** The mean over all tokens, or the state of the first. Default: the setting in 1_Pooling/config.json, else the mean. */
  readonly pooling?: "mean" | "first";
}

const kinds: OptionKinds<EmbedOptions> = {
  batchSize: kind.number,
  maxLength: kind.number,
  normalize: kind.boolean,
  pooling: kind.oneOf("mean", "first"),
};

/** The pooling setting that sentence-transformers stored beside the model. */
async function savedPooling({ files }: Pretrained): Promise<"mean" | "first"> {
  const config = (await jsonIn(files, "1_Pooling/config.json")) ?? {};
  if (config["pooling_mode_cls_token"] === true) return "first";
  for (const [key, value] of Object.entries(config))
    if (key.startsWith("pooling_mode_") && value === true && key !== "pooling_mode_mean_tokens")
      throw new HebbError(`${files.name}: ${key} is not supported; choose { pooling: "mean" } or "first"`);
  return "mean";
}

/** Pools the states of a text's tokens into one vector: [N, L, width] → [N, width]. */
function pool(hidden: Tensor, mask: Tensor, pooling: "mean" | "first"): Tensor {
  if (pooling === "first") return hidden.select(1, 0);
  const counted = mask.to("float32").unsqueeze(2);
  return hidden.mul(counted).sum(1).div(counted.sum(1).clamp(1e-9));
}

/** Lengths are rounded up to a multiple of this, so that few programs serve texts of all lengths. */
const lengthStep = 16;

/** Embeds texts: [texts, width]. */
export async function embed(
  pretrained: Pretrained,
  tokenizer: TextTokenizer,
  texts: readonly string[],
  options: EmbedOptions = {},
): Promise<Tensor> {
  const { batchSize = 32, maxLength, normalize = true, ...rest } = checkOptions("embed", options, kinds);
  const { model, name } = pretrained;
  const body = "body" in model ? model.body : model;
  if (!(body instanceof TextEncoder))
    throw new HebbError(
      `embed: ${name} is a ${pretrained.family.type}, which is not an encoder of texts${body instanceof Clip ? "; use model.embedTexts" : ""}`,
    );
  const pooling = rest.pooling ?? (await savedPooling(pretrained));
  const run = compile((ids: Tensor, attentionMask: Tensor, tokenTypes: Tensor) =>
    noGrad(() => {
      const pooled = pool(body.forward(ids, { attentionMask, tokenTypes }), attentionMask, pooling);
      return normalize ? functional.normalize(pooled) : pooled;
    }),
  );
  const positions = body.spec.embeddings.positions ?? Number.POSITIVE_INFINITY;
  const most = maxLength ?? Math.min(tokenizer.maxLength ?? positions, positions);
  const parts: Tensor[] = [];
  for (let start = 0; start < texts.length; start += batchSize) {
    const batch = tokenizer.encodeBatch(texts.slice(start, start + batchSize), {
      maxLength: most,
      multipleOf: most % lengthStep === 0 ? lengthStep : 1,
    });
    parts.push(run(batch.ids, batch.attentionMask, batch.tokenTypes));
  }
  if (parts.length === 0) throw new HebbError("embed: there are no texts");
  return cat(parts, 0);
}
