// Data from standard input are stored in a file while they are read, because files are read more than once.
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { HebbError } from "../graph/errors.ts";

/** The name of standard input in place of a path. */
export const standardInput = "-";

/** Runs `work` with the path of a file that holds all of standard input, and removes the file afterwards. */
export async function fromStandardInput<T>(work: (path: string) => Promise<T>): Promise<T> {
  if (process.stdin.isTTY === true)
    throw new HebbError("- stands for standard input, which is a terminal here; pipe data into it, or name a file");
  const folder = await mkdtemp(join(tmpdir(), "hebb-input-"));
  try {
    const path = join(folder, "standard-input");
    await pipeline(process.stdin, createWriteStream(path));
    return await work(path).catch((error: unknown) => {
      if (!(error instanceof HebbError) || !error.message.includes(path)) throw error;
      throw new HebbError(error.message.replaceAll(path, "standard input"), { cause: error });
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
