// Damaged files in the cache of compiled programs, folders that others may write to, and compilers that lack flags.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { removeFolder } from "../../../test/suite/removeFolder.ts";
import { HebbError } from "../../graph/errors.ts";
import { createCDevice } from "./index.ts";
import { loadLibrary } from "./library.ts";
import { Toolchain } from "./toolchain.ts";

const work = mkdtempSync(join(tmpdir(), "hebb-toolchain-"));
afterAll(() => removeFolder(work));
afterEach(() => {
  vi.unstubAllEnvs();
});

const missing = ((): string | undefined => {
  try {
    createCDevice({ threads: 1 }).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    return error.message;
  }
})();
if (missing !== undefined) console.warn(`skipped on c: ${missing}`);
const describeC = describe.skipIf(missing !== undefined);
const asRoot = process.getuid?.() === 0;
const somebodyElse = 54321;

let folders = 0;
/** A fresh path. */
const fresh = (): string => join(work, `${folders++}`);
let cache = "";
beforeEach(() => {
  cache = fresh();
  vi.stubEnv("HEBB_CACHE", cache);
});
const programs = (): string => join(cache, `programs-${process.getuid?.()}`);

const source = "int answer(int by) { return 7 * by; }";
/** The result of the program, built as the device builds it. */
function answer(toolchain: Toolchain): unknown {
  const library = loadLibrary(toolchain, () => toolchain.build(source));
  const said = library.func("int answer(int by)")(6);
  library.unload();
  return said;
}

function flipBit(file: string, place: number): void {
  const bytes = readFileSync(file);
  bytes[place] = (bytes[place] ?? 0) ^ 4;
  writeFileSync(file, bytes);
}

/** A loadable library that has none of the functions and leaves a trace when loaded. */
function planted(trace: string): string {
  const [text, library] = [join(work, "planted.c"), join(work, "planted.so")];
  writeFileSync(
    text,
    `#include <stdio.h>\n__attribute__((constructor)) static void go(void) { fclose(fopen("${trace}", "w")); }`,
  );
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, text]);
  return library;
}

describeC("a damaged cache file is rebuilt", () => {
  const half = (file: string): void => truncateSync(file, Math.floor(statSync(file).size / 2));
  const damages: Readonly<Record<string, (file: string) => void>> = {
    "half of it": half,
    "nothing of it": (file) => truncateSync(file, 0),
    "one bit of it": (file) => flipBit(file, Math.floor(statSync(file).size / 2)),
    "text in its place": (file) => writeFileSync(file, "not what it was"),
    "a folder in its place": (file) => {
      rmSync(file);
      mkdirSync(file);
    },
    "no file in its place": (file) => rmSync(file),
  };
  /** An intact cache with the compiled header, which is built alongside the programs. */
  const whole = fresh();
  const place = fresh();
  beforeAll(async () => {
    vi.stubEnv("HEBB_CACHE", place);
    expect(answer(new Toolchain())).toBe(42);
    const names = (): string[] => readdirSync(join(place, `programs-${process.getuid?.()}`)).sort();
    const ends = (): string[] =>
      [...new Set(names().map((name) => name.replace(/^[^.]*(\.[0-9a-f]{16})?/, "")))].sort();
    const all = [".h", ".h.gch", ".h.gch.sum", ".record", ".so"];
    await vi.waitFor(() => expect(ends()).toEqual(all), { timeout: 60_000, interval: 100 });
    cpSync(place, whole, { recursive: true });
  });
  beforeEach(() => {
    cache = place;
    vi.stubEnv("HEBB_CACHE", place);
  });

  it.each([".so", ".record", ".h", ".h.gch", ".h.gch.sum"])("*%s", (ending) => {
    for (const [damage, harm] of Object.entries(damages)) {
      removeFolder(place);
      cpSync(whole, place, { recursive: true });
      for (const name of readdirSync(programs())) {
        if (name.endsWith(ending)) harm(join(programs(), name));
        // A header is read only when a program is compiled.
        else if (ending.includes(".h") && name.endsWith(".so")) rmSync(join(programs(), name));
      }
      const again = new Toolchain();
      expect([damage, answer(again), again.warning]).toEqual([damage, 42, undefined]);
    }
  });

  it("a library without its functions is not even loaded", () => {
    answer(new Toolchain());
    const trace = fresh();
    const other = readFileSync(planted(trace));
    for (const name of readdirSync(programs())) if (name.endsWith(".so")) writeFileSync(join(programs(), name), other);
    expect(answer(new Toolchain())).toBe(42);
    expect(existsSync(trace)).toBe(false);
  });

  it("a link, and a file that others may write to, are not loaded", () => {
    for (const change of ["link", "mode"]) {
      answer(new Toolchain());
      const [name = ""] = readdirSync(programs()).filter((name) => name.endsWith(".so"));
      const file = join(programs(), name);
      const elsewhere = fresh();
      if (change === "mode") chmodSync(file, 0o722);
      else {
        renameSync(file, elsewhere);
        symlinkSync(elsewhere, file);
      }
      const built = new Toolchain().build(source);
      expect(statSync(built).mode & 0o077).toBe(0);
      expect(dirname(built)).toBe(programs());
      expect(readdirSync(programs()).filter((name) => name.endsWith(".so")).length).toBeGreaterThan(0);
    }
  });
});

