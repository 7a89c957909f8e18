// Fields of a state: the form of each in an address, and the effect of a change. A table of them describes a state.

/** One row of the table: a field's values, its initial value, its form in an address, and the effect of a change. */
export interface Field<T> {
  readonly start: T;
  /** "run": training restarts from its initial weights; "view": only the display changes. */
  readonly changes: "run" | "view";
  readonly print: (value: T) => string;
  /** undefined for a text that is not a valid value. */
  readonly parse: (text: string) => T | undefined;
}

const limits = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };

export function number(
  start: number,
  changes: "run" | "view",
  range: { least: number; most: number } = limits,
): Field<number> {
  return {
    start,
    changes,
    print: (value) => String(Number(value.toPrecision(6))),
    parse: (text) => {
      const value = Number(text);
      return text !== "" && value >= range.least && value <= range.most ? value : undefined;
    },
  };
}

export function whole(start: number, changes: "run" | "view", least: number, most: number): Field<number> {
  const field = number(start, changes, { least, most });
  return {
    ...field,
    print: String,
    parse: (text) => {
      const value = field.parse(text);
      return value !== undefined && Number.isInteger(value) ? value : undefined;
    },
  };
}

export function choice<T extends string>(start: T, changes: "run" | "view", names: readonly T[]): Field<T> {
  return { start, changes, print: (value) => value, parse: (text) => names.find((name) => name === text) };
}

export const flag = (start: boolean, changes: "run" | "view"): Field<boolean> => ({
  start,
  changes,
  print: (value) => (value ? "1" : "0"),
  parse: (text) => (text === "1" ? true : text === "0" ? false : undefined),
});

export const text = (start: string, changes: "run" | "view"): Field<string> => ({
  start,
  changes,
  print: (value) => value,
  parse: (value) => (value.length <= 200 ? value : undefined),
});

/** A list whose parts are joined by "_"; one invalid part makes the whole list invalid. */
export function list<T>(
  start: readonly T[],
  most: number,
  print: (part: T) => string,
  parse: (part: string) => T | undefined,
): Field<readonly T[]> {
  return {
    start,
    changes: "run",
    print: (values) => values.map(print).join("_"),
    parse: (whole) => {
      if (whole === "") return [];
      const parts = whole.split("_").map(parse);
      return parts.length <= most && parts.every((part) => part !== undefined) ? parts : undefined;
    },
  };
}
