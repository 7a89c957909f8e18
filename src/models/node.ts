// Loads pretrained models from a folder or the hub, and saves them to a folder. In Node only.
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { besideIn } from "../formats/fileSource.ts";
import { makeFolder, writeFileAtomic } from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import { checkOptions } from "../graph/options.ts";
import { bytesIn, companions, type PretrainedFiles } from "./files.ts";
import { type HubOptions, hubFolder, hubKinds, isHubName } from "./hub.ts";
import {
  type LoadPretrainedOptions,
  loadPretrainedFiles,
  loadPretrainedKinds,
  type Pretrained,
  pretrainedFiles,
} from "./pretrained.ts";

export type { HubOptions } from "./hub.ts";

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

/** The files of a folder. Links out of it are refused. */
export function folderFiles(folder: string): PretrainedFiles {
  if (!isFolder(folder))
    throw new HebbError(
      `${folder} is not a folder; give the folder of a model in Hugging Face's layout, or a name such as openai-community/gpt2`,
    );
  return {
    name: folder,
    open: async (file) => (existsSync(join(folder, file)) ? besideIn(folder, file, folder) : undefined),
  };
}

const folderFor = async (folderOrName: string, hub: HubOptions): Promise<string> =>
  isFolder(folderOrName) || !isHubName(folderOrName) ? folderOrName : hubFolder(folderOrName, hub);

/** The folder of a model: the given one, or the cached copy of a hub model, downloaded on first use. */
export const pretrainedFolder = (folderOrName: string): Promise<string> => folderFor(folderOrName, {});

/**
 * A model from a folder in Hugging Face's layout (config.json, model.safetensors or its shards, tokenizer.json), or from the hub by name,
 * such as openai-community/gpt2. Hub models are downloaded once and kept in the cache folder.
 */
export async function loadPretrained(
  folderOrName: string,
  options: LoadPretrainedOptions & HubOptions = {},
): Promise<Pretrained> {
  checkOptions<LoadPretrainedOptions & HubOptions>("loadPretrained", options, { ...loadPretrainedKinds, ...hubKinds });
  const { revision, cache, fetch, accessToken, ...rest } = options;
  const hub: HubOptions = {
    ...(revision === undefined ? {} : { revision }),
    ...(cache === undefined ? {} : { cache }),
    ...(fetch === undefined ? {} : { fetch }),
    ...(accessToken === undefined ? {} : { accessToken }),
  };
  const files = folderFiles(await folderFor(folderOrName, hub));
  return loadPretrainedFiles({ ...files, name: folderOrName }, rest);
}

/** Writes a model to a folder that transformers and `loadPretrained` can read. */
export async function savePretrained(pretrained: Pretrained, folder: string): Promise<void> {
  const files = Object.entries(await pretrainedFiles(pretrained));
  makeFolder(folder);
  for (const [name, bytes] of files) writeFileAtomic(join(folder, name), bytes);
  for (const name of companions) {
    const bytes = await bytesIn(pretrained.files, name);
    if (bytes === undefined) continue;
    makeFolder(dirname(join(folder, name)));
    writeFileAtomic(join(folder, name), bytes);
  }
}
