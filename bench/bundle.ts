// Our side of a benchmark as plain JavaScript, so that every Node runs it without a loader.
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Bundles bench/peers/`source` into a folder next to the packages, so that optional ones are found; returns the file. */
export async function bundlePeer(source: string, folder: string): Promise<string> {
  const file = join(folder, `${basename(source, ".ts")}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL(`peers/${source}`, import.meta.url))],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["koffi"],
    logLevel: "error",
  });
  return file;
}
