// The values a pickle may contain: plain data, tensors, and the few names that PyTorch writes. None of them can be called.
import type { StoredDType } from "../stored/types.ts";

/** A storage: its name in the archive, and its element type. */
export interface Storage {
  readonly kind: "storage";
  readonly key: string;
  /** The element type; undefined for raw bytes, where the tensor gives it. */
  readonly dtype: StoredDType | undefined;
  /** Number of elements, or of bytes without an element type. */
  readonly length: number;
}

/** A view of a storage. Sizes, strides and offset count elements. */
export interface TorchTensor {
  readonly kind: "tensor";
  readonly storage: Storage;
  readonly dtype: StoredDType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A known name that the pickle refers to. */
export interface Global {
  readonly kind: "global";
  readonly name: string;
}

export interface List {
  readonly kind: "list" | "tuple" | "set";
  readonly items: Value[];
}

export interface Dict {
  readonly kind: "dict";
  readonly entries: [key: Value, value: Value][];
}

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | List
  | Dict
  | Global
  | Storage
  | TorchTensor;

/** The kind of a value, in a word. */
export function nameOf(value: Value): string {
  if (value === null) return "None";
  if (value instanceof Uint8Array) return "bytes";
  return typeof value === "object" ? (value.kind === "global" ? value.name : value.kind) : typeof value;
}
