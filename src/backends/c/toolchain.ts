// The machine's C compiler: found, asked what it makes code for, and used once for each program; the results are kept on disk.
// Impure. Everything of Node is taken when it is needed, so that a browser can load this file.
import { HebbError } from "../../graph/errors.ts";
import { prelude } from "./prelude.ts";
import { type Target, targetOf, targets, type VectorSet } from "./target.ts";

interface NodeModules {
  readonly fs: typeof import("node:fs");
  readonly os: typeof import("node:os");
  readonly path: typeof import("node:path");
  readonly crypto: typeof import("node:crypto");
  readonly child: typeof import("node:child_process");
}

function nodeModules(): NodeModules {
  const get = typeof process === "undefined" ? undefined : process.getBuiltinModule;
  if (get === undefined) throw new HebbError("the C backend needs Node; in a browser use wasm");
  return {
    fs: get("node:fs"),
    os: get("node:os"),
    path: get("node:path"),
    crypto: get("node:crypto"),
    child: get("node:child_process"),
  };
}

/** What one compiler said of itself; kept on disk, because asking takes as long as compiling a small program. */
interface Probe {
  readonly version: string;
  readonly vectors: VectorSet;
}

const names: Readonly<Record<VectorSet, string>> = {
  avx512: "AVX-512",
  avx2: "AVX2",
  neon: "NEON",
  portable: "portable vectors",
};

/** Libraries kept at most. Their names say what made them: content, compiler, flags and processor. */
const mostCached = 3000;

export class Toolchain {
  readonly target: Target;
  /** One line: "gcc 12.2.0, AVX-512". */
  readonly description: string;
  private readonly node: NodeModules;
  private readonly compiler: string;
  private readonly flags: readonly string[];
  private readonly folder: string;
  private readonly identity: string;
  private readonly header: string;

  /** Throws a HebbError that says why there is no C backend here. */
  constructor() {
    const node = nodeModules();
    this.node = node;
    if (process.platform === "win32") throw new HebbError("the C backend needs cc, gcc or clang on Linux or macOS");
    this.compiler = findCompiler(node);
    this.folder = cacheFolder(node);
    this.flags = flagsFor();
    const probe = this.probe();
    this.target = targets[probe.vectors];
    this.description = `${probe.version}, ${names[probe.vectors]}`;
    const processor = node.os.cpus()[0]?.model ?? process.arch;
    this.identity = JSON.stringify([probe.version, this.flags, processor, process.arch]);
    this.header = this.precompiled(prelude(this.target));
    this.prune();
  }

  /** The path of the shared library that `source` is, compiled unless it has been before. */
  build(source: string, options: { readonly define?: string; readonly threads?: boolean } = {}): string {
    const { fs, path } = this.node;
    const flags = [
      ...(options.define === undefined ? [] : [`-D${options.define}`]),
      ...(options.threads ? ["-pthread"] : ["-include", this.header]),
    ];
    const key = this.hash(JSON.stringify([this.identity, flags, source]));
    const library = path.join(this.folder, `${key}.so`);
    if (fs.existsSync(library)) return library;
    const own = path.join(this.folder, `${key}.${process.pid}.${threadNumber()}`);
    try {
      fs.writeFileSync(`${own}.c`, source, { mode: 0o600 });
      this.run([...this.flags, ...flags, "-shared", "-o", `${own}.so`, `${own}.c`, "-lm"]);
      // Whoever compiles the same at the same time renames the same content over it.
      fs.renameSync(`${own}.so`, library);
    } catch (error) {
      throw error instanceof HebbError ? error : new HebbError(`the compiled program cannot be kept: ${reason(error)}`);
    } finally {
      fs.rmSync(`${own}.c`, { force: true });
      fs.rmSync(`${own}.so`, { force: true });
    }
    return library;
  }

  /** Forgets a library that cannot be loaded. */
  forget(library: string): void {
    this.node.fs.rmSync(library, { force: true });
  }

