// Checks untrusted JSON while reading it: every error names the position of an unexpected value.
import { HebbError } from "../graph/errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Returns the value with its type, or throws HebbError that names `place`, such as "config.json: model.hidden[0]". */
export type Check<T> = (value: unknown, place: string) => T;

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

function wrong(place: string, expected: string, value: unknown): never {
  throw new HebbError(`${place} must be ${expected}, but is ${show(value)}; correct the file or create it again`);
}

export const aString: Check<string> = (value, place) =>
  typeof value === "string" ? value : wrong(place, "a text", value);
export const aBoolean: Check<boolean> = (value, place) =>
  typeof value === "boolean" ? value : wrong(place, "true or false", value);
export const aNumber: Check<number> = (value, place) =>
  typeof value === "number" && Number.isFinite(value) ? value : wrong(place, "a number", value);
export const aPositiveNumber: Check<number> = (value, place) =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : wrong(place, "a number above 0", value);
export const aCount: Check<number> = (value, place) =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    ? value
    : wrong(place, "a whole number ≥ 0", value);

/** Accepts one of these texts or numbers. */
export const oneOf =
  <const T extends string | number | boolean>(...choices: readonly T[]): Check<T> =>
  (value, place) =>
    choices.find((choice) => choice === value) ??
    wrong(place, choices.map((choice) => JSON.stringify(choice)).join(" or "), value);

export const listOf =
  <T>(check: Check<T>): Check<T[]> =>
  (value, place) =>
    Array.isArray(value) ? value.map((item, i) => check(item, `${place}[${i}]`)) : wrong(place, "a list", value);

/** An object with these entries; drops all others. Reads only own entries, so "__proto__" and the like are harmless. */
export const objectOf =
  <T extends object>(checks: { readonly [K in keyof T]-?: Check<T[K]> }): Check<T> =>
  (value, place) => {
    if (!isRecord(value)) return wrong(place, "an object", value);
    const out: Partial<T> = {};
    for (const key in checks) {
      const name = place.endsWith(":") ? `${place} ${key}` : `${place}.${key}`;
      if (!Object.hasOwn(value, key)) {
        throw new HebbError(`${name} is missing; correct the file or create it again`);
      }
      out[key] = checks[key](value[key], name);
    }
    // All keys of T are set above.
    return out as T;
  };

/** A union of objects, discriminated by `kind`. */
export const byKind =
  <T>(kinds: ReadonlyMap<string, Check<T>>): Check<T> =>
  (value, place) => {
    const kind = isRecord(value) && typeof value["kind"] === "string" ? value["kind"] : undefined;
    const check = kind === undefined ? undefined : kinds.get(kind);
    return check
      ? check(value, place)
      : wrong(place, `an object whose kind is ${[...kinds.keys()].join(" or ")}`, value);
  };

export const anObject: Check<JsonObject> = (value, place) => {
  if (!isRecord(value)) return wrong(place, "an object", value);
  return toJson(value, place) as JsonObject;
};

/** Checks that a value survives JSON: throws for NaN, infinities, functions, typed arrays and anything else that JSON would silently change. */
export function toJson(value: unknown, place: string, depth = 0): Json {
  if (depth > 200) throw new HebbError(`${place} is nested more than 200 deep; flatten it`);
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new HebbError(`${place} is ${value}, which JSON cannot hold; use null or a string`);
  }
  if (Array.isArray(value)) return value.map((item, i) => toJson(item, `${place}[${i}]`, depth + 1));
  if (isRecord(value) && (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)) {
    const out: Record<string, Json> = Object.create(null);
    for (const key of Object.keys(value)) {
      if (value[key] !== undefined) out[key] = toJson(value[key], `${place}.${key}`, depth + 1);
    }
    return out;
  }
  throw new HebbError(
    `${place} is ${typeof value === "object" ? value.constructor.name : typeof value}, which JSON cannot hold; use plain objects, arrays, strings and numbers`,
  );
}

/** Parses JSON text; the error names the file and what the parser found. */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HebbError(
      `${name} is not JSON (${error instanceof Error ? error.message.slice(0, 160) : "unreadable"}); correct the file or create it again`,
    );
  }
}

/** Limits for untrusted JSON: opened brackets and list entries take memory, at one byte each. */
const most = { nested: 100, opened: 2 ** 20, listed: 2 ** 21 };

/**
 * Throws HebbError for text whose parsed form would take far more memory than its bytes: lists and objects nested too deep, too many of
 * them, or more than `listed` values. Runs before parsing, so the text need not be valid JSON.
 */
export function refuseBomb(text: string, what: string, listed = most.listed): void {
  let [nested, opened, commas] = [0, 0, 0];
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) quoted = !quoted;
    else if (code === 0x5c) at++;
    else if (quoted) continue;
    else if (code === 0x2c) commas++;
    else if (code === 0x5b || code === 0x7b) {
      nested++;
      opened++;
      if (nested > most.nested)
        throw new HebbError(`${what} is nested more than ${most.nested} deep; it is damaged or malicious`);
    } else if (code === 0x5d || code === 0x7d) nested--;
  }
  if (opened > most.opened || commas > listed)
    throw new HebbError(
      `${what} has ${opened} lists and objects with ${commas} commas, more than ${most.opened} and ${listed}; split the file`,
    );
}

/**
 * Throws HebbError if an object in JSON text has a duplicate key: parsers keep the last one, other programs the first. The text must be
 * valid JSON. `what` begins the sentence, such as "the file".
 */
export function refuseRepeatedKeys(text: string, what: string): void {
  // Only strings with the character after them, and brackets, matter.
  const token = /"(?:[^"\\]|\\.)*"\s*:?|[[\]{}]/g;
  const open: (Set<string> | undefined)[] = [];
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [piece] = found;
    if (piece === "{" || piece === "[") open.push(piece === "{" ? new Set() : undefined);
    else if (piece === "}" || piece === "]") open.pop();
    else if (piece.endsWith(":")) {
      const quoted = piece.slice(0, -1).trimEnd();
      const key = quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
      const seen = open.at(-1);
      if (seen?.has(key))
        throw new HebbError(`${what} names ${JSON.stringify(key.slice(0, 100))} twice; it is damaged or malicious`);
      seen?.add(key);
    }
  }
}
