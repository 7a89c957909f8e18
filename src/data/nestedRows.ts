// Rows from JSON: an object in a cell becomes separate columns, such as user.age, and integers keep all their digits.

type Row = Readonly<Record<string, unknown>>;

/** An object of keys and values, as opposed to a list, a date or another value with a class. */
const isPlain = (value: unknown): value is Row => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** Deeper objects are cells as they are. */
const deepest = 16;

/** The cells of a row by column: those of objects under names joined by dots. An empty object is a gap. */
export function flatRow(row: Row): Map<string, unknown> {
  const cells = new Map<string, unknown>();
  const add = (value: unknown, name: string, depth: number): void => {
    const inner = isPlain(value) && depth < deepest ? Object.entries(value) : undefined;
    if (inner === undefined) cells.set(name, value);
    else if (inner.length === 0) cells.set(name, null);
    for (const [key, cell] of inner ?? []) add(cell, `${name}.${key}`, depth + 1);
  };
  for (const [name, value] of Object.entries(row)) add(value, name, 0);
  return cells;
}

/** The columns of rows, in the order in which they come. */
export class NestedColumns {
  /** Whether a column has a value in any row. */
  readonly #filled = new Map<string, boolean>();

  add(cells: ReadonlyMap<string, unknown>): void {
    for (const [name, value] of cells)
      this.#filled.set(name, this.#filled.get(name) === true || (value !== null && value !== undefined));
  }

  /** Without those that are a gap everywhere and an object elsewhere: {"user": null} says that user.age is missing. */
  get names(): string[] {
    const objects = new Set<string>();
    for (const name of this.#filled.keys())
      for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) objects.add(name.slice(0, dot));
    return [...this.#filled].flatMap(([name, filled]) => (filled || !objects.has(name) ? [name] : []));
  }
}

/** A text, or a whole number. */
const textOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON as JSON.parse reads it, but whole numbers that a float64 cannot hold, such as 19-digit ids, as their text. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const kept = text.replace(textOrNumber, (found) =>
    /^-?\d+$/.test(found) && !Number.isSafeInteger(Number(found)) ? `"${found}"` : found,
  );
  return JSON.parse(kept);
}
