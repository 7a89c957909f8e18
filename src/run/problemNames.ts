// The names that DATA may have instead of a path; separate from the data, so that --help loads none.
import type { CanonicalName } from "../data/canonical.ts";

export const builtInNames = [
  "loans",
  "moons",
  "circles",
  "spirals",
  "blobs",
  "curve",
  "iris",
  "and",
  "or",
  "xor",
  "nand",
] as const;

export const fetchedNames = ["mnist", "fashion-mnist", "cifar-10"] as const satisfies readonly CanonicalName[];
