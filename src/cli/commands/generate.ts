// hebb generate: generates text with a trained language model.
import { HebbError } from "../../graph/errors.ts";
import { FineTuned } from "../../models/fineTuning.ts";
import { CausalLanguageModel, TextGenerator } from "../../models/index.ts";
import type { Module } from "../../nn/index.ts";
import { openModel } from "../../run/saved.ts";
import { textPreprocessing, vocabularyOf } from "../../run/text.ts";
import { Generator } from "../../tensor/index.ts";
import { type GenerateOptions, generate as write } from "../../train/index.ts";
import { out } from "../output.ts";

export interface GenerateArguments {
  readonly prompt: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK?: number | undefined;
  readonly seed: number;
  readonly json: boolean;
}

/** Generates with a cache of keys and values, if the model supports it and all tokens fit. */
function cached(model: Module, options: GenerateOptions): AsyncIterable<number> | undefined {
  if (!(model instanceof FineTuned && model.model instanceof CausalLanguageModel)) return undefined;
  const { prompt, count, temperature = 1, topK, seed = 0 } = options;
  const length = prompt.length + count;
  if (prompt.length < 1 || length > model.model.body.spec.context) return undefined;
  const generator = new Generator(seed);
  return new TextGenerator(model.model, length).tokens(prompt, { maxNewTokens: count, temperature, topK, generator });
}

export async function generate(folder: string, args: GenerateArguments): Promise<number> {
  const { preprocessing, model } = openModel(folder);
  const text = textPreprocessing(preprocessing, folder);
  const vocabulary = vocabularyOf(text);
  let prompt: Int32Array;
  try {
    prompt = vocabulary.encode(args.prompt === "" ? "\n" : args.prompt);
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    throw new HebbError(`the prompt cannot be read by ${folder}: ${error.message.split(";")[0]}; use other characters`);
  }
  const { temperature, topK, seed } = args;
  const options = { prompt, count: args.tokens, context: text.context, temperature, topK, seed };
  const tokens: number[] = [];
  const started = performance.now();
  if (!args.json) out.data(args.prompt);
  // Decoded after the prompt, because a tokenizer may drop the space at the beginning of a text.
  const before = vocabulary.decode(prompt);
  const behind = (): string => vocabulary.decode([...prompt, ...tokens]).slice(before.length);
  let shown = "";
  for await (const token of cached(model, options) ?? write(model, options)) {
    tokens.push(token);
    if (args.json) continue;
    // A token may be part of a character: only complete ones are shown.
    const all = behind().replace(/\uFFFD+$/, "");
    out.data(all.slice(shown.length));
    shown = all;
  }
  const written = behind();
  const seconds = (performance.now() - started) / 1000;
  if (args.json) out.json({ prompt: args.prompt, text: written, tokens: tokens.length, seconds });
  else out.data(`${written.slice(shown.length)}\n`);
  return 0;
}
