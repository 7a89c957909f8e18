// The C backend as a user meets it: the same bits for any number of threads, a cache shared by processes, a missing compiler, damage.
import { spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { createCDevice } from "../../src/backends/c/index.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { useBackend } from "../../src/runtime/index.ts";
import { compile, randint, randn, seed } from "../../src/tensor/index.ts";
import { removeFolder } from "../suite/removeFolder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "hebb-native-"));
afterAll(() => removeFolder(work));

const missing = ((): string | undefined => {
  try {
    createCDevice({ threads: 1 }).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
})();
if (missing !== undefined) console.warn(`skipped on c: ${missing}`);
const withCompiler = it.skipIf(missing !== undefined);

interface Printed {
  readonly backend: string;
  readonly description: string;
  readonly losses: readonly number[];
  readonly warning?: { readonly what: string };
}

type Env = Readonly<Record<string, string>>;
const train = (env: Env) => start(env, "test/e2e/steps.ts");

function start(
  env: Env,
  entry: string,
  ...args: readonly string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(root, "scripts/run.mjs"), join(root, entry), ...args], {
    env: { ...process.env, HEBB_BACKEND: "c", ...env },
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (err += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}
const printed = (out: string): Printed => JSON.parse(out) as Printed;

/** The user's own folder below HEBB_CACHE. */
const programsIn = (cache: string): string => join(cache, `programs-${process.getuid?.()}`);

/** A PATH that contains only Node. */
function pathWithoutCompiler(): string {
  const folder = join(work, "bin");
  mkdirSync(folder, { recursive: true });
  symlinkSync(process.execPath, join(folder, "node"));
  return folder;
}

describe("threads", () => {
  withCompiler("1, 2 and 3 of them give the same bits over a convolutional step with dropout", () => {
    let expected: string | undefined;
    for (const threads of [1, 2, 3]) {
      expect(useBackend({ backend: "c", threads }).threads).toBe(threads);
      seed(3);
      const model = new nn.Sequential(
        new nn.Conv2d(1, 12, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Dropout(0.2),
        new nn.Linear(12 * 14 * 14, 130),
        new nn.LayerNorm(130),
        new nn.GELU(),
        new nn.Linear(130, 10),
      );
      const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
      const [x, y] = [randn([48, 1, 28, 28]), randint(0, 10, [48])];
      const step = compile(() => {
        const loss = nn.functional.crossEntropy(model.forward(x), y);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      });
      const losses = Array.from({ length: 6 }, () => step().itemSync());
      const weights = model
        .parameters()
        .map((parameter) => Buffer.from(parameter.dataSync().slice().buffer).toString("hex"));
      const bits = JSON.stringify([losses, weights]);
      expected ??= bits;
      expect(bits === expected, `${threads} threads give other bits than 1`).toBe(true);
    }
    useBackend({});
  });
});

describe("the cache of compiled programs", () => {
  withCompiler("two processes at once on an empty one both work, and leave nothing half made", async () => {
    const cache = join(work, "both");
    const runs = await Promise.all([train({ HEBB_CACHE: cache }), train({ HEBB_CACHE: cache })]);
    for (const { code, err } of runs) expect({ code, err }).toEqual({ code: 0, err: "" });
    const [one, two] = runs.map(({ out }) => printed(out));
    expect(one?.backend).toBe("c");
    expect(two?.losses).toEqual(one?.losses);
    const own = programsIn(cache);
    expect(statSync(own).mode & 0o777).toBe(0o700);
    // The header is compiled concurrently with the programs, and may take longer.
    const ends = (): string[] =>
      [...new Set(readdirSync(own).map((name) => name.replace(/^[0-9a-f]{40}(\.[0-9a-f]{16})?/, "")))].sort();
    await expect.poll(ends, { timeout: 20_000 }).toEqual([".h", ".h.gch", ".h.gch.sum", ".record", ".so"]);
  });

  withCompiler("a link to a folder serves, and one that cannot be had leaves nothing behind", async () => {
    const [folder, link, file, temporary] = ["real", "link", "file", "tmp"].map((name) => join(work, name)) as [
      string,
      string,
      string,
      string,
    ];
    mkdirSync(folder);
    mkdirSync(temporary);
    symlinkSync(folder, link);
    writeFileSync(file, "");
    await train({ HEBB_CACHE: link, TMPDIR: temporary });
    expect(readdirSync(programsIn(folder)).some((name) => name.endsWith(".so"))).toBe(true);
    const without = printed((await train({ HEBB_CACHE: file, TMPDIR: temporary })).out);
    expect(without.backend).toBe("c");
    expect(without.warning?.what).toContain(`${file} is not a folder`);
    expect(readdirSync(temporary).filter((name) => name.startsWith("hebb-"))).toEqual([]);
  });

  withCompiler("the doctor warns of a folder that others may write to", async () => {
    const shared = join(work, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    const { code, out } = await start({ HEBB_CACHE: shared }, "src/cli/main.ts", "doctor", "--json");
    expect(code).toBe(0);
    const { notes } = JSON.parse(out) as { notes: { level: string; what: string; fix: string }[] };
    expect(notes).toContainEqual({
      level: "warning",
      what: expect.stringContaining(`others may write to ${shared}`),
      fix: expect.stringContaining("HEBB_CACHE"),
    });
    expect(readdirSync(shared)).toEqual([]);
  });

  withCompiler("half of a library is built anew, not run into", async () => {
    const cache = join(work, "damaged");
    const first = await train({ HEBB_CACHE: cache });
    const own = programsIn(cache);
    for (const name of readdirSync(own)) {
      const file = join(own, name);
      if (name.endsWith(".so")) truncateSync(file, Math.floor(statSync(file).size / 2));
    }
    const second = await train({ HEBB_CACHE: cache });
    expect(second.code).toBe(0);
    expect(second.err).toBe("");
    expect(printed(second.out).losses).toEqual(printed(first.out).losses);
  });
});

describe("without a compiler", () => {
  const bin = pathWithoutCompiler();

  it("auto computes on wasm and says why", async () => {
    const { code, out, err } = await train({ PATH: bin, HEBB_CC: "", HEBB_BACKEND: "auto" });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(printed(out).backend).toBe("wasm");
    expect(printed(out).description).toContain("not c: no C compiler is on the PATH");
  });

  it("asking for c is an error that says what is missing", async () => {
    const { code, err } = await train({ PATH: bin, HEBB_CC: "", HEBB_BACKEND: "c" });
    expect(code).not.toBe(0);
    expect(err).toContain("no C compiler is on the PATH (cc, gcc or clang)");
  });

  it("a configured compiler that is missing is named in the error", async () => {
    const { err } = await train({ HEBB_CC: "no-such-cc", HEBB_BACKEND: "c" });
    expect(err).toContain('HEBB_CC is "no-such-cc", which is not a program on the PATH');
  });
});
