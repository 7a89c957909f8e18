// The disk cache of compiled libraries: a folder only the user can write to. Each file has a digest, so damage is found before loading.
import { HebbError } from "../../graph/errors.ts";
import type { Warning } from "../backend.ts";
import { type NodeModules, reason } from "./node.ts";
import { othersMayWrite, ownFolder, ownId } from "./trust.ts";

/** Most files kept. File names are derived from the inputs; records hold digests of the contents. */
const mostFiles = 6000;

export class Cache {
  readonly folder: string;
  /** Why the folder is not the requested one. */
  readonly warning: Warning | undefined;
  private readonly node: NodeModules;
  /** Recreates the folder if it was removed; throws if other users can now write to it. */
  readonly ensureFolder: () => string;

  constructor(node: NodeModules) {
    this.node = node;
    const { make, refused } = cacheFolder(node);
    this.ensureFolder = make;
    this.folder = make();
    this.warning =
      refused === undefined
        ? undefined
        : {
            what: `compiled programs are not kept: ${refused}`,
            fix: "let only yourself write to it, or set HEBB_CACHE to a folder that only you can write to",
          };
    this.prune();
  }

  /** A short name for any inputs. */
  key(...parts: readonly unknown[]): string {
    return this.digest(JSON.stringify(parts)).slice(0, 40);
  }

  path(name: string): string {
    return this.node.path.join(this.folder, name);
  }

  /** A unique temporary name in the same folder. */
  temporary(name: string): string {
    return this.path(`${name}.${this.node.crypto.randomUUID()}`);
  }

  /** The path of the library stored under this key, if it is intact. */
  library(key: string): string | undefined {
    const record = this.readRecord(key);
    if (record === undefined) return undefined;
    const file = this.path(`${key}.${record.slice(0, 16)}.so`);
    if (this.digestOf(file) === record) return file;
    this.remove(file);
    return undefined;
  }

  /** Stores a library under a key. Its file name identifies its content, so a file is never overwritten with different content. */
  keepLibrary(key: string, made: string): string {
    const { fs } = this.node;
    try {
      const digest = this.digest(fs.readFileSync(made));
      const file = this.path(`${key}.${digest.slice(0, 16)}.so`);
      fs.chmodSync(made, 0o700);
      this.sync(made);
      fs.renameSync(made, file);
      this.writeRecord(key, digest);
      return file;
    } catch (error) {
      throw error instanceof HebbError ? error : new HebbError(`the compiled program cannot be kept: ${reason(error)}`);
    }
  }

  /** The text stored under this key, if it is intact. */
  readRecord(key: string): string | undefined {
    const file = this.path(`${key}.record`);
    const [digest, ...lines] = this.textOf(file)?.split("\n") ?? [];
    const text = lines.join("\n");
    if (this.digest(text) === digest) return text;
    this.remove(file);
    return undefined;
  }

  writeRecord(key: string, text: string): void {
    this.writeFile(`${key}.record`, `${this.digest(text)}\n${text}`);
  }

  /** The text of a file, if the user owns it. */
  textOf(file: string): string | undefined {
    return this.read(file)?.toString("utf8");
  }

  /** SHA-256 of a file, or undefined if the user owns no such file. */
  digestOf(file: string): string | undefined {
    const bytes = this.read(file);
    return bytes === undefined ? undefined : this.digest(bytes);
  }

  remove(...files: readonly string[]): void {
    for (const file of files)
      this.node.fs.rmSync(file, { force: true, recursive: true, maxRetries: 20, retryDelay: 10 });
  }

  private digest(content: string | Uint8Array): string {
    return this.node.crypto.createHash("sha256").update(content).digest("hex");
  }

  /** The bytes of a file. Links, non-files, files of other users and files that others may write to are refused and removed. */
  private read(file: string): Buffer | undefined {
    const { fs } = this.node;
    let open: number;
    try {
      open = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    } catch {
      // An unreadable file is rebuilt and replaced.
      return undefined;
    }
    try {
      const stat = fs.fstatSync(open);
      const own = ownId() === undefined || stat.uid === ownId();
      if (stat.isFile() && own && !othersMayWrite(stat)) return fs.readFileSync(open);
    } finally {
      fs.closeSync(open);
    }
    this.remove(file);
    return undefined;
  }

