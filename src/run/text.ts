// Text for next-token models: from characters to tokens and windows, with a vocabulary trained on it or stored in a run.
import { bytesOf } from "../data/encoding.ts";
import { BytePairVocabulary, CharacterVocabulary, TokenSequence, type Vocabulary } from "../data/index.ts";
import { InputFile } from "../data/inputFile.ts";
import type { SeenFile } from "../data/pieceReader.ts";
import { cutsOf, type TextCuts, tokensOfFile } from "../data/textParts.ts";
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
  /** The maximum number of tokens of a BPE. */
  readonly vocabulary: number;
  /** The number of tokens seen at once. */
  readonly context: number;
}

/** The parts of a text to learn from and to hold out. Cut between lines if a line ends nearby. */
function cutText(text: string, validation: number): readonly [head: string, tail: string] {
  const wanted = Math.round(text.length * (1 - validation));
  const line = text.indexOf("\n", wanted);
  const cut =
    validation === 0 ? text.length : line >= 0 && line < wanted + 1000 && line + 1 < text.length ? line + 1 : wanted;
  return [text.slice(0, cut), text.slice(cut)];
}

type FittedText = Omit<PreparedText, "kind" | "share">;

/** Encodes both parts of a text with a vocabulary. */
function fitted({ text, path, file }: TextSource, { vocabulary, tokenizer, context, validation }: Fitting): FittedText {
  const texts = cutText(text, validation).slice(0, validation === 0 ? 1 : 2);
  const parts = texts.map((part, place) => ({
    tokens: vocabulary.encode(part),
    what: place === 0 ? "training" : "held-out",
  }));
  const least = Math.min(...parts.map(({ tokens }) => tokens.length));
  const seen = typeof context === "number" ? context : Math.max(1, Math.min(context.most, least - 1));
  const cuts = file && cutsIn(file, texts, parts, vocabulary);
  const [train, held] = parts.map(({ tokens, what }, place): TokenSequence => {
    if (tokens.length <= seen)
      throw new HebbError(
        `${path}: the ${what} part has ${tokens.length} tokens, too few for a context of ${seen}; give more text, or a smaller --context`,
      );
    const own = cuts?.[place];
    const read = file !== undefined && own !== undefined;
    return new TokenSequence(read ? tokensOfFile(file, own, vocabulary) : tokens, seen, vocabulary.size);
  });
  if (train === undefined) throw emptyText(path);
  const preprocessing: TextPreprocessing = {
    kind: "text",
    version: 1,
    tokenizer,
    context: seen,
    digest: sha256(text),
    notes: [
      `${train.size} training tokens${held === undefined ? "" : `, the last ${held.size} held out`}, ${vocabulary.size} distinct, in windows of ${seen}`,
    ],
  };
  return { preprocessing, train, validation: held, vocabulary: vocabulary.size, ...(cuts && { cuts }) };
}

/** The cuts of the text's parts, for reading their tokens from the file; undefined if that is impossible. */
function cutsIn(
  file: SeenFile,
  texts: readonly string[],
  parts: readonly { readonly tokens: Int32Array }[],
  vocabulary: Vocabulary,
): readonly TextCuts[] | undefined {
  // Only a byte order mark may precede the text.
  let start = file.size - texts.reduce((sum, text) => sum + bytesOf(text, "utf-8"), 0);
  if (start !== 0 && start !== 3) return undefined;
  const cuts: TextCuts[] = [];
  for (const [place, text] of texts.entries()) {
    const own = cutsOf(text, parts[place]?.tokens ?? new Int32Array(), vocabulary, start);
    if (own === undefined) return undefined;
    cuts.push(own);
    start += bytesOf(text, "utf-8");
  }
  return cuts;
}

/** The same text for another rank, which gets the cuts from rank 0: it reads nothing now. */
export async function textAlong(
  preprocessing: TextPreprocessing,
  cuts: readonly TextCuts[],
  path: string,
): Promise<FittedText> {
  const vocabulary = vocabularyOf(preprocessing);
  return InputFile.use(path, (file) => {
    const end = cuts.at(-1);
    const wanted = end === undefined ? 0 : end.bytes.reduce((sum, bytes) => sum + bytes, end.start);
    if (file.size !== wanted)
      throw new HebbError(
        `${path} has ${file.size} bytes here, and ${wanted} where rank 0 reads it; give all ranks the same file`,
      );
    const [train, validation] = cuts.map(
      (own) => new TokenSequence(tokensOfFile(file, own, vocabulary), preprocessing.context, vocabulary.size),
    );
    if (train === undefined) throw emptyText(path);
    return { preprocessing, train, validation, vocabulary: vocabulary.size };
  });
}

interface Fitting {
  readonly vocabulary: Vocabulary;
  readonly tokenizer: TextPreprocessing["tokenizer"];
  /** A fixed number, or as many tokens as there are up to a maximum. */
  readonly context: number | { readonly most: number };
  readonly validation: number;
}

/** The default maximum number of tokens that a pretrained model sees at once. */
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

/** Trains the vocabulary of a text, and splits off a share at its end for validation. */
export function fitText(source: TextSource, options: Tokenizing, validation: number): FittedText {
  const { text, path } = source;
  if (text.trim() === "") throw emptyText(path);
  const { context } = options;
  if (options.tokenizer === "bpe") {
    // A BPE is trained only on the training part.
    const vocabulary = BytePairVocabulary.train(cutText(text, validation)[0], options.vocabulary);
    return fitted(source, { vocabulary, tokenizer: { kind: "bpe", merges: vocabulary.merges }, context, validation });
  }
  const vocabulary = CharacterVocabulary.of(text);
  const { characters } = vocabulary;
  return fitted(source, { vocabulary, tokenizer: { kind: "characters", characters }, context, validation });
}

/** Encodes another text with the vocabulary of a run. */
export function tokensOf(preprocessing: TextPreprocessing, { text, path }: TextSource): TokenSequence {
  const vocabulary = vocabularyOf(preprocessing);
  const tokens = vocabulary.encode(text);
  if (tokens.length <= preprocessing.context)
    throw new HebbError(
      `${path} has ${tokens.length} tokens, too few for the context of ${preprocessing.context} that the run was trained with`,
    );
  return new TokenSequence(tokens, preprocessing.context, vocabulary.size);
}
