// The values a pickle may contain: plain data, tensors, and the few names that PyTorch writes. None of them can be called.
import type { StoredDType } from "../stored/types.ts";

/** Where a storage lies: its name in the archive, and how its bytes are taken. */
export interface Storage {
  readonly kind: "storage";
  readonly key: string;
  /** The element type; undefined for raw bytes, whose tensors name it. */
  readonly dtype: StoredDType | undefined;
  /** Elements, or bytes where there is no element type. */
  readonly length: number;
}

/** A window on a storage. Sizes, strides and offset count elements. */
export interface TorchTensor {
  readonly kind: "tensor";
  readonly storage: Storage;
  readonly dtype: StoredDType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A name that the pickle refers to, of those that are known. */
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

/** What a value is, in a word. */
export function nameOf(value: Value): string {
  if (value === null) return "None";
  if (value instanceof Uint8Array) return "bytes";
  return typeof value === "object" ? (value.kind === "global" ? value.name : value.kind) : typeof value;
}
