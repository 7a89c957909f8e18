// Finds columns by name: exactly, or nearly if that is unambiguous; else the error names the nearest.
import { HebbError } from "../graph/errors.ts";
import { nearest } from "../graph/nearest.ts";
import { quoted, visible } from "../graph/visible.ts";

/** Characters without width, which editors and exports leave in names. */
const widthless = /[\p{Cc}\p{Cf}]/gu;

/** A name without surrounding blanks and invisible characters. */
export const bareName = (name: string): string =>
  name.normalize("NFC").replace(widthless, "").replace(/\s+/g, " ").trim();

/**
 * The name among `names` that is meant: the same one; else the only one that is the same but for blanks and invisible characters, or
 * for capitals too. Undefined when there is none, or more than one.
 */
export function matchColumn(name: string, names: readonly string[]): string | undefined {
  if (names.includes(name)) return name;
  const wanted = bareName(name);
  for (const same of [bareName, (each: string): string => bareName(each).toLowerCase()]) {
    const found = names.filter((each) => same(each) === same(wanted));
    if (found.length > 0) return found.length === 1 ? found[0] : undefined;
  }
  return undefined;
}

const mostListed = 30;

/** `a, b, c`, at most thirty of them. */
export const listColumns = (names: readonly string[]): string =>
  names.length > mostListed
    ? `${names.slice(0, mostListed).map(visible).join(", ")}, … (${names.length} in all)`
    : names.map(visible).join(", ");

/** The column that is meant. Throws HebbError that names the columns there are, the nearest in front. `purpose` ends what is missing. */
export function findColumn(table: string, names: readonly string[], name: string, purpose = ""): string {
  const found = matchColumn(name, names);
  if (found !== undefined) return found;
  const alike = names.filter((each) => bareName(each).toLowerCase() === bareName(name).toLowerCase());
  if (alike.length > 1)
    throw new HebbError(
      `${table} has no column ${quoted(name)}${purpose}, but ${alike.map((each) => quoted(each)).join(" and ")}; name one of them`,
    );
  const word = bareName(name).toLowerCase();
  // One letter is near to every other.
  const near =
    (word.length > 1 ? nearest(word, names) : undefined) ??
    (word.length > 2 ? names.find((each) => bareName(each).toLowerCase().includes(word)) : undefined);
  const hint = near === undefined ? "; the" : `; did you mean ${quoted(near)}? The`;
  throw new HebbError(`${table} has no column ${quoted(name)}${purpose}${hint} columns are ${listColumns(names)}`);
}
