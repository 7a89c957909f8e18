// Finds the machine's C compiler and queries its version, the flags it supports and its target.
import { HebbError } from "../../graph/errors.ts";
import type { Cache } from "./cache.ts";
import type { NodeModules } from "./node.ts";
import { type Target, targetOf, targets } from "./target.ts";

/** The answers of one compiler. They are kept on disk, because asking takes as long as compiling a small program. */
export interface Compiler {
  readonly program: string;
  readonly version: string;
  readonly target: Target;
  /** The flags it supports. */
  readonly flags: readonly string[];
  /** A digest of its predefined macros: they name its version and every processor feature that it uses. */
  readonly defines: string;
}

/** Flags that the meaning of the code depends on. */
const needed: readonly string[] = [
  "-std=gnu11",
  "-O2",
  "-fPIC",
  // Products and sums are fused only where the emitter says so.
  "-ffp-contract=off",
  "-fwrapv",
  "-fno-strict-aliasing",
];

/** Flags that only affect speed, or that avoid a known compiler bug. */
const welcome: readonly string[] = [
  "-fno-math-errno",
  "-fno-trapping-math",
  // gcc 12 mixes up the operands of different calls (consecutive products, portable vectors).
  "-fno-ipa-cp",
  // gcc 12 assumes that addresses passed as arguments are null, and drops functions that then seem to write nothing.
  "-fno-delete-null-pointer-checks",
  "-fvisibility=default",
  "-w",
];

/** Throws a HebbError with the reason if no compiler is usable. */
export function askCompiler(node: NodeModules, cache: Cache): Compiler {
  const program = findCompiler(node);
  const binary = node.fs.realpathSync(program);
  const { size, mtimeMs } = node.fs.statSync(binary);
  const processor = describeProcessor(node);
  const extra = (process.env["HEBB_CFLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
  const key = cache.key(
    "compiler",
    targets,
    program,
    binary,
    size,
    mtimeMs,
    processor,
    process.arch,
    needed,
    welcome,
    extra,
  );
  const known = readCompiler(cache.readRecord(key), program);
  if (known !== undefined) return known;
  const { flags, defines } = knownFlags(node, program, processor, extra);
  const macros = new Set([...defines.matchAll(/#define (\w+)/g)].map((match) => match[1] ?? ""));
  const value = (macro: string): string => new RegExp(`#define ${macro} "?([^"\\n]*)`).exec(defines)?.[1]?.trim() ?? "";
  const version = macros.has("__clang__")
    ? `clang ${value("__clang_version__")}`
    : `gcc ${value("__GNUC__")}.${value("__GNUC_MINOR__")}.${value("__GNUC_PATCHLEVEL__")}`;
  const found = { program, version, target: targetOf(macros), flags, defines: cache.key(defines) };
  cache.writeRecord(key, JSON.stringify(found));
  return found;
}

/** The cache has already verified the record's digest, so only the format is checked. */
function readCompiler(record: string | undefined, program: string): Compiler | undefined {
  if (record === undefined) return undefined;
  const { version, target, flags, defines } = JSON.parse(record) as Partial<Compiler>;
  if (version === undefined || target === undefined || flags === undefined || defines === undefined) return undefined;
  return { program, version, target, flags, defines };
}

/** The optional flags that the compiler supports, and the macros it defines with them. */
function knownFlags(
  { child }: NodeModules,
  program: string,
  processor: Processor,
  extra: readonly string[],
): { readonly flags: readonly string[]; readonly defines: string } {
  const ask = (flags: readonly string[]) =>
    child.spawnSync(program, [...flags, "-dM", "-E", "-x", "c", "-"], { input: "", encoding: "utf8" });
  const all = (native: readonly string[], more: readonly string[]) => [...needed, ...native, ...more, ...extra];
  for (const native of nativeFlags(processor)) {
    const flags = all(native, welcome);
    const { status, stdout } = ask(flags);
    if (status === 0) return { flags, defines: stdout };
  }
  const known = welcome.filter((flag) => ask([flag]).status === 0);
  const native = nativeFlags(processor).find((flags) => ask(flags).status === 0) ?? [];
  const flags = all(native, known);
  const { status, stdout, stderr, error } = ask(flags);
  if (status !== 0)
    throw new HebbError(
      `${program} does not work with ${flags.join(" ")}: ${stderr?.trim().slice(0, 200) || error?.message || `exit code ${status}`}`,
    );
  return { flags, defines: stdout };
}

/** Flags that target this processor, best first; the last entry is empty. */
function nativeFlags({ features }: Processor): (readonly string[])[] {
  const own = process.arch === "arm64" && process.platform === "darwin" ? ["-mcpu=native"] : ["-march=native"];
  const vectors = ["avx2", "fma"].every((feature) => features.has(feature)) ? [["-mavx2", "-mfma"]] : [];
  const others = process.arch === "arm64" ? [["-march=native"], ["-mcpu=native"]] : vectors;
  return [own, ...others.filter(([flag]) => flag !== own[0]), []];
}

interface Processor {
  /** The lines of its description that may determine which code it can run. */
  readonly description: string;
  readonly features: ReadonlySet<string>;
}

/** Lines of /proc/cpuinfo that identify the instruction set or the microarchitecture. */
const decisive =
  /^(vendor_id|cpu family|model|model name|stepping|flags|Features|CPU (implementer|architecture|variant|part|revision)|isa|uarch)\s*:/;

/** The first processor in /proc/cpuinfo. A name is not enough: virtual machines report the same name with and without AVX-512. */
export function processorOf(cpuinfo: string): Processor {
  const [first = ""] = cpuinfo.split("\n\n");
  const lines = first.split("\n").filter((line) => decisive.test(line));
  const features = lines.filter((line) => /^(flags|Features)/.test(line)).flatMap((line) => line.split(/\s+/));
  return { description: lines.join("\n"), features: new Set(features) };
}

/** More than one processor's entry takes. */
const firstBytes = 16384;

function describeProcessor({ fs, os }: NodeModules): Processor {
  const named = (): Processor => ({ description: os.cpus()[0]?.model ?? process.arch, features: new Set() });
  if (process.platform !== "linux") return named();
  let open: number;
  try {
    open = fs.openSync("/proc/cpuinfo", "r");
  } catch {
    return named();
  }
  try {
    const bytes = Buffer.alloc(firstBytes);
    return processorOf(bytes.toString("latin1", 0, fs.readSync(open, bytes)));
  } finally {
    fs.closeSync(open);
  }
}

/** HEBB_CC, or the first of cc, gcc and clang on the PATH. */
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
