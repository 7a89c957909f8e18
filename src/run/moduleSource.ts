// The text of an exported module: conversion of rows to features, the compiled network as bytes, and predict(), in TypeScript or JavaScript.
import { booleanWords } from "../data/cells.ts";
import type { ImagePreprocessing } from "../data/images.ts";
import { marks } from "../data/marks.ts";
import {
  type CategoryInput,
  featureNamesOf,
  type InputEncoding,
  isNumber,
  type TablePreprocessing,
  type TextInput,
} from "../data/preprocessing.ts";
import { readerOf } from "../data/reading.ts";
import { marksPattern, wordPattern } from "../data/terms.ts";
import { unreachable } from "../graph/errors.ts";
import { sizeOf } from "../graph/shape.ts";
import type { Standalone } from "../runtime/index.ts";
import { classNames } from "./task.ts";

export type Exportable = TablePreprocessing | ImagePreprocessing;

export interface ModuleParts {
  readonly title: string;
  readonly language: "TypeScript" | "JavaScript";
  readonly preprocessing: Exportable;
  readonly standalone: Standalone;
  /** The bytes of all values, from the address of the first. */
  readonly weights: Uint8Array;
  /** The number of rows of the second program. */
  readonly rows: number;
  /** The network's output for a row: the probability of each class, the index of a class, or a scaled number. */
  readonly gives: "probabilities" | "place" | "number";
}

/** JSON as source text. Escapes two characters that JSON allows in strings but that end a line comment. */
const literal = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`);

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

export function moduleSource(parts: ModuleParts): string {
  const { preprocessing } = parts;
  /** Types are only written in TypeScript. */
  const type = (text: string): string => (parts.language === "TypeScript" ? text : "");
  return [
    `// ${literal(parts.title)}: a trained network that predicts by itself. Exported by hebb; export it again rather than edit it.`,
    "// predict(rows) applies the preprocessing of the run, runs the network, and gives its predictions in the units of the data.",
    "",
    preprocessing.kind === "table" ? tableRows(preprocessing, type) : imageRows(preprocessing, type),
    predictions(parts, type),
    network(parts, type),
  ].join("\n");
}

type TypeText = (text: string) => string;

const cellType = (input: InputEncoding): string => {
  if (input.kind === "text") return "string | null";
  if (input.kind === "number")
    return input.reading.kind === "number" && input.reading.booleans ? "number | boolean | null" : "number | null";
  if (input.kind === "duration") return "number | null";
  return input.kind === "date" ? "Date | string | null" : "string | number | boolean | null";
};

function tableRows({ inputs }: TablePreprocessing, type: TypeText): string {
  const numbers = inputs.some(isNumber);
  const dates = inputs.some(({ kind }) => kind === "date");
  const width = inputs.reduce((sum, input) => sum + featureNamesOf(input).length, 0);
  const { facts, statements } = encoding(inputs, type);
  const lines = inputs.map(
    (input) => `  /** ${meaning(input)} */\n  readonly ${literal(input.column)}: ${cellType(input)};`,
  );
  return `${type(`/** A row of the table. null is a gap. */
export interface Row {
${lines.join("\n")}
}

`)}${facts}

/** The number of features of a row. */
const width = ${width};

/** Writes the features of a row into zeros. */
function encode(row${type(": Row")}, features${type(": Float32Array")})${type(": void")} {
${statements}
}

function cell${type("<Name extends keyof Row>")}(row${type(": Row")}, name${type(": Name")})${type(": Row[Name]")} {
  if (!(name in row)) throw new Error(\`predict: a row has no column \${JSON.stringify(name)}; give null where the value is missing\`);
  return row[name];
}
${numbers ? numberCode(type) : ""}${dates ? dateCode(type) : ""}${inputs.some(({ kind }) => kind === "category") ? categoryCode(type) : ""}${inputs.some(({ kind }) => kind === "text") ? textCode(type) : ""}`;
}

const isTime = ({ reading }: InputEncoding): boolean => reading.kind === "date" && reading.form === "time";

const meaning = (input: InputEncoding): string => {
  switch (input.kind) {
    case "number":
      return input.reading.kind === "number" && input.reading.unit !== null
        ? `A number, in ${input.reading.unit}.`
        : "A number.";
    case "duration":
      return "A duration, in seconds.";
    case "date":
      return isTime(input)
        ? "A time of the day, such as 14:30."
        : "A date, such as 2024-05-01 or 2024-05-01T12:30:00Z.";
    case "category":
      return input.other
        ? "A category; those that were rare in training, or not there, count as one."
        : "A category; one that was not there in training sets no feature.";
    case "text":
      return "A text; its words count.";
    default:
      return unreachable(input);
  }
};

