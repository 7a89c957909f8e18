// Node's built-in modules, loaded lazily, so that a browser can load the files that use them.
import { HebbError } from "../../graph/errors.ts";

export interface NodeModules {
  readonly fs: typeof import("node:fs");
  readonly os: typeof import("node:os");
  readonly path: typeof import("node:path");
  readonly crypto: typeof import("node:crypto");
  readonly child: typeof import("node:child_process");
  readonly workers: typeof import("node:worker_threads");
}

export function nodeModules(): NodeModules {
  const get = typeof process === "undefined" ? undefined : process.getBuiltinModule;
  if (get === undefined) throw new HebbError("the C backend needs Node; in a browser use wasm");
  return {
    fs: get("node:fs"),
    os: get("node:os"),
    path: get("node:path"),
    crypto: get("node:crypto"),
    child: get("node:child_process"),
    workers: get("node:worker_threads"),
  };
}

/** The message of an error. Node's permission errors do not name the permission in their message. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "permission" in error ? `${error.message} (${error.permission})` : error.message;
}
