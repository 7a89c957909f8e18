// Configuration readers shared by several families.
import { HebbError } from "../../graph/errors.ts";
import type { Config } from "../config.ts";
import type { SequenceHead } from "../heads.ts";
import type { AttentionSpec } from "../parts/attention.ts";
import type { RopeScaling, RopeSpec } from "../parts/rope.ts";

/** Whether the last layer reuses the token embedding. */
export const tied = (config: Config, fallback: boolean): boolean => config.boolean("tie_word_embeddings", fallback);

/** Attention with separate keys and values in every head, and biases in every projection unless `bias` overrides them. */
export const everyHead = (
  width: number,
  heads: number,
  dropout: number,
  bias: Partial<AttentionSpec["bias"]> = {},
): AttentionSpec => ({
  width,
  heads,
  keyValueHeads: heads,
  headWidth: width / heads,
  projections: "separate",
  bias: { query: true, key: true, value: true, output: true, ...bias },
  dropout,
});

const paddingOf = ({ json }: Config): number | undefined => {
  const padding = json["pad_token_id"];
  return typeof padding === "number" && padding >= 0 ? padding : undefined;
};

/** Classifies by the last token before the padding, as decoders do. */
export const lastToken = (config: Config): SequenceHead => ({
  kind: "sequence",
  classes: config.labels().length,
  take: { kind: "last", padding: paddingOf(config) },
  bias: false,
  dropout: 0,
});

/** The rotary settings of newer (rope_parameters) and older files (rope_theta, rope_scaling). */
export function ropeOf(config: Config): RopeSpec {
  const inNew = config.has("rope_parameters");
  config.only("partial_rotary_factor", 1);
  const part = config.part(inNew ? "rope_parameters" : "rope_scaling");
  const theta = inNew ? part.number("rope_theta", 10000) : config.number("rope_theta", 10000);
  if (inNew) config.idle("rope_theta", "rope_scaling");
  part.idle("type");
  part.only("partial_rotary_factor", 1);
  return { theta, scaling: scalingOf(part) };
}

function scalingOf(part: Config): RopeScaling {
  const kind = part.text("rope_type", part.text("type", "default"));
  switch (kind) {
    case "default":
      return { kind: "none" };
    case "linear":
      return { kind: "linear", factor: part.number("factor") };
    case "llama3":
      return {
        kind: "llama3",
        factor: part.number("factor"),
        lowFrequencyFactor: part.number("low_freq_factor"),
        highFrequencyFactor: part.number("high_freq_factor"),
        originalLength: part.count("original_max_position_embeddings"),
      };
    default:
      throw new HebbError(
        `${part.place}: rope_type is ${JSON.stringify(kind)}, which is not supported; one of "default", "linear", "llama3" is`,
      );
  }
}