/** The data of each column, and the statements that write its features. */
function encoding(inputs: TablePreprocessing["inputs"], type: TypeText): { facts: string; statements: string } {
  let from = 0;
  const columns = inputs.map((input, place) => {
    const own = from;
    from += featureNamesOf(input).length;
    const name = `column${place + 1}`;
    const read = `cell(row, ${literal(input.column)})`;
    if (input.kind === "category")
      return {
        facts: `const ${name}${type(": CategoryFacts")} = ${categoryFacts(input)};`,
        statement: `  category(${read}, ${name}, features, ${own});`,
      };
    if (input.kind === "text")
      return {
        facts: `const ${name}${type(": TextFacts")} = ${textFacts(input)};`,
        statement: `  text(${read}, ${name}, features, ${own});`,
      };
    const { median, mean, scale, transform, cycles, missingIndicator } = input;
    const days = cycles.map((cycle) => daysOf[cycle]);
    const facts = { log: transform === "log", gap: median, mean, scale, cycles: days, marksGap: missingIndicator };
    return {
      facts: `const ${name}${type(": NumberFacts")} = ${literal(facts)};`,
      statement: `  number(${input.kind === "date" ? (isTime(input) ? "time" : "days") : "finite"}(${read}), ${name}, features, ${own});`,
    };
  });
  return {
    facts: columns.map(({ facts }) => facts).join("\n"),
    statements: columns.map(({ statement }) => statement).join("\n"),
  };
}

const daysOf = { year: 365.2425, week: 7, day: 1 } as const;

function categoryFacts({ categories, reading, other, missing, fill }: CategoryInput): string {
  const reader = readerOf(reading);
  const places = new Map<string, number>();
  for (const [place, category] of categories.entries()) {
    places.set(reader.key(category), place);
    places.set(category, place);
  }
  // True, TRUE and yes are the same answer.
  if (reading.kind === "boolean")
    for (const [word, value] of booleanWords) {
      const place = places.get(String(value));
      if (place === undefined) continue;
      for (const spelling of [word, word.toUpperCase(), word.slice(0, 1).toUpperCase() + word.slice(1)])
        places.set(spelling, place);
    }
  const kept = reading.kind === "text" ? reading.values : [];
  const otherPlace = other ? categories.length : -1;
  const missingPlace = missing ? categories.length + (other ? 1 : 0) : -1;
  const gaps = [...marks.keys()].filter(
    (mark) => (reading.kind === "boolean" || marks.get(mark) === "usual") && !kept.includes(mark),
  );
  return `{
  places: new Map([${[...places].map((entry) => literal(entry)).join(", ")}]),
  other: ${otherPlace},
  missing: ${missingPlace},
  fill: ${literal(fill)},
  gaps: new Set(${literal(gaps)}),
}`;
}

function textFacts({ terms, weights, norm, mean, scale, fill, reading }: TextInput): string {
  const gaps = [...marks.keys()].filter((mark) => marks.get(mark) === "usual" && !reading.values.includes(mark));
  return `{
  places: new Map(${literal(terms)}.map((term, place) => [term, place])),
  weights: ${literal(weights)},
  norm: ${norm},
  mean: ${mean},
  scale: ${scale},
  fill: ${literal(fill ?? "")},
  gaps: new Set(${literal(gaps)}),
}`;
}

const numberCode = (type: TypeText): string => `
/** The number in a cell; NaN for a gap. */
function finite(value${type(": number | boolean | null | undefined")})${type(": number")} {
  if (value === null || value === undefined) return NaN;
  if (typeof value === "string") throw new Error(\`predict: \${JSON.stringify(value)} is a text where a number belongs; convert it first\`);
  const number = Number(value);
  return Number.isFinite(number) ? number : NaN;
}

${type(`interface NumberFacts {
  /** Whether x is first replaced by sign(x) · log(1 + |x|). */
  readonly log: boolean;
  /** Replaces a gap. */
  readonly gap: number;
  readonly mean: number;
  readonly scale: number;
  /** Lengths in days of the cycles of a date: each becomes a sine and a cosine. */
  readonly cycles: readonly number[];
  /** Whether another feature is 1 for a gap. */
  readonly marksGap: boolean;
}

`)}function number(value${type(": number")}, facts${type(": NumberFacts")}, features${type(": Float32Array")}, at${type(": number")})${type(": void")} {
  const isGap = Number.isNaN(value);
  const level = isGap ? facts.gap : facts.log ? Math.sign(value) * Math.log1p(Math.abs(value)) : value;
  features[at++] = Math.max(-1e6, Math.min(1e6, (level - facts.mean) / facts.scale));
  for (const days of facts.cycles) {
    const turn = (2 * Math.PI * value) / days;
    features[at++] = isGap ? 0 : Math.sin(turn);
    features[at++] = isGap ? 0 : Math.cos(turn);
  }
  if (facts.marksGap) features[at] = isGap ? 1 : 0;
}
`;

