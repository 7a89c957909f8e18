// A pretrained model to start training from: the parts of its folder that are read before its weights.
import { createRequire } from "node:module";
import { packageAddress } from "../data/optionalPackage.ts";
import type { JsonObject } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import { familyOf } from "../models/families.ts";
import { jsonIn } from "../models/files.ts";
import { type FineTunedHead, inabilities } from "../models/fineTuning.ts";
import { type Encoder, type ImageProcessing, ImageProcessor, TextTokenizer } from "../models/index.ts";
import { folderFiles, pretrainedFolder } from "../models/node.ts";
import { kindNames, type Source } from "./source.ts";

/** tokenizer.json and tokenizer_config.json. */
export interface TokenizerFiles {
  readonly tokenizer: JsonObject;
  readonly tokenizerConfig: JsonObject;
}

export interface Base {
  readonly folder: string;
  readonly config: JsonObject;
  readonly tokenizer: TokenizerFiles | undefined;
  /** How images become pixels. */
  readonly processing: Pick<ImageProcessing, "steps" | "factor" | "mean" | "std"> | undefined;
}

/** Reads the parts of a base that are needed before its weights, from a folder or by a model's name on the hub. */
export async function readBase(folderOrName: string): Promise<Base> {
  const folder = await pretrainedFolder(folderOrName);
  const files = folderFiles(folder);
  const config = await jsonIn(files, "config.json");
  if (config === undefined) throw new HebbError(`${folder} has no config.json; give a model in Hugging Face's layout`);
  const tokenizer = await jsonIn(files, "tokenizer.json");
  return {
    folder,
    config,
    tokenizer:
      tokenizer === undefined
        ? undefined
        : { tokenizer, tokenizerConfig: (await jsonIn(files, "tokenizer_config.json")) ?? {} },
    processing: takes(config, folder, "image") ? (await ImageProcessor.from(files)).processing : undefined,
  };
}

/** Whether the family of a model has this head. */
export const takes = (config: JsonObject, folder: string, head: FineTunedHead): boolean =>
  Object.hasOwn(familyOf(config["model_type"], `${folder}/config.json`).heads, head);

const headFor: Readonly<Record<Source["kind"], FineTunedHead>> = {
  table: "sequence",
  parts: "sequence",
  images: "image",
  text: "causal",
};

/** Refuses data that a base cannot handle. */
export function checkTakes({ config, folder }: Base, { kind, path }: Source): void {
  const head = headFor[kind];
  if (takes(config, folder, head)) return;
  throw new HebbError(
    `${path} is ${kindNames[kind]}, and the ${JSON.stringify(config["model_type"])} in ${folder} ${inabilities[head]}; give a base that does`,
  );
}

export function tokenizerIn({ folder, tokenizer }: Base): TokenizerFiles {
  if (tokenizer !== undefined) return tokenizer;
  throw new HebbError(
    `${folder} has no tokenizer.json, which turns texts into tokens; save the tokenizer beside the model`,
  );
}

/** The part of the package that is used here. */
interface TokenizersPackage {
  readonly Tokenizer: new (tokenizer: JsonObject, config: JsonObject) => Encoder;
}

export function tokenizerOf({ tokenizer, tokenizerConfig }: TokenizerFiles): TextTokenizer {
  // Called for its error, which says how to install the package.
  packageAddress("@huggingface/tokenizers", "reading tokenizer.json");
  const { Tokenizer }: TokenizersPackage = createRequire(import.meta.url)("@huggingface/tokenizers");
  return TextTokenizer.of(new Tokenizer(tokenizer, tokenizerConfig), tokenizerConfig);
}

/** The number of positions of the model; RoBERTa skips those up to the padding index. Undefined if the model does not say. */
export function positionsOf(config: JsonObject): number | undefined {
  const most = config["max_position_embeddings"] ?? config["n_positions"];
  const padding = config["pad_token_id"];
  if (typeof most !== "number") return undefined;
  return config["model_type"] === "roberta" && typeof padding === "number" ? most - padding - 1 : most;
}
