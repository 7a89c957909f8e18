// Optional packages for some file formats (Node only): loaded on use, with a clear error if they are missing.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { HebbError } from "../graph/errors.ts";

/** Where a package is, as an address to import. Throws HebbError that says how to install it. */
export function packageAddress(name: string, purpose: string): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve(name)).href;
  } catch {
    throw new HebbError(`${purpose} needs the package ${name}, which is not installed: npm install ${name}`);
  }
}
