// HDF5 as Keras writes it (.weights.h5, .h5, and inside .keras): read with h5wasm, an optional package loaded on first use.
// h5wasm is libhdf5 as WebAssembly. It sees only the bytes it is given, and no other file.
import type * as H5 from "h5wasm";
import { missingPackage } from "../data/missingPackage.ts";
import { HebbError } from "../graph/errors.ts";
import { sizeOf } from "../graph/shape.ts";
import type { Contents, FileArray } from "./opened.ts";
import type { OpenSource } from "./source.ts";
import { swapBytes } from "./stored/array.ts";
import { mostUnpacked } from "./stored/limits.ts";
import type { StoredDType } from "./stored/types.ts";
import { type ArchiveKind, readDirectory, unpack } from "./zip/read.ts";

const maxFileBytes = 2 ** 31 - 1;
const maxDepth = 64;
const maxObjects = 100_000;

async function load(file: string): Promise<typeof H5> {
  let package_: typeof H5;
  try {
    package_ = await import("h5wasm");
  } catch (cause) {
    throw missingPackage("h5wasm", `reading ${file}, an HDF5 file,`, cause);
  }
  const module = await package_.ready;
  // Makes failures throw instead of print.
  module.activate_throwing_error_handler();
  return package_;
}

const integers: readonly (readonly [bytes: number, signed: StoredDType, unsigned: StoredDType])[] = [
  [1, "I8", "U8"],
  [2, "I16", "U16"],
  [4, "I32", "U32"],
  [8, "I64", "U64"],
];
const floats: ReadonlyMap<number, StoredDType> = new Map([
  [2, "F16"],
  [4, "F32"],
  [8, "F64"],
]);

/**
 * The element type of a dataset; undefined for strings and everything else that is not numeric. Numbers are of class 0 and 1, booleans an
 * enumeration.
 */
function dtypeOf({ type, size, signed, enum_type: names }: H5.Metadata): StoredDType | undefined {
  if (type === 1) return floats.get(size);
  if (type === 8)
    return size === 1 &&
      Object.keys(names?.members ?? {})
        .sort()
        .join() === "FALSE,TRUE"
      ? "BOOL"
      : undefined;
  const found = type === 0 ? integers.find(([bytes]) => bytes === size) : undefined;
  return found?.[signed ? 1 : 2];
}

/** The bytes of a dataset, unpacked, little-endian. */
function bytesIn(h5: typeof H5, dataset: H5.Dataset, byteLength: number): Uint8Array {
  const { Module: module } = h5;
  const place = module._malloc(byteLength);
  try {
    module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(place));
    const bytes = module.HEAPU8.slice(place, place + byteLength);
    const { littleEndian, size } = dataset.metadata;
    if (!littleEndian && size > 1) swapBytes(bytes, size);
    return bytes;
  } finally {
    module._free(place);
  }
}

/** Walks the groups of a file. A dataset's name is its path, joined by dots. */
class Walk {
  readonly arrays = new Map<string, FileArray>();
  readonly left: string[] = [];
  readonly #h5: typeof H5;
  readonly #name: string;
  #seen = 0;

  constructor(h5: typeof H5, name: string) {
    this.#h5 = h5;
    this.#name = name;
  }

