// Models from the Hugging Face hub, through @huggingface/hub: cached, verified by size and checksum, and offline from then on.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../data/download.ts";
import { missingPackage } from "../data/missingPackage.ts";
import { anObject, aString, type JsonObject, parseJson } from "../formats/json.ts";
import { makeFolder, sha256, writeFileAtomic } from "../formats/node.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { companions, weightFiles } from "./files.ts";

export interface HubOptions {
  /** A branch, a tag or a commit. Default "main". */
  readonly revision?: string;
  /** The folder for the files. Default: `hub` in the cache folder (HEBB_CACHE). */
  readonly cache?: string;
  /** Used in place of the global fetch. */
  readonly fetch?: typeof fetch;
  /** A hub token, needed only for private models. */
  readonly accessToken?: string;
}

export const hubKinds: OptionKinds<HubOptions> = {
  revision: kind.string,
  cache: kind.string,
  fetch: kind.func(),
  accessToken: kind.string,
};

/** Whether a name has the form of a model on the hub, such as openai-community/gpt2. */
export const isHubName = (name: string): boolean => /^[\w][\w.-]*\/[\w][\w.-]*$/.test(name) && !name.includes("..");

const manifestName = "hebb-files.json";

/** Checksums of the complete files; null for files that the hub does not have. */
type Manifest = Record<string, string | null>;

function readManifest(folder: string): Manifest {
  const path = join(folder, manifestName);
  const manifest: Manifest = Object.create(null);
  if (!existsSync(path)) return manifest;
  const json: JsonObject = anObject(parseJson(readFileSync(path, "utf8"), path), `${path}:`);
  for (const [file, sum] of Object.entries(json))
    manifest[file] = sum === null ? null : aString(sum, `${path}: ${file}`);
  return manifest;
}

/** A copy of a model in the cache folder. */
class HubCopy {
  readonly #repo: string;
  readonly #options: HubOptions;
  readonly #manifest: Manifest;
  readonly folder: string;

  constructor(repo: string, options: HubOptions) {
    const { revision = "main", cache = join(cacheFolder(), "hub") } = options;
    if (!/^[\w.-]+$/.test(revision) || /^\.+$/.test(revision))
      throw new HebbError(`${repo}: the revision must be a branch, a tag or a commit, got ${JSON.stringify(revision)}`);
    this.#repo = repo;
    this.#options = options;
    this.folder = join(cache, repo.replace("/", "--"), revision);
    this.#manifest = readManifest(this.folder);
  }

  /** Ensures that a file is present and intact. Returns whether the model has it. */
  async fetch(file: string): Promise<boolean> {
    const known = this.#manifest[file];
    if (known === null) return false;
    const path = join(this.folder, file);
    if (known !== undefined && existsSync(path) && sha256(readFileSync(path)) === known) return true;
    const bytes = await this.#download(file);
    if (bytes !== undefined) {
      makeFolder(join(path, ".."));
      writeFileAtomic(path, bytes);
    } else makeFolder(this.folder);
    this.#manifest[file] = bytes === undefined ? null : sha256(bytes);
    writeFileAtomic(join(this.folder, manifestName), `${JSON.stringify(this.#manifest, null, 2)}\n`);
    return bytes !== undefined;
  }

  async #download(file: string): Promise<Uint8Array | undefined> {
    const { revision = "main", fetch, accessToken } = this.#options;
    const hub = await loadHub();
    const asked = {
      repo: this.#repo,
      path: file,
      revision,
      ...(fetch === undefined ? {} : { fetch }),
      ...(accessToken === undefined ? {} : { accessToken }),
    };
    try {
      const info = await hub.fileDownloadInfo(asked);
      if (info === null) return undefined;
      const blob = await hub.downloadFile({ ...asked, downloadInfo: info });
      if (blob === null) return undefined;
      const bytes = new Uint8Array(await blob.arrayBuffer());
      if (bytes.byteLength !== info.size)
        throw new HebbError(
          `${this.#repo}: ${file} has ${bytes.byteLength} bytes, the hub says ${info.size}; run this again`,
        );
      // The hub identifies large files by SHA-256, small ones by a git hash.
      const sum = /^"?([0-9a-f]{64})"?$/.exec(info.etag)?.[1];
      if (sum !== undefined && sha256(bytes) !== sum)
        throw new HebbError(`${this.#repo}: ${file} is damaged: its checksum is not ${sum}; run this again`);
      return bytes;
    } catch (error) {
      if (error instanceof HebbError) throw error;
      throw unreachable(this.#repo, file, this.folder, error);
    }
  }
}

async function loadHub(): Promise<typeof import("@huggingface/hub")> {
  try {
    return await import("@huggingface/hub");
  } catch (cause) {
    throw missingPackage("@huggingface/hub", "fetching a model from the hub", cause);
  }
}

/** The error for a failed download. */
function unreachable(repo: string, file: string, folder: string, cause: unknown): HebbError {
  const status = typeof cause === "object" && cause !== null && "statusCode" in cause ? cause.statusCode : undefined;
  if (status === 401 || status === 403 || status === 404)
    return new HebbError(
      `the hub has no model ${repo} that may be read (status ${status}); check the name, or give an accessToken if it is private`,
      { cause },
    );
  let inner = cause;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  const reason = inner instanceof Error ? inner.message : String(inner);
  return new HebbError(
    `${repo}/${file} could not be fetched (${reason}); connect to the network and run this again, or put the model's files into ${folder} and name that folder`,
    { cause },
  );
}

/** The local folder of a hub model, downloaded if missing. */
export async function hubFolder(repo: string, options: HubOptions = {}): Promise<string> {
  checkOptions("loadPretrained", options, hubKinds);
  if (!isHubName(repo))
    throw new HebbError(`${JSON.stringify(repo)} is not the name of a model on the hub, such as openai-community/gpt2`);
  const copy = new HubCopy(repo, options);
  if (!(await copy.fetch("config.json")))
    throw new HebbError(`${repo} has no config.json; it is not a model in the layout of transformers`);
  for (const file of companions) await copy.fetch(file);
  for (const file of weightFiles) {
    if (!(await copy.fetch(file))) continue;
    if (file.endsWith(".index.json")) for (const shard of shardsOf(join(copy.folder, file))) await copy.fetch(shard);
    return copy.folder;
  }
  throw new HebbError(`${repo} has no weights: there is neither of ${weightFiles.join(", ")}`);
}

/** The files named in an index. */
function shardsOf(path: string): readonly string[] {
  const map = anObject(
    anObject(parseJson(readFileSync(path, "utf8"), path), path)["weight_map"],
    `${path}: weight_map`,
  );
  const shards = Object.entries(map).map(([name, file]) => aString(file, `${path}: weight_map.${name}`));
  const wrong = shards.find((shard) => !/^[\w][\w.-]*$/.test(shard));
  if (wrong !== undefined)
    throw new HebbError(`${path}: the shard ${JSON.stringify(wrong)} is not the name of a file beside it`);
  return [...new Set(shards)];
}
