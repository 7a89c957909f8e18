// PyTorch's files (torch.save): a zip archive of a pickle and storages, opened without running anything. legacy.ts has the format before 1.6.
import { HebbError } from "../../graph/errors.ts";
import type { Contents, FileArray } from "../opened.ts";
import type { OpenSource } from "../source.ts";
import { mostUnpacked } from "../stored/limits.ts";
import { type ArchiveKind, type Member, readDirectory, unpackUnchecked } from "../zip/read.ts";
import { knownIn } from "./known.ts";
import { openLegacy } from "./legacy.ts";
import { Unpickler } from "./pickle.ts";
import { arrayOf, checkTotal, flatten, notesOf, type StorageBytes } from "./tensors.ts";
import type { Storage } from "./values.ts";

const torchKind: ArchiveKind = { archive: "a PyTorch file", member: "entry" };
const maxPickleBytes = 2 ** 25;

// Checksums are not compared: torch.serialization.set_crc32_options(False) omits them, and torch.load ignores them.

/** A small text member of the archive beside the pickle. */
async function textOf(member: Member | undefined, most: number): Promise<string | undefined> {
  if (member === undefined || member.size > most) return undefined;
  return new TextDecoder().decode(await unpackUnchecked(member));
}

async function bigEndian(member: Member | undefined): Promise<boolean> {
  const order = (await textOf(member, 16))?.trim() ?? "little";
  if (order !== "little" && order !== "big")
    throw new HebbError(`${member?.place} says ${JSON.stringify(order)}, neither little nor big; the file is damaged`);
  return order === "big";
}

/** The bytes of a storage, read in place if it is not compressed. */
function bytesIn(member: Member, little: boolean): StorageBytes {
  return {
    size: member.size,
    little,
    read: async (start, length) =>
      member.deflated
        ? (await unpackUnchecked(member)).subarray(start, start + length)
        : member.source.read(member.start + start, length),
  };
}

/** The folder of the pickle: `archive/data.pkl`, under any archive name. */
function rootOf(members: ReadonlyMap<string, Member>, name: string): string {
  const pickles = [...members.keys()].filter((label) => /(^|\/)data\.pkl$/.test(label));
  const [first] = pickles;
  if (first === undefined || pickles.length > 1)
    throw new HebbError(
      `${name} has ${pickles.length} pickles called data.pkl instead of one; it is not a PyTorch file`,
    );
  const root = first.slice(0, -"data.pkl".length);
  if (members.has(`${root}constants.pkl`))
    throw new HebbError(
      `${name} is a TorchScript program, which is not run here; save its weights: torch.save(module.state_dict(), path)`,
    );
  return root;
}

/**
 * Opens a state dict, or nested dicts and lists of tensors, numbers and texts. Joins names by dots. Runs nothing of the file: names other
 * than those of tensors are refused. Throws HebbError for any damage.
 */
export async function openTorch(source: OpenSource): Promise<Contents> {
  const { name, size } = source;
  const start = await source.read(0, Math.min(2, size));
  if (start[0] !== 0x50) return openLegacy(source);
  const members = new Map<string, Member>();
  for (const member of await readDirectory(source, mostUnpacked(size), torchKind)) {
    if (members.has(member.label)) throw new HebbError(`${member.place} occurs twice; the file is damaged`);
    members.set(member.label, member);
  }
  const root = rootOf(members, name);
  const pickle = members.get(`${root}data.pkl`);
  if (pickle === undefined || pickle.size > maxPickleBytes)
    throw new HebbError(`${name} has a pickle of ${pickle?.size} bytes, more than ${maxPickleBytes}; it is damaged`);
  const little = !(await bigEndian(members.get(`${root}byteorder`)));
  const bytes = await unpackUnchecked(pickle);
  const { tensors, plain } = flatten(new Unpickler(bytes, 0, knownIn(name), name).read(), name);
  const storageOf = ({ key }: Storage): StorageBytes => {
    const member = members.get(`${root}data/${key}`);
    if (member === undefined)
      throw new HebbError(
        `${name} refers to the storage ${JSON.stringify(key.slice(0, 100))}, which is not in it; the file is truncated or damaged`,
      );
    return bytesIn(member, little);
  };
  const arrays = new Map<string, FileArray>();
  for (const [key, tensor] of tensors)
    arrays.set(key, arrayOf(tensor, storageOf(tensor.storage), `${name}: tensor ${JSON.stringify(key.slice(0, 200))}`));
  checkTotal(arrays, size, name);
  const run = await textOf(members.get(`${root}hebb.json`), maxPickleBytes);
  const metadata = new Map([...plain, ...(run === undefined ? [] : [["hebb.run", run] as const])]);
  return { arrays, metadata, notes: notesOf(tensors.values()), close: () => source.close() };
}
