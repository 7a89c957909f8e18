// BERT (Devlin et al. 2019), including MiniLM, and RoBERTa (Liu et al. 2019), which counts positions differently.
import type { Config } from "../config.ts";
import type { Family, FamilyHead } from "../family.ts";
import type { Names } from "../names.ts";
import type { Counting } from "../parts/embeddings.ts";
import { everyHead, tied } from "./shared.ts";

function encoder(config: Config, counting: Counting) {
  config.only("is_decoder", false);
  config.idle("directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers");
  config.idle("pooler_size_per_head", "pooler_type", "gradient_checkpointing", "classifier_dropout");
  const [width, heads] = [config.count("hidden_size"), config.count("num_attention_heads")];
  const norm = { kind: "layer", eps: config.number("layer_norm_eps", 1e-12) } as const;
  const dropout = config.number("hidden_dropout_prob", 0.1);
  return {
    kind: "textEncoder",
    spec: {
      layers: config.count("num_hidden_layers"),
      embeddings: {
        vocabulary: config.count("vocab_size"),
        width,
        positions: config.count("max_position_embeddings", 512),
        counting,
        types: config.count("type_vocab_size", 2),
        norm,
        dropout,
      },
      block: {
        attention: everyHead(width, heads, config.number("attention_probs_dropout_prob", 0.1)),
        feedForward: {
          width,
          hidden: config.count("intermediate_size"),
          activation: config.activation("hidden_act", "gelu"),
          gated: false,
          bias: true,
          dropout,
        },
        norm,
        normFirst: false,
      },
    },
  } as const;
}

const names: Names = {
  "embeddings.tokens": "embeddings.word_embeddings",
  "embeddings.positions": "embeddings.position_embeddings",
  "embeddings.types": "embeddings.token_type_embeddings",
  "embeddings.norm": "embeddings.LayerNorm",
  "blocks.*.attention.query": "encoder.layer.*.attention.self.query",
  "blocks.*.attention.key": "encoder.layer.*.attention.self.key",
  "blocks.*.attention.value": "encoder.layer.*.attention.self.value",
  "blocks.*.attention.output": "encoder.layer.*.attention.output.dense",
  "blocks.*.attention_norm": "encoder.layer.*.attention.output.LayerNorm",
  "blocks.*.feed_forward.up": "encoder.layer.*.intermediate.dense",
  "blocks.*.feed_forward.down": "encoder.layer.*.output.dense",
  "blocks.*.feed_forward_norm": "encoder.layer.*.output.LayerNorm",
  pooler: "pooler.dense",
};

const dropoutOf = (config: Config): number =>
  typeof config.json["classifier_dropout"] === "number"
    ? config.json["classifier_dropout"]
    : config.number("hidden_dropout_prob", 0.1);

const none: FamilyHead = { read: () => ({ kind: "none", pooler: true }), names: {} };
const tokens: FamilyHead = {
  read: (config) => ({ kind: "tokens", classes: config.labels().length, dropout: dropoutOf(config) }),
  names: { head: "classifier" },
};

export const bert: Family = {
  type: "bert",
  prefix: "bert.",
  read: (config) => encoder(config, { kind: "all" }),
  names,
  heads: {
    none,
    tokens,
    sequence: {
      read: (config) => ({
        kind: "sequence",
        classes: config.labels().length,
        take: "pooled",
        bias: true,
        dropout: dropoutOf(config),
      }),
      names: { "head.out": "classifier" },
    },
    masked: {
      read: (config) => ({
        kind: "masked",
        activation: config.activation("hidden_act", "gelu"),
        eps: config.number("layer_norm_eps", 1e-12),
        tied: tied(config, true),
      }),
      names: {
        "head.dense": "cls.predictions.transform.dense",
        "head.norm": "cls.predictions.transform.LayerNorm",
        "head.out": "cls.predictions.decoder",
        "head.bias": "cls.predictions.bias",
      },
    },
  },
  architectures: {
    BertModel: "none",
    BertForMaskedLM: "masked",
    BertForPreTraining: "masked",
    BertForSequenceClassification: "sequence",
    BertForTokenClassification: "tokens",
  },
  idle: [/embeddings\.position_ids$/, /embeddings\.token_type_ids$/, /^cls\.predictions\.decoder\.(weight|bias)$/],
  elsewhere: [/^cls\./, /^classifier\./, /(^|\.)pooler\./],
  loraTargets: ["query", "value"],
};

const paddingOf = ({ json }: Config): number => {
  const padding = json["pad_token_id"];
  return typeof padding === "number" ? padding : 1;
};

export const roberta: Family = {
  type: "roberta",
  prefix: "roberta.",
  read: (config) => encoder(config, { kind: "afterPadding", padding: paddingOf(config) }),
  names,
  heads: {
    none,
    tokens,
    sequence: {
      read: (config) => ({
        kind: "sequence",
        classes: config.labels().length,
        take: "first",
        dense: "tanh",
        bias: true,
        dropout: dropoutOf(config),
      }),
      names: { "head.dense": "classifier.dense", "head.out": "classifier.out_proj" },
    },
    masked: {
      read: (config) => ({
        kind: "masked",
        activation: "gelu",
        eps: config.number("layer_norm_eps", 1e-12),
        tied: tied(config, true),
      }),
      names: {
        "head.dense": "lm_head.dense",
        "head.norm": "lm_head.layer_norm",
        "head.out": "lm_head.decoder",
        "head.bias": "lm_head.bias",
      },
    },
  },
  architectures: {
    RobertaModel: "none",
    RobertaForMaskedLM: "masked",
    RobertaForSequenceClassification: "sequence",
    RobertaForTokenClassification: "tokens",
  },
  idle: [/embeddings\.position_ids$/, /embeddings\.token_type_ids$/, /^lm_head\.decoder\.(weight|bias)$/],
  elsewhere: [/^lm_head\./, /^classifier\./, /(^|\.)pooler\./],
  loraTargets: ["query", "value"],
};
