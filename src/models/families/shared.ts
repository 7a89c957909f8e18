// Configuration readers shared by several families.
import { HebbError } from "../../graph/errors.ts";
import type { Config } from "../config.ts";
import type { SequenceHead } from "../heads.ts";
import type { AttentionSpec } from "../parts/attention.ts";
import type { RopeScaling, RopeSpec } from "../parts/rope.ts";

/** Whether the table of tokens serves as the last layer too. */
export const tied = (config: Config, fallback: boolean): boolean => config.boolean("tie_word_embeddings", fallback);

/** Attention in which every head has keys and values of its own, and every projection a bias where `bias` says nothing else. */
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

/** Classes by the last token before the padding, as decoders have them. */
export const lastToken = (config: Config): SequenceHead => ({
  kind: "sequence",
  classes: config.labels().length,
  take: { kind: "last", padding: paddingOf(config) },
  bias: false,
  dropout: 0,
});

/** Rotations as config.json of new (rope_parameters) and older files (rope_theta, rope_scaling) says. */
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
