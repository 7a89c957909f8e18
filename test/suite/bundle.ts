// Bundles a program of the project for Node, for tests to start it. Packages stay external.
import { build } from "esbuild";

/** `alias`: other names of what is imported. */
export async function bundleInto(
  outdir: string,
  entry: string | Readonly<Record<string, string>>,
  alias: Readonly<Record<string, string>> = {},
): Promise<void> {
  await build({
    entryPoints: typeof entry === "string" ? [entry] : { ...entry },
    outdir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    outExtension: { ".js": ".mjs" },
    alias: { ...alias },
    logLevel: "error",
  });
}
