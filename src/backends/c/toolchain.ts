// Compiles C to shared libraries, once for each program, and caches the results on disk. Impure.
import { HebbError } from "../../graph/errors.ts";
import type { Warning } from "../backend.ts";
import { Cache } from "./cache.ts";
import { askCompiler, type Compiler } from "./compiler.ts";
import { type NodeModules, nodeModules, reason } from "./node.ts";
import { prelude } from "./prelude.ts";
import type { Target, VectorSet } from "./target.ts";

const names: Readonly<Record<VectorSet, string>> = {
  avx512: "AVX-512",
  avx2: "AVX2",
  neon: "NEON",
  portable: "portable vectors",
};

/** Recompilations of a program after another process cleared the cache. */
const timesCleared = 3;

export class Toolchain {
  readonly target: Target;
  /** One line: "gcc 12.2.0, AVX-512". */
  readonly description: string;
  private readonly node: NodeModules;
  private readonly cache: Cache;
  private readonly compiler: Compiler;
  private readonly headerText: string;
  private readonly header: string;
  /** Whether the digest of the compiled header has been verified. */
  private headerChecked = false;

  /** Throws a HebbError with the reason if there is no C backend here. */
  constructor() {
    const node = nodeModules();
    this.node = node;
    if (process.platform === "win32") throw new HebbError("the C backend needs cc, gcc or clang on Linux or macOS");
    this.cache = new Cache(node);
    this.compiler = askCompiler(node, this.cache);
    this.target = this.compiler.target;
    const { version, flags } = this.compiler;
    const native = flags.some((flag) => flag.endsWith("=native")) ? "" : " (which does not know -march=native)";
    this.description = `${version}${native}, ${names[this.target.vectors]}`;
    this.headerText = prelude(this.target);
    this.header = this.cache.path(`${this.cache.key(version, flags, this.compiler.defines, this.headerText)}.h`);
    this.writeHeader();
    if (!node.fs.existsSync(`${this.header}.gch`)) this.compileHeader();
  }

  get warning(): Warning | undefined {
    return this.cache.warning;
  }

  /** The path of the shared library for `source`, compiled on first use. */
  build(source: string, options: { readonly define?: string; readonly threads?: boolean } = {}): string {
    const { cache, node } = this;
    const { version, flags: known, defines } = this.compiler;
    const flags = [
      ...(options.define === undefined ? [] : [`-D${options.define}`]),
      ...(options.threads ? ["-pthread"] : ["-include", this.header]),
    ];
    const key = cache.key(version, known, defines, process.arch, flags, source);
    cache.ensureFolder();
    const library = cache.library(key);
    if (library !== undefined) return library;
    for (let again = timesCleared; ; again--) {
      const own = cache.temporary(key);
      try {
        if (!options.threads) this.ensureHeader();
        cache.writeOwn(`${own}.c`, source);
        this.run([...known, ...flags, "-shared", "-o", `${own}.so`, `${own}.c`, "-lm"]);
        return cache.keepLibrary(key, `${own}.so`);
      } catch (error) {
        const cleared = !node.fs.existsSync(`${own}.c`) || reason(error).includes(this.header);
        if (cleared && again > 0) continue;
        throw error instanceof HebbError ? error : new HebbError(`the program cannot be compiled: ${reason(error)}`);
      } finally {
        cache.remove(`${own}.c`, `${own}.so`);
      }
    }
  }

  /** Removes a library that cannot be loaded. */
  forget(library: string): void {
    this.cache.remove(library);
  }

  private run(args: readonly string[]): void {
    const { program } = this.compiler;
    const run = (more: readonly string[]) =>
      this.node.child.spawnSync(program, [...args, ...more], { encoding: "utf8", maxBuffer: 1 << 26 });
    let result = run([]);
    // gcc 12 crashes on some AVX2 programs unless optimisation is lowered.
    if (result.status !== 0 && /internal compiler error/.test(result.stderr)) result = run(["-O1"]);
    if (result.error !== undefined) throw new HebbError(`${program} cannot be run: ${result.error.message}`);
    if (result.status !== 0) {
      const said = result.stderr
        .split("\n")
        .filter((line) => /error|fatal|No space/i.test(line))
        .slice(0, 3)
        .join("; ");
      throw new HebbError(
        `${program} failed (${result.signal ?? result.status}): ${said || result.stderr.slice(0, 300)}`,
      );
    }
  }

  /** Writes the header if it is missing or wrong; returns whether it did. */
  private writeHeader(): boolean {
    const { cache, header, headerText } = this;
    if (cache.textOf(header) === headerText) return false;
    cache.writeFile(this.node.path.basename(header), headerText);
    return true;
  }

  /** Clearing the cache removes the header for every process that uses it. */
  private ensureHeader(): void {
    if (this.writeHeader()) this.compileHeader();
    else this.checkCompiledHeader();
  }

  /**
   * Parsing the intrinsics takes longer than compiling a program, so they are compiled once, in parallel with the first programs.
   * Those read them as text.
   */
  private compileHeader(): void {
    const { header } = this;
    const { program, flags } = this.compiler;
    const own = `${this.cache.temporary(this.node.path.basename(header))}.gch`;
    // Without a program for digests, nothing is kept.
    const script = `umask 077; own=$1 whole=$2; shift 2
"$@" -o "$own" && { sha256sum < "$own" || shasum -a 256 < "$own"; } > "$own.sum" && mv "$own.sum" "$whole.sum" && mv "$own" "$whole"
rm -f "$own" "$own.sum"`;
    const command = [program, ...flags, "-x", "c-header", header];
    const compiling = this.node.child.spawn("/bin/sh", ["-c", script, "sh", own, `${header}.gch`, ...command], {
      stdio: "ignore",
      detached: true,
    });
    // If it cannot start, programs only compile more slowly.
    compiling.on("error", () => undefined);
    compiling.unref();
  }

  /** Removes a damaged compiled header: compilers crash on it or, worse, do not. */
  private checkCompiledHeader(): void {
    const compiled = `${this.header}.gch`;
    if (this.headerChecked || !this.node.fs.existsSync(compiled)) return;
    this.headerChecked = true;
    const digest = this.cache.digestOf(compiled);
    if (digest !== undefined && this.cache.textOf(`${compiled}.sum`)?.startsWith(`${digest} `)) return;
    this.cache.remove(compiled, `${compiled}.sum`);
    this.compileHeader();
  }
}
