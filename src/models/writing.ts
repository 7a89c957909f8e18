// Text generated piece by piece: tokens of a language model, decoded as they arrive.
import { HebbError } from "../graph/errors.ts";
import { jsonIn } from "./files.ts";
import type { GenerationOptions, TextGenerator } from "./generation.ts";
import type { Pretrained } from "./pretrained.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** The tokens that end a text, from generation_config.json or config.json. */
export async function stopTokens({ files, config }: Pretrained): Promise<readonly number[]> {
  const generation = (await jsonIn(files, "generation_config.json")) ?? {};
  const end = generation["eos_token_id"] ?? config["eos_token_id"];
  return (Array.isArray(end) ? end : [end]).filter((token): token is number => typeof token === "number");
}

/** Stands for an incomplete character. */
const unfinished = "\uFFFD";

/** Continues a text in pieces of whole characters. Together they equal the decoded tokens. */
export async function* writeText(
  generator: TextGenerator,
  tokenizer: TextTokenizer,
  prompt: string,
  options: GenerationOptions = {},
): AsyncGenerator<string> {
  const { ids } = tokenizer.encode(prompt, { maxLength: undefined });
  if (ids.length === 0) throw new HebbError("writeText: the prompt is empty; begin with at least one token");
  const stop = new Set(options.stop ?? []);
  const written: number[] = [];
  let told = "";
  for await (const token of generator.tokens(ids, options)) {
    if (stop.has(token)) break;
    written.push(token);
    const text = tokenizer.decode(written);
    if (text.endsWith(unfinished)) continue;
    yield text.slice(told.length);
    told = text;
  }
  const text = tokenizer.decode(written);
  if (text.length > told.length) yield text.slice(told.length);
}
