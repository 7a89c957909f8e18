// NumPy files opened without loading them: the header of an .npy file and the headers of the arrays in an .npz archive.
import { HebbError } from "../graph/errors.ts";
import { arrayOf, npyHeader } from "./npy.ts";
import { arrayName, npzBytes, npzKind, readMember } from "./npz.ts";
import type { Contents, FileArray } from "./opened.ts";
import type { OpenSource } from "./source.ts";
import type { NamedStored } from "./stored/array.ts";
import { mostUnpacked } from "./stored/limits.ts";
import { type Member, memberHead, readComment, readDirectory } from "./zip/read.ts";

const headBytes = 4096;

/** The array of an .npy file, under the name "array". */
export async function openNpy(source: OpenSource): Promise<Contents> {
  const { name, size } = source;
  const header =
    npyHeader(await source.read(0, Math.min(size, headBytes)), name) ??
    npyHeader(await source.read(0, Math.min(size, 2 ** 20 + 12)), name);
  if (header === undefined) throw new HebbError(`${name} ends within its header; it is truncated or damaged`);
  const { dtype, shape, start, length } = header;
  if (start + length !== size)
    throw new HebbError(
      `${name} has ${size - start} bytes of data, its shape needs ${length}; the file is truncated or damaged`,
    );
  const array: FileArray = {
    dtype,
    type: header.descr,
    shape,
    byteLength: length,
    read: async () => arrayOf(header, await source.read(start, length)),
  };
  return { arrays: new Map([["array", array]]), metadata: new Map(), notes: [], close: () => source.close() };
}

async function memberArray(member: Member): Promise<FileArray> {
  const head = await memberHead(member, headBytes);
  const header = npyHeader(head, member.place);
  if (header === undefined) throw new HebbError(`${member.place} ends within its header; the file is damaged`);
  const { dtype, shape, descr } = header;
  return { dtype, type: descr, shape, byteLength: member.packed, read: () => readMember(member) };
}

/** The arrays of an .npz archive, each unpacked on request. */
export async function openNpz(source: OpenSource): Promise<Contents> {
  const arrays = new Map<string, FileArray>();
  for (const member of await readDirectory(source, mostUnpacked(source.size), npzKind)) {
    const key = arrayName(member.label);
    if (arrays.has(key)) throw new HebbError(`${member.place} occurs twice; the file is damaged`);
    arrays.set(key, await memberArray(member));
  }
  const comment = await readComment(source, npzKind);
  return {
    arrays,
    metadata: new Map(comment === "" ? [] : [[comment.startsWith("{") ? "hebb.run" : "comment", comment]]),
    notes: [],
    close: () => source.close(),
  };
}

/**
 * Bytes of an archive, with the description of a run as its comment, which array readers ignore. A description longer than a comment allows
 * is omitted.
 */
export function writeNpzFile(arrays: NamedStored, run?: string): Uint8Array {
  const comment = new TextEncoder().encode(run ?? "");
  return npzBytes(arrays, comment.length > 65535 ? new Uint8Array(0) : comment);
}
