// ViT (Dosovitskiy et al. 2021).
import type { Config } from "../config.ts";
import type { Family } from "../family.ts";
import { everyHead } from "./shared.ts";

/** A single size for both sides, or [height, width]. */
export function sides(config: Config, key: string, fallback: number): readonly [height: number, width: number] {
  if (!Array.isArray(config.json[key])) {
    const side = config.count(key, fallback);
    return [side, side];
  }
  const [height = fallback, width = height] = config.counts(key);
  return [height, width];
}

export const vit: Family = {
  type: "vit",
  prefix: "vit.",
  read(config) {
    config.only("pooler_act", "tanh");
    config.idle("encoder_stride", "pooler_output_size");
    const [width, heads] = [config.count("hidden_size"), config.count("num_attention_heads")];
    const norm = { kind: "layer", eps: config.number("layer_norm_eps", 1e-12) } as const;
    const dropout = config.number("hidden_dropout_prob", 0);
    const bias = config.boolean("qkv_bias", true);
    return {
      kind: "imageTransformer",
      spec: {
        width,
        layers: config.count("num_hidden_layers"),
        size: sides(config, "image_size", 224),
        patch: sides(config, "patch_size", 16),
        channels: config.count("num_channels", 3),
        patchBias: true,
        block: {
          attention: everyHead(width, heads, config.number("attention_probs_dropout_prob", 0), {
            query: bias,
            key: bias,
            value: bias,
          }),
          feedForward: {
            width,
            hidden: config.count("intermediate_size"),
            activation: config.activation("hidden_act", "gelu"),
            gated: false,
            bias: true,
            dropout,
          },
          norm,
          normFirst: true,
        },
        norm,
        normBefore: false,
        normAfter: "all",
        dropout,
      },
    };
  },
  names: {
    "embeddings.patches": "embeddings.patch_embeddings.projection",
    "embeddings.class_token": { name: "embeddings.cls_token", leading: 2 },
    "embeddings.positions": { name: "embeddings.position_embeddings", leading: 1 },
    "blocks.*.attention_norm": "encoder.layer.*.layernorm_before",
    "blocks.*.attention.query": "encoder.layer.*.attention.attention.query",
    "blocks.*.attention.key": "encoder.layer.*.attention.attention.key",
    "blocks.*.attention.value": "encoder.layer.*.attention.attention.value",
    "blocks.*.attention.output": "encoder.layer.*.attention.output.dense",
    "blocks.*.feed_forward_norm": "encoder.layer.*.layernorm_after",
    "blocks.*.feed_forward.up": "encoder.layer.*.intermediate.dense",
    "blocks.*.feed_forward.down": "encoder.layer.*.output.dense",
    norm: "layernorm",
    pooler: "pooler.dense",
  },
  inMemory: {
    "blocks.*.attention.query": "layers.*.attention.q_proj",
    "blocks.*.attention.key": "layers.*.attention.k_proj",
    "blocks.*.attention.value": "layers.*.attention.v_proj",
    "blocks.*.attention.output": "layers.*.attention.o_proj",
    "blocks.*.attention_norm": "layers.*.layernorm_before",
    "blocks.*.feed_forward_norm": "layers.*.layernorm_after",
    "blocks.*.feed_forward.up": "layers.*.mlp.fc1",
    "blocks.*.feed_forward.down": "layers.*.mlp.fc2",
  },
  heads: {
    none: { read: () => ({ kind: "none", pooler: true }), names: {} },
    image: {
      read: (config) => ({ kind: "image", classes: config.labels().length }),
      names: { head: "classifier" },
    },
  },
  architectures: { ViTModel: "none", ViTForImageClassification: "image" },
  idle: [],
  elsewhere: [/^classifier\./, /(^|\.)pooler\./],
  loraTargets: ["q_proj", "v_proj"],
};
