// Small files as people have them: the content of each column, the findings, the likely target. A file is data: add one by adding an entry.

/** Bytes as programs write them. */
export type CorpusEncoding =
  | "utf-8"
  | "utf-8 with a mark"
  | "windows-1252"
  | "utf-16le"
  | "utf-16le with a mark"
  | "utf-16be with a mark";

export interface CorpusFile {
  readonly name: string;
  readonly text: string;
  readonly encoding?: CorpusEncoding;
  /** The expected type of each column, by its name. */
  readonly types: Readonly<Record<string, string>>;
  /** Codes of findings with their columns, such as "leak status approved"; in any order. */
  readonly warnings: readonly string[];
  /** The guessed target, and the kind of task. */
  readonly target: string;
  readonly task: string;
}

type CellOf = (row: number) => string;

/** A number from 0 to below 1, without a visible pattern. */
export const noise = (row: number, salt = 0): number => {
  let x = (row + 1) * 374761393 + (salt + 1) * 668265263;
  x = Math.imul(x ^ (x >>> 13), 1274126177);
  x = Math.imul(x ^ (x >>> 16), 2246822519);
  return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
};
const whole = (row: number, salt: number, from: number, to: number): number =>
  from + Math.floor(noise(row, salt) * (to - from + 1));
const one =
  (values: readonly string[], salt: number): CellOf =>
  (row) =>
    values[whole(row, salt, 0, values.length - 1)] ?? "";
const decimals =
  (salt: number, from: number, to: number, places = 2): CellOf =>
  (row) =>
    (from + noise(row, salt) * (to - from)).toFixed(places);
const two = (value: number): string => String(value).padStart(2, "0");
const yesNo = one(["yes", "no"], 97);

/** 12345.6 with the given separators of thousands and decimals. */
const grouped = (value: number, between: string, point: string, places = 2): string => {
  const [before = "", after = ""] = Math.abs(value).toFixed(places).split(".");
  const groups = before.replace(/\B(?=(\d{3})+$)/g, between);
  return `${value < 0 ? "-" : ""}${groups}${after === "" ? "" : `${point}${after}`}`;
};
const amount =
  (salt: number, from = 100, to = 20_000): ((row: number) => number) =>
  (row) =>
    Math.round(100 * (from + noise(row, salt) * (to - from))) / 100;

/** The rows of a file with a header. Cells that contain the delimiter are quoted. */
function lines(columns: Readonly<Record<string, CellOf>>, count = 120, delimiter = ","): string {
  const field = (text: string): string =>
    text.includes(delimiter) || /["\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const rows = Array.from({ length: count }, (_, row) =>
    Object.values(columns)
      .map((cell) => field(cell(row)))
      .join(delimiter),
  );
  return `${Object.keys(columns).map(field).join(delimiter)}\n${rows.join("\n")}\n`;
}

/** A day of the years 2019 to 2023. */
const dayOf =
  (salt: number): ((row: number) => Date) =>
  (row) =>
    new Date(
      Date.UTC(
        2019,
        0,
        1 + whole(row, salt, 0, 1800),
        whole(row, salt + 1, 0, 23),
        whole(row, salt + 2, 0, 59),
        whole(row, salt + 3, 0, 59),
      ),
    );
const parts = (date: Date) => ({
  y: date.getUTCFullYear(),
  m: date.getUTCMonth() + 1,
  d: date.getUTCDate(),
  h: date.getUTCHours(),
  min: date.getUTCMinutes(),
  s: date.getUTCSeconds(),
});
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const dated =
  (salt: number, write: (p: ReturnType<typeof parts>, row: number) => string): CellOf =>
  (row) =>
    write(parts(dayOf(salt)(row)), row);
const score = decimals(41, 0, 10);
const gaps =
  (cell: CellOf, marks: readonly string[], salt = 77): CellOf =>
  (row) =>
    noise(row, salt) < 0.15 ? (marks[whole(row, salt + 1, 0, marks.length - 1)] ?? "") : cell(row);
const allGaps = ["", "NA", "N/A", "n/a", "-", "?", "null", "NULL", "NaN", "nan", "None", "#N/A", "--", "."];
const stores = ["101", "128", "143", "152", "170", "188", "205", "219"];

