// Optional packages for some file formats (Node only): loaded on use, with a clear error if they are missing.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { HebbError } from "../graph/errors.ts";

/** The URL of a package to import. Throws HebbError that says how to install it. */
export const packageAddress = (name: string, purpose: string): string => packageAddresses([name], purpose)[0] ?? "";

/** As above for several packages needed together; the error names all missing ones at once. */
export function packageAddresses(names: readonly string[], purpose: string): string[] {
  const { resolve } = createRequire(import.meta.url);
  const missing: string[] = [];
  const found = names.flatMap((name) => {
    try {
      return [pathToFileURL(resolve(name)).href];
    } catch {
      missing.push(name);
      return [];
    }
  });
  if (missing.length === 0) return found;
  const [packages, are] = missing.length === 1 ? ["package", "is"] : ["packages", "are"];
  throw new HebbError(
    `${purpose} needs the ${packages} ${missing.join(" and ")}, which ${are} not installed: npm install ${missing.join(" ")}`,
  );
}