  group(group: H5.Group, depth: number): void {
    if (depth > maxDepth)
      throw new HebbError(`${this.#name} has groups nested more than ${maxDepth} deep, or one that contains itself`);
    for (const key of group.keys()) {
      if (++this.#seen > maxObjects)
        throw new HebbError(`${this.#name} holds more than ${maxObjects} objects; it is damaged or malicious`);
      const entity = group.get(key);
      if (entity instanceof this.#h5.Group) this.group(entity, depth + 1);
      else if (entity instanceof this.#h5.Dataset) this.#dataset(entity);
      else this.left.push(key);
    }
  }

  #dataset(dataset: H5.Dataset): void {
    const { metadata, path } = dataset;
    const name = path.replace(/^\//, "").replaceAll("/", ".");
    const dtype = dtypeOf(metadata);
    const { shape, size } = metadata;
    if (dtype === undefined || shape === null) {
      this.left.push(name);
      return;
    }
    const byteLength = sizeOf(shape) * size;
    const read = async (): Promise<{ dtype: StoredDType; shape: readonly number[]; bytes: Uint8Array }> => ({
      dtype,
      shape,
      bytes: guarded(this.#name, () => bytesIn(this.#h5, dataset, byteLength)),
    });
    this.arrays.set(name, { dtype, type: dtype, shape, byteLength, read });
  }
}

/** Turns errors of the library into a sentence about the file. */
function guarded<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof HebbError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    // The innermost failed call gives the reason.
    const reason = [...text.matchAll(/in \w+\(\): (.{1,160})/g)].at(-1)?.[1] ?? text.slice(0, 160);
    throw new HebbError(`${name} cannot be read as HDF5 (${reason}); it is truncated or damaged`);
  }
}

const headBytes = 48;

/** Checks the superblock's version and the end of file that it declares, before loading the package. */
async function checkStart(source: OpenSource): Promise<void> {
  const { name, size } = source;
  const damaged = (what: string): HebbError =>
    new HebbError(`${name} cannot be read as HDF5: ${what}; it is truncated or damaged`);
  if (size < headBytes) throw damaged(`it has ${size} bytes`);
  const head = await source.read(0, headBytes);
  const view = new DataView(head.buffer, head.byteOffset, headBytes);
  const version = view.getUint8(8);
  if (version > 3) throw damaged(`its superblock has version ${version}`);
  // The library handles other address widths.
  if (view.getUint8(version < 2 ? 13 : 9) !== 8) return;
  const end = Number(view.getBigUint64(version === 0 ? 40 : 28, true));
  if (version !== 1 && end > size) throw damaged(`it ends at byte ${size} and declares ${end}`);
}

let count = 0;

/** Opens an HDF5 file. The whole file is in memory until it is closed. */
export async function openHdf5(source: OpenSource): Promise<Contents> {
  const { name, size } = source;
  if (size > maxFileBytes) throw new HebbError(`${name} has ${size} bytes, more than ${maxFileBytes} of an HDF5 file`);
  await checkStart(source);
  const h5 = await load(name);
  const bytes = await source.read(0, size);
  const place = `hebb-${++count}.h5`;
  h5.FS?.writeFile(place, bytes);
  const remove = (): void => {
    h5.FS?.unlink(place);
  };
  try {
    const file = guarded(name, () => new h5.File(place, "r"));
    const walk = new Walk(h5, name);
    guarded(name, () => walk.group(file, 0));
    const total = [...walk.arrays.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (!(total <= mostUnpacked(size)))
      throw new HebbError(
        `${name} has ${size} bytes, and its datasets would take ${total}; it is damaged or malicious`,
      );
    const { arrays, left } = walk;
    const close = async (): Promise<void> => {
      guarded(name, () => file.close());
      remove();
      await source.close();
    };
    const notes = left.length === 0 ? [] : [`${left.length} objects that are not numbers are left out`];
    return { arrays, metadata: new Map(), notes, close };
  } catch (error) {
    remove();
    throw error;
  }
}

export const kerasKind: ArchiveKind = { archive: "a Keras file", member: "entry" };

/** Opens a .keras archive: its weights, with its configuration as metadata. */
export async function openKeras(source: OpenSource): Promise<Contents> {
  const members = await readDirectory(source, mostUnpacked(source.size), kerasKind);
  const metadata = new Map<string, string>();
  let weights: Contents | undefined;
  for (const member of members) {
    if (/^(metadata|config)\.json$/.test(member.label))
      metadata.set(member.label.slice(0, -".json".length), new TextDecoder().decode(await unpack(member, () => true)));
    if (member.label !== "model.weights.h5") continue;
    if (weights !== undefined) throw new HebbError(`${member.place} occurs twice; the file is damaged`);
    const bytes = await unpack(member, () => true);
    weights = await openHdf5({
      name: `${source.name}: ${member.label}`,
      size: bytes.length,
      beside: undefined,
      read: async (start, length) => bytes.subarray(start, start + length),
      close: async () => {},
    });
  }
  if (weights === undefined) throw new HebbError(`${source.name} has no model.weights.h5; it is not a Keras file`);
  const { arrays, notes, close } = weights;
  return {
    arrays,
    metadata,
    notes,
    close: async () => {
      await close();
      await source.close();
    },
  };
}
