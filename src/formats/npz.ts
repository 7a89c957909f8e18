// NumPy's .npz format: a zip archive of .npy files.
import { asBytes, type FileBytes } from "../data/bytes.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { checkNamed, type NamedWritables, storedOf } from "./host.ts";
import { npyHeader, readNpy, writeNpy } from "./npy.ts";
import { memorySource } from "./source.ts";
import { type HostArray, type NamedArrays, type NamedStored, type StoredArray, widenNamed } from "./stored/array.ts";
import { mostUnpacked } from "./stored/limits.ts";
import { type ArchiveKind, type Member, readDirectory, unpack } from "./zip/read.ts";
import { writeZip } from "./zip/write.ts";

/** Bytes of an .npz file from a state dict or arrays; np.load reads it. Names must be valid file names inside the archive. */
export function writeNpz(arrays: NamedWritables): Uint8Array {
  checkNamed("writeNpz", arrays);
  return npzBytes(arrays);
}

/** As above, with a comment at the end of the archive. */
export function npzBytes(arrays: NamedWritables, comment = new Uint8Array(0)): Uint8Array {
  const files = Object.keys(arrays).map((name): [string, Uint8Array] => {
    const array = arrays[name];
    if (!array || name === "" || name.includes("\0"))
      throw new HebbError(`an array cannot be named ${JSON.stringify(name)}; choose another name`);
    return [`${name}.npy`, writeNpy(storedOf(array, `array ${JSON.stringify(name)}`))];
  });
  return writeZip(files, { comment });
}

export interface NpzOptions {
  readonly name?: string;
  /** Maximum unpacked bytes of all arrays together (default: 64 MiB and a hundred times the file, at most 2 GiB − 1). */
  readonly maxBytes?: number;
  /** Keep the dtypes of the file (default false: widen to tensor dtypes). */
  readonly keep?: boolean;
}

const kinds: OptionKinds<NpzOptions> = { name: kind.string, maxBytes: kind.number, keep: kind.boolean };

export const npzKind: ArchiveKind = { archive: "an .npz file", member: "array" };
export const npzMaxBytes = (fileBytes: number): number => Math.min(2 ** 31 - 1, mostUnpacked(fileBytes));

/** The array name of a member. */
export const arrayName = (label: string): string => (label.endsWith(".npy") ? label.slice(0, -4) : label);

/** The array in a member. Compares its header with the declared size before unpacking the rest. */
export async function readMember(member: Member): Promise<StoredArray> {
  const { place, size } = member;
  const content = await unpack(member, (head) => {
    const header = npyHeader(head, place);
    if (header !== undefined && header.start + header.length !== size)
      throw new HebbError(
        `${place} declares ${size} bytes, but its header implies ${header.start + header.length}; the file is damaged`,
      );
    return header !== undefined;
  });
  return readNpy(content, { name: place, keep: true });
}

/**
 * Reads an .npz file, stored or deflated, and checks the CRC of each array; dtypes as in readNpy. Throws HebbError for damaged, encrypted
 * and oversized files.
 */
export function readNpz(source: FileBytes, options: NpzOptions & { readonly keep: true }): Promise<NamedStored>;
export function readNpz(source: FileBytes, options?: NpzOptions & { readonly keep?: false }): Promise<NamedArrays>;
export async function readNpz(source: FileBytes, options: NpzOptions = {}): Promise<NamedArrays | NamedStored> {
  const bytes = asBytes(source, "readNpz");
  checkOptions("readNpz", options, kinds);
  const { name = "the file", maxBytes = npzMaxBytes(bytes.byteLength), keep = false } = options;
  const arrays: Record<string, HostArray> = Object.create(null);
  const stored: Record<string, StoredArray> = Object.create(null);
  for (const member of await readDirectory(memorySource(bytes, name), maxBytes, npzKind)) {
    const key = arrayName(member.label);
    if (Object.hasOwn(arrays, key) || Object.hasOwn(stored, key))
      throw new HebbError(`${member.place} occurs twice; the file is damaged`);
    const array = await readMember(member);
    if (keep) stored[key] = array;
    else arrays[key] = widenNamed(array, member.place);
  }
  return keep ? stored : arrays;
}
