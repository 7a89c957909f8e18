// Turns the value of a pickle into named tensors, and views of storages into row-major bytes.
import { HebbError } from "../../graph/errors.ts";
import { formatShape, sizeOf } from "../../graph/shape.ts";
import type { FileArray } from "../opened.ts";
import { type StoredArray, swapBytes } from "../stored/array.ts";
import { mostUnpacked } from "../stored/limits.ts";
import { storedTypes } from "../stored/types.ts";
import { nameOf, type Storage, type TorchTensor, type Value } from "./values.ts";

export interface Flat {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Numbers and texts beside the tensors. */
  readonly plain: ReadonlyMap<string, string>;
}

const maxDepth = 100;
const maxValues = 1_000_000;

/** Nested dicts and lists, with keys joined by dots. A single tensor gets the name "array". */
export function flatten(value: Value, file: string): Flat {
  const tensors = new Map<string, TorchTensor>();
  const plain = new Map<string, string>();
  let seen = 0;
  const visit = (item: Value, name: string, depth: number): void => {
    if (++seen > maxValues)
      throw new HebbError(`${file} holds more than ${maxValues} values; it is damaged or malicious`);
    if (depth > maxDepth)
      throw new HebbError(`${file} is nested more than ${maxDepth} deep, or contains itself; save a flat state dict`);
    const inside = (key: string): string => (name === "" ? key : `${name}.${key}`);
    if (typeof item !== "object" || item === null) {
      plain.set(name === "" ? "value" : name, item === null ? "None" : String(item));
      return;
    }
    if (item instanceof Uint8Array) {
      plain.set(name === "" ? "value" : name, `${item.length} bytes`);
      return;
    }
    switch (item.kind) {
      case "tensor": {
        const key = name === "" ? "array" : name;
        if (tensors.has(key))
          throw new HebbError(`${file} holds two tensors called ${JSON.stringify(key.slice(0, 200))}; rename one`);
        tensors.set(key, item);
        return;
      }
      case "dict":
        for (const [key, inner] of item.entries) visit(inner, inside(keyOf(key, file)), depth + 1);
        return;
      case "list":
      case "tuple":
      case "set":
        for (const [i, inner] of item.items.entries()) visit(inner, inside(String(i)), depth + 1);
        return;
      case "storage":
      case "global":
        plain.set(name === "" ? "value" : name, nameOf(item));
        return;
    }
  };
  visit(value, "", 0);
  return { tensors, plain };
}

function keyOf(key: Value, file: string): string {
  if (typeof key === "string") return key;
  if (key === null || typeof key === "object")
    throw new HebbError(`${file} has a dict whose key is ${nameOf(key)}; name its entries with strings`);
  return String(key);
}

/** The span of a tensor in its storage: elements from its first to past its last. */
function extentOf({ shape, strides }: TorchTensor): number {
  let last = 0;
  for (const [axis, size] of shape.entries()) {
    if (size === 0) return 0;
    last += (size - 1) * (strides[axis] as number);
  }
  return last + 1;
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    if (size !== 1 && strides[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}

/** Copies a strided view into row-major order. */
function gather({ shape, strides }: TorchTensor, bytes: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(sizeOf(shape) * width);
  const place = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; to += width) {
    for (let byte = 0; byte < width; byte++) out[to + byte] = bytes[from + byte] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (place[axis] as number) + 1;
      const step = (strides[axis] as number) * width;
      from += step;
      place[axis] = next;
      if (next !== shape[axis]) break;
      from -= next * step;
      place[axis] = 0;
    }
  }
  return out;
}

/** A storage that can be read from any offset. */
export interface StorageBytes {
  /** Bytes of the storage. */
  readonly size: number;
  readonly little: boolean;
  read(start: number, length: number): Promise<Uint8Array>;
}

/** A tensor of a file as an array. Throws HebbError if it exceeds its storage. */
export function arrayOf(tensor: TorchTensor, storage: StorageBytes, place: string): FileArray {
  const { dtype, shape, offset } = tensor;
  const width = storedTypes[dtype].bits / 8;
  const extent = extentOf(tensor);
  if (extent > 0 && !((offset + extent) * width <= storage.size))
    throw new HebbError(
      `${place} of shape ${formatShape(shape)} ends at byte ${(offset + extent) * width} of a storage of ${storage.size} bytes; the file is truncated or damaged`,
    );
  const read = async (): Promise<StoredArray> => {
    if (extent === 0) return { dtype, shape, bytes: new Uint8Array(0) };
    let bytes = await storage.read(offset * width, extent * width);
    if (!storage.little && width > 1) {
      bytes = new Uint8Array(bytes);
      swapBytes(bytes, dtype === "C64" ? 4 : width);
    }
    return { dtype, shape, bytes: isContiguous(tensor) ? bytes : gather(tensor, bytes, width) };
  };
  return { dtype, type: dtype, shape, byteLength: sizeOf(shape) * width, read };
}

/** Views that repeat their storage, and several names of one storage, all count: their bytes are summed. */
export function checkTotal(arrays: ReadonlyMap<string, FileArray>, size: number, name: string): void {
  let total = 0;
  for (const { byteLength } of arrays.values()) total += byteLength;
  const most = mostUnpacked(size);
  if (!(total <= most))
    throw new HebbError(
      `${name} has ${size} bytes, and its tensors would take ${total}, more than ${most}: they repeat their values; save them with .contiguous().clone()`,
    );
}

/** Notes the number of tensors that share their storage. */
export function notesOf(tensors: Iterable<{ readonly storage: Storage }>): string[] {
  const users = new Map<string, number>();
  for (const { storage } of tensors) users.set(storage.key, (users.get(storage.key) ?? 0) + 1);
  const shared = [...users.values()].filter((count) => count > 1).reduce((sum, count) => sum + count, 0);
  return shared === 0 ? [] : [`${shared} tensors share their values with others`];
}
