// Opens a path (Node only): a file of any known format, or a folder with the files of one model.
import { readdir } from "node:fs/promises";
import { fileError } from "../data/fileErrors.ts";
import { entryAt } from "../data/inputFile.ts";
import { HebbError } from "../graph/errors.ts";
import { besideIn, fileSource } from "./fileSource.ts";
import { type OpenedFile, openSource } from "./kinds.ts";

/** The file of a folder to open: the index of shards, or the only file of weights. */
async function fileIn(folder: string): Promise<string> {
  let names: string[];
  try {
    names = (await readdir(folder)).sort();
  } catch (error) {
    throw fileError(folder, error);
  }
  for (const ending of [".safetensors.index.json", ".safetensors"]) {
    const [first, ...others] = names.filter((name) => name.endsWith(ending) && !name.startsWith("."));
    if (first === undefined) continue;
    if (others.length === 0) return first;
    throw new HebbError(
      `${folder} holds ${others.length + 1} files ${ending}; name one of them: ${first}, ${others[0]}`,
    );
  }
  throw new HebbError(`${folder} holds neither a .safetensors.index.json nor a .safetensors file; name a file`);
}

/**
 * Opens a file of arrays by path: safetensors (one file, or several by index or folder), .npy, .npz, PyTorch, GGUF, Keras (with h5wasm),
 * ONNX and JSON.
 * Detects the kind from the content. Reads only the directory; `array.read()` reads an array. Close the file when you no longer need it.
 */
export async function openFile(path: string): Promise<OpenedFile> {
  const entry = await entryAt(path);
  if (entry.kind !== "folder") return openSource(await fileSource(path));
  const name = await fileIn(path);
  return openSource(await besideIn(path, name, path));
}

/** Runs `work` on an open file, closes it and returns the result. */
export async function withFile<T>(path: string, work: (file: OpenedFile) => Promise<T>): Promise<T> {
  const file = await openFile(path);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
