// Tokenizers of pretrained models, through @huggingface/tokenizers, and chat templates, through @huggingface/jinja; both are optional.
import { missingPackage } from "../data/missingPackage.ts";
import type { JsonObject } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { type Tensor, tensor } from "../tensor/index.ts";
import { jsonIn, type PretrainedFiles, textIn } from "./files.ts";

/** The part of the package in use. */
export interface Encoder {
  encode(
    text: string,
    options: {
      readonly text_pair?: string | null;
      readonly add_special_tokens?: boolean;
      readonly return_token_type_ids?: boolean;
    },
  ): { readonly ids: number[]; readonly token_type_ids?: number[] };
  decode(ids: number[], options: { readonly skip_special_tokens: boolean }): string;
  token_to_id(token: string): number | undefined;
}

export interface EncodeOptions {
  /** A second text, paired with the first. */
  readonly pair?: string;
  /** Maximum number of tokens; the text is cut, special tokens stay. Default: the model's limit. */
  readonly maxLength?: number | undefined;
  /** Add the tokens that begin and end a text. Default true. */
  readonly specialTokens?: boolean;
}

const encodeKinds: OptionKinds<EncodeOptions> = {
  pair: kind.string,
  maxLength: kind.number,
  specialTokens: kind.boolean,
};

export interface Encoded {
  readonly ids: number[];
  /** The segment of each token in a pair of texts. */
  readonly types: number[];
}

/** A padded batch of texts: [N, L] int32, padded at the end. */
export interface EncodedBatch {
  readonly ids: Tensor;
  readonly attentionMask: Tensor;
  readonly tokenTypes: Tensor;
}

export interface BatchOptions {
  readonly maxLength?: number | undefined;
  /** Rounds the length up to a multiple of this, to need fewer programs. Default 1. */
  readonly multipleOf?: number;
}

const batchKinds: OptionKinds<BatchOptions> = { maxLength: kind.number, multipleOf: kind.number };

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

async function loadTokenizers(): Promise<typeof import("@huggingface/tokenizers")> {
  try {
    return await import("@huggingface/tokenizers");
  } catch (cause) {
    throw missingPackage("@huggingface/tokenizers", "reading tokenizer.json", cause);
  }
}

async function loadJinja(): Promise<typeof import("@huggingface/jinja")> {
  try {
    return await import("@huggingface/jinja");
  } catch (cause) {
    throw missingPackage("@huggingface/jinja", "a chat template", cause);
  }
}

/** Larger lengths mean that there is no limit. */
const longest = 1e9;

export class TextTokenizer {
  /** The padding token. */
  readonly padding: number;
  /** Maximum number of tokens of a text. */
  readonly maxLength: number | undefined;
  readonly #encoder: Encoder;
  readonly #config: JsonObject;
  readonly #template: string | undefined;

  private constructor(encoder: Encoder, config: JsonObject, template: string | undefined) {
    this.#encoder = encoder;
    this.#config = config;
    this.#template = template;
    const most = config["model_max_length"];
    this.maxLength = typeof most === "number" && most < longest ? most : undefined;
    const token = contentOf(config["pad_token"]);
    this.padding = (token === undefined ? undefined : encoder.token_to_id(token)) ?? 0;
  }

  /** From a model's tokenizer.json and tokenizer_config.json. */
  static async from(files: PretrainedFiles): Promise<TextTokenizer> {
    const tokenizer = await jsonIn(files, "tokenizer.json");
    if (tokenizer === undefined)
      throw new HebbError(
        `${files.name} has no tokenizer.json; save it with AutoTokenizer.from_pretrained(…).save_pretrained(…) of transformers`,
      );
    const config = (await jsonIn(files, "tokenizer_config.json")) ?? {};
    const own = config["chat_template"];
    const template = (await textIn(files, "chat_template.jinja")) ?? (typeof own === "string" ? own : undefined);
    const { Tokenizer } = await loadTokenizers();
    return new TextTokenizer(new Tokenizer(tokenizer, config), config, template);
  }

