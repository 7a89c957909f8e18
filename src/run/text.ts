// Text for next-token models: from a file to tokens and windows, by a vocabulary learned from it or stored in a run.
import { readTextFile } from "../data/files.ts";
import { BytePairVocabulary, CharacterVocabulary, TokenSequence, type Vocabulary } from "../data/index.ts";
import type { Preprocessing, TextPreprocessing } from "../formats/index.ts";
import { sha256 } from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import type { ModelName, TokenizerName } from "../train/index.ts";
import type { JobData } from "./config.ts";

/** Whether the data are a text: by the model, or by the file's name where no column is to be predicted. */
export const isText = (
  path: string,
  args: {
    readonly model?: ModelName | undefined;
    readonly target?: string | undefined;
    readonly labels?: string | undefined;
  },
): boolean =>
  args.model === "gpt" ||
  args.model === "lstm" ||
  (args.model === undefined &&
    args.target === undefined &&
    args.labels === undefined &&
    /\.(txt|text|md)$/i.test(path));

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

export interface TextOptions {
  readonly tokenizer: TokenizerName;
  /** The most tokens of a bpe. */
  readonly vocabulary: number;
  readonly context: number;
  /** The share at the end of the text that is held out. */
  readonly validation: number;
}

/** Reads a text, learns its vocabulary, and cuts off the end for validation. */
export async function prepareText(path: string, options: TextOptions): Promise<JobData & { vocabulary: Vocabulary }> {
  const text = await readTextFile(path);
  if (text.trim() === "") throw new HebbError(`${path} holds no text, so there is nothing to learn`);
  const { context, validation } = options;
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
  return { preprocessing, train, validation: held, test: undefined, vocabulary };
}

/** Another text through the vocabulary of a run. */
export async function readTokens(path: string, preprocessing: TextPreprocessing): Promise<TokenSequence> {
  const vocabulary = vocabularyOf(preprocessing);
  const tokens = vocabulary.encode(await readTextFile(path));
  if (tokens.length <= preprocessing.context)
    throw new HebbError(
      `${path} has ${tokens.length} tokens, too few for the context of ${preprocessing.context} that the run was trained with`,
    );
  return new TokenSequence(tokens, preprocessing.context, vocabulary.size);
}