describeC("a cache cleared while in use is refilled", () => {
  it("when cleared before a program is compiled", () => {
    const toolchain = new Toolchain();
    for (const gone of [cache, programs(), ...readdirSync(programs()).map((name) => join(programs(), name))]) {
      // The header is being compiled at the same time.
      removeFolder(gone);
      expect(answer(toolchain)).toBe(42);
      for (const name of readdirSync(programs())) if (name.endsWith(".so")) rmSync(join(programs(), name));
    }
  });

  it.each(["cache", "header"])("when the %s is cleared during compilation", (what) => {
    const [file, done] = [fresh(), fresh()];
    const gone = what === "cache" ? cache : `${programs()}/*.h*`;
    const once = `case "$*" in *-shared*) [ -e ${done} ] || { touch ${done}; rm -rf ${gone}; };; esac`;
    writeFileSync(file, `#!/bin/sh\n${once}\nexec cc "$@"\n`, { mode: 0o755 });
    writeFileSync(done, "");
    vi.stubEnv("HEBB_CC", file);
    const toolchain = new Toolchain();
    rmSync(done);
    expect(answer(toolchain)).toBe(42);
    expect(existsSync(done)).toBe(true);
  });

  it("but not if someone replaces the folder with their own: nothing is built in it", () => {
    const toolchain = new Toolchain();
    removeFolder(programs());
    mkdirSync(programs());
    chmodSync(programs(), 0o777);
    expect(() => answer(toolchain)).toThrow(/others may write to/);
    expect(readdirSync(programs())).toEqual([]);
  });
});

