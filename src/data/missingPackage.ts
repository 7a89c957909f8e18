// The error for an optional package that is not installed.
import { HebbError } from "../graph/errors.ts";

/**
 * The error for a failed `import("name")`. The literal name in the import lets bundlers include the package. A `try` around the import, in
 * the same function, tells them that the package may be missing.
 */
export const missingPackage = (name: string, purpose: string, cause: unknown): HebbError =>
  new HebbError(`${purpose} needs the package ${name}, which is not installed: npm install ${name}`, { cause });
