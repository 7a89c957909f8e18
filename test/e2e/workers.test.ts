// Worker threads that compute on c and end in every possible way: the process survives, and their threads end with them.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createCDevice } from "../../src/backends/c/index.ts";
import { HebbError } from "../../src/graph/errors.ts";
import { removeFolder } from "../suite/removeFolder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cache = mkdtempSync(join(tmpdir(), "hebb-workers-"));
/** Next to the packages, so that koffi is found. */
const bundle = join(root, `node_modules/.cache/hebb-workers-${process.pid}.mjs`);

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

beforeAll(() =>
  build({
    entryPoints: [join(root, "test/e2e/workerExit.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
  }),
);
afterAll(() => {
  removeFolder(cache);
  rmSync(bundle, { force: true });
});

interface Generation {
  readonly backend: string;
  readonly threads: number;
}

function run(backend: string, exit: string): Promise<{ code: number | null; signal: string | null; out: string }> {
  const env = { ...process.env, HEBB_BACKEND: backend, HEBB_CACHE: cache };
  const child = spawn(process.execPath, [bundle, "4", exit, "3"], { env, stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (text) => (out += text));
  return new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, out })));
}

for (const backend of ["c", "wasm"]) {
  it.skipIf(backend === "c" && missing !== undefined).each(["natural", "exit", "terminate", "error"])(
    `twelve workers on ${backend} that end by %s leave no thread and do not crash`,
    async (exit) => {
      const { code, signal, out } = await run(backend, exit);
      expect({ code, signal }).toEqual({ code: 0, signal: null });
      const generations = JSON.parse(out) as readonly Generation[];
      for (const generation of generations) expect(generation.backend).toMatch(new RegExp(`^${backend},`));
      const [first, last] = [generations[0], generations.at(-1)];
      expect(last?.threads).toBeLessThanOrEqual(first?.threads ?? 0);
    },
    180_000,
  );
}