describeC("a folder that others may write to", () => {
  const usedInstead = (toolchain: Toolchain): string => {
    const folder = dirname(toolchain.build(source));
    expect(folder).toBe(join(tmpdir(), `hebb-${process.pid}`));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(answer(toolchain)).toBe(42);
    return toolchain.warning?.what ?? "";
  };

  it("is replaced by a temporary folder, removed when the process ends; the next process removes the folders of killed ones", () => {
    const child = spawnSync(process.execPath, ["-e", ""]);
    const abandoned = join(tmpdir(), `hebb-${child.pid}`);
    mkdirSync(abandoned);
    vi.stubEnv("TMPDIR", tmpdir());
    vi.stubEnv("HEBB_CACHE", fileURLToPath(import.meta.url));
    const script = `const { createCDevice } = await import(${JSON.stringify(import.meta.resolve("./index.ts"))});
      createCDevice({ threads: 1 }); console.log(process.pid);`;
    const { stdout } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      encoding: "utf8",
    });
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(existsSync(join(tmpdir(), `hebb-${stdout.trim()}`))).toBe(false);
    expect(existsSync(abandoned)).toBe(false);
  });

  it("is left untouched and unused; the warning names it", () => {
    mkdirSync(cache);
    chmodSync(cache, 0o777);
    const toolchain = new Toolchain();
    expect(usedInstead(toolchain)).toContain(`compiled programs are not kept: others may write to ${cache}`);
    expect(toolchain.warning?.fix).toContain("HEBB_CACHE");
    expect(statSync(cache).mode & 0o777).toBe(0o777);
    expect(readdirSync(cache)).toEqual([]);
  });

  it("is shared safely if it is sticky: each user has a folder below it", () => {
    mkdirSync(cache);
    chmodSync(cache, 0o1777);
    const toolchain = new Toolchain();
    expect(dirname(toolchain.build(source))).toBe(programs());
    expect(toolchain.warning).toBeUndefined();
    expect(statSync(programs()).mode & 0o777).toBe(0o700);
    expect(statSync(cache).mode & 0o7777).toBe(0o1777);
  });

  it("is not used if a link, a file or an open folder takes the place of the user's own", () => {
    const kinds: Readonly<Record<string, () => void>> = {
      "is a link": () => symlinkSync(mkdtempSync(join(work, "target-")), programs()),
      "is not a folder": () => writeFileSync(programs(), ""),
      "others may write to": () => {
        mkdirSync(programs());
        chmodSync(programs(), 0o777);
      },
    };
    for (const [kind, plant] of Object.entries(kinds)) {
      cache = fresh();
      vi.stubEnv("HEBB_CACHE", cache);
      mkdirSync(cache);
      chmodSync(cache, 0o1777);
      plant();
      expect(usedInstead(new Toolchain())).toContain(kind);
    }
  });

  it.skipIf(!asRoot)("is not used if it belongs to another user, or is reached through another user's link", () => {
    mkdirSync(programs(), { recursive: true });
    chownSync(programs(), somebodyElse, somebodyElse);
    expect(usedInstead(new Toolchain())).toContain(`${programs()} belongs to another user`);
    chownSync(cache, somebodyElse, somebodyElse);
    expect(usedInstead(new Toolchain())).toContain(`${cache} belongs to another user`);
    const [target, link] = [fresh(), fresh()];
    mkdirSync(target);
    symlinkSync(target, link);
    execFileSync("chown", ["-h", `${somebodyElse}`, link]);
    vi.stubEnv("HEBB_CACHE", link);
    expect(usedInstead(new Toolchain())).toContain(`the link ${link} belongs to another user`);
  });

  it.skipIf(!asRoot)("a library planted under the right name is never executed", () => {
    const right = readdirSync(dirname(new Toolchain().build(source))).filter((name) => /\.(so|record)$/.test(name));
    const trace = fresh();
    const other = readFileSync(planted(trace));
    cache = fresh();
    vi.stubEnv("HEBB_CACHE", cache);
    mkdirSync(programs(), { recursive: true });
    for (const name of right) writeFileSync(join(programs(), name), other);
    for (const [owner, mode] of [
      [somebodyElse, 0o755],
      [0, 0o777],
    ] as const) {
      chownSync(programs(), owner, owner);
      chmodSync(programs(), mode);
      expect(answer(new Toolchain())).toBe(42);
    }
    chmodSync(programs(), 0o700);
    for (const name of right) chownSync(join(programs(), name), somebodyElse, somebodyElse);
    expect(answer(new Toolchain())).toBe(42);
    expect(existsSync(trace)).toBe(false);
  });
});

describeC("compilers", () => {
  /** A compiler that refuses some flags and otherwise calls cc. */
  function compiler(...refused: readonly string[]): string {
    const file = fresh();
    const cases = refused.map((flag) => `${flag}) echo "error: unknown option $a" >&2; exit 1;;`).join(" ");
    writeFileSync(file, `#!/bin/sh\nfor a in "$@"; do case $a in ${cases} --nothing) ;; esac; done\nexec cc "$@"\n`, {
      mode: 0o755,
    });
    return file;
  }

  it.each([
    [["-march=native"]],
    [["-march=*", "-mcpu=*", "-m*"]],
    [["-march=native", "-fno-ipa-cp", "-fno-trapping-math"]],
  ])("a compiler without %j gets only the flags it supports", (refused) => {
    vi.stubEnv("HEBB_CC", compiler(...refused));
    const toolchain = new Toolchain();
    expect(answer(toolchain)).toBe(42);
    if (process.arch === "x64") expect(toolchain.description).toContain("does not know -march=native");
  });

  it("a compiler without the flags that arithmetic needs is named, with its message", () => {
    vi.stubEnv("HEBB_CC", compiler("-ffp-contract=off"));
    expect(() => new Toolchain()).toThrow(/does not work with .*-ffp-contract=off.*: error: unknown option/);
  });

  it("a compiler that hides library functions gives a clear message, not a loader error", () => {
    vi.stubEnv("HEBB_CFLAGS", "-fvisibility=hidden");
    const toolchain = new Toolchain();
    expect(() => answer(toolchain)).toThrow(HebbError);
    expect(() => answer(toolchain)).toThrow(/lacks int answer\(int by\).*HEBB_CFLAGS/);
  });
});
