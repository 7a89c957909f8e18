// Safetensors opened without loading: the header at once, each tensor on request; and models in several files with an index.
import { HebbError } from "../graph/errors.ts";
import { isRecord, parseJson, refuseBomb, refuseRepeatedKeys } from "./json.ts";
import { type Contents, type FileArray, fileArray } from "./opened.ts";
import { writeSafetensors } from "./safetensors.ts";
import { headerLength, parseHeader } from "./safetensorsHeader.ts";
import type { OpenSource } from "./source.ts";
import type { NamedStored } from "./stored/array.ts";

/** The tensors of a file. Reads only the header. */
export async function openSafetensors(source: OpenSource): Promise<Contents> {
  const { name, size } = source;
  const length = headerLength(await source.read(0, Math.min(8, size)), size, name);
  const start = 8 + length;
  const { entries, metadata } = parseHeader(await source.read(8, length), size - start, name);
  const arrays = new Map(
    entries.map(({ name: key, dtype, shape, begin, end }): [string, FileArray] => [
      key,
      fileArray(source, { dtype, shape, start: start + begin, byteLength: end - begin }),
    ]),
  );
  return { arrays, metadata: new Map(Object.entries(metadata)), notes: [], close: () => source.close() };
}

const maxIndexBytes = 100_000_000;
const maxShards = 10_000;
const maxTensors = 2 ** 18;

/** Whether the JSON is the index of a sharded model. */
export const isIndex = (value: unknown): boolean => isRecord(value) && isRecord(value["weight_map"]);

/** Reads which file holds each tensor. */
async function readIndex(source: OpenSource): Promise<{ map: Map<string, string>; metadata: Map<string, string> }> {
  const { name, size } = source;
  if (size > maxIndexBytes)
    throw new HebbError(
      `${name} has ${size} bytes, more than ${maxIndexBytes}; it is not an index of shards, or damaged`,
    );
  const text = new TextDecoder().decode(await source.read(0, size));
  refuseBomb(text, name, maxTensors);
  const index = parseJson(text, name);
  refuseRepeatedKeys(text, name);
  const map = isRecord(index) ? index["weight_map"] : undefined;
  if (!isRecord(index) || !isRecord(map))
    throw new HebbError(`${name} has no weight_map, an object of file names by tensor; it is not an index of shards`);
  const files = new Map<string, string>();
  for (const [key, file] of Object.entries(map)) {
    if (typeof file !== "string")
      throw new HebbError(
        `${name}: weight_map[${JSON.stringify(key.slice(0, 100))}] is not a file name; the index is damaged`,
      );
    files.set(key, file);
  }
  const about = isRecord(index["metadata"]) ? Object.entries(index["metadata"]) : [];
  return {
    map: files,
    metadata: new Map(about.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])),
  };
}

/**
 * The tensors of a sharded model, by its index (`model.safetensors.index.json`). Opens every shard and reads its header; each tensor of the
 * index must be in its shard. Throws HebbError for a shard that is missing or outside the folder.
 */
export async function openSharded(source: OpenSource): Promise<Contents> {
  const { name, beside } = source;
  const { map, metadata } = await readIndex(source);
  if (beside === undefined)
    throw new HebbError(`${name} names other files, which are not available here; open its folder in Node`);
  const files = [...new Set(map.values())];
  if (files.length > maxShards)
    throw new HebbError(`${name} names ${files.length} files, more than ${maxShards}; the index is damaged`);
  const shards = new Map<string, Contents>();
  const close = async (): Promise<void> => {
    await source.close();
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const file of files) shards.set(file, await openShard(await beside(file)));
    const arrays = new Map<string, FileArray>();
    for (const [key, file] of map) {
      const array = shards.get(file)?.arrays.get(key);
      if (array === undefined)
        throw new HebbError(
          `${name} names ${JSON.stringify(file.slice(0, 200))} for the tensor ${JSON.stringify(key.slice(0, 200))}, which is not in it; copy all files of the model again`,
        );
      arrays.set(key, array);
    }
    const unnamed = [...shards.values()].reduce((sum, shard) => sum + shard.arrays.size, 0) - arrays.size;
    const notes = [`in ${files.length} ${files.length === 1 ? "file" : "files"}`];
    if (unnamed > 0) notes.push(`${unnamed} tensors of the files are not in the index and are left out`);
    return { arrays, metadata, notes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openShard(source: OpenSource): Promise<Contents> {
  try {
    return await openSafetensors(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Bytes of a file, with a description of the run that produced the weights. */
export const writeSafetensorsFile = (arrays: NamedStored, run?: string): Uint8Array =>
  writeSafetensors(arrays, { format: "pt", ...(run === undefined ? {} : { "hebb.run": run }) });
