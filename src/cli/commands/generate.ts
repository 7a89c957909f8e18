// hebb generate: a trained language model writes text.
import { HebbError } from "../../graph/errors.ts";
import { openModel } from "../../run/saved.ts";
import { textPreprocessing, vocabularyOf } from "../../run/text.ts";
import { generate as write } from "../../train/index.ts";
import { out } from "../output.ts";

export interface GenerateArguments {
  readonly prompt: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK?: number | undefined;
  readonly seed: number;
  readonly json: boolean;
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
  let shown = "";
  for (const token of write(model, options)) {
    tokens.push(token);
    if (args.json) continue;
    // A token may be a part of a character: what is whole is shown.
    const all = vocabulary.decode(tokens).replace(/\uFFFD+$/, "");
    out.data(all.slice(shown.length));
    shown = all;
  }
  const written = vocabulary.decode(tokens);
  const seconds = (performance.now() - started) / 1000;
  if (args.json) out.json({ prompt: args.prompt, text: written, tokens: tokens.length, seconds });
  else out.data(`${written.slice(shown.length)}\n`);
  return 0;
}
