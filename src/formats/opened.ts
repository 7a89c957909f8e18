// An open file of arrays: its directory is known, and arrays are read on request.
import type { ByteSource } from "./source.ts";
import type { StoredArray } from "./stored/array.ts";
import type { StoredDType } from "./stored/types.ts";

/** An array in a file. */
export interface FileArray {
  /** The element type that `read` returns. */
  readonly dtype: StoredDType;
  /** The element type's name in the file, such as Q4_K; otherwise the dtype. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Bytes in the file. */
  readonly byteLength: number;
  /** Reads the array from the file on each call. */
  read(): Promise<StoredArray>;
}

/** The contents of an open file, in a form common to all kinds. */
export interface Contents {
  readonly arrays: ReadonlyMap<string, FileArray>;
  /** Texts stored in the file. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Further information about the file, by title: inputs, operators. */
  readonly facts?: ReadonlyMap<string, string>;
  /** Notes about the file, such as the model its arrays belong to. */
  readonly notes: readonly string[];
  /** The graph as lines, if the file holds one. */
  readonly graph?: readonly string[];
  /** Multiplications and additions of one run of the graph, if known. */
  readonly flops?: number;
  /** Closes the file; arrays cannot be read afterwards. */
  close(): Promise<void>;
}

/** A part of a file as an array. */
export const fileArray = (
  source: ByteSource,
  {
    dtype,
    shape,
    start,
    byteLength,
  }: Omit<StoredArray, "bytes"> & { readonly start: number; readonly byteLength: number },
): FileArray => ({
  dtype,
  type: dtype,
  shape,
  byteLength,
  read: async () => ({ dtype, shape, bytes: await source.read(start, byteLength) }),
});
