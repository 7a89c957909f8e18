// TextState: the run and view of the Text surface, as one table; in an address it is a single field.

import * as say from "../texts/en/names.ts";
import { choice, type Field, list, number, whole } from "./fields.ts";
import { type OptimizerName, optimizerNames } from "./names.ts";

export const taskNames = ["copy", "reverse", "sort", "addition", "modular", "parity", "brackets"] as const;
export type TaskName = (typeof taskNames)[number];

export const corpusNames = ["names", "shakespeare", "own"] as const;
export type CorpusName = (typeof corpusNames)[number];

export const sourceNames = [...taskNames, ...corpusNames] as const;
export type SourceName = TaskName | CorpusName;

export const isTask = (source: SourceName): source is TaskName => taskNames.some((name) => name === source);

export interface SourceTitle {
  readonly title: string;
  readonly about: string;
  /** The unit of `length`, for a task. */
  readonly counts?: string;
  readonly lengths?: readonly number[];
}

export const sourceTitles: Readonly<Record<SourceName, SourceTitle>> = {
  copy: {
    title: say.copy,
    about: say.theLettersAgainInTheSame,
    counts: say.letters,
    lengths: [2, 3, 4, 5, 6, 7, 8, 10, 12, 16],
  },
  reverse: {
    title: say.reverse,
    about: say.theLettersAgainFromTheLast,
    counts: say.letters,
    lengths: [2, 3, 4, 5, 6, 7, 8, 10, 12, 16],
  },
  sort: {
    title: say.sort,
    about: say.theDigitsAgainFromTheSmallest,
    counts: say.digits2,
    lengths: [2, 3, 4, 5, 6, 7, 8, 10, 12, 16],
  },
  addition: {
    title: say.addition,
    about: say.theSumOfTwoNumbersIts,
    counts: say.digitsOfEachNumber,
    lengths: [1, 2, 3, 4, 5, 6],
  },
  modular: {
    title: say.modularAddition,
    about: say.aBOnAClockEach,
    counts: say.hoursOfTheClock,
    lengths: [7, 11, 13, 17, 23, 31, 37, 43, 53, 59, 67, 79, 97, 113],
  },
  parity: {
    title: say.parity,
    about: say.whetherTheOnesSoFarAre,
    counts: say.bits,
    lengths: [4, 6, 8, 10, 12, 16, 20, 24],
  },
  brackets: {
    title: say.brackets,
    about: say.theBracketsThatCloseWhatIs,
    counts: say.brackets2,
    lengths: [4, 6, 8, 10, 12, 16, 20],
  },
  names: { title: say.names, about: say.givenNamesOneOnEachLine },
  shakespeare: { title: say.shakespeare, about: say.sonnetsAndScenesByWilliam },
  own: { title: say.yours, about: say.aTextOfYourOwnIt },
};

export const modelNames = ["gpt", "lstm", "gru", "rnn"] as const;
export type ModelName = (typeof modelNames)[number];
export const modelTitles: Readonly<Record<ModelName, string>> = {
  gpt: say.transformer,
  lstm: say.lstm,
  gru: say.gru,
  rnn: say.rnn,
};

export const tokenKinds = ["characters", "bpe"] as const;
export type TokenKind = (typeof tokenKinds)[number];

export const scheduleNames = ["constant", "root"] as const;
export type ScheduleName = (typeof scheduleNames)[number];
/** The steps during which the learning rate rises, and the step from which it falls as 1/√step. */
export const rootSchedule = { rises: 20, falls: 400 } as const;

export interface TextState {
  readonly source: SourceName;
  /** The length of a task's sequences; for modular addition, the modulus. */
  readonly length: number;
  /** The kind of tokens in a text. */
  readonly tokens: TokenKind;
  /** Tokens of a byte-pair vocabulary. */
  readonly vocabulary: number;
  readonly model: ModelName;
  /** Models trained next to it, each with as many parameters. */
  readonly beside: readonly ModelName[];
  readonly layers: number;
  /** The width: numbers for each token. */
  readonly width: number;
  readonly heads: number;
  /** The most tokens of a text in the context. */
  readonly context: number;
  readonly dropout: number;
  readonly optimizer: OptimizerName;
  readonly lr: number;
  /** The schedule of the learning rate. */
  readonly schedule: ScheduleName;
  readonly decay: number;
  readonly batch: number;
  readonly seed: number;
  readonly step: number;
  /** Steps a second; 0 means as fast as possible. */
  readonly speed: number;
  /** The current text; empty: one from the held-out part. */
  readonly prompt: string;
  readonly temperature: number;
  /** Only the k likeliest tokens are drawn; 0: all. */
  readonly topK: number;
  /** The large attention map, as layer.head. */
  readonly head: string;
}

export type TextKey = keyof TextState;

export const limits = { layers: 6, width: 192, context: 128 } as const;
/** The most letters of the current text. */
const longestPrompt = 400;

