// Finds the test files that import a source, and the number of steps between them.
import { build } from "esbuild";

/** The importers of every file reachable from `entries`. Paths are relative to `root`. */
export async function importersIn(root, entries) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: "node_modules/.cache/hebb/unwritten",
    write: false,
    bundle: true,
    splitting: true,
    metafile: true,
    platform: "node",
    format: "esm",
    packages: "external",
    loader: { ".html": "text", ".css": "text" },
    logLevel: "error",
  });
  const importers = new Map();
  for (const [file, { imports }] of Object.entries(metafile.inputs))
    for (const { path } of imports) importers.set(path, [...(importers.get(path) ?? []), file]);
  return importers;
}

/** Every file that imports one of `sources`, with the least number of imports between them; `others` adds dependencies that are not imports. */
export function stepsFrom(importers, sources, others = () => []) {
  const found = new Map(sources.map((file) => [file, 0]));
  const queue = [...sources];
  for (const file of queue)
    for (const next of [...(importers.get(file) ?? []), ...others(file)]) {
      if (found.has(next)) continue;
      found.set(next, found.get(file) + 1);
      queue.push(next);
    }
  return found;
}
