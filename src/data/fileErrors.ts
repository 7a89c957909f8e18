// Errors for paths that cannot be read, one sentence each.
import { HebbError } from "../graph/errors.ts";
import { visible } from "../graph/visible.ts";

/** The code of a failed system call, such as ENOENT; empty for other errors. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** The error for a URL given as a file path; undefined for other paths. */
export const addressError = (path: string): HebbError | undefined =>
  /^[a-z][a-z0-9+.-]+:\/\//i.test(path)
    ? new HebbError(
        `${visible(path)} is an address that is not read here (http and https are, where a path of data is expected); download it first and pass the file`,
      )
    : undefined;

/** The error for a file that the system cannot read. */
export function fileError(path: string, error: unknown): HebbError {
  if (error instanceof HebbError) return error;
  switch (codeOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return addressError(path) ?? new HebbError(`there is no file ${path}; check the name and the folder`);
    case "EACCES":
    case "EPERM":
      return new HebbError(`${path} cannot be read: permission denied; check its permissions`);
    case "ELOOP":
      return new HebbError(`${path} is a circular symbolic link; name the file itself`);
    default:
      return new HebbError(`${path} cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
}