export const corpus: readonly CorpusFile[] = [
  // ── exports of programs
  {
    name: "excel-german.csv",
    text: lines(
      {
        Umsatz: (r) => `${grouped(amount(1)(r), ".", ",")} €`,
        Menge: (r) => grouped(amount(2, 0, 90)(r), ".", ","),
        Datum: dated(3, ({ y, m, d }) => `${two(d)}.${two(m)}.${y}`),
        Stadt: one(["Köln", "München", "Düsseldorf"], 4),
        bezahlt: one(["ja", "nein"], 5),
      },
      120,
      ";",
    ),
    encoding: "windows-1252",
    types: { Umsatz: "number", Menge: "number", Datum: "date", Stadt: "category", bezahlt: "boolean" },
    warnings: ["encoding"],
    target: "bezahlt",
    task: "2 classes",
  },
  {
    name: "excel-french.csv",
    text: lines(
      {
        Montant: (r) => grouped(amount(1)(r), "\u202f", ","),
        Quantité: (r) => grouped(amount(2, 1000, 90_000)(r), "\u00a0", ",", 0),
        "Date de commande": dated(3, ({ y, m, d }) => `${two(d)}/${two(m)}/${y}`),
        Région: one(["Île-de-France", "Bretagne", "Corse"], 4),
        Livré: one(["oui", "non"], 5),
      },
      120,
      ";",
    ),
    encoding: "utf-8 with a mark",
    types: { Montant: "number", Quantité: "number", "Date de commande": "date", Région: "category", Livré: "boolean" },
    warnings: [],
    target: "Livré",
    task: "2 classes",
  },
  {
    name: "excel-swiss.csv",
    text: lines(
      {
        Betrag: (r) => `CHF ${grouped(amount(1)(r), "'", ".")}`,
        Preis: (r) => `${grouped(amount(2, 1000, 9000)(r), "’", ".", 0)}.–`,
        Datum: dated(3, ({ y, m, d }) => `${two(d)}.${two(m)}.${two(y % 100)}`),
        Kanton: one(["ZH", "BE", "GE"], 4),
      },
      120,
      ";",
    ),
    types: { Betrag: "number", Preis: "number", Datum: "date", Kanton: "category" },
    warnings: [],
    target: "Kanton",
    task: "3 classes",
  },
  {
    name: "sap-export.txt",
    text: lines(
      {
        MATNR: (r) => String(whole(r, 1, 1, 9) * 1111).padStart(18, "0"),
        WERKS: one(["1000", "1100", "2000"], 2),
        DMBTR: (r) => `${grouped(amount(3)(r), ".", ",")}${noise(r, 4) < 0.3 ? "-" : ""}`,
        BUDAT: dated(5, ({ y, m, d }) => `${y}${two(m)}${two(d)}`),
        AUGDT: gaps(
          dated(6, ({ y, m, d }) => `${two(d)}.${two(m)}.${y}`),
          ["00.00.0000"],
        ),
        SHKZG: one(["S", "H"], 7),
      },
      120,
      "\t",
    ),
    types: { MATNR: "category", WERKS: "category", DMBTR: "number", BUDAT: "date", AUGDT: "date", SHKZG: "category" },
    warnings: [],
    target: "SHKZG",
    task: "2 classes",
  },
  {
    name: "stripe-payments.csv",
    text: lines({
      id: (r) => `ch_${(1e9 + Math.floor(noise(r, 1) * 1e9)).toString(36)}${r}Xq`,
      "Created (UTC)": dated(2, ({ y, m, d, h, min }) => `${y}-${two(m)}-${two(d)} ${two(h)}:${two(min)}`),
      Amount: (r) => grouped(amount(3, 5, 900)(r), "", "."),
      Fee: (r) => amount(4, 0, 9)(r).toFixed(2),
      Currency: one(["usd", "eur", "gbp"], 5),
      Captured: one(["true", "false"], 6),
      Status: one(["Paid", "Refunded", "Failed"], 7),
    }),
    types: {
      id: "identifier",
      "Created (UTC)": "date",
      Amount: "number",
      Fee: "number",
      Currency: "category",
      Captured: "boolean",
      Status: "category",
    },
    warnings: ["identifier id"],
    target: "Status",
    task: "3 classes",
  },
  {
    name: "google-sheets.csv",
    text: lines({
      Timestamp: dated(1, ({ y, m, d, h, min, s }) => `${m}/${d}/${y} ${h}:${two(min)}:${two(s)}`),
      Revenue: (r) => `$${grouped(amount(2)(r), ",", ".")}`,
      Margin: (r) => `${amount(3, 0, 60)(r).toFixed(2)}%`,
      Active: one(["TRUE", "FALSE"], 4),
      Plan: one(["Free", "Pro", "Team"], 5),
    }),
    types: { Timestamp: "date", Revenue: "number", Margin: "number", Active: "boolean", Plan: "category" },
    warnings: [],
    target: "Plan",
    task: "3 classes",
  },
  {
    name: "pandas-to-csv.csv",
    text: lines({
      "": (r) => String(r),
      store_id: gaps((r) => `${one(stores, 1)(r)}.0`, [""]),
      seen: dated(2, ({ y, m, d, h, min, s }) => `${y}-${two(m)}-${two(d)} ${two(h)}:${two(min)}:${two(s)}+00:00`),
      waited: (r) =>
        `${whole(r, 3, 0, 2)} days ${two(whole(r, 4, 0, 23))}:${two(whole(r, 5, 0, 59))}:${two(whole(r, 6, 0, 59))}`,
      price: decimals(7, 1, 99),
      sold: one(["True", "False"], 8),
    }),
    types: {
      index: "identifier",
      store_id: "category",
      seen: "date",
      waited: "duration",
      price: "number",
      sold: "boolean",
    },
    warnings: ["identifier index"],
    target: "sold",
    task: "2 classes",
  },
  {
    name: "r-write-csv.csv",
    text: `"","mpg","am","gear","note"\n${Array.from({ length: 90 }, (_, r) => `"car ${r + 1}",${gaps(decimals(1, 10, 34, 1), ["NA"])(r)},${one(["TRUE", "FALSE"], 2)(r)},${whole(r, 3, 3, 5)},"${one(["a", "b"], 4)(r)}"`).join("\n")}\n`,
    types: { index: "identifier", mpg: "number", am: "boolean", gear: "number", note: "category" },
    warnings: ["identifier index"],
    target: "mpg",
    task: "a number",
  },
  {
    name: "javascript-dates.csv",
    text: lines({
      made: dated(
        1,
        ({ y, m, d, h, min, s }) =>
          `${m}/${d}/${y}, ${h % 12 || 12}:${two(min)}:${two(s)}\u202f${h < 12 ? "AM" : "PM"}`,
      ),
      logged: (r) => dayOf(5)(r).toISOString(),
      long: (r) =>
        `${dayOf(9)(r).toUTCString().slice(0, 3)} ${monthNames[parts(dayOf(9)(r)).m - 1]} ${two(parts(dayOf(9)(r)).d)} ${parts(dayOf(9)(r)).y} 10:20:30 GMT+0200 (Central European Summer Time)`,
      mail: (r) => dayOf(13)(r).toUTCString(),
      score,
      kind: one(["a", "b", "c"], 17),
    }),
    types: { made: "date", logged: "date", long: "date", mail: "date", score: "number", kind: "category" },
    warnings: [],
    target: "kind",
    task: "3 classes",
  },
  {
    name: "mysql-dump.csv",
    text: lines(
      {
        customer_id: (r) => String(whole(r, 1, 1, 20) * 37),
        created: gaps(
          dated(2, ({ y, m, d, h, min, s }) => `${y}-${two(m)}-${two(d)} ${two(h)}:${two(min)}:${two(s)}`),
          ["\\N", "0000-00-00 00:00:00"],
        ),
        total: gaps(decimals(6, 5, 500), ["\\N"]),
        vip: one(["0", "1"], 7),
        channel: one(["web", "shop", "phone"], 8),
      },
      200,
    ),
    types: { customer_id: "category", created: "date", total: "number", vip: "number", channel: "category" },
    warnings: [],
    target: "channel",
    task: "3 classes",
  },

  // ── numbers that are names
  {
    name: "zip-codes.csv",
    text: lines({
      zip: one(["02134", "10001", "90210", "05123"], 1),
      rooms: (r) => String(whole(r, 2, 1, 6)),
      rent: decimals(3, 500, 3000),
    }),
    types: { zip: "category", rooms: "number", rent: "number" },
    warnings: [],
    target: "rent",
    task: "a number",
  },
  {
    name: "store-ids.csv",
    text: lines({
      store_id: one(stores, 1),
      productCode: one(["4711", "815", "1234", "99"], 2),
      visits: (r) => String(whole(r, 3, 0, 80)),
      sales: decimals(4, 100, 900),
    }),
    types: { store_id: "category", productCode: "category", visits: "number", sales: "number" },
    warnings: [],
    target: "sales",
    task: "a number",
  },
  {
    name: "stores-and-departments.csv",
    text: lines(
      {
        Store: (r) => String(whole(r, 1, 1, 12)),
        Dept: (r) => String(whole(r, 2, 1, 9)),
        "Store Size": (r) => String(whole(r, 3, 30, 200) * 1000),
        Week: (r) => String(whole(r, 4, 1, 52)),
        Weekly_Sales: decimals(5, 100, 9000),
      },
      240,
    ),
    types: { Store: "category", Dept: "category", "Store Size": "number", Week: "number", Weekly_Sales: "number" },
    warnings: [],
    target: "Weekly_Sales",
    task: "a number",
  },
  {
    name: "german-codes.csv",
    text: lines(
      {
        Kundennummer: (r) => String(whole(r, 1, 1, 15) * 1003),
        PLZ: one(["50667", "10115", "80331"], 2),
        "Artikel-Nr.": one(["4711", "4712", "5001"], 3),
        "Anzahl Artikel": (r) => String(whole(r, 4, 1, 9)),
        Betrag: (r) => grouped(amount(5)(r), ".", ","),
      },
      200,
      ";",
    ),
    types: {
      Kundennummer: "category",
      PLZ: "category",
      "Artikel-Nr.": "category",
      "Anzahl Artikel": "number",
      Betrag: "number",
    },
    warnings: [],
    target: "Betrag",
    task: "a number",
  },
  {
    name: "counts-are-no-codes.csv",
    text: lines({
      num_rooms: (r) => String(whole(r, 1, 1, 6)),
      "number of doors": (r) => String(whole(r, 2, 2, 5)),
      year: (r) => String(whole(r, 3, 1990, 2020)),
      age: (r) => String(whole(r, 4, 18, 80)),
      cylinders: one(["4", "6", "8"], 5),
      price: decimals(6, 1000, 9000),
    }),
    types: {
      num_rooms: "number",
      "number of doors": "number",
      year: "number",
      age: "number",
      cylinders: "number",
      price: "number",
    },
    warnings: [],
    target: "price",
    task: "a number",
  },
  {
    name: "long-digits.csv",
    text: lines({
      card: (r) => `4${String(1e15 + whole(r, 1, 1, 6) * 7777).slice(1)}99`,
      ean: one(["4006381333931", "5901234123457", "4012345678901"], 2),
      price: decimals(3, 1, 90),
      fraud: one(["yes", "no"], 4),
    }),
    types: { card: "category", ean: "category", price: "number", fraud: "boolean" },
    warnings: [],
    target: "fraud",
    task: "2 classes",
  },
  {
    name: "identifiers.csv",
    text: lines({
      PassengerId: (r) => String(r + 1),
      "Order No": (r) => String(100_000 + r * 7),
      uuid: (r) => `${(r * 2654435761 + 1e9).toString(16).padStart(12, "0")}-4f3a-${r}`,
      email: (r) => `user${r * 31}@example.com`,
      fare: decimals(1, 5, 90),
      class: (r) => String(whole(r, 2, 1, 3)),
      survived: one(["0", "1"], 3),
    }),
    types: {
      PassengerId: "identifier",
      "Order No": "identifier",
      uuid: "identifier",
      email: "identifier",
      fare: "number",
      class: "category",
      survived: "number",
    },
    warnings: ["identifier PassengerId", "identifier Order No", "identifier uuid", "identifier email"],
    target: "survived",
    task: "2 classes",
  },
  {
    name: "phones.csv",
    text: lines({
      phone: (r) => `+49 ${whole(r, 1, 150, 179)} ${whole(r, 2, 1_000_000, 9_999_999)}`,
      Telefon: (r) => `0${whole(r, 3, 150, 179)}${whole(r, 4, 1_000_000, 9_999_999)}`,
      calls: (r) => String(whole(r, 5, 0, 40)),
      churn: yesNo,
    }),
    types: { phone: "identifier", Telefon: "identifier", calls: "number", churn: "boolean" },
    warnings: ["identifier phone", "identifier Telefon"],
    target: "churn",
    task: "2 classes",
  },

  // ── notation
  {
    name: "percent.csv",
    text: lines({
      share: (r) => `${amount(1, 0, 100)(r).toFixed(1)}%`,
      growth: (r) => `${grouped(amount(2, -20, 30)(r), "", ".", 1)} %`,
      y: yesNo,
    }),
    types: { share: "number", growth: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "thousands-points.csv",
    text: lines(
      {
        population: (r) => grouped(whole(r, 1, 1000, 900_000), ".", ",", 0),
        area: (r) => grouped(amount(2, 10, 9000)(r), ".", ","),
        y: yesNo,
      },
      120,
      ";",
    ),
    types: { population: "number", area: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "thousands-blanks.csv",
    text: lines(
      { plain: (r) => grouped(amount(1)(r), " ", ","), hard: (r) => grouped(amount(2)(r), "\u00a0", ","), y: yesNo },
      120,
      ";",
    ),
    types: { plain: "number", hard: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "thousands-apostrophes.csv",
    text: lines({ a: (r) => grouped(amount(1)(r), "'", "."), b: (r) => grouped(amount(2)(r), "’", "."), y: yesNo }),
    types: { a: "number", b: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "thousands-commas.csv",
    text: lines({
      a: (r) => grouped(whole(r, 1, 1000, 99_000), ",", ".", 0),
      b: (r) => grouped(amount(2)(r), ",", "."),
      y: yesNo,
    }),
    types: { a: "number", b: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "indian-lakhs.csv",
    text: lines({
      price: (r) => `₹${whole(r, 1, 1, 9)},${two(whole(r, 2, 10, 99))},${whole(r, 3, 100, 999)}`,
      km: (r) => `${grouped(whole(r, 4, 1000, 99_000), ",", ".", 0)} km`,
      fuel: one(["Petrol", "Diesel"], 5),
    }),
    types: { price: "number", km: "number", fuel: "category" },
    warnings: [],
    target: "fuel",
    task: "2 classes",
  },
  {
    name: "decimal-commas.tsv",
    text: lines(
      {
        length: (r) => decimals(1, 1, 9)(r).replace(".", ","),
        width: (r) => decimals(2, 1, 9, 3)(r).replace(".", ","),
        y: yesNo,
      },
      120,
      "\t",
    ),
    types: { length: "number", width: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "currencies.csv",
    text: lines(
      {
        after: (r) => `${decimals(1, 1, 99)(r).replace(".", ",")} €`,
        tight: (r) => `${decimals(2, 1, 99)(r).replace(".", ",")}€`,
        code: (r) => `EUR ${decimals(3, 1, 99)(r).replace(".", ",")}`,
        word: (r) => `${decimals(4, 1, 99)(r).replace(".", ",")} kr`,
        y: yesNo,
      },
      120,
      ";",
    ),
    types: { after: "number", tight: "number", code: "number", word: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "dollars.csv",
    text: lines({
      price: (r) => `$${grouped(amount(1)(r), ",", ".")}`,
      other: (r) => `US$ ${grouped(amount(2)(r), ",", ".")}`,
      code: (r) => `${grouped(amount(3)(r), ",", ".")} USD`,
      y: yesNo,
    }),
    types: { price: "number", other: "number", code: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "negative.csv",
    text: lines({
      brackets: (r) => {
        const v = amount(1, -500, 900)(r);
        return v < 0 ? `(${grouped(-v, ",", ".")})` : grouped(v, ",", ".");
      },
      dollars: (r) => {
        const v = amount(2, -500, 900)(r);
        return v < 0 ? `($${grouped(-v, ",", ".")})` : `$${grouped(v, ",", ".")}`;
      },
      minus: (r) => grouped(amount(3, -50, 90)(r), "", ".").replace("-", "\u2212"),
      behind: (r) => {
        const v = amount(4, -50, 90)(r);
        return v < 0 ? `${(-v).toFixed(2)}-` : v.toFixed(2);
      },
      y: yesNo,
    }),
    types: { brackets: "number", dollars: "number", minus: "number", behind: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "units.csv",
    text: lines({
      weight: (r) => `${decimals(1, 40, 99, 1)(r)} kg`,
      engine: (r) => `${whole(r, 2, 900, 3000)} CC`,
      mileage: gaps((r) => `${decimals(3, 9, 30)(r)} kmpl`, [""]),
      model: one(["2 door", "4 door"], 4),
      sold: yesNo,
    }),
    types: { weight: "number", engine: "number", mileage: "number", model: "number", sold: "boolean" },
    warnings: [],
    target: "sold",
    task: "2 classes",
  },
  {
    name: "mixed-units-are-names.csv",
    text: lines({
      size: one(["38B", "40A", "36C", "42D"], 1),
      place: one(["1st", "2nd", "3rd", "4th"], 2),
      price: decimals(3, 1, 9),
      y: yesNo,
    }),
    types: { size: "category", place: "category", price: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },

  // ── true and false
  {
    name: "booleans.csv",
    text: lines({
      a: one(["Yes", "No"], 1),
      b: one(["Y", "N"], 2),
      c: one(["true", "false"], 3),
      d: one(["T", "F"], 4),
      e: one(["on", "off"], 5),
      f: one(["ja", "nein"], 6),
      g: one(["WAHR", "FALSCH"], 7),
      h: one(["VRAI", "FAUX"], 8),
      i: one(["Oui", "Non"], 9),
      j: one(["Sí", "No"], 10),
      x: score,
      outcome: one(["1", "0"], 12),
    }),
    types: {
      ...Object.fromEntries([..."abcdefghij"].map((name) => [name, "boolean"])),
      x: "number",
      outcome: "number",
    },
    warnings: [],
    target: "outcome",
    task: "2 classes",
  },
  {
    name: "opposites-that-are-words.csv",
    text: lines({
      sex: one(["male", "female"], 1),
      level: one(["low", "high"], 2),
      grade: one(["A", "B", "C"], 3),
      x: score,
      label: one(["spam", "ham"], 5),
    }),
    types: { sex: "category", level: "category", grade: "category", x: "number", label: "category" },
    warnings: [],
    target: "label",
    task: "2 classes",
  },

  // ── days, times, durations
  {
    name: "american-days.csv",
    text: lines({
      day: dated(1, ({ y, m, d }) => `${two(m)}/${two(d)}/${y}`),
      short: dated(5, ({ y, m, d }) => `${m}/${d}/${two(y % 100)}`),
      x: score,
      y: yesNo,
    }),
    types: { day: "date", short: "date", x: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "european-days.csv",
    text: lines({
      day: dated(1, ({ y, m, d }) => `${two(d)}/${two(m)}/${y}`),
      dotted: dated(5, ({ y, m, d }) => `${d}.${m}.${two(y % 100)}`),
      dashed: dated(9, ({ y, m, d }) => `${two(d)}-${two(m)}-${y}`),
      x: score,
      y: yesNo,
    }),
    types: { day: "date", dotted: "date", dashed: "date", x: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "days-that-are-open.csv",
    text: lines({ day: (r) => `${two(whole(r, 1, 1, 12))}/${two(whole(r, 2, 1, 12))}/2021`, x: score, y: yesNo }),
    types: { day: "date", x: "number", y: "boolean" },
    warnings: ["cells day"],
    target: "y",
    task: "2 classes",
  },
  {
    name: "names-of-months.csv",
    text: lines({
      a: dated(1, ({ y, m, d }) => `${d}-${monthNames[m - 1]}-${y}`),
      b: dated(5, ({ y, m, d }) => `${monthNames[m - 1]} ${d}, ${y}`),
      c: dated(
        9,
        ({ y, m, d }) =>
          `${d}. ${["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"][m - 1]} ${y}`,
      ),
      d: dated(
        13,
        ({ y, m, d }) =>
          `${d} ${["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."][m - 1]} ${y}`,
      ),
      e: dated(17, ({ y, m, d }) => `${two(d)}-${monthNames[m - 1]?.toUpperCase()}-${two(y % 100)}`),
      y: yesNo,
    }),
    types: { a: "date", b: "date", c: "date", d: "date", e: "date", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "zones.csv",
    text: lines({
      a: dated(1, ({ y, m, d, h, min }) => `${y}-${two(m)}-${two(d)}T${two(h)}:${two(min)}:00+02:00`),
      b: dated(5, ({ y, m, d, h, min }) => `${y}-${two(m)}-${two(d)} ${two(h)}:${two(min)} CET`),
      c: dated(9, ({ y, m, d, h, min, s }) => `${y}-${two(m)}-${two(d)}T${two(h)}:${two(min)}:${two(s)}.123Z`),
      d: dated(13, ({ y, m, d, h, min }) => `${two(d)}.${two(m)}.${y} ${two(h)}:${two(min)} Uhr`),
      y: yesNo,
    }),
    types: { a: "date", b: "date", c: "date", d: "date", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "months-quarters-weeks.csv",
    text: lines({
      month: dated(1, ({ y, m }) => `${y}-${two(m)}`),
      excel: dated(5, ({ y, m }) => `${monthNames[m - 1]}-${two(y % 100)}`),
      quarter: dated(9, ({ y, m }) => `${y}Q${Math.ceil(m / 3)}`),
      week: dated(13, ({ y }, r) => `${y}-W${two(whole(r, 14, 1, 52))}`),
      y: yesNo,
    }),
    types: { month: "date", excel: "date", quarter: "date", week: "date", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "times.csv",
    text: lines({
      start: (r) => `${two(whole(r, 1, 0, 23))}:${two(whole(r, 2, 0, 59))}`,
      end: (r) => `${whole(r, 3, 1, 12)}:${two(whole(r, 4, 0, 59))} ${one(["AM", "PM"], 5)(r)}`,
      seen_at: (r) => `${two(whole(r, 6, 0, 23))}:${two(whole(r, 7, 0, 59))}:${two(whole(r, 8, 0, 59))}`,
      y: yesNo,
    }),
    types: { start: "time", end: "time", seen_at: "time", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "unix-seconds.csv",
    text: lines({
      timestamp: (r) => String(1_600_000_000 + whole(r, 1, 0, 50_000_000)),
      ms: (r) => String(1_600_000_000_000 + r * 3_600_000 + whole(r, 2, 0, 3_000_000)),
      created_at: (r) => String(1_600_000_000_000 + whole(r, 3, 0, 5e10)),
      views: (r) => String(whole(r, 4, 0, 500)),
      clicked: one(["0", "1"], 5),
    }),
    types: { timestamp: "date", ms: "date", created_at: "date", views: "number", clicked: "number" },
    warnings: [],
    target: "clicked",
    task: "2 classes",
  },
  {
    name: "days-in-figures.csv",
    text: lines({
      day: dated(1, ({ y, m, d }) => `${y}${two(m)}${two(d)}`),
      amount: (r) => String(whole(r, 5, 10_000_000, 90_000_000)),
      y: yesNo,
    }),
    types: { day: "date", amount: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "durations.csv",
    text: lines({
      run: (r) => `${whole(r, 1, 0, 3)}:${two(whole(r, 2, 0, 59))}:${two(whole(r, 3, 0, 59))}`,
      words: (r) => `${whole(r, 4, 0, 9)}h ${whole(r, 5, 0, 59)}m`,
      minutes: (r) => `${whole(r, 6, 20, 180)} min`,
      lap: (r) => `${whole(r, 7, 1, 9)}:${two(whole(r, 8, 0, 59))}`,
      iso: (r) => `PT${whole(r, 9, 0, 5)}H${whole(r, 10, 0, 59)}M`,
      y: yesNo,
    }),
    types: {
      run: "duration",
      words: "duration",
      minutes: "duration",
      lap: "duration",
      iso: "duration",
      y: "boolean",
    },
    warnings: [],
    target: "y",
    task: "2 classes",
  },

  // ── gaps
  {
    name: "gaps-among-numbers.csv",
    text: lines({
      a: gaps(decimals(1, 0, 9), allGaps),
      b: gaps((r) => grouped(amount(2)(r), ",", "."), ["n.a.", "k.A.", "#DIV/0!", "#NV", "(null)"], 79),
      day: gaps(
        dated(3, ({ y, m, d }) => `${y}-${two(m)}-${two(d)}`),
        [...allGaps, "NaT"],
        81,
      ),
      y: yesNo,
    }),
    types: { a: "number", b: "number", day: "date", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "gaps-among-words.csv",
    text: lines({
      colour: gaps(one(["red", "green"], 1), ["", "NA", "n/a", "-", "?", "null", "--"]),
      flag: gaps(one(["yes", "no"], 2), ["", "-", "unknown", "n/a"]),
      region: one(["EU", "NA", "AS"], 3),
      sign: one(["+", "-"], 4),
      x: score,
      kind: one(["a", "b"], 6),
    }),
    types: { colour: "category", flag: "boolean", region: "category", sign: "category", x: "number", kind: "category" },
    warnings: ["cells region", "cells sign"],
    target: "kind",
    task: "2 classes",
  },
  {
    name: "slips.csv",
    text: lines({
      a: (r) => (r === 17 ? "about 3" : decimals(1, 0, 9)(r)),
      b: (r) => (r % 9 === 4 ? "ERR" : decimals(2, 0, 9)(r)),
      y: yesNo,
    }),
    types: { a: "number", b: "number", y: "boolean" },
    warnings: ["cells a", "cells b"],
    target: "y",
    task: "2 classes",
  },

  // ── the file
  {
    name: "blanks-in-names.csv",
    text: `"Country "," Year","Life expectancy "\n${Array.from({ length: 90 }, (_, r) => `${one(["Chad", "Peru", "Oman"], 1)(r)},${whole(r, 2, 2000, 2015)},${decimals(3, 40, 80, 1)(r)}`).join("\n")}\n`,
    types: { "Country ": "category", " Year": "number", "Life expectancy ": "number" },
    warnings: [],
    target: "Life expectancy ",
    task: "a number",
  },
  {
    name: "quotes-and-breaks.csv",
    text: lines({ title: one(['6" pipe', "a, b", "two\nlines", "plain"], 1), x: score, y: yesNo }),
    encoding: "utf-8 with a mark",
    types: { title: "category", x: "number", y: "boolean" },
    warnings: [],
    target: "y",
    task: "2 classes",
  },
  {
    name: "delimiter-in-the-first-line.csv",
    text: `sep=;\r\n${lines({ preis: (r) => decimals(1, 1, 90)(r).replace(".", ","), farbe: one(["rot", "grün"], 2) }, 90, ";").replaceAll("\n", "\r\n")}`,
    encoding: "windows-1252",
    types: { preis: "number", farbe: "category" },
    warnings: ["encoding"],
    target: "farbe",
    task: "2 classes",
  },
  {
    name: "utf-16.csv",
    text: lines({ größe: (r) => decimals(1, 1, 90)(r).replace(".", ","), stadt: one(["Köln", "Łódź"], 2) }, 90, "\t"),
    encoding: "utf-16le with a mark",
    types: { größe: "number", stadt: "category" },
    warnings: [],
    target: "stadt",
    task: "2 classes",
  },
  {
    name: "utf-16-without-a-mark.csv",
    text: lines({ a: score, b: one(["x", "z"], 2) }, 90),
    encoding: "utf-16le",
    types: { a: "number", b: "category" },
    warnings: [],
    target: "b",
    task: "2 classes",
  },
  {
    name: "doubled-names.csv",
    text: `a,b,a,,y\n${Array.from({ length: 90 }, (_, r) => `${decimals(1, 0, 9)(r)},${one(["p", "q"], 2)(r)},${decimals(3, 0, 9)(r)},,${yesNo(r)}`).join("\n")}\n`,
    types: { a: "number", b: "category", "a (2)": "number", column4: "empty", y: "boolean" },
    warnings: ["header a a (2)", "header column4", "constant column4"],
    target: "y",
    task: "2 classes",
  },
  {
    name: "no-names.csv",
    text: lines({ "5.1": decimals(1, 4, 8, 1), "3.5": decimals(2, 2, 4, 1), setosa: one(["setosa", "virginica"], 3) }),
    types: { "5.1": "number", "3.5": "number", setosa: "category" },
    warnings: ["header 5.1 3.5 setosa"],
    target: "setosa",
    task: "2 classes",
  },
  {
    name: "damaged-letters.csv",
    text: lines({ stadt: one(["MÃ¼nchen", "KÃ¶ln"], 1), x: score, y: yesNo }),
    types: { stadt: "category", x: "number", y: "boolean" },
    warnings: ["encoding stadt"],
    target: "y",
    task: "2 classes",
  },

  // ── findings
  {
    name: "constant.csv",
    text: lines({ country: () => "DE", version: () => "2", nothing: () => "", x: score, y: yesNo }),
    types: { country: "category", version: "number", nothing: "empty", x: "number", y: "boolean" },
    warnings: ["constant country", "constant version", "constant nothing"],
    target: "y",
    task: "2 classes",
  },
  {
    name: "copies.csv",
    text: lines({
      celsius: decimals(1, -5, 30, 1),
      fahrenheit: (r) => (Number(decimals(1, -5, 30, 1)(r)) * 1.8 + 32).toFixed(2),
      country: one(["Germany", "France", "Spain"], 2),
      iso: (r) => ({ Germany: "DE", France: "FR", Spain: "ES" })[one(["Germany", "France", "Spain"], 2)(r)] ?? "",
      y: yesNo,
    }),
    types: { celsius: "number", fahrenheit: "number", country: "category", iso: "category", y: "boolean" },
    warnings: ["copy celsius fahrenheit", "copy country iso"],
    target: "y",
    task: "2 classes",
  },
  {
    name: "leak.csv",
    text: lines({
      age: (r) => String(whole(r, 1, 18, 80)),
      status: (r) => (noise(r, 97) < 0.5 ? "open" : "closed"),
      approved: (r) => (noise(r, 97) < 0.5 ? "1" : "0"),
    }),
    types: { age: "number", status: "category", approved: "number" },
    warnings: ["leak status approved"],
    target: "approved",
    task: "2 classes",
  },
  {
    name: "leak-by-a-gap.csv",
    text: lines({
      age: (r) => String(whole(r, 1, 18, 80)),
      boat: (r) => (noise(r, 97) < 0.4 ? String(whole(r, 2, 1, 9)) : ""),
      survived: (r) => (noise(r, 97) < 0.4 ? "yes" : "no"),
    }),
    types: { age: "number", boat: "number", survived: "boolean" },
    warnings: ["leak boat survived"],
    target: "survived",
    task: "2 classes",
  },
  {
    name: "leak-in-other-units.csv",
    text: lines({
      rooms: (r) => String(whole(r, 1, 1, 6)),
      euro: (r) => (amount(2)(r) * 0.9).toFixed(2),
      near: (r) => (amount(2)(r) + 4000 * noise(r, 3)).toFixed(0),
      dollar: (r) => amount(2)(r).toFixed(2),
    }),
    types: { rooms: "number", euro: "number", near: "number", dollar: "number" },
    warnings: ["leak euro dollar"],
    target: "dollar",
    task: "a number",
  },
  {
    name: "leak-of-two-days.csv",
    text: lines(
      {
        due: dated(1, ({ y, m, d }) => `${y}-${two(m)}-${two(d)}`),
        delivered: (r) =>
          new Date(dayOf(1)(r).getTime() + (whole(r, 9, 0, 20) - 10.5) * 864e5).toISOString().slice(0, 10),
        weight: decimals(5, 1, 40),
        late: (r) =>
          new Date(dayOf(1)(r).getTime() + (whole(r, 9, 0, 20) - 10.5) * 864e5).toISOString().slice(0, 10) >
          dayOf(1)(r).toISOString().slice(0, 10)
            ? "yes"
            : "no",
      },
      160,
    ),
    types: { due: "date", delivered: "date", weight: "number", late: "boolean" },
    warnings: ["leak due delivered late"],
    target: "late",
    task: "2 classes",
  },
  {
    name: "leak-of-two-numbers.csv",
    text: lines({
      price: decimals(1, 1, 40),
      quantity: (r) => String(whole(r, 2, 1, 12)),
      region: one(["n", "s"], 3),
      total: (r) => (Number(decimals(1, 1, 40)(r)) * whole(r, 2, 1, 12)).toFixed(2),
    }),
    types: { price: "number", quantity: "number", region: "category", total: "number" },
    warnings: ["leak price quantity total"],
    target: "total",
    task: "a number",
  },
  {
    name: "leak-of-two-words.csv",
    text: lines(
      {
        left: one(["a", "b", "c"], 1),
        right: one(["a", "b", "c"], 2),
        x: score,
        outcome: (r) => (one(["a", "b", "c"], 1)(r) === one(["a", "b", "c"], 2)(r) ? "same" : "other"),
      },
      200,
    ),
    types: { left: "category", right: "category", x: "number", outcome: "category" },
    warnings: ["leak left right outcome"],
    target: "outcome",
    task: "2 classes",
  },
  {
    name: "imbalance.csv",
    text: lines(
      {
        amount: decimals(1, 1, 900),
        hour: (r) => String(whole(r, 2, 0, 23)),
        fraud: (r) => (noise(r, 3) < 0.03 ? "1" : "0"),
      },
      400,
    ),
    types: { amount: "number", hour: "number", fraud: "number" },
    warnings: ["imbalance fraud"],
    target: "fraud",
    task: "2 classes",
  },
  {
    name: "rows-twice.csv",
    text: lines(
      { x: (r) => decimals(1, 0, 9)(r % 100), z: (r) => decimals(2, 0, 9)(r % 100), y: (r) => yesNo(r % 100) },
      112,
    ),
    types: { x: "number", z: "number", y: "boolean" },
    warnings: ["duplicates"],
    target: "y",
    task: "2 classes",
  },
  {
    name: "drift.csv",
    text: lines(
      {
        day: (r) => new Date(Date.UTC(2021, 0, 1 + r)).toISOString().slice(0, 10),
        price: (r) => (10 + (r > 160 ? 8 : 0) + 3 * noise(r, 1)).toFixed(2),
        sold: (r) => String(whole(r, 2, 0, 400)),
      },
      200,
    ),
    types: { day: "date", price: "number", sold: "number" },
    warnings: ["drift price"],
    target: "sold",
    task: "a number",
  },
  {
    name: "free-text.csv",
    text: lines({
      review: (r) =>
        `the ${one(["soup", "room", "view"], 1)(r)} was ${one(["good", "cold", "loud"], 2)(r)} on day ${r} of ${whole(r, 3, 1, 99)}`,
      surname: (r) => `Name${(r * 7919) % 1009}`,
      x: score,
      stars: (r) => String(whole(r, 4, 1, 5)),
    }),
    types: { review: "text", surname: "identifier", x: "number", stars: "number" },
    warnings: ["identifier surname"],
    target: "stars",
    task: "5 classes",
  },
  {
    // The last column holds remarks: it has one value, and is mostly empty.
    name: "mieten.csv",
    encoding: "windows-1252",
    text: lines(
      {
        Fläche: (r) => decimals(1, 30, 250, 1)(r).replace(".", ","),
        Miete: (r) => `${grouped(amount(2, 300, 4000)(r), ".", ",")} €`,
        Notiz: (r) => (r % 5 === 0 ? "schön" : ""),
      },
      120,
      ";",
    ),
    types: { Fläche: "number", Miete: "number", Notiz: "category" },
    warnings: ["encoding"],
    target: "Miete",
    task: "a number",
  },
];

/** The bytes of a file. */
export function bytesOfFile({ text, encoding = "utf-8" }: CorpusFile): Uint8Array {
  const units = Uint16Array.from(text, (char) => char.charCodeAt(0));
  const wide = new Uint8Array(units.buffer);
  switch (encoding) {
    case "utf-8":
      return new TextEncoder().encode(text);
    case "utf-8 with a mark":
      return new TextEncoder().encode(`\uFEFF${text}`);
    case "windows-1252":
      return Uint8Array.from(text, (char) => (char === "€" ? 0x80 : char.charCodeAt(0)));
    case "utf-16le":
      return wide;
    case "utf-16le with a mark":
      return Uint8Array.from([0xff, 0xfe, ...wide]);
    case "utf-16be with a mark":
      return Uint8Array.from([0xfe, 0xff, ...wide.map((_, place) => wide[place ^ 1] ?? 0)]);
  }
}
