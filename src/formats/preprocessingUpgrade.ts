// Upgrades preprocessings from earlier versions: the same rows give the same features.
import { asNumber, asText } from "../data/reading.ts";

type Entries = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Entries =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Version 1 kept how numbers are written as a format, and read classes of numbers with commas between thousands. */
function withReading(entry: unknown): unknown {
  if (!isRecord(entry) || "reading" in entry) return entry;
  const { format, numeric, ...rest } = entry;
  switch (entry["kind"]) {
    case "date":
      return { ...rest, reading: { kind: "date", order: "dayFirst" } };
    case "number":
      return { ...rest, reading: { ...asNumber, format } };
    case "classes":
      return { ...rest, reading: numeric === true ? { ...asNumber, format: "thousands" } : asText };
    default:
      return { ...rest, reading: asText };
  }
}

/** A parsed preprocessing of a table in the form of this version; anything else as it is, for the checks to refuse. */
export function upgraded(value: unknown): unknown {
  if (!isRecord(value) || value["version"] !== 1) return value;
  const { inputs, target, weights } = value;
  return {
    ...value,
    version: 2,
    inputs: Array.isArray(inputs) ? inputs.map(withReading) : inputs,
    target: withReading(target),
    weights: typeof weights === "string" ? { column: weights, reading: asNumber } : weights,
  };
}
