// The error for an optional package that is not installed.
import { HebbError } from "../graph/errors.ts";

/**
 * The error for an `import("name")` that failed. The name stands in the import, so that bundlers take the package in; a `try` around
 * the import, in the same function, tells them that the package may be missing.
 */
export const missingPackage = (name: string, purpose: string, cause: unknown): HebbError =>
  new HebbError(`${purpose} needs the package ${name}, which is not installed: npm install ${name}`, { cause });