  /** From an encoder that is already loaded. */
  static of(encoder: Encoder, config: JsonObject): TextTokenizer {
    return new TextTokenizer(encoder, config, undefined);
  }

  /** The id of a token; undefined if there is no such token. */
  idOf(token: string): number | undefined {
    return this.#encoder.token_to_id(token);
  }

  encode(text: string, options: EncodeOptions = {}): Encoded {
    const { pair, maxLength = this.maxLength, specialTokens = true } = checkOptions("encode", options, encodeKinds);
    const given = this.#encoder.encode(text, {
      text_pair: pair ?? null,
      add_special_tokens: specialTokens,
      return_token_type_ids: true,
    });
    const ids = [...given.ids];
    const types = given.token_type_ids ?? ids.map(() => 0);
    if (maxLength === undefined || ids.length <= maxLength) return { ids, types: [...types] };
    if (pair !== undefined)
      throw new HebbError(`encode: the two texts have ${ids.length} tokens, more than ${maxLength}; cut them`);
    return { ids: this.#cut(text, ids, maxLength), types: types.slice(0, maxLength) };
  }

  /** Cuts the end of the text, but keeps the special tokens. */
  #cut(text: string, ids: readonly number[], maxLength: number): number[] {
    const content = this.#encoder.encode(text, { add_special_tokens: false }).ids;
    const special = ids.length - content.length;
    const before = Array.from({ length: special + 1 }, (_, start) => start).find((start) =>
      content.every((id, place) => ids[start + place] === id),
    );
    if (before === undefined || maxLength <= special) return ids.slice(0, maxLength);
    return [...ids.slice(0, before), ...content.slice(0, maxLength - special), ...ids.slice(before + content.length)];
  }

  /** Texts padded to the longest. */
  encodeBatch(texts: readonly string[], options: BatchOptions = {}): EncodedBatch {
    const { maxLength, multipleOf = 1 } = checkOptions("encodeBatch", options, batchKinds);
    if (!Array.isArray(texts) || texts.length === 0)
      throw new HebbError(`encodeBatch: takes a list of texts, got ${kind.describe(texts)}`);
    const rows = texts.map((text) => this.encode(text, { maxLength }));
    const most = rows.reduce((length, { ids }) => Math.max(length, ids.length), 1);
    const length = Math.ceil(most / multipleOf) * multipleOf;
    const filled = (fill: number, values: (row: Encoded) => readonly number[]): Tensor => {
      const data = new Int32Array(rows.length * length).fill(fill);
      for (const [place, row] of rows.entries()) data.set(values(row), place * length);
      return tensor(data).reshape([rows.length, length]);
    };
    return {
      ids: filled(this.padding, ({ ids }) => ids),
      attentionMask: filled(0, ({ ids }) => ids.map(() => 1)),
      tokenTypes: filled(0, ({ types }) => types),
    };
  }

  decode(ids: Iterable<number>, options: { readonly skipSpecialTokens?: boolean } = {}): string {
    const { skipSpecialTokens = true } = checkOptions("decode", options, { skipSpecialTokens: kind.boolean });
    const list = [...ids];
    return list.length === 0 ? "" : this.#encoder.decode(list, { skip_special_tokens: skipSpecialTokens });
  }

  /** A conversation in the model's format, with the start of its answer. */
  async chat(messages: readonly ChatMessage[]): Promise<string> {
    if (this.#template === undefined)
      throw new HebbError("chat: this model has no chat template; write the prompt yourself");
    const template = this.#template;
    const { Template } = await loadJinja();
    const special = ["bos_token", "eos_token", "pad_token", "unk_token"].map((name) => [
      name,
      contentOf(this.#config[name]) ?? "",
    ]);
    return new Template(template).render({
      ...Object.fromEntries(special),
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: true,
    });
  }
}

/** Special tokens are texts, or objects that contain one. */
const contentOf = (token: unknown): string | undefined => {
  if (typeof token === "string") return token;
  if (typeof token !== "object" || token === null || !("content" in token)) return undefined;
  return typeof token.content === "string" ? token.content : undefined;
};
