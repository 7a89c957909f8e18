// What a folder in Hugging Face's layout holds: the family of the model, its heads, its weights. No values are loaded.
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

/** Whether a folder is a model's, and no run of hebb, which has a config.json too. */
export async function isModelFolder(path: string): Promise<boolean> {
  if ((await entryAt(path)).kind !== "folder") return false;
  try {
    return /"model_type"\s*:/.test(await readFile(join(path, "config.json"), "utf8"));
  } catch {
    // Without a config.json, or with one that cannot be read, it is not known as one.
    return false;
  }
}

export interface ModelReport {
  readonly path: string;
  readonly family: string;
  /** The class that transformers saved. */
  readonly architecture: string | null;
  /** The head of that class; null where it is not known. */
  readonly head: HeadName | null;
  /** All heads that the family takes. */
  readonly heads: readonly string[];
  /** The names of the classes; null where the head has none. */
  readonly classes: readonly string[] | null;
  readonly tokenizer: boolean;
  /** Whether the preparation of pictures is there. */
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

/** Why no run is made of a model's folder, and what is done with it instead. */
export const modelIsNoRun = (path: string): HebbError =>
  new HebbError(
    `${path} is a pretrained model in Hugging Face's layout, and a run has data that it was trained on; hebb train DATA --base ${path} makes one, hebb inspect ${path} shows the model, and loadPretrained of hebb/models/node loads it directly`,
  );