  /** Writes a file atomically: it exists under its name only when it is complete. */
  writeFile(name: string, text: string): void {
    const { fs } = this.node;
    const own = this.temporary(name);
    try {
      this.writeOwn(own, text);
      this.sync(own);
      fs.renameSync(own, this.path(name));
    } catch (error) {
      fs.rmSync(own, { force: true });
      throw new HebbError(`the cache of compiled programs cannot be written: ${reason(error)}`);
    }
  }

  /** Creates a file that only the user may read. */
  writeOwn(file: string, text: string): void {
    this.ensureFolder();
    this.node.fs.writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  }

  /** Flushes the file before it gets its name, so that a crash leaves no partial file under that name. */
  private sync(file: string): void {
    const { fs } = this.node;
    const open = fs.openSync(file, "r+");
    try {
      fs.fsyncSync(open);
    } finally {
      fs.closeSync(open);
    }
  }

  /** Removes the oldest files when there are too many. */
  private prune(): void {
    const { fs } = this.node;
    const names = fs.existsSync(this.folder) ? fs.readdirSync(this.folder) : [];
    if (names.length <= mostFiles) return;
    const aged = names.map((name) => {
      const file = this.path(name);
      return { file, made: fs.lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
    });
    aged.sort((a, b) => a.made - b.made);
    this.remove(...aged.slice(0, aged.length / 2).map(({ file }) => file));
  }
}

/**
 * Returns what creates the user's own folder, below HEBB_CACHE or below the user's cache folder. If that is unsafe or not writable,
 * the folder is a temporary one that is removed when the process ends.
 */
function cacheFolder(node: NodeModules): { readonly make: () => string; readonly refused?: string } {
  const asked = process.env["HEBB_CACHE"];
  try {
    const parent = asked === undefined || asked === "" ? usualFolder(node) : asked;
    const make = (): string => ownFolder(node, parent, `programs-${ownId() ?? node.os.userInfo().username}`);
    make();
    return { make };
  } catch (error) {
    const refused = reason(error);
    const make = (): string => processFolder(node);
    try {
      make();
      return { make, refused };
    } catch (error) {
      throw new HebbError(
        `compiled programs have no place: ${refused}; ${reason(error)}; set HEBB_CACHE to a folder that only you may write to`,
      );
    }
  }
}

const processName = /^hebb-(\d+)$/;
let prepared = false;

/** One folder for all threads of this process, because a terminated thread cannot remove its own. */
function processFolder(node: NodeModules): string {
  const { os, workers } = node;
  const folder = ownFolder(node, os.tmpdir(), `hebb-${process.pid}`);
  if (prepared) return folder;
  prepared = true;
  removeAbandoned(node);
  if (workers.isMainThread) process.once("exit", () => removeFolder(node, folder));
  return folder;
}

/** Removes folders of processes that ended without removing them. */
function removeAbandoned(node: NodeModules): void {
  const { fs, os, path } = node;
  for (const name of fs.readdirSync(os.tmpdir())) {
    const id = Number(processName.exec(name)?.[1] ?? process.pid);
    const folder = path.join(os.tmpdir(), name);
    if (id === process.pid || isRunning(id) || fs.lstatSync(folder, { throwIfNoEntry: false })?.uid !== ownId())
      continue;
    removeFolder(node, folder);
  }
}

/** The compiler of the header may outlive the process and still write here during the removal. */
function removeFolder({ fs }: NodeModules, folder: string): void {
  try {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 10 });
  } catch {
    // The next process without a cache removes it.
  }
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

function usualFolder({ os, path }: NodeModules): string {
  const home = os.homedir();
  if (process.platform === "darwin") return path.join(home, "Library", "Caches", "hebb");
  const base = process.env["XDG_CACHE_HOME"] ?? "";
  return path.join(path.isAbsolute(base) ? base : path.join(home, ".cache"), "hebb");
}
