// Runs a TypeScript entry without a build: bundled in a few milliseconds, on any supported Node.
// usage: node scripts/run.mjs ENTRY.ts [arguments]
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const entry = resolve(process.argv[2] ?? "");
const folder = join(root, "node_modules/.cache/hebb");
mkdirSync(folder, { recursive: true });
const file = join(folder, `${basename(entry, ".ts")}-${process.pid}.mjs`);
process.on("exit", () => rmSync(file, { force: true }));
// The package's name resolves to its sources, so that other programs run here without a build.
const { name, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const alias = Object.fromEntries(
  Object.entries(exports).flatMap(([path, { import: built }]) =>
    built === undefined
      ? []
      : [[join(name, path), join(root, built.default.replace("dist", "src").replace(/\.js$/, ".ts"))]],
  ),
);
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
