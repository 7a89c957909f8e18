// Text for next-token models: from characters to tokens and windows, by a vocabulary learned from it or stored in a run.
import { BytePairVocabulary, CharacterVocabulary, TokenSequence, type Vocabulary } from "../data/index.ts";
import type { Preprocessing, TextPreprocessing } from "../formats/index.ts";
import { sha256 } from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import type { TokenizerName } from "../train/index.ts";
import type { PreparedText } from "./prepared.ts";
import type { TextSource } from "./source.ts";

export function vocabularyOf({ tokenizer }: TextPreprocessing): Vocabulary {
  return tokenizer.kind === "bpe"
    ? new BytePairVocabulary(tokenizer.merges)
    : new CharacterVocabulary(tokenizer.characters);
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

/** Learns the vocabulary of a text, and cuts off a share at its end for validation. */
export function fitText(
  { text, path }: TextSource,
  options: Tokenizing,
  validation: number,
): Omit<PreparedText, "kind" | "share"> {
  if (text.trim() === "") throw new HebbError(`${path} holds no text, so there is nothing to learn`);
  const { context } = options;
  // Cut as a text, between lines if one ends near: a bpe learns from the training part alone.
  const wanted = Math.round(text.length * (1 - validation));
  const line = text.indexOf("\n", wanted);
  const cut =
    validation === 0 ? text.length : line >= 0 && line < wanted + 1000 && line + 1 < text.length ? line + 1 : wanted;
  const [head, tail] = [text.slice(0, cut), text.slice(cut)];
  const bytePairs = options.tokenizer === "bpe" ? BytePairVocabulary.train(head, options.vocabulary) : undefined;
  const characters = bytePairs === undefined ? CharacterVocabulary.of(text) : undefined;
  const vocabulary = bytePairs ?? characters ?? CharacterVocabulary.of(text);
  const sequence = (part: string, what: string): TokenSequence => {
    const tokens = vocabulary.encode(part);
    if (tokens.length <= context)
      throw new HebbError(
        `${path}: the ${what} part has ${tokens.length} tokens, too few for a context of ${context}; give more text, or a smaller --context`,
      );
    return new TokenSequence(tokens, context, vocabulary.size);
  };
  const train = sequence(head, "training");
  const held = validation === 0 ? undefined : sequence(tail, "held-out");
  const preprocessing: TextPreprocessing = {
    kind: "text",
    version: 1,
    tokenizer:
      bytePairs === undefined
        ? { kind: "characters", characters: characters?.characters ?? [] }
        : { kind: "bpe", merges: bytePairs.merges },
    context,
    digest: sha256(text),
    notes: [
      `${train.tokens.length} tokens to learn from${held === undefined ? "" : `, the last ${held.tokens.length} held out`}, ${vocabulary.size} distinct, in windows of ${context}`,
    ],
  };
  return { preprocessing, train, validation: held, vocabulary: vocabulary.size };
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
