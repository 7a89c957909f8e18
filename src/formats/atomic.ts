// Atomic file replacement (Node only), and checksums for JSON and safetensors that detect any changed bit.
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { HebbError } from "../graph/errors.ts";

/** The disk operations of a save; a test injects failures. */
export interface FileOperations {
  open(path: string, flags: "wx" | "a" | "r"): number;
  /** Returns the number of bytes written, which may be fewer than requested. */
  write(file: number, bytes: Uint8Array, offset: number, length: number): number;
  sync(file: number): void;
  close(file: number): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

/** Opens for appending, creates the file if needed, and never follows a link. */
const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

export const diskOperations: FileOperations = {
  open: (path, flags) => openSync(path, flags === "a" ? appending : flags, 0o644),
  write: (file, bytes, offset, length) => writeSync(file, bytes, offset, length),
  sync: fsyncSync,
  close: closeSync,
  rename: renameSync,
  remove: unlinkSync,
};

export const errorCode = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space",
  EDQUOT: "the disk quota is used up; free some space",
  EFBIG: "the file is larger than this system allows; choose another disk",
  EACCES: "permission denied; check the permissions, or choose another folder",
  EPERM: "permission denied; check the permissions, or choose another folder",
  EROFS: "the disk is read-only; choose another folder",
  EIO: "the disk reported an error; check it, or choose another",
  EMFILE: "too many files are open; close some programs",
  ENFILE: "too many files are open; close some programs",
  ENAMETOOLONG: "the name is too long; choose a shorter one",
  ENOTDIR: "part of the path is a file, not a folder; choose another place",
  EISDIR: "it is a folder; name a file",
  ELOOP: "it is a symbolic link; name the file itself",
  ENOENT: "it does not exist; check the name",
};

/** The system's reason for a failure, and the advice. */
export function reasonFor(error: unknown): string {
  const code = errorCode(error);
  return Object.hasOwn(reasons, code)
    ? (reasons[code] ?? code)
    : error instanceof Error
      ? error.message
      : String(error);
}

/** The reason a file or folder could not be written. ENOENT alone does not tell whether its folder is missing or inaccessible. */
function whyNotWritten(path: string, error: unknown): string {
  if (errorCode(error) !== "ENOENT") return reasonFor(error);
  return existsSync(dirname(path))
    ? "the system does not allow new files in its folder; choose another"
    : "its folder does not exist; create it";
}

/** The error for a failed save. */
export const saveError = (path: string, error: unknown): HebbError =>
  new HebbError(`${path} could not be saved: ${whyNotWritten(path, error)}. What was saved before is unchanged`);

/** The error for a folder that could not be created. */
export const createError = (path: string, error: unknown): HebbError =>
  new HebbError(`${path} could not be created: ${whyNotWritten(path, error)}`);

/** Writes all bytes, continuing after short writes. */
export function writeAll(file: number, bytes: Uint8Array, operations: FileOperations): void {
  let offset = 0;
  while (offset < bytes.length) {
    const written = operations.write(file, bytes, offset, bytes.length - offset);
    if (written <= 0) throw new Error("the system wrote nothing");
    offset += written;
  }
}

const temporarySuffix = ".saving";

/** Whether a file name belongs to an unfinished save. */
export const isTemporaryName = (name: string): boolean => name.startsWith(".") && name.endsWith(temporarySuffix);

/** A temporary name beside a file. It is random because pids repeat across containers. */
export const temporaryPath = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}${temporarySuffix}`);

/** Makes a rename survive a power failure. Systems that cannot open folders do this on their own. */
function syncFolder(path: string, operations: FileOperations): void {
  let folder: number;
  try {
    folder = operations.open(path, "r");
  } catch (error) {
    if (["EISDIR", "EPERM", "EACCES", "EINVAL"].includes(errorCode(error))) return;
    throw error;
  }
  try {
    operations.sync(folder);
  } catch (error) {
    if (!["EINVAL", "EPERM", "ENOTSUP"].includes(errorCode(error))) throw error;
  } finally {
    operations.close(folder);
  }
}

/** Runs an action that may fail harmlessly. */
export function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Cleaning up must not hide the original failure.
  }
}

/** Refuses devices, pipes and folders, which a rename would replace with a file. */
function refuseOthers(path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined || there.isFile() || there.isSymbolicLink()) return;
  throw new HebbError(
    `${path} is ${there.isDirectory() ? "a folder" : "a device or a pipe"}, not a file; choose another name`,
  );
}

/**
 * Replaces a file atomically: writes and syncs a new file in the same folder, renames it over the old one, and syncs the folder. If
 * anything fails, the old file is unchanged and HebbError says why.
 */
export function writeFileAtomic(
  path: string,
  data: Uint8Array | string,
  operations: FileOperations = diskOperations,
): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const temporary = temporaryPath(path);
  let file: number | undefined;
  try {
    refuseOthers(path);
    // "wx" refuses to follow a link or reuse an existing file.
    file = operations.open(temporary, "wx");
    writeAll(file, bytes, operations);
    operations.sync(file);
    const finished = file;
    file = undefined;
    operations.close(finished);
    operations.rename(temporary, path);
    syncFolder(dirname(path), operations);
  } catch (error) {
    const open = file;
    if (open !== undefined) attempt(() => operations.close(open));
    if (error instanceof HebbError) throw error;
    attempt(() => operations.remove(temporary));
    throw saveError(path, error);
  }
}

export const sha256 = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");

const sealLength = ',\n  "sha256": ""\n}\n'.length + 64;

/** JSON text whose last entry is the checksum of all the text before it. */
export function sealJson(value: Readonly<Record<string, unknown>>): string {
  if (Object.keys(value).length === 0 || Object.hasOwn(value, "sha256")) {
    throw new HebbError("sealed JSON needs at least one entry, and none may be called sha256");
  }
  const text = JSON.stringify(value, null, 2).slice(0, -"\n}".length);
  return `${text},\n  "sha256": "${sha256(text)}"\n}\n`;
}

/** Parses the text without its seal. Throws HebbError if any bit of it has changed. */
export function unsealJson(bytes: Uint8Array, name: string): unknown {
  const damaged = new HebbError(
    `${name} is damaged: its checksum does not match (a changed or missing byte); restore it from a copy`,
  );
  if (bytes.length <= sealLength) throw damaged;
  const text = bytes.subarray(0, bytes.length - sealLength);
  const seal = Buffer.from(bytes.subarray(bytes.length - sealLength)).toString("latin1");
  if (seal !== `,\n  "sha256": "${sha256(text)}"\n}\n`) throw damaged;
  try {
    return JSON.parse(`${new TextDecoder("utf-8", { fatal: true }).decode(text)}\n}`);
  } catch {
    throw damaged;
  }
}
