// Small tables of every kind that people have, and the decisions that hebb must make. A case is data: add one by adding an entry.

/** Rows, counted from 0: `rows(30, (i) => …)` makes thirty lines. */
const rows = (count: number, line: (row: number) => string): string =>
  Array.from({ length: count }, (_, row) => line(row)).join("\n");
const pick = (values: readonly string[], row: number): string => values[row % values.length] ?? "";

export interface TableCase {
  readonly what: string;
  /** The file. */
  readonly csv: string;
  /** The column to predict; default: "y". */
  readonly target?: string;
  readonly task?: "classification" | "regression";
  /** Choices about columns, with the names that a user writes. */
  readonly choices?: Readonly<Record<string, unknown>>;
  /**
   * The expected types of columns: a kind, then the notation of numbers or dates unless it is plain: "number", "number decimalComma",
   * "number thousands", "number groupedComma", "date dayFirst", "date monthFirst", "boolean", "category", "text", "identifier", "empty".
   */
  readonly types?: Readonly<Record<string, string>>;
  /** The classes in their order; "number" for a numeric target. */
  readonly predicts?: readonly string[] | "number";
  /** Messages that must be among the notes. */
  readonly notes?: readonly RegExp[];
  /** Messages that must not be. */
  readonly silent?: readonly RegExp[];
  /** Columns that are not used. */
  readonly dropped?: readonly string[];
  /** Rows without a target, or with a gap that excludes the row. */
  readonly leftOut?: number;
  /** Cells of one column with the same meaning: all rows of a list must give the same features. */
  readonly same?: readonly { readonly column: string; readonly cells: readonly unknown[] }[];
  /** Cells of one column with different meanings. */
  readonly different?: readonly { readonly column: string; readonly cells: readonly unknown[] }[];
  /** Cells that count as missing, in order. */
  readonly missing?: Readonly<Record<string, readonly unknown[]>>;
  /** The numbers of the first rows of a column, in its own units. */
  readonly values?: Readonly<Record<string, readonly number[]>>;
  /** Other spellings of labels, with the class of each. */
  readonly labels?: Readonly<Record<string, number>>;
  /** Labels outside the classes. */
  readonly unknown?: readonly string[];
  /** Cells of later rows that are refused, and the message. */
  readonly refused?: readonly { readonly column: string; readonly cells: readonly unknown[]; readonly says: RegExp }[];
  /** The error, if the table is refused. */
  readonly says?: RegExp;
}

const yesNo = ["yes", "no"];

