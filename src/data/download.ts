// Downloads files into a folder (Node only): checked by size and checksum, and resumed after an interruption.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { silenceOf } from "./silence.ts";

export interface DownloadOptions {
  /** MD5 checksum of the whole file, in hexadecimal. */
  readonly md5: string;
  /** Its size in bytes. */
  readonly bytes: number;
  /** Called after every piece. */
  readonly onProgress?: (received: number, bytes: number) => void;
  /** Seconds without data after which a connection counts as broken (default 30). */
  readonly patience?: number;
}

const kinds: OptionKinds<DownloadOptions> = {
  md5: kind.string,
  bytes: kind.number,
  onProgress: kind.func(),
  patience: kind.number,
};

/** The folder for downloads: HEBB_CACHE, or the system's cache folder. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const own = environment["HEBB_CACHE"];
  if (own !== undefined && own !== "") return own;
  const windows = environment["LOCALAPPDATA"];
  if (process.platform === "win32" && windows !== undefined) return join(windows, "hebb");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "hebb");
  const base = environment["XDG_CACHE_HOME"];
  return join(base?.startsWith("/") ? base : join(homedir(), ".cache"), "hebb");
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash("md5");
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}

const isWhole = async (path: string, { md5, bytes }: DownloadOptions): Promise<boolean> =>
  (await sizeOf(path)) === bytes && (await md5Of(path)) === md5;

/** The innermost cause: fetch wraps the system's error. */
export function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  if (inner instanceof Error && "code" in inner && typeof inner.code === "string") return inner.code;
  return inner instanceof Error ? inner.message : String(inner);
}

/** A dropped connection: a retry may help. */
class Interrupted extends Error {}

async function receive(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { bytes, onProgress, patience = 30 } = options;
  const have = (await sizeOf(part)) ?? 0;
  const silence = silenceOf(patience);
  try {
    const response = await fetch(url, {
      signal: silence.signal,
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
    }).catch((error: unknown) => {
      throw new Interrupted(reasonOf(error));
    });
    if (have > 0 && response.status === 416) {
      await rm(part, { force: true });
      throw new Interrupted("the server has no more of the file");
    }
    if (!response.ok || response.body === null)
      throw new HebbError(`${url} answers ${response.status} ${response.statusText}`.trim());
    // Only a server that confirms the range continues after the part; any other answer restarts the file.
    const resumed =
      response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${have}-`) === true;
    const file = await open(part, resumed ? "a" : "w");
    let received = resumed ? have : 0;
    try {
      for await (const piece of response.body) {
        silence.heard();
        received += piece.byteLength;
        if (received > bytes)
          throw new HebbError(`${url} sends more than the expected ${bytes} bytes; the file has changed on the server`);
        await file.write(piece);
        onProgress?.(received, bytes);
      }
    } catch (error) {
      throw error instanceof HebbError ? error : new Interrupted(reasonOf(error));
    } finally {
      await file.close();
    }
    if (received < bytes) throw new Interrupted(`it ended after ${received} of ${bytes} bytes`);
  } finally {
    silence.end();
  }
}

/**
 * Downloads a file unless it is already there, complete. Received data stays beside it (`.part`), and this or a later call resumes from
 * there. The file itself appears only if size and checksum are right.
 * Throws HebbError without a connection (it names the address, the folder and the fix), if the server refuses, and if the file differs from
 * the expected one.
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<string> {
  checkOptions("download", options, kinds);
  if (await isWhole(path, options)) return path;
  const part = `${path}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw new HebbError(
      `the folder ${dirname(path)} cannot be created (${reasonOf(error)}); name another one with HEBB_CACHE`,
    );
  }
  if (((await sizeOf(part)) ?? 0) > options.bytes) await rm(part, { force: true });
  let reason = "";
  for (let attempt = 0; attempt < 3; attempt++) {
    if ((await sizeOf(part)) !== options.bytes) {
      try {
        await receive(url, part, options);
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        reason = error.message;
        continue;
      }
    }
    if (await isWhole(part, options)) {
      await rename(part, path);
      return path;
    }
    // Parts of two versions, or damage in transit: download once more from the start.
    await rm(part, { force: true });
    reason = "its checksum is wrong";
  }
  throw new HebbError(
    reason === "its checksum is wrong"
      ? `${url} is not the expected file: its checksum is not ${options.md5}; try again later, or put ${basename(path)} into ${dirname(path)} yourself`
      : `${url} could not be fetched (${reason}); connect to the network and run this again, or put ${basename(path)} into ${dirname(path)} yourself`,
  );
}
