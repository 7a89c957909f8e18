// The data of a text model: the sequences of a task or a long text, as tokens, with a held-out part.

import { data, HebbError } from "../../../src/index.ts";
import { ignoredLabel } from "../../../src/train/objectives.ts";
import { isTask, type TextState } from "../../shared/text.ts";
import * as say from "../../texts/en/engine.ts";
import { type Sequence, sequencesOf, taskOf } from "./tasks.ts";

/** Tokens by name, and text to tokens. */
export interface Tokens {
  readonly names: readonly string[];
  /** The tokens of a text; letters without a token are skipped. */
  encode(text: string): Int32Array;
}

interface Common {
  readonly tokens: Tokens;
  /** The most tokens in a model's context. */
  readonly context: number;
  readonly notes: readonly string[];
}

export interface TaskData extends Common {
  readonly kind: "task";
  readonly train: data.Dataset;
  readonly held: data.Dataset;
  readonly heldSequences: readonly Sequence[];
  /** Tokens of every question. */
  readonly question: number;
}

export interface CorpusData extends Common {
  readonly kind: "corpus";
  readonly train: data.TokenSequence;
  readonly held: data.TokenSequence;
}

export type TextData = TaskData | CorpusData;

/** The held-out share of a text: its end. */
const heldShare = 0.1;
/** The most letters used to learn a byte-pair vocabulary. */
const mostForMerges = 1_000_000;
export const longestText = 20_000_000;

function taskTokens(names: readonly string[]): Tokens {
  const places = new Map(names.map((name, place) => [name, place]));
  const longest = Math.max(...names.map(({ length }) => length));
  return {
    names,
    // Names of several letters are single tokens, such as the numbers of a clock.
    encode: (text) => {
      const out: number[] = [];
      for (let at = 0; at < text.length; ) {
        let length = Math.min(longest, text.length - at);
        while (length > 0 && !places.has(text.slice(at, at + length))) length--;
        const place = places.get(text.slice(at, at + length));
        if (place !== undefined) out.push(place);
        at += Math.max(1, length);
      }
      return Int32Array.from(out);
    },
  };
}

function taskData(state: TextState): TaskData {
  if (!isTask(state.source)) throw new HebbError(say.isNotATask(state.source));
  const task = taskOf(state.source, state.length);
  const { train, held } = sequencesOf(task, state.seed);
  const tokens = taskTokens(task.tokens);
  const places = new Map(task.tokens.map((name, place) => [name, place]));
  const context = task.question + task.answer - 1;
  const datasetOf = (sequences: readonly Sequence[]): data.Dataset => {
    const features = new Int32Array(sequences.length * context);
    const targets = new Int32Array(sequences.length * context).fill(ignoredLabel);
    sequences.forEach(({ question, answer }, row) => {
      const whole = [...question, ...answer].map((name) => places.get(name) ?? 0);
      for (let place = 0; place < context; place++) {
        features[row * context + place] = whole[place] ?? 0;
        // Only the answer counts in the loss, because the question cannot be predicted.
        if (place >= task.question - 1) targets[row * context + place] = whole[place + 1] ?? 0;
      }
    });
    return new data.Dataset({ features, featureShape: [context], targets, targetShape: [context] });
  };
  return {
    kind: "task",
    tokens,
    context,
    train: datasetOf(train),
    held: datasetOf(held),
    heldSequences: held,
    question: task.question,
    notes: [],
  };
}

/** The lines in random order, so that the held-out part is not just the end of a sorted list. */
function shuffledLines(text: string, seed: number): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const random = new data.Random(seed, 0x6c696e65);
  for (let k = lines.length - 1; k > 0; k--) {
    const other = random.integer(k + 1);
    [lines[k], lines[other]] = [lines[other] ?? "", lines[k] ?? ""];
  }
  return `\n${lines.join("\n")}\n`;
}

function tokensOf(text: string, { tokens, vocabulary }: TextState): Tokens & { readonly all: Int32Array } {
  if (tokens === "bpe") {
    const learned = data.BytePairVocabulary.train(text.slice(0, mostForMerges), vocabulary);
    return {
      names: Array.from({ length: learned.size }, (_, token) => learned.decode([token])),
      encode: (own) => learned.encode(own),
      all: learned.encode(text),
    };
  }
  const characters = data.CharacterVocabulary.of(text);
  const known = new Set(characters.characters);
  return {
    names: characters.characters,
    encode: (own) => characters.encode([...own].filter((character) => known.has(character)).join("")),
    all: characters.encode(text),
  };
}

function corpusData(state: TextState, corpus: string): CorpusData {
  if (corpus.trim() === "") throw new HebbError(say.theTextIsEmptyPasteOne);
  if (corpus.length > longestText) throw new HebbError(say.theTextHasLettersMoreThan(corpus.length, longestText));
  const plain = corpus.replaceAll("\r\n", "\n");
  const text = state.source === "names" ? shuffledLines(plain, state.seed) : plain;
  const { names, encode, all } = tokensOf(text, state);
  // A short text has shorter windows: at least two, one for training and one held out.
  const context = Math.min(state.context, Math.floor((all.length - 2) / 2));
  if (context < 2) throw new HebbError(say.theTextHasTokensTooFew(all.length));
  const cut = Math.min(all.length - context - 1, Math.round((1 - heldShare) * all.length));
  const notes: string[] = [];
  if (context < state.context) notes.push(say.theTextHasOnlyTokensSo(all.length, context));
  if (names.length > 2048) notes.push(say.theTextHasDifferentCharactersByte(names.length));
  return {
    kind: "corpus",
    tokens: { names, encode },
    context,
    train: new data.TokenSequence(all.slice(0, Math.max(cut, context + 1)), context, names.length),
    held: new data.TokenSequence(all.slice(cut), context, names.length),
    notes,
  };
}

/** The data of a state; `corpus` is the text if the state is not a task. */
export const textData = (state: TextState, corpus: string): TextData =>
  isTask(state.source) ? taskData(state) : corpusData(state, corpus);
