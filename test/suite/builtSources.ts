// The sources as plain JavaScript, built once for a run of all tests: Node imports them directly, which is faster than one by one through Vite.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Plugin } from "vitest/config";
import { folderVariable } from "./once.ts";

const sources = fileURLToPath(new URL("../../src", import.meta.url));
const isSource = (path: string): boolean => path.endsWith(".ts") && !path.endsWith(".test.ts");
const isInside = (path: string): boolean => path.startsWith(sources + sep);
const builtName = (path: string): string => path.replace(/\.ts$/, ".js");

/** Each source is built separately, so that names and the order of imports do not change. */
export async function buildSources(folder: string): Promise<void> {
  await build({
    entryPoints: readdirSync(sources, { recursive: true, encoding: "utf8" })
      .filter(isSource)
      .map((path) => join(sources, path)),
    outbase: sources,
    outdir: join(folder, "sources"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "error",
    plugins: [
      {
        name: "each-on-its-own",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.\.?\// }, ({ path }) => ({ path: builtName(path), external: true })),
      },
    ],
  });
}

/** Whether a test file mocks modules of Node: the mocks reach only code that Vite transforms. */
const mocks = new Map<string, boolean>();
function hasMocks(path: string): boolean {
  const known = mocks.get(path);
  if (known !== undefined) return known;
  const found = readFileSync(path, "utf8").includes("vi.mock(");
  mocks.set(path, found);
  return found;
}

/** The path of an import; undefined for a package. */
function pathOf(source: string, importer: string): string | undefined {
  if (source.startsWith("file:")) return fileURLToPath(source);
  return source.startsWith(".") || isAbsolute(source) ? resolve(dirname(importer), source) : undefined;
}

/** Resolves the tests' imports from src/ to the built files. */
export const builtSources: Plugin = {
  name: "hebb-built-sources",
  enforce: "pre",
  resolveId(source, importer) {
    const folder = process.env[folderVariable];
    const path = importer === undefined ? undefined : pathOf(source, importer);
    if (folder === undefined || importer === undefined || path === undefined || !isSource(path)) return undefined;
    // A source that is not built imports other sources unbuilt.
    if (!isInside(path) || (isInside(importer) && isSource(importer)) || hasMocks(importer)) return undefined;
    return join(folder, "sources", builtName(relative(sources, path)));
  },
};
