// Parsers of command-line arguments: each returns the value, or an error that says what it must be.
import { InvalidArgumentError } from "commander";
import { nearest } from "../graph/nearest.ts";
import { parseMissing } from "../run/tableChoices.ts";

export function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    return value;
  };
}

export function real(check: (value: number) => boolean, what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || !check(value))
      throw new InvalidArgumentError(`It must be ${what}.`);
    return value;
  };
}

export function widths(text: string): number[] {
  if (text === "" || text === "none") return [];
  const sizes = text.split(",").map(Number);
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 1))
    throw new InvalidArgumentError(
      "It must be whole numbers of at least 1 separated by commas, such as 64,32, or none.",
    );
  return sizes;
}

/** A name from a list; the error shows the list and the nearest name. */
export function name<T extends string>(names: readonly T[]): (text: string) => T {
  return (text) => {
    const found = names.find((candidate) => candidate === text);
    if (found !== undefined) return found;
    const hint = nearest(text, names);
    throw new InvalidArgumentError(
      `It must be one of ${names.join(", ")}.${hint === undefined ? "" : ` Did you mean "${hint}"?`}`,
    );
  };
}

export function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError("It must be a whole number up to 65535; 0 takes a free one.");
  return value;
}

/** Several names from a list, separated by commas. */
export const list =
  <T extends string>(names: readonly T[]): ((text: string) => T[]) =>
  (text) =>
    text.split(",").map(name(names));

/** Column names separated by commas; a name that contains a comma must be quoted. */
export const columnList = (text: string): string[] =>
  [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain,
  );

/** The cost of missing each class: yes=5,no=1. A name that contains a comma must be quoted. */
export function classCosts(text: string): Record<string, number> {
  return Object.fromEntries(
    columnList(text).map((part): [string, number] => {
      const end = part.lastIndexOf("=");
      const cost = Number(part.slice(end + 1));
      if (end < 1 || part.slice(end + 1).trim() === "" || !(cost >= 0 && cost < Number.POSITIVE_INFINITY))
        throw new InvalidArgumentError(
          "It must be classes with the cost of missing one, such as yes=5,no=1, as numbers of 0 or more.",
        );
      return [part.slice(0, end), cost];
    }),
  );
}

/** An option that may be given several times. */
export const repeated =
  (check: (text: string) => readonly string[]): ((text: string, before: readonly string[] | undefined) => string[]) =>
  (text, before) => [...(before ?? []), ...check(text)];

/** Checked here, so that a typo is reported before data are read. */
export function policy(text: string): string[] {
  try {
    parseMissing(text);
  } catch {
    throw new InvalidArgumentError(
      "It must be median, mean, mode, drop or constant:VALUE, with COLUMN= in front for one column.",
    );
  }
  return [text];
}

export const above0 = real((value) => value > 0, "a number above 0");
export const from0 = real((value) => value >= 0, "a number of 0 or more");
export const asIs = (text: string): string => text;
export const inside = real((value) => value > 0 && value < 1, "a share above 0 and below 1");
export const share = real((value) => value >= 0 && value < 1, "a share from 0 to below 1");