const dateCode = (type: TypeText): string => `
/** Days since 1970-01-01; NaN for a gap. A date without a time zone is UTC. */
function days(value${type(": Date | string | null | undefined")})${type(": number")} {
  if (value === null || value === undefined || value === "") return NaN;
  if (value instanceof Date) return value.getTime() / 864e5;
  if (!/^\\d{4}-\\d\\d-\\d\\d(?:T\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d{1,3})?)?(?:Z|[+-]\\d\\d:\\d\\d)?)?$/.test(value))
    throw new Error(\`predict: \${JSON.stringify(value)} is not a date such as 2024-05-01 or 2024-05-01T12:30:00Z\`);
  return Date.parse(/T.*(?:Z|[+-]\\d\\d:\\d\\d)$/.test(value) || !value.includes("T") ? value : \`\${value}Z\`) / 864e5;
}

/** The fraction of the day at 14:30, 14:30:15 or the time of a date; NaN for a gap. */
function time(value${type(": Date | string | null | undefined")})${type(": number")} {
  const parts = /^(\\d{1,2}):(\\d\\d)(?::(\\d\\d))?$/.exec(String(value));
  if (parts === null) return days(value) % 1;
  return (Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3] === undefined ? 0 : parts[3])) / 86400;
}
`;

const categoryCode = (type: TypeText): string => `
${type(`interface CategoryFacts {
  readonly places: ReadonlyMap<string, number>;
  /** The features for other values and for gaps; -1 if there is none. */
  readonly other: number;
  readonly missing: number;
  /** Replaces a gap. */
  readonly fill: string | null;
  /** Texts that mean a gap, besides null. */
  readonly gaps: ReadonlySet<string>;
}

`)}function category(value${type(": string | number | boolean | null | undefined")}, facts${type(": CategoryFacts")}, features${type(": Float32Array")}, at${type(": number")})${type(": void")} {
  const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value).trim();
  const known = text === "" || facts.gaps.has(text) ? facts.fill : text;
  const place = known === null ? facts.missing : (facts.places.get(known) ?? facts.other);
  if (place >= 0) features[at + place] = 1;
}
`;

const textCode = (type: TypeText): string => `
${type(`interface TextFacts {
  /** One feature for each word and pair of words. */
  readonly places: ReadonlyMap<string, number>;
  readonly weights: readonly number[];
  /** The Euclidean length of the features. */
  readonly norm: number;
  /** Mean and scale of log(1 + number of words). */
  readonly mean: number;
  readonly scale: number;
  /** Replaces a gap. */
  readonly fill: string;
  /** Texts that mean a gap, besides null. */
  readonly gaps: ReadonlySet<string>;
}

`)}function text(value${type(": string | null | undefined")}, facts${type(": TextFacts")}, features${type(": Float32Array")}, at${type(": number")})${type(": void")} {
  const given = value === null || value === undefined || facts.gaps.has(value) ? "" : String(value);
  const whole = (given === "" ? facts.fill : given).replace(/${marksPattern}/gu, "$1");
  const words = whole.normalize("NFKC").toLowerCase().match(/${wordPattern}/gu) ?? [];
  const counts = new Map${type("<number, number>")}();
  for (let k = 0; k < words.length; k++) {
    for (const term of k === 0 ? [words[k]] : [words[k], \`\${words[k - 1]} \${words[k]}\`]) {
      const place = facts.places.get(term ?? "");
      if (place !== undefined) counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  }
  let squares = 0;
  for (const [place, count] of counts) {
    const level = (facts.weights[place] ?? NaN) * (1 + Math.log(count));
    features[at + place] = level;
    squares += level ** 2;
  }
  for (const place of counts.keys()) features[at + place] = ((features[at + place] ?? NaN) * facts.norm) / Math.sqrt(squares);
  features[at + facts.weights.length] = Math.max(-1e6, Math.min(1e6, (Math.log1p(words.length) - facts.mean) / facts.scale));
}
`;

function imageRows({ shape, mean, scale }: ImagePreprocessing, type: TypeText): string {
  return `/** The pixels of a picture, ${shape.join(" × ")}, from 0 to 255${shape.length === 3 ? ": channels, rows, columns" : ""}. */
${type("export type Row = ArrayLike<number>;\n")}
const width = ${sizeOf(shape)};
const mean = ${literal(mean)};
const scale = ${literal(scale)};

function encode(pixels${type(": Row")}, features${type(": Float32Array")})${type(": void")} {
  if (pixels.length !== width) throw new Error(\`predict: a picture has \${pixels.length} values; the network takes \${width}\`);
  const plane = width / mean.length;
  for (let place = 0; place < width; place++) {
    const channel = Math.floor(place / plane);
    features[place] = ((pixels[place] ?? NaN) - (mean[channel] ?? NaN)) / (scale[channel] ?? NaN);
  }
}
`;
}

