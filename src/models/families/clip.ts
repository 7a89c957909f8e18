// CLIP (Radford et al. 2021): both encoders and the space they share.
import type { Config } from "../config.ts";
import type { Family } from "../family.ts";
import type { BlockSpec } from "../parts/block.ts";
import { everyHead } from "./shared.ts";
import { sides } from "./vit.ts";

/** The block common to text and image. */
function blockOf(config: Config): BlockSpec {
  config.idle("projection_dim", "dropout", "initializer_factor");
  const [width, heads] = [config.count("hidden_size", 512), config.count("num_attention_heads", 8)];
  return {
    attention: everyHead(width, heads, config.number("attention_dropout", 0)),
    feedForward: {
      width,
      hidden: config.count("intermediate_size", 4 * width),
      activation: config.activation("hidden_act", "quick_gelu"),
      gated: false,
      bias: true,
      dropout: 0,
    },
    norm: { kind: "layer", eps: config.number("layer_norm_eps", 1e-5) },
    normFirst: true,
  };
}

/** Older files have this wrong number; they are read at the token with the largest id. */
const wrongEnd = 2;

const blockNames = (here: string, there: string): Readonly<Record<string, string>> => ({
  [`${here}.blocks.*.attention_norm`]: `${there}.encoder.layers.*.layer_norm1`,
  [`${here}.blocks.*.attention.query`]: `${there}.encoder.layers.*.self_attn.q_proj`,
  [`${here}.blocks.*.attention.key`]: `${there}.encoder.layers.*.self_attn.k_proj`,
  [`${here}.blocks.*.attention.value`]: `${there}.encoder.layers.*.self_attn.v_proj`,
  [`${here}.blocks.*.attention.output`]: `${there}.encoder.layers.*.self_attn.out_proj`,
  [`${here}.blocks.*.feed_forward_norm`]: `${there}.encoder.layers.*.layer_norm2`,
  [`${here}.blocks.*.feed_forward.up`]: `${there}.encoder.layers.*.mlp.fc1`,
  [`${here}.blocks.*.feed_forward.down`]: `${there}.encoder.layers.*.mlp.fc2`,
});

export const clip: Family = {
  type: "clip",
  prefix: "",
  read(config) {
    config.idle("text_config_dict", "vision_config_dict");
    const [text, image] = [config.part("text_config"), config.part("vision_config")];
    const [textBlock, imageBlock] = [blockOf(text), blockOf(image)];
    const context = text.count("max_position_embeddings", 77);
    const end = text.json["eos_token_id"];
    return {
      kind: "clip",
      spec: {
        text: {
          layers: text.count("num_hidden_layers", 12),
          context,
          embeddings: {
            vocabulary: text.count("vocab_size", 49408),
            width: textBlock.attention.width,
            positions: context,
            dropout: 0,
          },
          block: textBlock,
          norm: textBlock.norm,
        },
        image: {
          width: imageBlock.attention.width,
          layers: image.count("num_hidden_layers", 12),
          size: sides(image, "image_size", 224),
          patch: sides(image, "patch_size", 32),
          channels: image.count("num_channels", 3),
          patchBias: false,
          block: imageBlock,
          norm: imageBlock.norm,
          normBefore: true,
          normAfter: "pooled",
          dropout: 0,
        },
        projection: config.count("projection_dim", 512),
        logitScale: config.number("logit_scale_init_value", 2.6592),
        end: typeof end === "number" && end !== wrongEnd ? end : undefined,
      },
    };
  },
  names: {
    "text.embeddings.tokens": "text_model.embeddings.token_embedding",
    "text.embeddings.positions": "text_model.embeddings.position_embedding",
    ...blockNames("text", "text_model"),
    "text.norm": "text_model.final_layer_norm",
    "image.embeddings.patches": "vision_model.embeddings.patch_embedding",
    "image.embeddings.class_token": "vision_model.embeddings.class_embedding",
    "image.embeddings.positions": "vision_model.embeddings.position_embedding.weight",
    "image.norm_before": "vision_model.pre_layrnorm",
    ...blockNames("image", "vision_model"),
    "image.norm": "vision_model.post_layernorm",
    text_projection: "text_projection",
    image_projection: "visual_projection",
    logit_scale: "logit_scale",
  },
  heads: { none: { read: () => ({ kind: "none", pooler: false }), names: {} } },
  architectures: { CLIPModel: "none" },
  idle: [/embeddings\.position_ids$/],
  elsewhere: [],
  loraTargets: ["q_proj", "v_proj"],
};
