// Reads PyTorch's state dicts from memory, and writes them.
import { asBytes, type FileBytes } from "../../data/bytes.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { checkNamed, type NamedWritables, storedOf } from "../host.ts";
import { memorySource } from "../source.ts";
import { type HostArray, type NamedArrays, type NamedStored, type StoredArray, widenNamed } from "../stored/array.ts";
import { openTorch } from "./file.ts";
import { writeTorchFile } from "./write.ts";

export interface TorchOptions {
  /** The name in messages; normally the file's. */
  readonly name?: string;
  /** Keep the dtypes of the file (default false: widen to tensor dtypes). */
  readonly keep?: boolean;
}

const kinds: OptionKinds<TorchOptions> = { name: kind.string, keep: kind.boolean };

/**
 * Reads the tensors of a .pt or .pth file from torch.save, without running anything of it. Nested dicts and lists give names joined by
 * dots; numbers and texts are skipped. Dtypes as in readSafetensors. Throws HebbError for any damage, and names a function that the pickle
 * calls beyond those of tensors.
 */
export function readTorch(source: FileBytes, options: TorchOptions & { readonly keep: true }): Promise<NamedStored>;
export function readTorch(source: FileBytes, options?: TorchOptions & { readonly keep?: false }): Promise<NamedArrays>;
export async function readTorch(source: FileBytes, options: TorchOptions = {}): Promise<NamedArrays | NamedStored> {
  const bytes = asBytes(source, "readTorch");
  const { name = "the file", keep = false } = checkOptions("readTorch", options, kinds);
  const { arrays } = await openTorch(memorySource(bytes, name));
  const tensors: Record<string, HostArray> = Object.create(null);
  const stored: Record<string, StoredArray> = Object.create(null);
  for (const [key, array] of arrays) {
    const value = await array.read();
    if (keep) stored[key] = value;
    else tensors[key] = widenNamed(value, `${name}: tensor ${JSON.stringify(key.slice(0, 200))}`);
  }
  return keep ? stored : tensors;
}

/** Bytes of a .pt file from a state dict or arrays; torch.load(path, weights_only=True) reads it. */
export function writeTorch(tensors: NamedWritables): Uint8Array {
  checkNamed("writeTorch", tensors);
  const arrays: Record<string, StoredArray> = Object.create(null);
  for (const [name, value] of Object.entries(tensors)) arrays[name] = storedOf(value, `tensor ${JSON.stringify(name)}`);
  return writeTorchFile(arrays);
}
