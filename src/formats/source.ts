// Byte sources: memory, a Blob in a page, or (in fileSource, for Node) a file. Read in parts, so that nothing is loaded before it is requested.
import { asBytes, type FileBytes } from "../data/bytes.ts";
import { HebbError } from "../graph/errors.ts";

/** Bytes that can be read in parts. */
export interface ByteSource {
  /** The name in messages. */
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from `start`. They may be a view of shared memory, so callers must not change them. */
  read(start: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A file and its neighbours: the shards of a model, the external data of a graph. */
export interface OpenSource extends ByteSource {
  /**
   * Opens a file beside this one, by its relative name. Throws HebbError for a name that leads out of the folder, through a link or to
   * nothing. Undefined if there is no folder, as in memory.
   */
  readonly beside: ((name: string) => Promise<OpenSource>) | undefined;
}

export function checkRange({ name, size }: ByteSource, start: number, length: number): void {
  if (start < 0 || length < 0 || start + length > size)
    throw new HebbError(
      `${name} has ${size} bytes, and ${length} from byte ${start} on were needed; it is truncated or damaged`,
    );
}

/** Bytes in memory, as a source. */
export function memorySource(bytes: FileBytes, name = "the file"): OpenSource {
  const all = asBytes(bytes, "memorySource");
  const source: OpenSource = {
    name,
    size: all.byteLength,
    beside: undefined,
    read: async (start, length) => {
      checkRange(source, start, length);
      return all.subarray(start, start + length);
    },
    close: async () => {},
  };
  return source;
}

/** A Blob or File of a page; only requested bytes are read. */
export function blobSource(blob: Blob, name = "the file"): OpenSource {
  const source: OpenSource = {
    name,
    size: blob.size,
    beside: undefined,
    read: async (start, length) => {
      checkRange(source, start, length);
      return new Uint8Array(await blob.slice(start, start + length).arrayBuffer());
    },
    close: async () => {},
  };
  return source;
}
