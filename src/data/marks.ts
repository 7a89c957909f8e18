// Markers of missing values, as people and programs write them.

/** Markers in every column, unless the column shows that one of them is a value there. */
const usualMarks = [
  ...["NA", "N/A", "NaN", "null", "#N/A", "#NA", "#NV", "<NA>", "<null>", "(null)", "[null]", "-nan", "\\N", "?"],
  // Error values of spreadsheet formulas, in four languages.
  ...["#N/A N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "#WERT!", "#BEZUG!", "#ZAHL!"],
  ...["#VALEUR!", "#NOMBRE!", "#NOM?", "#VALOR!", "#ERROR!", "#WARTOŚĆ!"],
  ...["-", "--", "---", "–", "—", ".", "..", "...", "…"],
];

/** Words that mark missing values among numbers, dates and booleans, and may be values among words. */
const wordMarks = [
  ...[
    "none",
    "nil",
    "NaT",
    "undefined",
    "unknown",
    "missing",
    "n.a.",
    "n.d.",
    "n.v.",
    "nd",
    "n/d",
    "s/d",
    "k.A.",
    "k. A.",
  ],
  ...[
    "not available",
    "not applicable",
    "no data",
    "no value",
    "keine Angabe",
    "unbekannt",
    "leer",
    "(leer)",
    "inconnu",
  ],
  ...["blank", "(blank)", "empty", "void", "tbd", "tba", "1.#QNAN", "1.#IND", "-1.#IND"],
  // Impossible dates that databases write for missing ones.
  ...["0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/0000"],
];

export type Mark = "usual" | "word";

/** The usual spelling, and lower, upper and title case. */
const spellingsOf = (mark: string): string[] => {
  const small = mark.toLowerCase();
  return [mark, small, mark.toUpperCase(), small.slice(0, 1).toUpperCase() + small.slice(1)];
};

export const marks: ReadonlyMap<string, Mark> = new Map([
  ...wordMarks.flatMap(spellingsOf).map((mark): [string, Mark] => [mark, "word"]),
  ...usualMarks.flatMap(spellingsOf).map((mark): [string, Mark] => [mark, "usual"]),
]);
const longestMark = Math.max(...[...marks.keys()].map((mark) => mark.length));

/** The kind of missing-value marker that a cell is, if any. */
export const markOf = (cell: string): Mark | undefined => (cell.length <= longestMark ? marks.get(cell) : undefined);
