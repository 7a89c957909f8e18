// The files of a pretrained model, opened by name from any source.
import {
  type JsonObject,
  memorySource,
  type NamedArrays,
  type OpenedFile,
  type OpenSource,
  openSource,
  widen,
} from "../formats/index.ts";
import { anObject, parseJson } from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";

/** Files by name. Opening a missing file gives undefined. */
export interface PretrainedFiles {
  /** The name of the source in messages. */
  readonly name: string;
  open(file: string): Promise<OpenSource | undefined>;
}

/** Files in memory, by name. */
export function filesOf(name: string, files: Readonly<Record<string, Uint8Array>>): PretrainedFiles {
  const open = async (file: string): Promise<OpenSource | undefined> => {
    const bytes = Object.hasOwn(files, file) ? files[file] : undefined;
    if (bytes === undefined) return undefined;
    const beside = async (other: string): Promise<OpenSource> => {
      const found = await open(other);
      if (found === undefined) throw new HebbError(`${name}/${file} names the file ${other}, which is not there`);
      return found;
    };
    return { ...memorySource(bytes, `${name}/${file}`), beside };
  };
  return { name, open };
}

/** A whole file; undefined if there is none. */
export async function bytesIn(files: PretrainedFiles, file: string): Promise<Uint8Array | undefined> {
  const source = await files.open(file);
  if (source === undefined) return undefined;
  try {
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}

export async function textIn(files: PretrainedFiles, file: string): Promise<string | undefined> {
  const bytes = await bytesIn(files, file);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** A JSON object among the files; undefined if there is none. */
export async function jsonIn(files: PretrainedFiles, file: string): Promise<JsonObject | undefined> {
  const text = await textIn(files, file);
  const place = `${files.name}/${file}`;
  return text === undefined ? undefined : anObject(parseJson(text, place), `${place}:`);
}

/** In search order. */
export const weightFiles = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"] as const;

/** All weights: from one file, or from the shards of an index. */
export async function weightsIn(files: PretrainedFiles): Promise<NamedArrays> {
  for (const name of weightFiles) {
    const source = await files.open(name);
    if (source !== undefined) return readAll(await openSource(source));
  }
  throw new HebbError(`${files.name} has no weights: there is neither of ${weightFiles.join(", ")}`);
}

async function readAll(file: OpenedFile): Promise<NamedArrays> {
  const tensors: Record<string, NamedArrays[string]> = Object.create(null);
  try {
    for (const [name, array] of file.arrays) tensors[name] = widen(await array.read());
  } finally {
    await file.close();
  }
  return tensors;
}

/** Optional files beside the configuration and the weights, copied unchanged with the model. */
export const companions = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "generation_config.json",
  "preprocessor_config.json",
  "chat_template.jinja",
  "1_Pooling/config.json",
] as const;
