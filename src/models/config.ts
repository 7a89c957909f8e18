// Reads a model's config.json key by key: an unknown key that could change the numbers is an error that names it.
import type { Json, JsonObject } from "../formats/index.ts";
import { aBoolean, aCount, aNumber, anObject, aString, type Check } from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";
import { activationNames } from "./parts/activation.ts";

/** Keys allowed in every configuration that do not affect the forward pass. */
const idle: ReadonlySet<string> = new Set([
  "_commit_hash",
  "_name_or_path",
  "_attn_implementation_autoset",
  "add_cross_attention",
  "architectures",
  "attn_implementation",
  "auto_map",
  "bos_token_id",
  "chunk_size_feed_forward",
  "cross_attention_hidden_size",
  "decoder_start_token_id",
  "dtype",
  "eos_token_id",
  "finetuning_task",
  "forced_decoder_ids",
  "gradient_checkpointing",
  "id2label",
  "initializer_factor",
  "initializer_range",
  "is_encoder_decoder",
  "label2id",
  "model_type",
  "output_attentions",
  "output_hidden_states",
  "output_past",
  "pad_token_id",
  "position_embedding_type",
  "prefix",
  "pretraining_tp",
  "problem_type",
  "reference_compile",
  "return_dict",
  "return_dict_in_generate",
  "sep_token_id",
  "task_specific_params",
  "tie_word_embeddings",
  "tokenizer_class",
  "torch_dtype",
  "torchscript",
  "transformers_version",
  "use_cache",
  "use_return_dict",
  "vocab_size",
]);

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isIdle = (value: Json | undefined): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

export class Config {
  readonly json: JsonObject;
  readonly place: string;
  readonly #read = new Set<string>();
  readonly #parts: Config[] = [];

  constructor(json: JsonObject, place: string) {
    this.json = json;
    this.place = place;
  }

  #value<T extends Json>(key: string, check: Check<T>, fallback: T | undefined): T {
    this.#read.add(key);
    const value = Object.hasOwn(this.json, key) ? this.json[key] : undefined;
    if (value !== undefined && value !== null) return check(value, `${this.place}: ${key}`);
    if (fallback !== undefined) return fallback;
    throw new HebbError(`${this.place}: ${key} is missing; copy the whole config.json of the model`);
  }

  count(key: string, fallback?: number): number {
    return this.#value(key, aCount, fallback);
  }
  number(key: string, fallback?: number): number {
    return this.#value(key, aNumber, fallback);
  }
  boolean(key: string, fallback?: boolean): boolean {
    return this.#value(key, aBoolean, fallback);
  }
  text(key: string, fallback?: string): string {
    return this.#value(key, aString, fallback);
  }

  /** An optional whole number. */
  optionalCount(key: string): number | undefined {
    this.#read.add(key);
    return isIdle(this.json[key]) ? undefined : this.count(key);
  }

  counts(key: string, fallback?: readonly number[]): readonly number[] {
    this.#read.add(key);
    const value = this.json[key] ?? fallback;
    if (!Array.isArray(value) || value.length === 0)
      throw new HebbError(`${this.place}: ${key} must be a list of whole numbers`);
    return value.map((item: unknown, place) => aCount(item, `${this.place}: ${key}[${place}]`));
  }

  /** The name of a supported activation. */
  activation(key: string, fallback?: string): string {
    const name = this.text(key, fallback);
    if (activationNames.includes(name)) return name;
    throw this.#refusal(key, name, activationNames);
  }

  /** Refuses every value except those given; an absent key counts as the first. */
  only(key: string, ...values: readonly (string | number | boolean)[]): string | number | boolean | undefined {
    this.#read.add(key);
    const value = this.json[key];
    if (value === undefined || value === null) return values[0];
    const known = values.find((one) => one === value);
    if (known === undefined) throw this.#refusal(key, value, values);
    return known;
  }

  /** Marks keys as having no effect here. */
  idle(...keys: readonly string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  /** A nested configuration. */
  part(key: string): Config {
    this.#read.add(key);
    const part = new Config(anObject(this.json[key] ?? {}, `${this.place}: ${key}`), `${this.place}: ${key}`);
    this.#parts.push(part);
    return part;
  }

  has(key: string): boolean {
    return !isIdle(this.json[key]);
  }

  /** Class names in the order of their numbers. */
  labels(): readonly string[] {
    const labels = this.json["id2label"];
    if (!isObject(labels)) {
      const count = this.json["num_labels"] ?? this.json["_num_labels"];
      return Array.from({ length: typeof count === "number" ? count : 2 }, (_, place) => `LABEL_${place}`);
    }
    return Object.keys(labels).map((_, place) => {
      const label = labels[String(place)];
      if (typeof label === "string") return label;
      throw new HebbError(`${this.place}: id2label has no text for class ${place}; number the classes from 0`);
    });
  }

  /** Refuses unread keys, except those that the user declares irrelevant. */
  finish(ignored: readonly string[] = []): void {
    for (const part of this.#parts) part.finish(ignored);
    const unknown = Object.keys(this.json).filter(
      (key) =>
        !this.#read.has(key) &&
        !idle.has(key) &&
        !generation.has(key) &&
        !ignored.includes(key) &&
        key !== "num_labels" &&
        key !== "_num_labels" &&
        !isIdle(this.json[key]),
    );
    const positions = this.json["position_embedding_type"];
    if (
      positions !== undefined &&
      positions !== null &&
      positions !== "absolute" &&
      !this.#read.has("position_embedding_type")
    )
      throw this.#refusal("position_embedding_type", positions, ["absolute"]);
    if (unknown.length === 0) return;
    const list = unknown.map((key) => `${key} = ${JSON.stringify(this.json[key])?.slice(0, 60)}`).join(", ");
    throw new HebbError(
      `${this.place}: ${list} ${unknown.length === 1 ? "is" : "are"} not known for ${JSON.stringify(this.json["model_type"] ?? "this model")} and may change its numbers; if not, pass { ignoreConfig: ${JSON.stringify(unknown)} }`,
    );
  }

  #refusal(key: string, value: Json, known: readonly (string | number | boolean)[]): HebbError {
    return new HebbError(
      `${this.place}: ${key} is ${JSON.stringify(value)?.slice(0, 80)}, which is not supported; ${known.length === 1 ? "only" : "one of"} ${known.map((one) => JSON.stringify(one)).join(", ")} is`,
    );
  }
}

/** Generation settings that older files store among those of the model. */
const generation: ReadonlySet<string> = new Set([
  "bad_words_ids",
  "begin_suppress_tokens",
  "diversity_penalty",
  "do_sample",
  "early_stopping",
  "encoder_no_repeat_ngram_size",
  "exponential_decay_length_penalty",
  "forced_bos_token_id",
  "forced_eos_token_id",
  "length_penalty",
  "max_length",
  "min_length",
  "no_repeat_ngram_size",
  "num_beam_groups",
  "num_beams",
  "num_return_sequences",
  "output_scores",
  "pruned_heads",
  "remove_invalid_values",
  "repetition_penalty",
  "suppress_tokens",
  "temperature",
  "tie_encoder_decoder",
  "top_k",
  "top_p",
  "typical_p",
  "use_bfloat16",
]);
