// PyTorch's files from before version 1.6: five pickles one after another, then the storages.
import { HebbError } from "../../graph/errors.ts";
import type { Contents, FileArray } from "../opened.ts";
import type { OpenSource } from "../source.ts";
import { storedTypes } from "../stored/types.ts";
import { knownIn } from "./known.ts";
import { type Known, Unpickler } from "./pickle.ts";
import { arrayOf, checkTotal, flatten, notesOf, type StorageBytes } from "./tensors.ts";
import type { Value } from "./values.ts";

const maxPickleBytes = 2 ** 26;
/** The number at the start of such a file. */
const magicNumber = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;

const isLittle = (value: Value): boolean =>
  typeof value !== "object" ||
  value === null ||
  value instanceof Uint8Array ||
  value.kind !== "dict" ||
  value.entries.every(([key, entry]) => key !== "little_endian" || entry === true);

/** Opens a file in this format. Throws HebbError for another pickle, and for any damage. */
export async function openLegacy(source: OpenSource): Promise<Contents> {
  const { name, size } = source;
  const bytes = await source.read(0, Math.min(size, maxPickleBytes));
  const base = knownIn(name);
  const widths = new Map<string, number>();
  const known: Known = {
    has: base.has,
    call: base.call,
    persistent: (id) => {
      const storage = base.persistent(id);
      if (typeof storage === "object" && storage !== null && "kind" in storage && storage.kind === "storage")
        widths.set(storage.key, storage.dtype === undefined ? 1 : storedTypes[storage.dtype].bits / 8);
      return storage;
    },
  };
  let at = 0;
  const next = (): Value => {
    const pickle = new Unpickler(bytes, at, known, name);
    const value = pickle.read();
    at = pickle.end;
    return value;
  };
  const first = next();
  if (first !== magicNumber)
    throw new HebbError(`${name} is a pickle, but not of torch.save; save tensors with torch.save, or as safetensors`);
  const version = next();
  if (version !== protocolVersion)
    throw new HebbError(`${name} has version ${String(version)} of the old form of PyTorch's files; save it again`);
  const little = isLittle(next());
  const { tensors, plain } = flatten(next(), name);
  const keys = next();
  const storages = await placeStorages(keys, widths, at, little, source);
  const arrays = new Map<string, FileArray>();
  for (const [key, tensor] of tensors) {
    const storage = storages.get(tensor.storage.key);
    if (storage === undefined)
      throw new HebbError(
        `${name} refers to the storage ${JSON.stringify(tensor.storage.key.slice(0, 100))}, which is not in it; the file is truncated or damaged`,
      );
    arrays.set(key, arrayOf(tensor, storage, `${name}: tensor ${JSON.stringify(key.slice(0, 200))}`));
  }
  checkTotal(arrays, size, name);
  return { arrays, metadata: plain, notes: notesOf(tensors.values()), close: () => source.close() };
}

/** Each storage is its number of elements, in 8 bytes, followed by the elements. */
async function placeStorages(
  keys: Value,
  widths: ReadonlyMap<string, number>,
  from: number,
  little: boolean,
  source: OpenSource,
): Promise<Map<string, StorageBytes>> {
  const storages = new Map<string, StorageBytes>();
  if (typeof keys !== "object" || keys === null || keys instanceof Uint8Array || !("items" in keys))
    throw new HebbError(`${source.name} has no list of its storages; it is damaged`);
  let at = from;
  for (const key of keys.items) {
    const width = typeof key === "string" ? widths.get(key) : undefined;
    if (typeof key !== "string" || width === undefined || storages.has(key))
      throw new HebbError(`${source.name} lists a storage that no tensor uses, or twice; it is damaged`);
    const head = await source.read(at, 8);
    const size = Number(new DataView(head.buffer, head.byteOffset, 8).getBigInt64(0, little)) * width;
    const start = at + 8;
    if (!(size >= 0 && start + size <= source.size))
      throw new HebbError(
        `${source.name} has a storage of ${size} bytes at byte ${start}, and ends at ${source.size}; it is truncated or damaged`,
      );
    storages.set(key, { size, little, read: (begin, length) => source.read(start + begin, length) });
    at = start + size;
  }
  return storages;
}