export const tableCases: readonly TableCase[] = [
  // ── infinities and NaN, and empty cells
  {
    what: "infinities in words",
    csv: `x,y\n${rows(40, (i) => `${i === 4 ? "inf" : i === 5 ? "-Infinity" : i === 6 ? "∞" : (i * 7) % 11},${pick(yesNo, i)}`)}`,
    types: { x: "number" },
    notes: [/"x": 3 cells are infinite \(the first is "inf" in row 5\) and count as missing/],
    missing: { x: ["inf", "-INF", "Infinity", "1e999", "-1e999", ""] },
  },
  {
    what: "infinities as symbols",
    csv: `x,y\n${rows(40, (i) => `${i === 30 ? "1e999" : (i * 7) % 11},${pick(yesNo, i)}`)}`,
    types: { x: "number" },
    notes: [/"x": "1e999" in row 31 is infinite and counts as missing/],
    silent: [/not a number/],
  },
  {
    what: "an infinite target",
    csv: `x,y\n${rows(60, (i) => `${i},${i === 7 ? "inf" : i / 7}`)}`,
    predicts: "number",
    leftOut: 1,
    notes: [/1 row has no "y" and is left out/, /"y": "inf" in row 8 is infinite and counts as missing/],
  },
  {
    what: "one bad cell in thirty",
    csv: `x,z,y\n${rows(30, (i) => `${i === 11 ? "12o" : i * 1.5},${i % 3},${pick(yesNo, i)}`)}`,
    types: { x: "number" },
    dropped: [],
    notes: [/"x": "12o" in row 12 is not a number and counts as missing/],
    silent: [/names rows/],
    missing: { x: ["", "NA", "-"] },
  },
  {
    what: "an eighth of a column is None",
    csv: `x,y\n${rows(100, (i) => `${i % 8 === 0 ? "None" : (i * 1.7).toFixed(1)},${pick(yesNo, i)}`)}`,
    types: { x: "number" },
    dropped: [],
    silent: [/names rows/, /not a number|not numbers/],
    missing: { x: ["None", "none", "NaN", "null", "N/A", "-", "?", "#DIV/0!", null] },
  },
  {
    what: "a file-specific word for missing values",
    csv: `x,y\n${rows(100, (i) => `${i % 8 === 0 ? "ERR" : (i * 1.7).toFixed(1)},${pick(yesNo, i)}`)}`,
    types: { x: "number" },
    notes: [/"x": "ERR" \(13 cells\) is not a number and counts as missing/],
    missing: { x: ["ERR", ""] },
  },
  {
    what: "many errors of many kinds are reported, not taken for row names",
    csv: `x,y\n${rows(60, (i) => `${i % 3 === 0 ? `${i} pcs` : (i * 1.7).toFixed(1)},${pick(yesNo, i)}`)}\n`,
    says: /"x": 20 of its 60 cells are not numbers \(the first is "0 pcs" in row 1\), too many to be typing errors; fix them/,
  },
  {
    what: "a few words among few numbers are categories",
    csv: `x,y\n${rows(110, (i) => `${i % 11 === 10 ? pick(["low", "high"], i) : i % 7},${pick(yesNo, i)}`)}`,
    types: { x: "category" },
  },
  {
    what: "a bad date among dates",
    csv: `x,y\n${rows(40, (i) => `${i === 20 ? "soon" : `2024-0${1 + (i % 9)}-${10 + (i % 18)}`},${pick(yesNo, i)}`)}`,
    types: { x: "date monthFirst" },
    notes: [/"x": "soon" in row 21 is not a date and counts as missing/],
    missing: { x: ["", "NA", "None"] },
  },
  {
    what: "numbers too large for their squares",
    csv: `x,z,y\n${rows(30, (i) => `${i}e200,${i % 3},${pick(yesNo, i)}`)}`,
    dropped: ["x"],
    notes: [/"x" is not used: its values are too large to tell apart/],
  },
  {
    what: "whole numbers with a decimal point, signs, exponents",
    csv: `x,y\n${rows(30, (i) => `${pick(["+1.", "2.0", "-3", "4e0", ".5e1", "6E-0", "−7"], i)},${pick(yesNo, i)}`)}`,
    types: { x: "number" },
    values: { x: [1, 2, -3, 4, 5, 6, -7] },
  },

  // ── notation: decided by the delimiter and all columns
  {
    what: "decimal commas with semicolons as delimiters",
    csv: `x;y\n${rows(40, (i) => `${i},5;${pick(yesNo, i)}`)}`,
    types: { x: "number decimalComma" },
    values: { x: [0.5, 1.5, 2.5] },
    same: [{ column: "x", cells: ["1,5", "1,50", "1.5", 1.5] }],
    refused: [{ column: "x", cells: ["1.234"], says: /"x" must hold numbers such as 1234,5, but row 1 has "1\.234"/ }],
  },
  {
    what: "three decimals after a comma, with semicolons as delimiters",
    csv: `x;y\n${rows(40, (i) => `${1 + (i % 9)},644;${pick(yesNo, i)}`)}`,
    types: { x: "number decimalComma" },
    values: { x: [1.644, 2.644] },
  },
  {
    what: "thousands with semicolons as delimiters, where another column has decimal points",
    csv: `x;z;y\n${rows(40, (i) => `${1 + (i % 9)},644;${i}.25;${pick(yesNo, i)}`)}`,
    types: { x: "number thousands", z: "number" },
    values: { x: [1644, 2644], z: [0.25, 1.25] },
  },
  {
    what: "thousands in quotes with commas as delimiters",
    csv: `x,y\n${rows(40, (i) => `"${1 + (i % 9)},644",${pick(yesNo, i)}`)}`,
    types: { x: "number thousands" },
    values: { x: [1644, 2644] },
  },
  {
    what: "decimal commas in quotes with commas as delimiters, detected from another column",
    csv: `x,z,y\n${rows(40, (i) => `"${1 + (i % 9)},644","${i},5",${pick(yesNo, i)}`)}`,
    types: { x: "number decimalComma", z: "number decimalComma" },
    values: { x: [1.644, 2.644], z: [0.5, 1.5] },
  },
  {
    what: "points between thousands and decimal commas",
    csv: `x;z;y\n${rows(40, (i) => `${1 + (i % 9)}.234,50;${2 + (i % 5)}.000;${pick(yesNo, i)}`)}`,
    types: { x: "number groupedComma", z: "number groupedComma" },
    values: { x: [1234.5, 2234.5], z: [2000, 3000] },
    same: [{ column: "z", cells: ["2.000", "2000", 2000] }],
    different: [{ column: "z", cells: ["2.500", 2.5] }],
  },
  {
    what: "three decimals after a point stay decimals",
    csv: `x,y\n${rows(40, (i) => `${1 + (i % 9)}.234,${pick(yesNo, i)}`)}`,
    types: { x: "number" },
    values: { x: [1.234, 2.234] },
    refused: [{ column: "x", cells: ["1,234"], says: /"x" must hold numbers, but row 1 has "1,234"/ }],
  },
  {
    what: "whole numbers of a table with decimal commas read decimal commas later",
    csv: `n;x;y\n${rows(40, (i) => `${i % 12};${i},5;${pick(yesNo, i)}`)}`,
    types: { n: "number decimalComma" },
    same: [{ column: "n", cells: ["2,5", 2.5] }],
  },
  {
    what: "currencies, percent and spaces between thousands",
    csv: `a;b;c;d;y\n${rows(40, (i) => `$${i}.50;${i} %;${1 + (i % 9)} 234.5;${i}.00 €;${pick(yesNo, i)}`)}`,
    types: { a: "number", b: "number", c: "number", d: "number" },
    values: { a: [0.5, 1.5], b: [0, 1], c: [1234.5, 2234.5], d: [0, 1] },
  },
  {
    what: "dollars with thousands",
    csv: `x,y\n${rows(40, (i) => `"$${1 + (i % 9)},071.${10 + i}",${pick(yesNo, i)}`)}`,
    types: { x: "number thousands" },
    values: { x: [1071.1, 2071.11] },
  },
  {
    what: "weights of rows with decimal commas",
    csv: `x;w;y\n${rows(40, (i) => `${i};${i % 3},5;${pick(yesNo, i)}`)}`,
    choices: { weights: "w" },
    types: { w: "number decimalComma" },
    predicts: ["no", "yes"],
  },
  {
    what: "constants for gaps in the notation of the column",
    csv: `x;y\n${rows(40, (i) => `${i === 3 ? "" : `${i},5`};${pick(yesNo, i)}`)}`,
    choices: { missing: { constant: "7,5" }, missingIndicator: "never" },
    same: [{ column: "x", cells: ["", "7,5", 7.5] }],
    types: { x: "number decimalComma" },
  },

  // ── codes
  {
    what: "zip codes",
    csv: `zip,y\n${rows(60, (i) => `${pick(["05123", "90210", "10001"], i)},${pick(yesNo, i)}`)}`,
    types: { zip: "category" },
    different: [{ column: "zip", cells: ["05123", "5123"] }],
  },
  {
    what: "classes with leading zeros",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["01", "02", "10"], i)}`)}`,
    predicts: ["01", "02", "10"],
    unknown: ["1", "2", "010"],
  },
  {
    what: "codes as amounts, on request",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["010", "020", "100"], i)}`)}`,
    task: "regression",
    predicts: "number",
  },
  {
    what: "leading zeros of different lengths",
    csv: `x,y\n${rows(60, (i) => `${pick(["007", "0815", "4711", "12"], i)},${pick(yesNo, i)}`)}`,
    types: { x: "category" },
  },
  {
    what: "one mistyped zero in a long column",
    csv: `x,y\n${rows(300, (i) => `${i === 5 ? "05" : i},${pick(yesNo, i)}`)}`,
    types: { x: "number" },
  },
  {
    what: "padded decimals are numbers",
    csv: `x,y\n${rows(40, (i) => `0${i % 9}.5,${pick(yesNo, i)}`)}`,
    types: { x: "number" },
  },

  // ── labels
  {
    what: "labels of nineteen digits",
    csv: `x,y\n${rows(40, (i) => `${i},${pick(["1610521604143693812", "1610521604143693813"], i)}`)}`,
    predicts: ["1610521604143693812", "1610521604143693813"],
    labels: { "+1610521604143693813.0": 1 },
    unknown: ["1610521604143693811", "1610521604143693814", "1.610521604143694e18"],
  },
  {
    what: "five labels of nineteen digits",
    csv: `x,y\n${rows(60, (i) => `${i},161052160414369381${1 + (i % 5)}`)}`,
    predicts: [1, 2, 3, 4, 5].map((digit) => `161052160414369381${digit}`),
  },
  {
    what: "booleans in three spellings",
    csv: `x,y\n${rows(60, (i) => `${i},${i % 2 ? pick(["True", "True", "TRUE", "true"], i >> 1) : "False"}`)}`,
    predicts: ["False", "True"],
    types: { y: "boolean" },
    labels: { true: 1, TRUE: 1, "1": 1, t: 1, false: 0, "0": 0 },
    unknown: ["maybe", "2"],
  },
  {
    what: "booleans as a feature",
    csv: `b,y\n${rows(60, (i) => `${pick(["True", "False", "True"], i)},${pick(yesNo, i)}`)}`,
    types: { b: "boolean" },
    same: [
      { column: "b", cells: ["True", "true", "TRUE", "T", "1", "1.0", 1, true] },
      { column: "b", cells: ["False", "false", "f", "0", 0, false] },
      { column: "b", cells: ["", "NA", "None", null] },
    ],
    different: [{ column: "b", cells: ["True", "False"] }],
  },
  {
    what: "ones and zeros as a feature meet booleans",
    csv: `b,y\n${rows(60, (i) => `${pick(["1", "0", "1"], i)},${pick(yesNo, i)}`)}`,
    types: { b: "number" },
    same: [{ column: "b", cells: ["1", "True", true, 1] }],
    different: [{ column: "b", cells: ["1", "0"] }],
  },
  {
    what: "booleans and numbers in one column",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["True", "0", "1", "False", "True"], i)}`)}`,
    predicts: ["0", "True"],
  },
  {
    what: "yes and no with letters",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["yes", "no", "Yes", "N", "yes", "no"], i)}`)}`,
    predicts: ["no", "yes"],
  },
  {
    what: "letters that are not opposites stay categories",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["t", "n", "y"], i)}`)}`,
    predicts: ["n", "t", "y"],
  },
  {
    what: "numbers written with and without a point are one class",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["1.0", "0.0", "1", "0.0", "1.0"], i)}`)}`,
    predicts: ["0.0", "1.0"],
    labels: { "1": 1, "0": 0, "1.00": 1, True: 1, false: 0 },
    unknown: ["2", "0.5"],
  },
  {
    what: "classes in order of their value",
    csv: `x,y\n${rows(130, (i) => `${i},${(i * 7) % 13 < 2 ? 10 : 1 + (((i * 7) % 13) % 9)}`)}`,
    predicts: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"],
  },
  {
    what: "a region called NA",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["EU", "NA", "AS"], i)}`)}`,
    predicts: ["AS", "EU", "NA"],
    leftOut: 0,
    notes: [/"y": "NA" is read as an ordinary value beside the others \((?:EU, AS|AS, EU)\); leave those cells empty/],
  },
  {
    what: "regions of business as a feature",
    csv: `r,y\n${rows(60, (i) => `${pick(["EMEA", "NA", "APAC", "LATAM"], i)},${pick(yesNo, i)}`)}`,
    types: { r: "category" },
    different: [{ column: "r", cells: ["NA", ""] }],
    notes: [/"r": "NA" is read as an ordinary value/],
  },
  {
    what: "NA among words is missing",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["female", "male", "NA"], i)}`)}`,
    predicts: ["female", "male"],
    leftOut: 20,
    notes: [/20 rows have no "y" \("NA"\) and are left out/],
  },
  {
    what: "NA among single letters is missing",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["M", "F", "NA"], i)}`)}`,
    predicts: ["F", "M"],
    leftOut: 20,
  },
  {
    what: "None among words is a value",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["Gable", "None", "Hip"], i)}`)}`,
    predicts: ["Gable", "Hip", "None"],
    leftOut: 0,
  },
  {
    what: "capitals distinguish words",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["Red", "red"], i)}`)}`,
    predicts: ["Red", "red"],
  },
  {
    what: "classes with the names of object properties",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["__proto__", "constructor", "toString"], i)}`)}`,
    predicts: ["__proto__", "constructor", "toString"],
  },
  {
    what: "amounts as classes",
    csv: `x,y\n${rows(60, (i) => `${i},${pick(["0.5", "1.25", "3"], i)}`)}`,
    task: "classification",
    says: /the target "y" holds numbers with fractions, such as 0\.5, which are amounts, not classes; leave the task out/,
  },
  {
    what: "numbers and words as classes, on request",
    csv: `x,y\n${rows(60, (i) => `${i},${i === 30 || i === 31 ? "A" : 1 + (i % 3)}`)}`,
    task: "classification",
    predicts: ["1", "2", "3", "A"],
  },
  {
    what: "a word in a target of numbers",
    csv: `x,y\n${rows(30, (i) => `${i},${i === 20 ? "dear" : i * 1.37}`)}`,
    says: /the target "y" holds numbers, but "dear" in row 21; fix that cell or leave it empty/,
  },
  {
    what: "dates as a target",
    csv: `x,y\n${rows(30, (i) => `${i},2024-01-${10 + (i % 20)}`)}`,
    says: /the target "y" holds dates/,
  },

  // ── dates
  {
    what: "zones move the instant",
    csv: `t,y\n${rows(40, (i) => `2024-01-${10 + (i % 20)}T00:00${pick(["+02:00", "Z", "-0530", " UTC"], i).replace(" UTC", "+00")},${pick(yesNo, i)}`)}`,
    types: { t: "date monthFirst" },
    same: [{ column: "t", cells: ["2024-01-15T00:00+02:00", "2024-01-14T22:00Z", "2024-01-14T16:30:00-0530"] }],
    different: [{ column: "t", cells: ["2024-01-15T00:00+02:00", "2024-01-15T00:00Z"] }],
  },
  {
    what: "months first, because some day is above twelve",
    csv: `t,y\n${rows(40, (i) => `0${1 + (i % 9)}/${10 + (i % 18)}/2024,${pick(yesNo, i)}`)}`,
    types: { t: "date monthFirst" },
    same: [{ column: "t", cells: ["02/03/2024", "2024-02-03", "3.2.2024", "3-Feb-2024"] }],
    silent: [/with the month first/],
  },
  {
    what: "days first, because some day is above twelve",
    csv: `t,y\n${rows(40, (i) => `${10 + (i % 18)}/0${1 + (i % 9)}/2024,${pick(yesNo, i)}`)}`,
    types: { t: "date dayFirst" },
    same: [{ column: "t", cells: ["02/03/2024", "2024-03-02"] }],
  },
  {
    what: "an ambiguous order of day and month is reported",
    csv: `t,y\n${rows(40, (i) => `0${1 + (i % 9)}/0${1 + (i % 7)}/2024,${pick(yesNo, i)}`)}`,
    types: { t: "date monthFirst" },
    notes: [/"t": dates such as "01\/01\/2024" are read with the month first/],
  },
  {
    what: "the order goes with decimal commas",
    csv: `t;x;y\n${rows(40, (i) => `0${1 + (i % 9)}/0${1 + (i % 7)}/2024;${i},5;${pick(yesNo, i)}`)}`,
    types: { t: "date dayFirst" },
    notes: [/are read with the day first/],
  },
  {
    what: "names of months, 12-hour times",
    csv: `a,b,y\n${rows(40, (i) => `${1 + (i % 28)}-${pick(["Jan", "Feb", "March"], i)}-2024,2024-01-02 ${1 + (i % 12)}:30 PM,${pick(yesNo, i)}`)}`,
    types: { a: "date monthFirst", b: "date monthFirst" },
    same: [{ column: "b", cells: ["2024-01-02 3:30 PM", "2024-01-02T15:30:00Z"] }],
  },

  // ── names of columns
  {
    what: "a target with blanks around it",
    csv: `x, Life expectancy \n${rows(30, (i) => `${i},${i * 1.5}`)}`,
    target: "Life expectancy ",
    predicts: "number",
  },
  {
    what: "a target in other capitals",
    csv: `x,Species\n${rows(30, (i) => `${i},${pick(yesNo, i)}`)}`,
    target: "species",
    predicts: ["no", "yes"],
  },
  {
    what: "a target with a zero-width character",
    csv: `x,pri\u200bce\n${rows(30, (i) => `${i},${i * 1.5}`)}`,
    target: "price",
    predicts: "number",
  },
  {
    what: "two columns that match equally well",
    csv: `x,Y,y \u200b\n${rows(30, (i) => `${i},${i},${i}`)}`,
    target: " Y",
    types: { x: "number" },
  },
  {
    what: "two columns that differ in capitals",
    csv: `x,Price,PRICE\n${rows(30, (i) => `${i},${i},${i}`)}`,
    target: "price",
    says: /no column "price", but "Price" and "PRICE"; name one of them/,
  },
  {
    what: "a missing column, next to one with an invisible name",
    csv: `x,a\u200bge,\u202ereverse\n${rows(30, (i) => `${i},${i},${i}`)}`,
    target: "weight",
    says: /no column "weight"; the columns are x, a\\u\{200b\}ge, \\u\{202e\}reverse/,
  },
  {
    what: "choices of columns in other capitals",
    csv: `Id,Age,W,y\n${rows(60, (i) => `${i},${i % 9 === 0 ? "" : i % 13},${1 + (i % 2)},${pick(yesNo, i)}`)}`,
    choices: { ignore: ["id"], weights: "w", missingOf: { "age ": "drop" } },
    leftOut: 7,
    dropped: ["Id"],
    predicts: ["no", "yes"],
  },
  {
    what: "columns with the names of object properties",
    csv: `__proto__,constructor,toString,y\n${rows(60, (i) => `${i},${pick(["a", "b"], i >> 1)},${i % 7},${pick(yesNo, i)}`)}`,
    choices: { missingOf: { toString: "mean" } },
    types: { ["__proto__"]: "number", constructor: "category", toString: "number" },
    different: [{ column: "constructor", cells: ["a", "b"] }],
    dropped: [],
  },
  {
    what: "two columns with the same name",
    csv: `a,b,a,y\n${rows(40, (i) => `${i % 7},${i % 5},${i % 3},${pick(yesNo, i)}`)}`,
    types: { a: "number", "a (2)": "number" },
    values: { a: [0, 1, 2, 3], "a (2)": [0, 1, 2, 0] },
    notes: [/columns 1 and 3 are both called "a"; the second is called "a \(2\)" here/],
  },
  {
    what: "columns with invisible names",
    csv: `a,,y,\u200b\n${rows(40, (i) => `${i % 7},${i % 5},${pick(yesNo, i)},`)}`,
    types: { column2: "number", column4: "empty" },
    notes: [/column 2 has no name and is called "column2" here/],
    dropped: ["column4"],
  },
  {
    what: "row numbers without a name, as R and pandas write them",
    csv: `,x,y\n${rows(40, (i) => `${i},${i % 7},${pick(yesNo, i)}`)}`,
    types: { index: "identifier" },
    dropped: ["index"],
  },

  // ── what else columns are
  {
    what: "numbers of rows",
    csv: `id,x,y\n${rows(40, (i) => `${i},${i % 7},${pick(yesNo, i)}`)}`,
    types: { id: "identifier" },
    dropped: ["id"],
    notes: [/"id" is not used: it is different in most rows, so it identifies rows/],
  },
  {
    what: "texts with and without repeated words, empty columns, one value",
    csv: `note,names,nothing,same,x,y\n${rows(40, (i) => `row ${i} says ${i * i},nn${i} mm${i * i},,5,${i % 7},${pick(yesNo, i)}`)}`,
    types: { note: "text", names: "text", nothing: "empty", same: "number", x: "number" },
    dropped: ["names", "nothing", "same"],
    notes: [/"names" is not used: it is free text, and no word occurs in at least 2 rows without occurring in all/],
  },
  {
    what: "more than twenty thousand values, few of them frequent",
    csv: `x,z,y\n${rows(30_000, (i) => `${i % 3 === 0 ? `rare-${i}-${(i * 7919) % 30_011}` : pick(["a", "b"], i)},${i % 7},${pick(yesNo, i >> 1)}`)}`,
    types: { x: "category", z: "number" },
  },
  {
    what: "values that the beginning of a long file does not show",
    csv: `n,c,d,b,y\n${rows(24_000, (i) =>
      i < 20_000
        ? `${i % 50},${i % 40},0${1 + (i % 9)}/0${1 + (i % 9)}/2024,,${pick(yesNo, i)}`
        : `"${1 + (i % 9)},234.5",0${10 + (i % 90)},${20 + (i % 8)}/0${1 + (i % 9)}/2024,${pick(["True", "false"], i)},${pick(["yes", "no", "NA"], i)}`,
    )}`,
    types: { n: "number thousands", c: "category", d: "date dayFirst", b: "boolean" },
    predicts: ["no", "yes"],
  },
];
