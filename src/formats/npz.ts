// NumPy's .npz format: a zip archive of .npy files.
import { asBytes, type FileBytes } from "../data/bytes.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { checkNamed, type HostArray, type NamedArrays, type NamedWritables, onHost } from "./host.ts";
import { npyHeader, readNpy, writeNpy } from "./npy.ts";
import { readDirectory, unpack, writeZip } from "./zip.ts";

/** Bytes of an .npz file, of a state dict or of arrays; np.load reads it. Names must be usable as file names inside the archive. */
export function writeNpz(arrays: NamedWritables): Uint8Array {
  checkNamed("writeNpz", arrays);
  const files = Object.keys(arrays).map((name): [string, Uint8Array] => {
    const array = arrays[name];
    if (!array || name === "" || name.includes("\0"))
      throw new HebbError(`an array cannot be named ${JSON.stringify(name)}; choose another name`);
    return [`${name}.npy`, writeNpy(onHost(array, `array ${JSON.stringify(name)}`))];
  });
  return writeZip(files);
}

export interface NpzOptions {
  readonly name?: string;
  /** Most bytes accepted after unpacking, all arrays together (default 2 GiB − 1). */
  readonly maxBytes?: number;
}

const kinds: OptionKinds<NpzOptions> = { name: kind.string, maxBytes: kind.number };

/** Reads an .npz file, stored or deflated, checking the CRC of each array. Throws HebbError for anything damaged, encrypted or too large. */
export async function readNpz(source: FileBytes, options: NpzOptions = {}): Promise<NamedArrays> {
  const bytes = asBytes(source, "readNpz");
  checkOptions("readNpz", options, kinds);
  const { name = "the file", maxBytes = 2 ** 31 - 1 } = options;
  const arrays: Record<string, HostArray> = Object.create(null);
  for (const member of readDirectory(bytes, name, maxBytes)) {
    const { label, place, size } = member;
    const key = label.endsWith(".npy") ? label.slice(0, -4) : label;
    if (Object.hasOwn(arrays, key)) throw new HebbError(`${place} occurs twice; the file is damaged`);
    const content = await unpack(member, (head) => {
      const header = npyHeader(head, place);
      if (header !== undefined && header.start + header.length !== size)
        throw new HebbError(
          `${place} declares ${size} bytes, but its header implies ${header.start + header.length}; the file is damaged`,
        );
      return header !== undefined;
    });
    arrays[key] = readNpy(content, { name: place });
  }
  return arrays;
}
