// A cell of a table: converts values from programs to text, and recognises words for true and false.
import { quoted } from "../graph/visible.ts";

/** A cell as written, without surrounding blanks; undefined or empty if missing. */
export type Cell = string | undefined;

/** A cell in a message. */
export const show = (cell: Cell): string => (cell === undefined || cell === "" ? "nothing" : quoted(cell));

/** The values that a table cell accepts. */
export type CellValue = string | number | bigint | boolean | Date | null | undefined;

export const isCellValue = (value: unknown): value is CellValue =>
  value === null || value instanceof Date || !(typeof value === "object" || /^(?:function|symbol)$/.test(typeof value));

/** A value as a file would write it: NaN and null are empty, a date is 2024-05-01 or 2024-05-01T12:30:00Z. */
export function cellOf(value: CellValue): Cell {
  if (typeof value === "string") return value.trim() || undefined;
  if (value === undefined || value === null || Number.isNaN(value)) return undefined;
  if (!(value instanceof Date)) return String(value);
  if (Number.isNaN(value.getTime())) return undefined;
  const text = value.toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, -14) : text.replace(".000Z", "Z");
}

/** Pairs of words for true and false. */
const families: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    ["true", "t"],
    ["false", "f"],
  ],
  [
    ["yes", "y"],
    ["no", "n"],
  ],
  [["on"], ["off"]],
  [
    ["ja", "j"],
    ["nein", "n"],
  ],
  [["wahr"], ["falsch"]],
  [
    ["oui", "o"],
    ["non", "n"],
  ],
  [["vrai"], ["faux"]],
  [["sí", "si"], ["no"]],
  [["vero"], ["falso"]],
  [["verdadero"], ["falso"]],
  [["sim"], ["não", "nao"]],
  [["tak"], ["nie"]],
  [
    ["✓", "✔", "☑"],
    ["✗", "✘", "☐"],
  ],
];
const figures: readonly [readonly string[], readonly string[]] = [
  ["1", "1.0"],
  ["0", "0.0"],
];

export const booleanWords: ReadonlyMap<string, boolean> = new Map(
  [...families, figures].flatMap(([yes, no]) => [
    ...yes.map((word) => [word, true] as const),
    ...no.map((word) => [word, false] as const),
  ]),
);
const longestWord = Math.max(...[...booleanWords.keys()].map((word) => word.length));

/** The meaning of a word for true or false: True, yes, T, on, 1 and their opposites; undefined for other texts. */
export const booleanOf = (cell: string): boolean | undefined =>
  cell.length <= longestWord ? booleanWords.get(cell.toLowerCase()) : undefined;

/** Whether these values are one pair of words for true and false, possibly mixed with 1 and 0, but not 1 and 0 alone. */
export function areBooleans(values: Iterable<string>): boolean {
  const words = new Set<string>();
  for (const value of values) {
    if (booleanOf(value) === undefined) return false;
    const word = value.toLowerCase();
    if (!figures.flat().includes(word)) words.add(word);
  }
  return words.size > 0 && families.some((family) => [...words].every((word) => family.flat().includes(word)));
}
