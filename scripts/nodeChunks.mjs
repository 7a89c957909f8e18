// dist/node: the library and the command for Node in a few chunks, because Node takes three times as long to load hundreds of small files.
import { isAbsolute, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const isClass = (value) => typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));

/** Bundling renames duplicates within a chunk, but models and errors print the names of classes. */
async function checkNames(dist, entry) {
  const [own, bundled] = await Promise.all(
    [join(dist, entry), join(dist, "node", entry)].map((file) => import(pathToFileURL(file).href)),
  );
  for (const [key, value] of Object.entries(own))
    if (isClass(value) && bundled[key].name !== value.name)
      throw new Error(
        `dist/node/${entry}: the class ${value.name} is called ${bundled[key].name}; give it a static name`,
      );
}

export async function buildNodeChunks(dist, { exports }) {
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [] : [entry.import.default]));
  const library = entries.map((file) => relative("dist", file));
  const bundle = await rolldown({
    input: Object.fromEntries([...library, "cli/main.js"].map((file) => [file.replace(/\.js$/, ""), join(dist, file)])),
    platform: "node",
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
  });
  await bundle.write({ dir: join(dist, "node"), format: "esm", chunkFileNames: "chunks/[name]-[hash].js" });
  await bundle.close();
  for (const entry of library) await checkNames(dist, entry);
}
