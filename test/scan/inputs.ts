// The inputs that the scan passes to every function: plain numbers, and special cases.
import type { DType } from "../../src/graph/dtype.ts";
import type { Numeral } from "../golden/figures.ts";

export interface Input {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: readonly Numeral[];
}

/** An input of a row: a shape of floats, or fixed whole numbers. */
export type InputSpec = readonly number[] | { readonly ints: readonly number[]; readonly shape?: readonly number[] };

const isShape = (spec: InputSpec): spec is readonly number[] => Array.isArray(spec);

const sizeOf = (shape: readonly number[]): number => shape.reduce((total, extent) => total * extent, 1);

const plain = [-1.5, 0.25, 2, 3, -0.5, 1, 0.75, -2.25, 1.25, -0.125, 0.5, 1.75];

function floats(shape: readonly number[], value: (place: number) => Numeral, dtype: DType = "float64"): Input {
  return { shape, dtype, data: Array.from({ length: sizeOf(shape) }, (_, place) => value(place)) };
}

const plainAt = (place: number): number => (plain[place % plain.length] ?? 0) + Math.floor(place / plain.length) / 8;

/** Values for the input under test. */
export const kinds: Readonly<Record<string, (shape: readonly number[]) => Input>> = {
  plain: (shape) => floats(shape, plainAt),
  zeros: (shape) => floats(shape, () => 0),
  "negative zeros": (shape) => floats(shape, () => "-0"),
  ties: (shape) => floats(shape, () => 0.5),
  NaN: (shape) => floats(shape, (place) => (place % 3 === 1 ? "NaN" : plainAt(place))),
  "all NaN": (shape) => floats(shape, () => "NaN"),
  infinity: (shape) => floats(shape, (place) => (place % 3 === 0 ? "Infinity" : plainAt(place))),
  "both infinities": (shape) =>
    floats(shape, (place) => (place % 3 === 0 ? "-Infinity" : place % 3 === 1 ? "Infinity" : plainAt(place))),
  "all −∞": (shape) => floats(shape, () => "-Infinity"),
  "±1e4": (shape) => floats(shape, (place) => (place % 2 === 0 ? 1e4 : -1e4)),
  "tiny ±1e-30": (shape) => floats(shape, (place) => (place % 2 === 0 ? 1e-30 : -1e-30)),
  "no rows": (shape) => floats([0, ...shape.slice(1)], plainAt),
  "empty rows": (shape) => floats([...shape.slice(0, -1), 0], plainAt),
  "0-d": () => floats([], () => 0.75),
  "0-d NaN": () => floats([], () => "NaN"),
  "one element": (shape) =>
    floats(
      shape.map(() => 1),
      () => -1.5,
    ),
  "one dim less": (shape) => floats(shape.slice(1), plainAt),
  "one dim more": (shape) => floats([1, ...shape], plainAt),
  int32: (shape) => floats(shape, (place) => Math.trunc(plainAt(place) * 2), "int32"),
  uint8: (shape) => floats(shape, (place) => Math.abs(Math.trunc(plainAt(place))), "uint8"),
  bool: (shape) => floats(shape, (place) => (plainAt(place) > 0 ? 1 : 0), "bool"),
};

/** Values for an input of whole numbers. */
export const indexKinds: Readonly<Record<string, (input: Input) => Input>> = {
  plain: (input) => input,
  "one too large": (input) => ({ ...input, data: input.data.map((value, place) => (place === 0 ? 1000 : value)) }),
  "−1": (input) => ({ ...input, data: input.data.map((value, place) => (place === 0 ? -1 : value)) }),
  floats: (input) => ({ ...input, dtype: "float64" }),
  "no elements": ({ dtype, shape }) => ({ dtype, shape: [0, ...shape.slice(1)], data: [] }),
};

export function plainInput(spec: InputSpec, place: number): Input {
  if (isShape(spec)) return floats(spec, (at) => plainAt(at + 5 * place));
  return { shape: spec.shape ?? [spec.ints.length], dtype: "int32", data: spec.ints };
}

/** All inputs of the scan: each kind in place of each input, while the others are plain. */
export function trials(specs: readonly InputSpec[]): { readonly kind: string; readonly inputs: readonly Input[] }[] {
  const usual = specs.map(plainInput);
  return specs.flatMap((spec, place) => {
    const found = isShape(spec)
      ? Object.entries(kinds).map(([kind, make]) => ({ kind, input: make(spec) }))
      : Object.entries(indexKinds).map(([kind, make]) => ({ kind, input: make(plainInput(spec, place)) }));
    return found
      .filter(({ kind }) => kind !== "plain" || place === 0)
      .map(({ kind, input }) => ({
        kind: specs.length > 1 ? `${kind} as input ${place}` : kind,
        inputs: usual.map((other, at) => (at === place ? input : other)),
      }));
  });
}
