// Rows from JSON: an object in a cell becomes separate columns, such as user.age, and integers keep all their digits.

type Row = Readonly<Record<string, unknown>>;

/** A plain object, as opposed to a list, a date or an instance of another class. */
const isPlain = (value: unknown): value is Row => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** Deeper objects stay single cells. */
const deepest = 16;

/** The cells of a row by column. Nested objects get names joined by dots. An empty object is a gap. */
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

/** The columns of rows, in order of appearance. */
export class NestedColumns {
  /** Whether a column has a value in any row. */
  readonly #filled = new Map<string, boolean>();

  add(cells: ReadonlyMap<string, unknown>): void {
    for (const [name, value] of cells)
      this.#filled.set(name, this.#filled.get(name) === true || (value !== null && value !== undefined));
  }

  /** Omits columns that are always a gap or an object: {"user": null} means that user.age is missing. */
  get names(): string[] {
    const objects = new Set<string>();
    for (const name of this.#filled.keys())
      for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) objects.add(name.slice(0, dot));
    return [...this.#filled].flatMap(([name, filled]) => (filled || !objects.has(name) ? [name] : []));
  }
}

/** A string, or a number. */
const textOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses JSON like JSON.parse, except that whole numbers beyond float64, such as 19-digit ids, become strings. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const kept = text.replace(textOrNumber, (found) =>
    /^-?\d+$/.test(found) && !Number.isSafeInteger(Number(found)) ? `"${found}"` : found,
  );
  return JSON.parse(kept);
}
