// Runs a TypeScript entry without a build: bundled in a few milliseconds, on any supported Node.
// usage: node scripts/run.mjs ENTRY.ts [arguments]
import { mkdirSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { alias } from "./alias.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const entry = resolve(process.argv[2] ?? "");
const folder = join(root, "node_modules/.cache/hebb");
mkdirSync(folder, { recursive: true });
const file = join(folder, `${basename(entry, ".ts")}-${process.pid}.mjs`);
process.on("exit", () => rmSync(file, { force: true }));
await build({
  entryPoints: [entry],
  outfile: file,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  alias,
  logLevel: "error",
});
process.argv.splice(1, 2, entry);
await import(pathToFileURL(file).href);
