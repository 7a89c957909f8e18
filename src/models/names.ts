// Weight names: maps this library's paths to those of the files, by a table with * for numbers.
import { HebbError } from "../graph/errors.ts";

/** The name and layout of a weight in files, if its layout differs. */
export interface Stored {
  readonly name: string;
  /** For matrices: stored as [in, out]. */
  readonly transposed?: boolean;
  /** Number of extra leading dims of size 1. */
  readonly leading?: number;
}

/** Module or parameter → its name in the file. */
export type Names = Readonly<Record<string, string | Stored>>;

/** A parameter's name in the file, and its layout there. */
export function storedName(names: Names, path: string): Stored | undefined {
  const numbers: string[] = [];
  const pattern = path.replace(/\.(\d+)(?=\.|$)/g, (_, number: string) => {
    numbers.push(number);
    return ".*";
  });
  const fill = (name: string): string => {
    const rest = [...numbers];
    return name.replace(/\*/g, () => rest.shift() ?? "*");
  };
  const whole = Object.hasOwn(names, pattern) ? names[pattern] : undefined;
  if (whole !== undefined) return renamed(whole, fill);
  const dot = pattern.lastIndexOf(".");
  const owner = dot < 0 ? "" : pattern.slice(0, dot);
  const found = Object.hasOwn(names, owner) ? names[owner] : undefined;
  if (found === undefined) return undefined;
  const stored = renamed(found, fill);
  const last = pattern.slice(dot + 1);
  return { ...stored, name: `${stored.name}.${last}`, transposed: stored.transposed === true && last === "weight" };
}

const renamed = (entry: string | Stored, fill: (name: string) => string): Stored =>
  typeof entry === "string" ? { name: fill(entry) } : { ...entry, name: fill(entry.name) };

export function requiredName(names: Names, path: string, family: string): Stored {
  const found = storedName(names, path);
  if (found !== undefined) return found;
  throw new HebbError(`the family ${family} has no name for the weight "${path}"`);
}

/** A layer whose matrix is stored as [in, out]. */
export const transposed = (name: string): Stored => ({ name, transposed: true });