function predictions({ preprocessing, gives }: ModuleParts, type: TypeText): string {
  const names = classNames(preprocessing);
  if (names === undefined) {
    const { target } = preprocessing;
    const [mean, scale, log] =
      target.kind === "number" ? [target.mean, target.scale, target.transform === "log"] : [0, 1, false];
    return `${type(`export interface Prediction {
  /** ${literal(target.column).replaceAll("*/", "* /")}, in its own units. */
  readonly prediction: number;
}

`)}const outputs = 1;

function decode(result${type(": Float32Array")})${type(": Prediction")} {
  const level = (result[0] ?? NaN) * ${mean === 0 && scale === 1 ? "1" : `${scale} + ${mean}`};
  return { prediction: ${log ? "Math.sign(level) * Math.expm1(Math.abs(level))" : "level"} };
}
`;
  }
  const classes = `const classes = ${literal(names)}${type(" as const")};
${type("export type ClassName = (typeof classes)[number];\n")}`;
  if (gives === "place")
    return `${classes}${type("\nexport interface Prediction {\n  readonly prediction: ClassName;\n}\n")}
const outputs = 1;

function decode(result${type(": Float32Array")})${type(": Prediction")} {
  return { prediction: classes[result[0] ?? NaN] ?? classes[0] };
}
`;
  return `${classes}
${type(`export interface Prediction {
  readonly prediction: ClassName;
  readonly probabilities: Readonly<Record<ClassName, number>>;
}

`)}const outputs = classes.length;

function decode(result${type(": Float32Array")})${type(": Prediction")} {
  let best = 0;
  for (let place = 1; place < outputs; place++) if ((result[place] ?? NaN) > (result[best] ?? NaN)) best = place;
  const probabilities = Object.fromEntries(classes.map((name, place) => [name, result[place] ?? NaN]))${type(" as Record<ClassName, number>")};
  return { prediction: classes[best] ?? classes[0], probabilities };
}
`;
}

function network({ standalone, weights, rows }: ModuleParts, type: TypeText): string {
  const { programs, values, input, output, pages } = standalone;
  const listing = (programs[0]?.listing ?? "").split("\n").map((line) => `// ${line}`.trimEnd());
  const coded = programs.map(
    ({ code, table, words }) => `  { code: "${base64(code)}", table: ${table}, words: ${literal(words)} },`,
  );
  return `/** A prediction for each row, in order. */
export function predict(rows${type(": readonly Row[]")})${type(": Prediction[]")} {
  const predicted${type(": Prediction[]")} = [];
  while (predicted.length < rows.length) {
    const first = predicted.length;
    // A few rows are faster one by one than as a block with gaps.
    const block = rows.length - first >= fewest ? many : 1;
    const count = Math.min(block, rows.length - first);
    features.fill(0, 0, count * width);
    for (let place = 0; place < count; place++) {
      const row = rows[first + place];
      if (row !== undefined) encode(row, features.subarray(place * width, (place + 1) * width));
    }
    run(block === 1 ? 0 : 1);
    for (let place = 0; place < count; place++) predicted.push(decode(results.subarray(place * outputs, (place + 1) * outputs)));
  }
  return predicted;
}

// The network of one row, as it was compiled:
//
${listing.join("\n")}

/** Rows that the second program computes at once, and the least number it is used for. */
const many = ${rows};
const fewest = ${Math.ceil(rows / 4)};

// The network as WebAssembly, for one row and for many, with the addresses of its values.
const programs = [
${coded.join("\n")}
];
// The weights as little-endian bytes, in the order of memory.
const weights = "${base64(weights)}";

const memory = new WebAssembly.Memory({ initial: ${pages}, maximum: ${pages} });
const features = new Float32Array(memory.buffer, ${input}, many * width);
const results = new Float32Array(memory.buffer, ${output}, many * outputs);
const failure = new Int32Array(memory.buffer, 64, 1);
new Uint8Array(memory.buffer).set(bytesOf(weights), ${values[0]?.address ?? 0});

function bytesOf(text${type(": string")})${type(": Uint8Array<ArrayBuffer>")} {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

// Compiled synchronously when the module loads, so that the file also works with require and with every bundler.
const entries = programs.map(({ code, table, words }) => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytesOf(code)), { hebb: { memory } });
  new Int32Array(memory.buffer, table, words.length).set(words);
  const entry = exports["run"]${type(" as (table: number) => void")};
  return () => entry(table);
});

function run(program${type(": number")})${type(": void")} {
  entries[program]?.();
  if (failure[0] === 0) return;
  failure[0] = 0;
  throw new Error("predict: a check of the network failed for these rows; run them by hebb predict to see which");
}
`;
}
