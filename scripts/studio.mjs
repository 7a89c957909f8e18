// Builds the Studio: the page, its worker and its styles, into dist/studio or into memory.
// usage: node scripts/studio.mjs [FOLDER] [LANGUAGE]
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Replaces the backend that needs a C compiler, as the package does for browsers. */
const withoutC = {
  name: "without-c",
  setup({ onLoad }) {
    const folder = join(root, "src/backends/c");
    onLoad({ filter: /src[/\\\\]backends[/\\\\]c[/\\\\]index\.ts$/ }, () => ({
      contents: readFileSync(join(folder, "browser.ts"), "utf8"),
      loader: "ts",
      resolveDir: folder,
    }));
  },
};

/** Replaces the English texts by a folder of another language next to them. */
const inLanguage = (language) => ({
  name: "language",
  setup({ onResolve }) {
    onResolve({ filter: /\/texts\/en\// }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.replace("/texts/en/", `/texts/${language}/`)),
    }));
  },
});

/**
 * Every file of the page by its name, as bytes. All addresses in it are relative, so that any folder of any server works.
 * Accepts additional esbuild plugins.
 */
export async function bundleStudio({ language = "en", plugins = [] } = {}) {
  const shared = {
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    legalComments: "none",
    external: ["node:*"],
    write: false,
    logLevel: "error",
    absWorkingDir: root,
    outdir: join(root, "dist/studio"),
    plugins: [inLanguage(language), ...plugins],
  };
  const [page, worker, element] = await Promise.all([
    build({
      ...shared,
      entryPoints: { studio: "studio/page/main.tsx" },
      jsx: "automatic",
      jsxImportSource: "preact",
      splitting: true,
      chunkNames: "part-[hash]",
      metafile: true,
    }),
    build({
      ...shared,
      entryPoints: { worker: "studio/engine/worker.ts", onnx: "studio/engine/onnxWorker.ts" },
      // A page decodes pictures by itself, and has no C compiler.
      external: [...shared.external, "fast-png", "jpeg-js", "hyparquet", "hyparquet-compressors"],
      plugins: [...shared.plugins, withoutC],
    }),
    build({ ...shared, entryPoints: { embed: "studio/embed/hebbStudio.ts" } }),
  ]);
  const preloads = initialScripts(page.metafile)
    .filter((name) => name !== "studio.js")
    .map((name) => `<link rel="modulepreload" href="${name}" />\n    `)
    .join("");
  const html = readFileSync(join(root, "studio/index.html"), "utf8")
    .replace('<html lang="en"', `<html lang="${language}"`)
    .replace('<script type="module"', `${preloads}<script type="module"`);
  const files = new Map([["index.html", Buffer.from(html)]]);
  for (const { path, contents } of [...page.outputFiles, ...worker.outputFiles, ...element.outputFiles])
    files.set(path.slice(shared.outdir.length + 1), Buffer.from(contents));
  files.set("offline.js", await offlineWorker(files, shared));
  return { files, metafile: page.metafile };
}

/** The service worker, with the names of all other files and one checksum of them. */
async function offlineWorker(files, shared) {
  const checksum = createHash("sha256");
  for (const [name, contents] of files) checksum.update(name).update(contents);
  const { outputFiles } = await build({
    ...shared,
    format: "iife",
    entryPoints: { offline: "studio/offline/offline.ts" },
    define: {
      hebbFiles: JSON.stringify([...files.keys()]),
      hebbVersion: JSON.stringify(checksum.digest("hex").slice(0, 16)),
    },
  });
  return Buffer.from(outputFiles[0].contents);
}

/** The scripts that the page loads at first: the entry and its static imports. */
export function initialScripts(metafile) {
  const name = (path) => path.split("/").at(-1);
  const wanted = new Set();
  const visit = (path) => {
    if (wanted.has(path)) return;
    wanted.add(path);
    for (const part of metafile.outputs[path].imports) if (part.kind === "import-statement") visit(part.path);
  };
  visit(Object.keys(metafile.outputs).find((path) => name(path) === "studio.js"));
  return [...wanted].map(name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? join(root, "dist/studio");
  const { files, metafile } = await bundleStudio({ language: process.argv[3] ?? "en" });
  rmSync(folder, { recursive: true, maxRetries: 20, force: true });
  for (const [name, contents] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), contents);
  }
  const kib = (names) => names.reduce((sum, name) => sum + gzipSync(files.get(name)).length, 0) / 1024;
  const initial = initialScripts(metafile);
  console.log(
    `${folder}: ${files.size} files; JavaScript at first ${kib(initial).toFixed(1)} KB gzip, engine in its worker ${kib(["worker.js"]).toFixed(1)} KB gzip`,
  );
}
