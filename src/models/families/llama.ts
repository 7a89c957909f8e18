// Llama and its relatives Mistral, Qwen2 and Qwen3: rotary embeddings, RMS norms, grouped-query attention, gated feed-forward parts.
import type { Config } from "../config.ts";
import type { Family } from "../family.ts";
import { lastToken, ropeOf, tied } from "./shared.ts";

/** The differences between the relatives. */
interface Traits {
  readonly type: string;
  readonly model: string;
  /** Biases of the projections: as configured, or always for queries, keys and values. */
  readonly bias: "configured" | "qkv" | "none";
  readonly queryKeyNorm: boolean;
  /** Whether `sliding_window` applies: always, or if `use_sliding_window` is set. */
  readonly window: "always" | "chosen" | "none";
}

/** The number of visible positions, if limited. Layers that differ in it are refused. */
function windowOf(config: Config, { window }: Traits): number | undefined {
  if (window === "none") return undefined;
  const size = config.optionalCount("sliding_window");
  if (window === "always") return size;
  config.only("use_sliding_window", false);
  config.idle("max_window_layers");
  return undefined;
}

const biasOf = (config: Config, { bias }: Traits): { readonly inner: boolean; readonly output: boolean } => {
  const configured = bias === "configured" && config.boolean("attention_bias", false);
  return { inner: bias === "qkv" || configured, output: configured };
};

function layerTypes(config: Config): void {
  const types = config.json["layer_types"];
  if (Array.isArray(types) && types.every((type) => type === "full_attention")) config.idle("layer_types");
}

const relative = (traits: Traits): Family => ({
  type: traits.type,
  prefix: "model.",
  read(config) {
    layerTypes(config);
    const [width, heads] = [config.count("hidden_size"), config.count("num_attention_heads")];
    const norm = { kind: "rms", eps: config.number("rms_norm_eps", 1e-6) } as const;
    const bias = biasOf(config, traits);
    return {
      kind: "decoder",
      spec: {
        layers: config.count("num_hidden_layers"),
        context: config.count("max_position_embeddings", 2048),
        embeddings: { vocabulary: config.count("vocab_size"), width, dropout: 0 },
        rope: ropeOf(config),
        window: windowOf(config, traits),
        block: {
          attention: {
            width,
            heads,
            keyValueHeads: config.optionalCount("num_key_value_heads") ?? heads,
            headWidth: config.optionalCount("head_dim") ?? width / heads,
            projections: "separate",
            bias: { query: bias.inner, key: bias.inner, value: bias.inner, output: bias.output },
            queryKeyNorm: traits.queryKeyNorm ? norm.eps : undefined,
            dropout: config.number("attention_dropout", 0),
          },
          feedForward: {
            width,
            hidden: config.count("intermediate_size"),
            activation: config.activation("hidden_act", "silu"),
            gated: true,
            bias: traits.bias === "configured" && config.boolean("mlp_bias", false),
            dropout: 0,
          },
          norm,
          normFirst: true,
        },
        norm,
      },
    };
  },
  names: {
    "embeddings.tokens": "embed_tokens",
    "blocks.*.attention_norm": "layers.*.input_layernorm",
    "blocks.*.attention.query": "layers.*.self_attn.q_proj",
    "blocks.*.attention.key": "layers.*.self_attn.k_proj",
    "blocks.*.attention.value": "layers.*.self_attn.v_proj",
    "blocks.*.attention.output": "layers.*.self_attn.o_proj",
    "blocks.*.attention.query_norm": "layers.*.self_attn.q_norm",
    "blocks.*.attention.key_norm": "layers.*.self_attn.k_norm",
    "blocks.*.feed_forward_norm": "layers.*.post_attention_layernorm",
    "blocks.*.feed_forward.gate": "layers.*.mlp.gate_proj",
    "blocks.*.feed_forward.up": "layers.*.mlp.up_proj",
    "blocks.*.feed_forward.down": "layers.*.mlp.down_proj",
    norm: "norm",
  },
  heads: {
    none: { read: () => ({ kind: "none", pooler: false }), names: {} },
    causal: { read: (config) => ({ kind: "causal", tied: tied(config, false) }), names: { head: "lm_head" } },
    sequence: { read: lastToken, names: { "head.out": "score" } },
  },
  architectures: {
    [`${traits.model}Model`]: "none",
    [`${traits.model}ForCausalLM`]: "causal",
    [`${traits.model}ForSequenceClassification`]: "sequence",
  },
  idle: [/rotary_emb\.inv_freq$/],
  elsewhere: [/^lm_head\./, /^score\./],
  loraTargets: ["q_proj", "v_proj"],
});

export const llama: Family = relative({
  type: "llama",
  model: "Llama",
  bias: "configured",
  queryKeyNorm: false,
  window: "none",
});
export const mistral: Family = relative({
  type: "mistral",
  model: "Mistral",
  bias: "none",
  queryKeyNorm: false,
  window: "always",
});
export const qwen2: Family = relative({
  type: "qwen2",
  model: "Qwen2",
  bias: "qkv",
  queryKeyNorm: false,
  window: "chosen",
});
export const qwen3: Family = relative({
  type: "qwen3",
  model: "Qwen3",
  bias: "configured",
  queryKeyNorm: true,
  window: "chosen",
});
