// The kinds of arguments and options: a test and its wording.
import { type DType, dtypes, type FloatDType, type HalfDType } from "./dtype.ts";

/** A set of values: `takes` completes "must be …". `choices` are the names, if it is a choice. */
export interface Kind<T> {
  readonly takes: string;
  readonly choices?: readonly string[];
  accepts(value: unknown): value is T;
}

/** The values that `accepts` accepts. */
export const of = <T>(takes: string, accepts: (value: unknown) => boolean): Kind<T> => ({
  takes,
  accepts: (value): value is T => accepts(value),
});

const isNumber = (value: unknown): value is number => typeof value === "number" && !Number.isNaN(value);
const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.every(isNumber);

export const number = of<number>("a number", isNumber);
export const numbers = of<readonly number[]>("a list of numbers", isNumbers);
export const pair = of<readonly [number, number]>(
  "a list of two numbers",
  (value) => isNumbers(value) && (value as readonly number[]).length === 2,
);
/** One number for all dims, or one per dim. */
export const size = of<number | readonly number[]>(
  "a number or a list of numbers",
  (value) => isNumber(value) || isNumbers(value),
);
export const boolean = of<boolean>("true or false", (value) => typeof value === "boolean");
export const string = of<string>("a string", (value) => typeof value === "string");
export const func = <F extends (...args: never) => unknown>(): Kind<F> =>
  of<F>("a function", (value) => typeof value === "function");
/** Any value; the function that reads it checks it. */
export const anything = of<never>("a value", () => true);

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

/** `"none", "mean" or "sum"` */
const choice = (names: readonly string[]): string =>
  names.length < 2 ? quoted(names) : `${quoted(names.slice(0, -1))} or ${quoted(names.slice(-1))}`;

/** One of some names. */
export const oneOf = <const T extends string>(...names: readonly T[]): Kind<T> => ({
  ...of<T>(choice(names), (value) => typeof value === "string" && (names as readonly string[]).includes(value)),
  choices: names,
});

/** One of some numbers. */
export const among = <const T extends number>(...values: readonly T[]): Kind<T> =>
  of<T>(values.join(" or "), (value) => (values as readonly unknown[]).includes(value));

export const dtype: Kind<DType> = oneOf(...dtypes);
export const floatDType: Kind<FloatDType> = oneOf("float16", "bfloat16", "float32", "float64");
export const halfDType: Kind<HalfDType> = oneOf("float16", "bfloat16");

/** A value of either kind. */
export const either = <A, B>(a: Kind<A>, b: Kind<B>): Kind<A | B> => ({
  ...of<A | B>(`${a.takes} or ${b.takes}`, (value) => a.accepts(value) || b.accepts(value)),
  choices: [...(a.choices ?? []), ...(b.choices ?? [])],
});

/** A list of one kind. */
export const listOf = <T>(inner: Kind<T>): Kind<readonly T[]> =>
  of<readonly T[]>(
    `a list, each ${inner.takes}`,
    (value) => Array.isArray(value) && value.every((one) => inner.accepts(one)),
  );

/** A plain object with values of one kind under any names. */
export const recordOf = <T>(inner: Kind<T>): Kind<Readonly<Record<string, T>>> =>
  of<Readonly<Record<string, T>>>(
    `an object, each field ${inner.takes}`,
    (value) =>
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      !ArrayBuffer.isView(value) &&
      Object.values(value).every((one) => inner.accepts(one)),
  );

export const orNull = <T>(inner: Kind<T>): Kind<T | null> =>
  of<T | null>(`${inner.takes} or null`, (value) => value === null || inner.accepts(value));

/** An instance of a class. */
export const instanceOf = <T>(make: abstract new (...args: never) => T, takes: string): Kind<T> =>
  of<T>(takes, (value) => value instanceof make);

/** A value in a few words, for messages: `"mean"`, `an array`, `a Linear`. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (Array.isArray(value)) return isNumbers(value) && value.length <= 8 ? `[${value.join(", ")}]` : "an array";
  if (typeof value === "bigint") return `the bigint ${value}`;
  if (typeof value !== "object" || value === null) return String(value);
  // Bundlers rename a class that refers to itself: Tensor becomes _Tensor.
  const written: unknown = value.constructor?.name;
  const name = typeof written === "string" ? written.replace(/^_+/, "") : "";
  if (name === "" || name === "Object") return "an object";
  return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;
}
