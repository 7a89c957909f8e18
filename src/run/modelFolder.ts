// The contents of a folder in Hugging Face's layout: the model's family, heads and weights. Loads no values.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { entryAt } from "../data/inputFile.ts";
import { HebbError } from "../graph/errors.ts";
import type { HeadName } from "../models/architecture.ts";
import { Config } from "../models/config.ts";
import { familyOf } from "../models/families.ts";
import { jsonIn, weightFiles } from "../models/files.ts";
import { folderFiles } from "../models/node.ts";
import { type FileReport, inspectFile } from "./arrayFiles.ts";

/** Whether a folder holds a pretrained model and not a run of hebb, which has a config.json too. */
export async function isModelFolder(path: string): Promise<boolean> {
  if ((await entryAt(path)).kind !== "folder") return false;
  try {
    return /"model_type"\s*:/.test(await readFile(join(path, "config.json"), "utf8"));
  } catch {
    // Without a readable config.json, it is not recognised as a model.
    return false;
  }
}

export interface ModelReport {
  readonly path: string;
  readonly family: string;
  /** The class that transformers saved. */
  readonly architecture: string | null;
  /** The head of that class; null if unknown. */
  readonly head: HeadName | null;
  /** All heads that the family supports. */
  readonly heads: readonly string[];
  /** The names of the classes; null if the head has none. */
  readonly classes: readonly string[] | null;
  readonly tokenizer: boolean;
  /** Whether the image preprocessing is included. */
  readonly pictures: boolean;
  readonly weights: FileReport;
}

const withClasses: readonly (HeadName | null)[] = ["sequence", "tokens", "image"];

/** Reads the configuration and the directory of the weights. */
export async function inspectModel(path: string): Promise<ModelReport> {
  const json = (await jsonIn(folderFiles(path), "config.json")) ?? {};
  const place = `${path}/config.json`;
  const family = familyOf(json["model_type"], place);
  const { architectures } = json;
  const [first] = Array.isArray(architectures) ? architectures : [];
  const architecture = typeof first === "string" ? first : null;
  const known = architecture !== null && Object.hasOwn(family.architectures, architecture);
  const head = known ? (family.architectures[architecture] ?? null) : null;
  const file = weightFiles.find((name) => existsSync(join(path, name)));
  if (file === undefined)
    throw new HebbError(`${path} has no weights: there is none of ${weightFiles.join(", ")}; copy the whole folder`);
  return {
    path,
    family: family.type,
    architecture,
    head,
    heads: Object.keys(family.heads),
    classes: withClasses.includes(head) ? new Config(json, place).labels() : null,
    tokenizer: existsSync(join(path, "tokenizer.json")),
    pictures: existsSync(join(path, "preprocessor_config.json")),
    weights: await inspectFile(join(path, file)),
  };
}

/** The error for a model folder in place of a run, with the remedy. */
export const modelIsNoRun = (path: string): HebbError =>
  new HebbError(
    `${path} is a pretrained model in Hugging Face's layout, and a run has data that it was trained on; hebb train DATA --base ${path} makes one, hebb inspect ${path} shows the model, and loadPretrained of hebb/models/node loads it directly`,
  );
