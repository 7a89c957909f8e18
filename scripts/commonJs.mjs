// dist/cjs: the library for `require` where it cannot load ESM (Jest, older tools): one bundle, a file for each entry, and types.
// Node itself loads the ESM files for `require` too (the condition module-sync), so that no process holds the library twice.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

/** The entries: folders or files of dist, without "index.js". */
function entriesOf(exports) {
  const files = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [] : [entry.import.default]));
  return files.map((file) => relative("dist", file));
}

/** The relative imports of a type file, as paths in dist. */
function importedTypes(dist, file) {
  const text = readFileSync(join(dist, file), "utf8");
  const paths = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map(([, path]) => path);
  return paths.map((path) => join(dirname(file), path.replace(/\.ts$|\.js$/, ".d.ts").replace(/\.d\.d\.ts$/, ".d.ts")));
}

function copyTypes(dist, entries) {
  const reached = new Set();
  const waiting = entries.map((entry) => entry.replace(/\.js$/, ".d.ts"));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    waiting.push(...importedTypes(dist, file));
  }
  for (const file of reached) {
    mkdirSync(join(dist, "cjs", dirname(file)), { recursive: true });
    copyFileSync(join(dist, file), join(dist, "cjs", file));
  }
}

export async function buildCommonJs(dist, { exports, dependencies, optionalDependencies, peerDependencies }) {
  const entries = entriesOf(exports);
  const nameOf = (entry) => entry.replace(/(\/index)?\.js$/, "").replace(/\W/g, "_");
  const contents = entries.map((entry) => `export * as ${nameOf(entry)} from "./${entry}";`).join("\n");
  copyTypes(dist, entries);
  await build({
    stdin: { contents, resolveDir: dist },
    outfile: join(dist, "cjs/hebb.js"),
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    external: [dependencies, optionalDependencies, peerDependencies].flatMap((names) => Object.keys(names ?? {})),
    define: { "import.meta.url": "hebbAddress" },
    banner: { js: 'const hebbAddress = require("node:url").pathToFileURL(__filename).href;' },
  });
  writeFileSync(join(dist, "cjs/package.json"), '{ "type": "commonjs" }\n');
  for (const entry of entries) {
    const file = join(dist, "cjs", entry);
    mkdirSync(dirname(file), { recursive: true });
    const bundle = relative(dirname(entry), "hebb.js");
    writeFileSync(
      file,
      `module.exports = require("${bundle.startsWith(".") ? bundle : `./${bundle}`}").${nameOf(entry)};\n`,
    );
  }
}
