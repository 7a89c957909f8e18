// An open file of arrays: its contents are known, and each array is read on request.
import type { ByteSource } from "./source.ts";
import type { StoredArray } from "./stored/array.ts";
import type { StoredDType } from "./stored/types.ts";

/** An array in a file. */
export interface FileArray {
  /** The element type that `read` gives. */
  readonly dtype: StoredDType;
  /** The name of the element type in the file, such as Q4_K; the dtype where it is stored so. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Bytes in the file. */
  readonly byteLength: number;
  /** Reads it from the file, each time. */
  read(): Promise<StoredArray>;
}

/** What a kind of file says of one of its files. */
export interface Contents {
  readonly arrays: ReadonlyMap<string, FileArray>;
  /** Texts that the file carries. */
  readonly metadata: ReadonlyMap<string, string>;
  /** What else there is to say of the file, by title: inputs, operators. */
  readonly facts?: ReadonlyMap<string, string>;
  /** Sentences about the file, such as what its arrays belong to. */
  readonly notes: readonly string[];
  /** The graph as lines, where the file holds one. */
  readonly graph?: readonly string[];
  /** Multiplications and additions of one run of the graph, where they are known. */
  readonly flops?: number;
  /** Arrays are read until then. */
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
