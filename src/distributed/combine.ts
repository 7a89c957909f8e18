// Sums, maxima and minima over ranks: in rank order, in float64, rounded once. Long sums are compiled if there is a compiler.
import { loadLibrary } from "../backends/c/library.ts";
import { koffi, type NativeFunction } from "../backends/c/native.ts";
import { Toolchain } from "../backends/c/toolchain.ts";
import { at } from "../graph/at.ts";
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import type { Combining } from "../runtime/index.ts";

/** Every out[i] = parts[0][i] ∘ parts[1][i] ∘ … All arrays have one type and length. An output may be one of the parts. */
export function combineParts<T extends TypedArray>(
  parts: readonly T[],
  outs: readonly T[],
  combine: Combining = "sum",
): void {
  const [first] = parts;
  const [out, ...others] = outs;
  if (first === undefined || out === undefined || out.length === 0) return;
  if (combine === "sum" && sumCompiled(parts, outs)) return;
  if (combine !== "sum") limit(parts, out, combine === "max" ? Math.max : Math.min);
  else if (areFloat32(parts) && out instanceof Float32Array) sumFloat32(parts, out);
  else if (areFloat64(parts) && out instanceof Float64Array) sumFloat64(parts, out);
  else sumWhole(parts, out);
  for (const other of others) other.set(out);
}

const areFloat32 = (parts: readonly TypedArray[]): parts is readonly Float32Array[] =>
  parts.every((part) => part instanceof Float32Array);
const areFloat64 = (parts: readonly TypedArray[]): parts is readonly Float64Array[] =>
  parts.every((part) => part instanceof Float64Array);

// One loop for each type, so that the engine specialises each for its array type.

function sumFloat32(parts: readonly Float32Array[], out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let rank = 0; rank < parts.length; rank++) {
      const value = (parts[rank] as Float32Array)[i] as number;
      sum = rank === 0 ? value : sum + value;
    }
    out[i] = sum;
  }
}

function sumFloat64(parts: readonly Float64Array[], out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let rank = 0; rank < parts.length; rank++) {
      const value = (parts[rank] as Float64Array)[i] as number;
      sum = rank === 0 ? value : sum + value;
    }
    out[i] = sum;
  }
}

/** The exact sum stays below 2⁵³ for up to 2²¹ ranks; the array wraps it on assignment. */
function sumWhole(parts: readonly TypedArray[], out: TypedArray): void {
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (const part of parts) sum += part[i] as number;
    out[i] = sum;
  }
}

function limit(parts: readonly TypedArray[], out: TypedArray, of: (a: number, b: number) => number): void {
  for (let i = 0; i < out.length; i++) {
    let most = at(parts, 0)[i] as number;
    for (let rank = 1; rank < parts.length; rank++) most = of(most, at(parts, rank)[i] as number);
    out[i] = most;
  }
}

/** Below this length, a loop in JavaScript is faster than a call of compiled code. */
const worthCalling = 4096;

/** Sums in blocks that stay in the L1 cache. `places`: the addresses of the parts, then of the outputs. */
const sumSource = (name: string, type: string): string => `
void ${name}(const unsigned long long *places, int parts, int outs, unsigned long long count) {
  enum { block = 512 };
  double sums[block];
  for (unsigned long long from = 0; from < count; from += block) {
    int length = count - from < block ? (int)(count - from) : block;
    const ${type} *first = (const ${type} *)places[0] + from;
    for (int i = 0; i < length; i++) sums[i] = first[i];
    for (int part = 1; part < parts; part++) {
      const ${type} *next = (const ${type} *)places[part] + from;
      for (int i = 0; i < length; i++) sums[i] += next[i];
    }
    for (int out = 0; out < outs; out++) {
      ${type} *to = (${type} *)places[parts + out] + from;
      for (int i = 0; i < length; i++) to[i] = (${type})sums[i];
    }
  }
}
`;

interface CompiledSums {
  readonly float32: NativeFunction;
  readonly float64: NativeFunction;
}

/** Null: there is no compiler, and the loops above are used. */
let compiled: CompiledSums | null | undefined;

function compiledSums(): CompiledSums | null {
  if (compiled !== undefined) return compiled;
  try {
    const toolchain = new Toolchain();
    const source = sumSource("hebb_sum_float32", "float") + sumSource("hebb_sum_float64", "double");
    const library = loadLibrary(toolchain, () => toolchain.build(source));
    const operands = "uint64_t places, int parts, int outs, uint64_t count";
    compiled = {
      float32: library.func(`void hebb_sum_float32(${operands})`),
      float64: library.func(`void hebb_sum_float64(${operands})`),
    };
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    compiled = null;
  }
  return compiled;
}

/** Computes the sum with compiled code; false if that is not possible. */
function sumCompiled(parts: readonly TypedArray[], outs: readonly TypedArray[]): boolean {
  const [first] = parts;
  const name = first instanceof Float32Array ? "float32" : first instanceof Float64Array ? "float64" : undefined;
  if (first === undefined || name === undefined || first.length < worthCalling) return false;
  const sum = compiledSums()?.[name];
  if (sum === undefined) return false;
  const places = BigUint64Array.from([...parts, ...outs], (values) => koffi().address(values));
  sum(Number(koffi().address(places)), parts.length, outs.length, first.length);
  return true;
}
