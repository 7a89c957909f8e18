// Whisper's encoder (Radford et al. 2022); the decoder in the files is ignored.
import type { Family } from "../family.ts";
import { everyHead } from "./shared.ts";

export const whisper: Family = {
  type: "whisper",
  prefix: "model.",
  read(config) {
    config.idle(
      "decoder_attention_heads",
      "decoder_ffn_dim",
      "decoder_layerdrop",
      "decoder_layers",
      "encoder_layerdrop",
      "num_hidden_layers",
      "max_target_positions",
      "tie_word_embeddings",
      "scale_embedding",
      "activation_dropout",
      "classifier_proj_size",
      "use_weighted_layer_sum",
      "init_std",
      "apply_spec_augment",
      "mask_feature_length",
      "mask_feature_min_masks",
      "mask_feature_prob",
      "mask_time_length",
      "mask_time_min_masks",
      "mask_time_prob",
      "median_filter_width",
    );
    const [width, heads] = [config.count("d_model"), config.count("encoder_attention_heads")];
    const dropout = config.number("dropout", 0);
    const norm = { kind: "layer", eps: 1e-5 } as const;
    return {
      kind: "audioEncoder",
      spec: {
        width,
        layers: config.count("encoder_layers"),
        bands: config.count("num_mel_bins", 80),
        positions: config.count("max_source_positions", 1500),
        block: {
          attention: everyHead(width, heads, config.number("attention_dropout", 0), { key: false }),
          feedForward: {
            width,
            hidden: config.count("encoder_ffn_dim"),
            activation: config.activation("activation_function", "gelu"),
            gated: false,
            bias: true,
            dropout,
          },
          norm,
          normFirst: true,
        },
        norm,
        dropout,
      },
    };
  },
  names: {
    first: "encoder.conv1",
    second: "encoder.conv2",
    positions: "encoder.embed_positions.weight",
    "blocks.*.attention_norm": "encoder.layers.*.self_attn_layer_norm",
    "blocks.*.attention.query": "encoder.layers.*.self_attn.q_proj",
    "blocks.*.attention.key": "encoder.layers.*.self_attn.k_proj",
    "blocks.*.attention.value": "encoder.layers.*.self_attn.v_proj",
    "blocks.*.attention.output": "encoder.layers.*.self_attn.out_proj",
    "blocks.*.feed_forward_norm": "encoder.layers.*.final_layer_norm",
    "blocks.*.feed_forward.up": "encoder.layers.*.fc1",
    "blocks.*.feed_forward.down": "encoder.layers.*.fc2",
    norm: "encoder.layer_norm",
  },
  heads: { none: { read: () => ({ kind: "none", pooler: false }), names: {} } },
  architectures: {
    WhisperModel: "none",
    WhisperForConditionalGeneration: "none",
    WhisperForAudioClassification: "none",
  },
  idle: [/^proj_out\.weight$/],
  elsewhere: [/^(model\.)?decoder\./, /^projector\./, /^classifier\./, /^layer_weights$/],
  loraTargets: ["q_proj", "v_proj"],
};
