// Upgrades preprocessings from earlier versions: the same rows give the same features.
import { markOf } from "../data/marks.ts";
import { asDate, asNumber, asText } from "../data/reading.ts";

type Entries = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Entries =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Version 1 stored the notation of numbers as a format, and accepted thousands commas in numeric classes. */
function withReading(entry: unknown): unknown {
  if (!isRecord(entry) || "reading" in entry) return entry;
  const { format, numeric, ...rest } = entry;
  switch (entry["kind"]) {
    case "date":
      return { ...rest, reading: { ...asDate, order: "dayFirst" } };
    case "number":
      return { ...rest, reading: { ...asNumber, format } };
    case "classes":
      return { ...rest, reading: numeric === true ? { ...asNumber, format: "thousands" } : asText };
    default:
      return { ...rest, reading: asText };
  }
}

/** Entries that readings lacked in earlier versions. */
const plainReadings: Readonly<Record<string, object>> = { number: asNumber, date: asDate };

/** Adds the entries of a current reading; markers of missing values that were a category stay one. */
function withWholeReading(entry: unknown): unknown {
  if (!isRecord(entry)) return entry;
  const { reading, categories } = entry;
  if (Array.isArray(categories) && !("rare" in entry)) return withWholeReading({ ...entry, rare: null });
  if (!isRecord(reading)) return entry;
  const { kind, values } = reading;
  const whole = { ...(typeof kind === "string" ? plainReadings[kind] : undefined), ...reading };
  if (kind !== "text" || !Array.isArray(values) || !Array.isArray(categories)) return { ...entry, reading: whole };
  const kept = categories.filter((one) => typeof one === "string" && markOf(one) === "usual" && !values.includes(one));
  return { ...entry, reading: { ...whole, values: [...values, ...kept] } };
}

/** A parsed preprocessing of a table in the current form; anything else is unchanged, for the checks to refuse. */
export function upgraded(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const { inputs, target, weights, version } = value;
  const first = version === 1;
  const each = (entry: unknown): unknown => withWholeReading(first ? withReading(entry) : entry);
  return {
    ...value,
    version: first ? 2 : version,
    inputs: Array.isArray(inputs) ? inputs.map(each) : inputs,
    target: each(target),
    weights: first && typeof weights === "string" ? { column: weights, reading: asNumber } : withWholeReading(weights),
  };
}
