// Text for next-token models: from characters to tokens and windows, by a vocabulary learned from it or stored in a run.
import { BytePairVocabulary, CharacterVocabulary, TokenSequence, type Vocabulary } from "../data/index.ts";
import type { Preprocessing, PretrainedTokenizer, TextPreprocessing } from "../formats/index.ts";
import { sha256 } from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import type { TokenizerName } from "../train/index.ts";
import { type Base, positionsOf, tokenizerIn, tokenizerOf } from "./base.ts";
import type { PreparedText } from "./prepared.ts";
import type { TextSource } from "./source.ts";

export function vocabularyOf({ tokenizer }: TextPreprocessing): Vocabulary {
  switch (tokenizer.kind) {
    case "bpe":
      return new BytePairVocabulary(tokenizer.merges);
    case "characters":
      return new CharacterVocabulary(tokenizer.characters);
    case "pretrained":
      return pretrainedVocabulary(tokenizer);
  }
}

/** The tokens of a pretrained model, without those that begin and end a text. */
function pretrainedVocabulary(files: PretrainedTokenizer): Vocabulary {
  const tokenizer = tokenizerOf(files);
  return {
    size: files.size,
    encode: (text) =>
      Int32Array.from(tokenizer.encode(text, { specialTokens: false, maxLength: Number.POSITIVE_INFINITY }).ids),
    decode: (tokens) => tokenizer.decode(Array.from(tokens)),
  };
}

export function textPreprocessing(preprocessing: Preprocessing, folder: string): TextPreprocessing {
  if (preprocessing.kind !== "text")
    throw new HebbError(`${folder} was not trained on a text, so it cannot write one; use hebb predict`);
  return preprocessing;
}

/** How a text becomes tokens. */
export interface Tokenizing {
  readonly tokenizer: TokenizerName;
  /** The most tokens of a bpe. */
  readonly vocabulary: number;
  /** Tokens that are seen at once. */
  readonly context: number;
}

/** The parts of a text to learn from and to hold out. Cut between lines if one ends near. */
function cutText(text: string, validation: number): readonly [head: string, tail: string] {
  const wanted = Math.round(text.length * (1 - validation));
  const line = text.indexOf("\n", wanted);
  const cut =
    validation === 0 ? text.length : line >= 0 && line < wanted + 1000 && line + 1 < text.length ? line + 1 : wanted;
  return [text.slice(0, cut), text.slice(cut)];
}

type FittedText = Omit<PreparedText, "kind" | "share">;

/** What a vocabulary makes of both parts of a text. */
function fitted({ text, path }: TextSource, { vocabulary, tokenizer, context, validation }: Fitting): FittedText {
  const [head, tail] = cutText(text, validation).map((part) => vocabulary.encode(part));
  const parts = [head, ...(validation === 0 ? [] : [tail])].map((tokens, place) => {
    const [found, what] = [tokens ?? new Int32Array(), place === 0 ? "training" : "held-out"];
    return { tokens: found, what };
  });
  const least = Math.min(...parts.map(({ tokens }) => tokens.length));
  const seen = typeof context === "number" ? context : Math.max(1, Math.min(context.most, least - 1));
  const [train, held] = parts.map(({ tokens, what }): TokenSequence => {
    if (tokens.length <= seen)
      throw new HebbError(
        `${path}: the ${what} part has ${tokens.length} tokens, too few for a context of ${seen}; give more text, or a smaller --context`,
      );
    return new TokenSequence(tokens, seen, vocabulary.size);
  });
  if (train === undefined) throw emptyText(path);
  const preprocessing: TextPreprocessing = {
    kind: "text",
    version: 1,
    tokenizer,
    context: seen,
    digest: sha256(text),
    notes: [
      `${train.tokens.length} tokens to learn from${held === undefined ? "" : `, the last ${held.tokens.length} held out`}, ${vocabulary.size} distinct, in windows of ${seen}`,
    ],
  };
  return { preprocessing, train, validation: held, vocabulary: vocabulary.size };
}

interface Fitting {
  readonly vocabulary: Vocabulary;
  readonly tokenizer: TextPreprocessing["tokenizer"];
  /** A number, or as many as there are up to one. */
  readonly context: number | { readonly most: number };
  readonly validation: number;
}

/** The most tokens that a pretrained model is shown at once, where nothing else is asked for. */
const usualContext = 128;

/** The tokens of a pretrained model. */
export function fitPretrainedText(
  source: TextSource,
  base: Base,
  context: number | undefined,
  validation: number,
): FittedText {
  if (source.text.trim() === "") throw emptyText(source.path);
  const { vocab_size: size } = base.config;
  if (typeof size !== "number") throw new HebbError(`${base.folder}/config.json has no vocab_size`);
  const positions = positionsOf(base.config) ?? usualContext;
  if (context !== undefined && context > positions)
    throw new HebbError(`--context ${context} is more than the ${positions} positions that ${base.folder} knows`);
  const tokenizer: PretrainedTokenizer = { kind: "pretrained", ...tokenizerIn(base), size };
  return fitted(source, {
    vocabulary: pretrainedVocabulary(tokenizer),
    tokenizer,
    context: context ?? { most: Math.min(positions, usualContext) },
    validation,
  });
}

const emptyText = (path: string): HebbError => new HebbError(`${path} holds no text, so there is nothing to learn`);

/** Learns the vocabulary of a text, and cuts off a share at its end for validation. */
export function fitText(source: TextSource, options: Tokenizing, validation: number): FittedText {
  const { text, path } = source;
  if (text.trim() === "") throw emptyText(path);
  const { context } = options;
  if (options.tokenizer === "bpe") {
    // A bpe learns from the training part alone.
    const vocabulary = BytePairVocabulary.train(cutText(text, validation)[0], options.vocabulary);
    return fitted(source, { vocabulary, tokenizer: { kind: "bpe", merges: vocabulary.merges }, context, validation });
  }
  const vocabulary = CharacterVocabulary.of(text);
  const { characters } = vocabulary;
  return fitted(source, { vocabulary, tokenizer: { kind: "characters", characters }, context, validation });
}

/** Another text through the vocabulary of a run. */
export function tokensOf(preprocessing: TextPreprocessing, { text, path }: TextSource): TokenSequence {
  const vocabulary = vocabularyOf(preprocessing);
  const tokens = vocabulary.encode(text);
  if (tokens.length <= preprocessing.context)
    throw new HebbError(
      `${path} has ${tokens.length} tokens, too few for the context of ${preprocessing.context} that the run was trained with`,
    );
  return new TokenSequence(tokens, preprocessing.context, vocabulary.size);
}
