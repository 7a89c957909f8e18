// Files at http and https URLs (Node only): downloaded into the cache once, again only if they changed, verified by checksum.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { visible } from "../graph/visible.ts";
import { cacheFolder, reasonOf } from "./download.ts";
import { silenceOf } from "./silence.ts";

/** Whether a path is a web address. */
export const isWebAddress = (path: string): boolean => /^https?:\/\//i.test(path);

export interface FetchOptions {
  /** Called after every piece; `bytes` is undefined if the server does not declare the length. */
  readonly onProgress?: ((received: number, bytes: number | undefined) => void) | undefined;
  /** Called when an earlier copy is used because the server is unreachable. */
  readonly onStale?: ((why: string) => void) | undefined;
  /** The folder for the files; default `urls` in the cache folder. */
  readonly folder?: string | undefined;
  /** Seconds without data after which a connection counts as broken (default 30). */
  readonly patience?: number | undefined;
}

const kinds: OptionKinds<FetchOptions> = {
  onProgress: kind.func(),
  onStale: kind.func(),
  folder: kind.string,
  patience: kind.number,
};

interface Checksum {
  readonly algorithm: "sha256" | "md5";
  readonly hex: string;
}

/** `#sha256=…` or `#md5=…` at the end of an address. */
function checksumIn(address: URL): Checksum | undefined {
  const { hash } = address;
  if (hash === "") return undefined;
  const [, algorithm, hex = ""] = /^#(sha256|md5)=([0-9a-f]+)$/i.exec(hash) ?? [];
  const name = algorithm?.toLowerCase();
  const length = name === "sha256" ? 64 : 32;
  if ((name !== "sha256" && name !== "md5") || hex.length !== length)
    throw new HebbError(
      `${visible(address.href)} ends in ${visible(hash)}; what is understood there is a checksum, #sha256= and 64 hexadecimal digits, or #md5= and 32`,
    );
  return { algorithm: name, hex: hex.toLowerCase() };
}

async function digestOf(path: string, algorithm: Checksum["algorithm"]): Promise<string> {
  const hash = createHash(algorithm);
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}

/** The server's validators for the stored copy, to ask whether there is a newer one. */
interface Kept {
  readonly etag?: string;
  readonly modified?: string;
}

function keptIn(path: string): Kept {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value !== "object" || value === null) return {};
    const { etag, modified }: { etag?: unknown; modified?: unknown } = value;
    return {
      ...(typeof etag === "string" ? { etag } : {}),
      ...(typeof modified === "string" ? { modified } : {}),
    };
  } catch {
    return {};
  }
}

/** A file name that is valid on every system. */
const nameOf = ({ pathname }: URL): string => {
  let name = basename(pathname);
  try {
    name = decodeURIComponent(name);
  } catch {
    // An invalid encoding is left as it is.
  }
  return name.replace(/[^\p{L}\p{N}._ -]+/gu, "_").slice(-120) || "data";
};

/** Downloads a body into a file; returns false if the server has nothing newer. */
async function receive(address: URL, part: string, kept: Kept, options: FetchOptions): Promise<Kept | undefined> {
  const { onProgress, patience = 30 } = options;
  const silence = silenceOf(patience);
  try {
    const headers = {
      ...(kept.etag === undefined ? {} : { "if-none-match": kept.etag }),
      ...(kept.modified === undefined ? {} : { "if-modified-since": kept.modified }),
    };
    const response = await fetch(address, { signal: silence.signal, headers });
    if (response.status === 304) return undefined;
    if (!response.ok || response.body === null)
      throw new HebbError(
        `${visible(address.href)} answers ${`${response.status} ${response.statusText}`.trim()}; check the address`,
      );
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    // For a compressed response, the length is of the bytes sent, not of those received here.
    const known = Number.isFinite(length) && response.headers.get("content-encoding") === null ? length : undefined;
    const file = await open(part, "w");
    let received = 0;
    try {
      for await (const piece of response.body) {
        silence.heard();
        received += piece.byteLength;
        await file.write(piece);
        onProgress?.(received, known);
      }
    } finally {
      await file.close();
    }
    if (known !== undefined && received < known) throw new Error(`it ended after ${received} of ${known} bytes`);
    const [etag, modified] = [response.headers.get("etag"), response.headers.get("last-modified")];
    return { ...(etag === null ? {} : { etag }), ...(modified === null ? {} : { modified }) };
  } finally {
    silence.end();
  }
}

/**
 * The path of a local copy of the file at an address. A copy that matches the address's checksum is used without a request. Any other is
 * revalidated, and downloaded only if the server has a newer one. Without a connection the earlier copy is used, and `onStale` is called.
 * Throws HebbError for an address that does not answer and has no copy, and for a file with another checksum.
 */
export async function fetchFile(text: string, options: FetchOptions = {}): Promise<string> {
  checkOptions("fetchFile", options, kinds);
  if (!URL.canParse(text)) throw new HebbError(`${visible(text)} is not an address; check its spelling`);
  const address = new URL(text);
  const wanted = checksumIn(address);
  address.hash = "";
  const key = createHash("sha256").update(address.href).digest("hex").slice(0, 24);
  const folder = join(options.folder ?? join(cacheFolder(), "urls"), key);
  const [path, about] = [join(folder, nameOf(address)), join(folder, "about.json")];
  const there = existsSync(path);
  if (there && wanted !== undefined && (await digestOf(path, wanted.algorithm)) === wanted.hex) return path;
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new HebbError(
      `the folder ${folder} cannot be created (${reasonOf(error)}); name another one with HEBB_CACHE`,
    );
  });
  const part = `${path}.${process.pid}.part`;
  try {
    // A copy with a wrong checksum is downloaded again, whatever the server's validators say.
    const kept = await receive(address, part, there && wanted === undefined ? keptIn(about) : {}, options);
    if (kept === undefined) return path;
    if (wanted !== undefined) {
      const found = await digestOf(part, wanted.algorithm);
      if (found !== wanted.hex)
        throw new HebbError(
          `${visible(address.href)} is not the expected file: its ${wanted.algorithm} is ${found}, not ${wanted.hex}; check the address, or the checksum after #`,
        );
    }
    await rename(part, path);
    await writeFile(about, `${JSON.stringify({ address: address.href, ...kept })}\n`);
    return path;
  } catch (error) {
    if (error instanceof HebbError) throw error;
    const why = reasonOf(error);
    if (there && wanted === undefined) {
      options.onStale?.(
        `${visible(address.href)} could not be reached (${why}); the copy that was fetched before is used`,
      );
      return path;
    }
    throw new HebbError(`${visible(address.href)} could not be fetched (${why}); check the address and the connection`);
  } finally {
    await rm(part, { force: true });
  }
}
