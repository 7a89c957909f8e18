// GPT-2 (Radford et al. 2019): fused projections, stored as [in, out].
import type { Family } from "../family.ts";
import { transposed } from "../names.ts";
import { everyHead, lastToken, tied } from "./shared.ts";

export const gpt2: Family = {
  type: "gpt2",
  prefix: "transformer.",
  read(config) {
    config.only("scale_attn_weights", true);
    config.only("scale_attn_by_inverse_layer_idx", false);
    config.only("add_cross_attention", false);
    config.idle(
      "n_ctx",
      "reorder_and_upcast_attn",
      "summary_activation",
      "summary_first_dropout",
      "summary_proj_to_labels",
      "summary_type",
      "summary_use_proj",
    );
    const [width, heads, context] = [config.count("n_embd"), config.count("n_head"), config.count("n_positions", 1024)];
    const eps = config.number("layer_norm_epsilon", 1e-5);
    const residual = config.number("resid_pdrop", 0.1);
    return {
      kind: "decoder",
      spec: {
        layers: config.count("n_layer"),
        context,
        embeddings: {
          vocabulary: config.count("vocab_size"),
          width,
          positions: context,
          dropout: config.number("embd_pdrop", 0.1),
        },
        block: {
          attention: { ...everyHead(width, heads, config.number("attn_pdrop", 0.1)), projections: "fused" },
          feedForward: {
            width,
            hidden: config.optionalCount("n_inner") ?? 4 * width,
            activation: config.activation("activation_function", "gelu_new"),
            gated: false,
            bias: true,
            dropout: residual,
          },
          norm: { kind: "layer", eps },
          normFirst: true,
        },
        norm: { kind: "layer", eps },
      },
    };
  },
  names: {
    "embeddings.tokens": "wte",
    "embeddings.positions": "wpe",
    "blocks.*.attention_norm": "h.*.ln_1",
    "blocks.*.attention.qkv": transposed("h.*.attn.c_attn"),
    "blocks.*.attention.output": transposed("h.*.attn.c_proj"),
    "blocks.*.feed_forward_norm": "h.*.ln_2",
    "blocks.*.feed_forward.up": transposed("h.*.mlp.c_fc"),
    "blocks.*.feed_forward.down": transposed("h.*.mlp.c_proj"),
    norm: "ln_f",
  },
  heads: {
    none: { read: () => ({ kind: "none", pooler: false }), names: {} },
    causal: { read: (config) => ({ kind: "causal", tied: tied(config, true) }), names: { head: "lm_head" } },
    sequence: { read: lastToken, names: { "head.out": "score" } },
  },
  architectures: { GPT2Model: "none", GPT2LMHeadModel: "causal", GPT2ForSequenceClassification: "sequence" },
  idle: [/^(transformer\.)?h\.\d+\.attn\.(masked_)?bias$/],
  elsewhere: [/^lm_head\./, /^score\./],
  loraTargets: ["c_attn"],
};