/** In steps, not epochs, because texts are long. */
export const textSpeeds = [2, 10, 50, 0] as const;

const models = list<ModelName>(
  [],
  modelNames.length,
  (name) => name,
  (part) => modelNames.find((name) => name === part),
);

/** The only description of the state: defaults, checks, the address and restarts all follow from it. */
export const textFields: { readonly [K in TextKey]: Field<TextState[K]> } = {
  source: choice<SourceName>("reverse", "run", sourceNames),
  length: whole(6, "run", 1, 200),
  tokens: choice<TokenKind>("characters", "run", tokenKinds),
  vocabulary: whole(384, "run", 257, 2048),
  model: choice<ModelName>("gpt", "run", modelNames),
  beside: models,
  layers: whole(2, "run", 1, limits.layers),
  width: whole(64, "run", 4, limits.width),
  heads: whole(4, "run", 1, 16),
  context: whole(32, "run", 4, limits.context),
  dropout: number(0, "run", { least: 0, most: 0.9 }),
  optimizer: choice<OptimizerName>("adamw", "run", optimizerNames),
  lr: number(0.002, "run", { least: 0, most: 100 }),
  schedule: choice<ScheduleName>("root", "run", scheduleNames),
  decay: number(0.01, "run", { least: 0, most: 10 }),
  batch: whole(64, "run", 1, 512),
  seed: whole(1, "run", 0, 2 ** 31),
  step: whole(0, "view", 0, 2 ** 40),
  speed: number(0, "view", { least: 0, most: 1000 }),
  prompt: {
    start: "",
    changes: "view",
    print: (value) => value,
    parse: (value) => (value.length <= longestPrompt ? value : undefined),
  },
  temperature: number(1, "view", { least: 0, most: 4 }),
  topK: whole(0, "view", 0, 2048),
  head: {
    start: "0.0",
    changes: "view",
    print: (value) => value,
    parse: (value) => (/^\d{1,2}\.\d{1,2}$/.test(value) ? value : undefined),
  },
};

export const textKeys = Object.keys(textFields) as readonly TextKey[];

function startOf<K extends TextKey>(key: K): TextState[K] {
  const field: Field<TextState[K]> = textFields[key];
  return field.start;
}

export const startText = Object.fromEntries(textKeys.map((key) => [key, startOf(key)])) as Pick<TextState, TextKey>;

function printOne<K extends TextKey>(key: K, state: TextState): string {
  const field: Field<TextState[K]> = textFields[key];
  return field.print(state[key]);
}

/** The part of the state that decides the numbers of a run: equal texts, equal runs. */
export const textKey = (state: TextState): string =>
  textKeys
    .filter((key) => textFields[key].changes === "run")
    .map((key) => printOne(key, state))
    .join(";");

const escaped = (value: string): string => value.replaceAll(/[%;]/g, encodeURIComponent);

function parse(whole: string): TextState | undefined {
  const found: Partial<Record<TextKey, unknown>> = {};
  for (const pair of whole === "" ? [] : whole.split(";")) {
    const cut = pair.indexOf(":");
    const key = textKeys.find((name) => name === pair.slice(0, cut));
    if (key === undefined) continue;
    try {
      const value = textFields[key].parse(decodeURIComponent(pair.slice(cut + 1)));
      if (value !== undefined) found[key] = value;
    } catch {
      // An invalid pair is left out.
    }
  }
  return { ...startText, ...(found as Partial<TextState>) };
}

/** In an address: the differences from the initial state, as key:value joined by ";". */
export const textField: Field<TextState> = {
  start: startText,
  changes: "view",
  print: (state) =>
    textKeys
      .filter((key) => printOne(key, state) !== printOne(key, startText))
      .map((key) => `${key}:${escaped(printOne(key, state))}`)
      .join(";"),
  parse,
};

const lm: Partial<TextState> = {
  tokens: "characters",
  layers: 2,
  width: 64,
  heads: 4,
  context: 64,
  dropout: 0,
  batch: 16,
  lr: 0.003,
  decay: 0.01,
};
const task: Partial<TextState> = {
  tokens: "characters",
  layers: 2,
  width: 64,
  heads: 4,
  dropout: 0,
  batch: 64,
  lr: 0.002,
  decay: 0.01,
};

const presets: Readonly<Record<SourceName, Partial<TextState>>> = {
  copy: { ...task, length: 6 },
  reverse: { ...task, length: 6 },
  sort: { ...task, length: 6 },
  addition: { ...task, length: 2, lr: 0.003 },
  modular: { ...task, length: 31, layers: 1, batch: 128, lr: 0.005, decay: 0.1 },
  parity: { ...task, length: 12 },
  brackets: { ...task, length: 8 },
  names: { ...lm, context: 16, batch: 64 },
  shakespeare: lm,
  own: lm,
};

/** The changes that come with a choice of a text or a task. */
export const presetOf = (source: SourceName): Partial<TextState> => ({ ...presets[source], source, prompt: "" });