  private run(args: readonly string[]): void {
    const run = (more: readonly string[]) =>
      this.node.child.spawnSync(this.compiler, [...args, ...more], { encoding: "utf8", maxBuffer: 1 << 26 });
    let result = run([]);
    // gcc 12 breaks down over some AVX2 programs, unless it is asked for less.
    if (result.status !== 0 && /internal compiler error/.test(result.stderr)) result = run(["-O1"]);
    if (result.error !== undefined) throw new HebbError(`${this.compiler} cannot be run: ${result.error.message}`);
    if (result.status !== 0) {
      const said = result.stderr
        .split("\n")
        .filter((line) => /error|fatal|No space/i.test(line))
        .slice(0, 3)
        .join("; ");
      throw new HebbError(
        `${this.compiler} failed (${result.signal ?? result.status}): ${said || result.stderr.slice(0, 300)}`,
      );
    }
  }

  private hash(text: string): string {
    return this.node.crypto.createHash("sha256").update(text).digest("hex").slice(0, 40);
  }

  private probe(): Probe {
    const { fs, os, path, child } = this.node;
    const binary = fs.realpathSync(this.compiler);
    const { size, mtimeMs } = fs.statSync(binary);
    const processor = os.cpus()[0]?.model ?? process.arch;
    const key = this.hash(JSON.stringify([this.compiler, binary, size, mtimeMs, processor, this.flags, process.arch]));
    const kept = path.join(this.folder, `${key}.json`);
    const known = readProbe(fs, kept);
    if (known !== undefined) return known;
    const asked = child.spawnSync(this.compiler, [...this.flags, "-dM", "-E", "-x", "c", "-"], {
      input: "",
      encoding: "utf8",
    });
    if (asked.status !== 0)
      throw new HebbError(`${this.compiler} does not work: ${asked.stderr?.slice(0, 200) ?? asked.error?.message}`);
    const macros = new Set([...asked.stdout.matchAll(/#define (\w+)/g)].map((match) => match[1] ?? ""));
    const value = (macro: string): string =>
      new RegExp(`#define ${macro} "?([^"\\n]*)`).exec(asked.stdout)?.[1]?.trim() ?? "";
    const version = macros.has("__clang__")
      ? `clang ${value("__clang_version__")}`
      : `gcc ${value("__GNUC__")}.${value("__GNUC_MINOR__")}.${value("__GNUC_PATCHLEVEL__")}`;
    const probe: Probe = { version, vectors: targetOf(macros).vectors };
    this.writeWhole(kept, JSON.stringify(probe));
    return probe;
  }

  /**
   * Reading the intrinsics takes longer than compiling a program, so they are compiled once: beside the first programs, which
   * read them as text meanwhile.
   */
  private precompiled(text: string): string {
    const { fs, path, child } = this.node;
    const header = path.join(this.folder, `${this.hash(this.identity + text)}.h`);
    if (fs.existsSync(`${header}.gch`)) return header;
    if (!fs.existsSync(header)) this.writeWhole(header, text);
    const own = `${header}.${process.pid}.${threadNumber()}.gch`;
    const script = 'own=$1 whole=$2; shift 2; "$@" -o "$own" && mv "$own" "$whole" || rm -f "$own"';
    const command = [this.compiler, ...this.flags, "-x", "c-header", header];
    const compiling = child.spawn("/bin/sh", ["-c", script, "sh", own, `${header}.gch`, ...command], {
      stdio: "ignore",
      detached: true,
    });
    // Without it programs only compile more slowly.
    compiling.on("error", () => undefined);
    compiling.unref();
    return header;
  }

  private writeWhole(file: string, text: string): void {
    const { fs } = this.node;
    const own = `${file}.${process.pid}.${threadNumber()}.tmp`;
    try {
      fs.writeFileSync(own, text, { mode: 0o600 });
      fs.renameSync(own, file);
    } catch (error) {
      fs.rmSync(own, { force: true });
      throw new HebbError(`the cache of compiled programs cannot be written: ${reason(error)}`);
    }
  }

  /** The oldest go when there are very many. */
  private prune(): void {
    const { fs, path } = this.node;
    const libraries = fs.readdirSync(this.folder).filter((name) => name.endsWith(".so"));
    if (libraries.length <= mostCached) return;
    const aged = libraries.map((name) => {
      const file = path.join(this.folder, name);
      return { file, used: fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
    });
    aged.sort((a, b) => a.used - b.used);
    for (const { file } of aged.slice(0, aged.length / 2)) fs.rmSync(file, { force: true });
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

let numbers = 0;
/** Two threads of one process may compile at once. */
const threadNumber = (): string => `${numbers++}${Math.floor(performance.now() * 1000) % 1_000_000}`;

/** HEBB_CC, or the first of cc, gcc and clang that the PATH has. */
function findCompiler({ fs, path }: NodeModules): string {
  const isProgram = (file: string): boolean => {
    try {
      fs.accessSync(file, fs.constants.X_OK);
      return fs.statSync(file).isFile();
    } catch {
      return false;
    }
  };
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const asked = process.env["HEBB_CC"];
  const candidates = asked === undefined || asked === "" ? ["cc", "gcc", "clang"] : [asked];
  for (const name of candidates) {
    const files = path.isAbsolute(name) ? [name] : folders.map((folder) => path.join(folder, name));
    const found = files.find(isProgram);
    if (found !== undefined) return found;
  }
  throw new HebbError(
    asked === undefined || asked === ""
      ? "no C compiler is on the PATH (cc, gcc or clang)"
      : `HEBB_CC is "${asked}", which is not a program on the PATH`,
  );
}

function flagsFor(): string[] {
  const native = process.arch === "arm64" && process.platform === "darwin" ? "-mcpu=native" : "-march=native";
  const extra = (process.env["HEBB_CFLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
  return [
    "-std=gnu11",
    "-O2",
    native,
    "-fPIC",
    // The arithmetic that is written is the arithmetic that is done: products and sums are fused only where the emitter says so.
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fwrapv",
    "-fno-strict-aliasing",
    // gcc 12 takes the operands of one call for those of another (products one after another, portable vectors).
    "-fno-ipa-cp",
    // It takes the addresses of arguments for null, and drops functions that then seem to write nothing.
    "-fno-delete-null-pointer-checks",
    "-fvisibility=default",
    "-w",
    ...extra,
  ];
}

/**
 * A folder that nobody else may write to: code is loaded from it. HEBB_CACHE, or the user's cache folder; where that cannot be had, one that
 * goes with the process.
 */
function cacheFolder({ fs, os, path }: NodeModules): string {
  const home = os.homedir();
  const usual =
    process.platform === "darwin"
      ? path.join(home, "Library", "Caches")
      : (process.env["XDG_CACHE_HOME"] ?? path.join(home, ".cache"));
  const asked = process.env["HEBB_CACHE"] ?? path.join(usual, "hebb");
  try {
    fs.mkdirSync(asked, { recursive: true, mode: 0o700 });
    // A link is followed once and for all: what it points to must be the user's own.
    const folder = fs.realpathSync(asked);
    const stat = fs.lstatSync(folder);
    if (!stat.isDirectory()) throw new HebbError(`${folder} is not a folder`);
    if (process.getuid !== undefined && stat.uid !== process.getuid())
      throw new HebbError(`${folder} belongs to another user`);
    if ((stat.mode & 0o077) !== 0) fs.chmodSync(folder, 0o700);
    fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
    return folder;
  } catch {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "hebb-"));
    process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
    return folder;
  }
}

function readProbe(fs: NodeModules["fs"], file: string): Probe | undefined {
  try {
    const read: unknown = JSON.parse(fs.readFileSync(file, "utf8"));
    if (typeof read !== "object" || read === null || !("version" in read) || !("vectors" in read)) return undefined;
    const { version, vectors } = read;
    if (typeof version !== "string" || typeof vectors !== "string" || !(vectors in names)) return undefined;
    return { version, vectors: vectors as VectorSet };
  } catch {
    return undefined;
  }
}
