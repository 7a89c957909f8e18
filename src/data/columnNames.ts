// Finds columns by name: exactly, or approximately if unambiguous. Otherwise the error names the nearest.
import { HebbError } from "../graph/errors.ts";
import { nearest } from "../graph/nearest.ts";
import { quoted, visible } from "../graph/visible.ts";

/** Invisible characters that editors and exports leave in names. */
const widthless = /[\p{Cc}\p{Cf}]/gu;

/** A name without surrounding blanks and invisible characters. */
export const bareName = (name: string): string =>
  name.normalize("NFC").replace(widthless, "").replace(/\s+/g, " ").trim();

/**
 * The matching name in `names`: the identical one, else the only one that differs just in blanks and invisible characters, or also in
 * capitals. Undefined if there is no such name, or more than one.
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

/** `a, b, c`, at most thirty names. */
export const listColumns = (names: readonly string[]): string =>
  names.length > mostListed
    ? `${names.slice(0, mostListed).map(visible).join(", ")}, … (${names.length} in all)`
    : names.map(visible).join(", ");

/** The matching column. Throws HebbError that lists the existing columns, nearest first. `purpose` ends the sentence about the missing one. */
export function findColumn(table: string, names: readonly string[], name: string, purpose = ""): string {
  const found = matchColumn(name, names);
  if (found !== undefined) return found;
  const alike = names.filter((each) => bareName(each).toLowerCase() === bareName(name).toLowerCase());
  if (alike.length > 1)
    throw new HebbError(
      `${table} has no column ${quoted(name)}${purpose}, but ${alike.map((each) => quoted(each)).join(" and ")}; name one of them`,
    );
  const word = bareName(name).toLowerCase();
  // A single letter is near every other.
  const near =
    (word.length > 1 ? nearest(word, names) : undefined) ??
    (word.length > 2 ? names.find((each) => bareName(each).toLowerCase().includes(word)) : undefined);
  const hint = near === undefined ? "; the" : `; did you mean ${quoted(near)}? The`;
  throw new HebbError(`${table} has no column ${quoted(name)}${purpose}${hint} columns are ${listColumns(names)}`);
}
