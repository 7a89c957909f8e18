// Files as byte sources (Node only): read in parts at given offsets, with neighbouring files, never through a link out of the folder.
// Node cannot memory-map a file without native code; reading at an offset loads only the requested bytes.
import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { fileError } from "../data/fileErrors.ts";
import { entryAt, InputFile } from "../data/inputFile.ts";
import { HebbError } from "../graph/errors.ts";
import { checkRange, type OpenSource } from "./source.ts";

/** Opens a file. Throws HebbError if it does not exist, cannot be read, or is a folder or a device. */
export async function fileSource(path: string): Promise<OpenSource> {
  const file = await InputFile.open(path, await entryAt(path));
  const source: OpenSource = {
    name: path,
    size: file.size,
    beside: (name) => besideIn(dirname(path), name, path),
    read: async (start, length) => {
      checkRange(source, start, length);
      const bytes = await file.read(start, length);
      if (bytes.byteLength < length)
        throw new HebbError(`${path} became shorter while it was read; write it to its end first`);
      return bytes;
    },
    close: () => file.close(),
  };
  return source;
}

/** Opens a file of a folder. `asker` is the file that refers to it, for the error. */
export async function besideIn(folder: string, name: string, asker: string): Promise<OpenSource> {
  const shown = JSON.stringify(name.slice(0, 200));
  const parts = name.split("/");
  if (
    name === "" ||
    name.length > 1000 ||
    /[\0\\:]/.test(name) ||
    parts.some((part) => part === "" || part === "." || part === "..")
  )
    throw new HebbError(
      `${asker} names the file ${shown}, which may lead out of its folder; name files beside it, without "..", drives and absolute paths`,
    );
  const path = join(folder, ...parts);
  let inside: string;
  let real: string;
  try {
    await lstat(path);
    inside = await realpath(resolve(folder));
    real = await realpath(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new HebbError(`${asker} names the file ${shown}, which is not in ${folder}; copy it there`);
    throw fileError(path, error);
  }
  if (!lies(real, inside) && !lies(real, hubBlobs(inside)))
    throw new HebbError(
      `${asker} names the file ${shown}, a symbolic link out of the folder ${folder}; replace ${basename(path)} with the file it points to`,
    );
  return fileSource(path);
}

const lies = (path: string, folder: string | undefined): boolean =>
  folder !== undefined && path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);

/** The folder of blobs that the links of a Hugging Face hub snapshot point to: MODEL/snapshots/REVISION → MODEL/blobs. */
const hubBlobs = (folder: string): string | undefined =>
  basename(dirname(folder)) === "snapshots" ? join(dirname(dirname(folder)), "blobs") : undefined;
