// Arrays as JSON text, for people and for programs that read no other format. Every number reads back as the same value.
import { HebbError } from "../graph/errors.ts";
import { sizeOf } from "../graph/shape.ts";
import {
  aCount,
  type Check,
  isRecord,
  listOf,
  objectOf,
  oneOf,
  parseJson,
  refuseBomb,
  refuseRepeatedKeys,
} from "./json.ts";
import type { Contents, FileArray } from "./opened.ts";
import type { OpenSource } from "./source.ts";
import { type NamedStored, type StoredArray, store } from "./stored/array.ts";
import { type StoredDType, storedBytes, storedDTypes } from "./stored/types.ts";
import { valuesIn } from "./stored/values.ts";

const maxBytes = 2 ** 29;

/** JSON has neither infinities nor NaN, and most readers round whole numbers above 2⁵³. */
const written = (value: number | bigint): number | string => {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? "-0" : String(value);
};

/** The shortest decimal that reads back to the same float32. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** The bytes of a JSON file of arrays. `run` describes the run that produced the weights. */
export function writeJsonArrays(arrays: NamedStored, run?: string): Uint8Array {
  const tensors: Record<string, unknown> = Object.create(null);
  for (const [name, array] of Object.entries(arrays)) {
    if (array.dtype === "C64")
      throw new HebbError(`tensor ${JSON.stringify(name)} is complex, which JSON cannot hold; write safetensors`);
    const short = array.dtype === "F32";
    const data = Array.from(valuesIn(array), (value) => {
      const plain = written(value);
      return short && typeof plain === "number" ? shortest(plain) : plain;
    });
    tensors[name] = { dtype: array.dtype, shape: array.shape, data };
  }
  const about = run === undefined ? {} : { run: JSON.parse(run) as unknown };
  return new TextEncoder().encode(`${JSON.stringify({ format: "hebb-arrays", version: 1, ...about, tensors })}\n`);
}

const special: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
]);

const aValue: Check<number | bigint> = (value, place) => {
  if (typeof value === "number") return value;
  if (typeof value === "string") {
    const found = special.get(value);
    if (found !== undefined) return found;
    if (/^-?\d{1,20}$/.test(value)) return BigInt(value);
  }
  throw new HebbError(`${place} must be a number, but is ${JSON.stringify(value)?.slice(0, 60)}; correct the file`);
};

interface Tensor {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly data: readonly (number | bigint)[];
}

const aTensor = objectOf<Tensor>({ dtype: oneOf(...storedDTypes), shape: listOf(aCount), data: listOf(aValue) });

function wideInteger(dtype: "I64" | "U64", data: readonly (number | bigint)[], place: string): Uint8Array {
  const bytes = new Uint8Array(8 * data.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of data.entries()) {
    const whole = typeof value === "bigint" || Number.isInteger(value) ? BigInt(value) : undefined;
    const kept = whole === undefined ? whole : dtype === "I64" ? BigInt.asIntN(64, whole) : BigInt.asUintN(64, whole);
    if (kept === undefined || kept !== whole)
      throw new HebbError(`${place}.data[${i}] is ${value}, which does not fit ${dtype}; correct the file`);
    view.setBigUint64(8 * i, BigInt.asUintN(64, kept), true);
  }
  return bytes;
}

function arrayOf({ dtype, shape, data }: Tensor, place: string): StoredArray {
  if (data.length !== sizeOf(shape))
    throw new HebbError(`${place} has ${data.length} values, its shape needs ${sizeOf(shape)}; correct the file`);
  if (dtype === "I64" || dtype === "U64") return { dtype, shape, bytes: wideInteger(dtype, data, place) };
  try {
    return store({ dtype: "float64", shape, data: Float64Array.from(data, Number) }, dtype);
  } catch (error) {
    throw error instanceof HebbError ? new HebbError(`${place}: ${error.message}`) : error;
  }
}

function fileOf(
  value: unknown,
  name: string,
): { readonly tensors: Readonly<Record<string, unknown>>; readonly run: unknown } {
  if (!isRecord(value) || value["format"] !== "hebb-arrays" || !isRecord(value["tensors"]))
    throw new HebbError(`${name} is JSON without "format": "hebb-arrays" and tensors; it holds no arrays`);
  return { tensors: value["tensors"], run: value["run"] };
}

/** Opens a JSON file from `writeJsonArrays` and reads it whole. */
export async function openJsonArrays(source: OpenSource): Promise<Contents> {
  const { name, size } = source;
  if (size > maxBytes) throw new HebbError(`${name} has ${size} bytes of JSON, more than ${maxBytes}; use safetensors`);
  const text = new TextDecoder().decode(await source.read(0, size));
  refuseBomb(text, name, maxBytes);
  const file = fileOf(parseJson(text, name), name);
  refuseRepeatedKeys(text, name);
  const arrays = new Map<string, FileArray>();
  for (const [key, value] of Object.entries(file.tensors)) {
    const place = `${name}: tensors[${JSON.stringify(key.slice(0, 100))}]`;
    const array = arrayOf(aTensor(value, place), place);
    const { dtype, shape } = array;
    arrays.set(key, { dtype, type: dtype, shape, byteLength: storedBytes(dtype, shape), read: async () => array });
  }
  return {
    arrays,
    metadata: new Map(file.run === undefined ? [] : [["hebb.run", JSON.stringify(file.run)]]),
    notes: [],
    close: () => source.close(),
  };
}
