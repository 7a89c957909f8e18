// DistilBERT (Sanh et al. 2019): BERT with half the layers, without token types and pooler.
import type { Config } from "../config.ts";
import type { Family } from "../family.ts";
import { everyHead, tied } from "./shared.ts";

/** The eps of the norms is fixed in the architecture. */
const eps = 1e-12;
const dropoutOf = (config: Config): number => config.number("seq_classif_dropout", 0.2);

export const distilbert: Family = {
  type: "distilbert",
  prefix: "distilbert.",
  read(config) {
    config.idle("sinusoidal_pos_embds", "qa_dropout", "seq_classif_dropout", "output_past", "tie_weights_");
    const [width, heads, dropout] = [config.count("dim"), config.count("n_heads"), config.number("dropout", 0.1)];
    const norm = { kind: "layer", eps } as const;
    return {
      kind: "textEncoder",
      spec: {
        layers: config.count("n_layers"),
        embeddings: {
          vocabulary: config.count("vocab_size"),
          width,
          positions: config.count("max_position_embeddings", 512),
          norm,
          dropout,
        },
        block: {
          attention: everyHead(width, heads, config.number("attention_dropout", 0.1)),
          feedForward: {
            width,
            hidden: config.count("hidden_dim"),
            activation: config.activation("activation", "gelu"),
            gated: false,
            bias: true,
            dropout,
          },
          norm,
          normFirst: false,
        },
      },
    };
  },
  names: {
    "embeddings.tokens": "embeddings.word_embeddings",
    "embeddings.positions": "embeddings.position_embeddings",
    "embeddings.norm": "embeddings.LayerNorm",
    "blocks.*.attention.query": "transformer.layer.*.attention.q_lin",
    "blocks.*.attention.key": "transformer.layer.*.attention.k_lin",
    "blocks.*.attention.value": "transformer.layer.*.attention.v_lin",
    "blocks.*.attention.output": "transformer.layer.*.attention.out_lin",
    "blocks.*.attention_norm": "transformer.layer.*.sa_layer_norm",
    "blocks.*.feed_forward.up": "transformer.layer.*.ffn.lin1",
    "blocks.*.feed_forward.down": "transformer.layer.*.ffn.lin2",
    "blocks.*.feed_forward_norm": "transformer.layer.*.output_layer_norm",
  },
  heads: {
    none: { read: () => ({ kind: "none", pooler: false }), names: {} },
    tokens: {
      read: (config) => ({
        kind: "tokens",
        classes: config.labels().length,
        dropout: config.number("dropout", 0.1),
      }),
      names: { head: "classifier" },
    },
    sequence: {
      read: (config) => ({
        kind: "sequence",
        classes: config.labels().length,
        take: "first",
        dense: "relu",
        bias: true,
        dropout: dropoutOf(config),
      }),
      names: { "head.dense": "pre_classifier", "head.out": "classifier" },
    },
    masked: {
      read: (config) => ({
        kind: "masked",
        activation: config.activation("activation", "gelu"),
        eps,
        tied: tied(config, true),
      }),
      names: {
        "head.dense": "vocab_transform",
        "head.norm": "vocab_layer_norm",
        "head.out": "vocab_projector",
        "head.bias": "vocab_projector.bias",
      },
    },
  },
  architectures: {
    DistilBertModel: "none",
    DistilBertForMaskedLM: "masked",
    DistilBertForSequenceClassification: "sequence",
    DistilBertForTokenClassification: "tokens",
  },
  idle: [/embeddings\.position_ids$/, /^vocab_projector\.weight$/],
  elsewhere: [/^vocab_/, /^pre_classifier\./, /^classifier\./],
  loraTargets: ["q_lin", "v_lin"],
};
