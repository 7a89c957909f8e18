// Files of arrays made by the official packages (figures.py): every element type and shape, bit for bit, read, written and read again.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  memorySource,
  type OpenedFile,
  openSource,
  readNpy,
  readNpz,
  readSafetensors,
  readTorch,
  type StoredArray,
  type StoredDType,
  store,
  storedDTypes,
  widen,
  writeNpy,
  writeNpz,
  writeSafetensors,
  writeTorch,
} from "../../../src/formats/index.ts";
import { openFile } from "../../../src/formats/node.ts";
import {
  bfloat16,
  encodeFloat,
  float4e2m1,
  float6e2m3,
  float6e3m2,
  float8e4m3,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float16,
  type SmallFloat,
  tableOf,
} from "../../../src/formats/stored/smallFloats.ts";
import { HebbError } from "../../../src/graph/errors.ts";

interface Told {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly hex: string;
}

interface Figures {
  readonly all: Readonly<Record<string, Told>>;
  readonly npz: Readonly<Record<string, string>>;
  readonly odd: Readonly<Record<string, Told>>;
  readonly gguf: Readonly<Record<string, { shape: number[]; sha256: string; first?: number[] }>>;
  readonly floats: Readonly<Record<string, { decode: string; encode?: string; probes?: number }>>;
}

const here = fileURLToPath(new URL(".", import.meta.url));
const pathOf = (name: string): string => `${here}files/${name}`;
const bytesOf = (name: string): Uint8Array => readFileSync(pathOf(name));
const figures = JSON.parse(readFileSync(`${here}figures.json`, "utf8")) as Figures;
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const told = ({ dtype, shape, bytes }: StoredArray): Told => ({ dtype, shape, hex: hexOf(bytes) });
const allTold = (arrays: Readonly<Record<string, StoredArray>>): Record<string, Told> =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, told(array)]));
const all: Readonly<Record<string, StoredArray>> = Object.fromEntries(
  Object.entries(figures.all).map(([name, { dtype, shape, hex }]) => [
    name,
    { dtype, shape, bytes: Uint8Array.from(Buffer.from(hex, "hex")) },
  ]),
);

async function contents(file: OpenedFile): Promise<Record<string, Told>> {
  const out: Record<string, Told> = {};
  for (const [name, array] of file.arrays) out[name] = told(await array.read());
  await file.close();
  return out;
}

describe("every element type in every shape", () => {
  test("the figures have a scalar, an empty array and 5 dims of every type that PyTorch has", () => {
    expect(Object.keys(figures.all).length).toBe(18 * 5);
  });

  test("safetensors, as written by the package", async () => {
    const { tensors, metadata } = readSafetensors(bytesOf("all.safetensors"), { keep: true });
    expect(allTold(tensors)).toEqual(figures.all);
    expect({ ...metadata }).toEqual({ note: "größe" });
    expect(await contents(await openFile(pathOf("all.safetensors")))).toEqual(figures.all);
  });

  test("PyTorch, as written by torch.save", async () => {
    expect(allTold(await readTorch(bytesOf("all.pt"), { keep: true }))).toEqual(figures.all);
    expect(await contents(await openFile(pathOf("all.pt")))).toEqual(figures.all);
  });

  test("npz, in both byte orders and both memory orders", async () => {
    const arrays = await readNpz(bytesOf("all.npz"), { keep: true });
    const opened = await contents(await openFile(pathOf("all.npz")));
    expect(Object.keys(arrays).length).toBe(13 * 5 * 4);
    for (const [name, from] of Object.entries(figures.npz)) {
      expect(told(arrays[name] as StoredArray), name).toEqual(figures.all[from]);
      expect(opened[name], name).toEqual(figures.all[from]);
    }
  });

  test("safetensors and PyTorch, written and read back, bit for bit", async () => {
    expect(allTold(readSafetensors(writeSafetensors(all), { keep: true }).tensors)).toEqual(figures.all);
    expect(allTold(await readTorch(writeTorch(all), { keep: true }))).toEqual(figures.all);
  });

  test("npy and npz, written and read back, bit for bit; types that NumPy lacks are refused by name", async () => {
    const lacking = new Set<string>();
    const held: Record<string, StoredArray> = {};
    for (const [name, array] of Object.entries(all)) {
      try {
        expect(told(readNpy(writeNpy(array), { keep: true }))).toEqual(figures.all[name]);
        held[name] = array;
      } catch (error) {
        expect(String(error)).toContain(`NumPy has no dtype ${array.dtype}`);
        lacking.add(array.dtype);
      }
    }
    expect([...lacking].sort()).toEqual(["BF16", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ"]);
    expect(allTold(await readNpz(writeNpz(held), { keep: true }))).toEqual(allTold(held));
  });

  test("safetensors keeps types of less than a byte", () => {
    const small: Record<string, StoredArray> = {
      f4: { dtype: "F4", shape: [2, 3, 1], bytes: Uint8Array.of(0x21, 0x43, 0xf5) },
      f6: { dtype: "F6_E2M3", shape: [4], bytes: Uint8Array.of(1, 2, 3) },
      f6b: { dtype: "F6_E3M2", shape: [0], bytes: new Uint8Array(0) },
      e8: { dtype: "F8_E8M0", shape: [], bytes: Uint8Array.of(127) },
    };
    expect(allTold(readSafetensors(writeSafetensors(small), { keep: true }).tensors)).toEqual(allTold(small));
    expect(Array.from(widen(small["f4"] as StoredArray).data)).toEqual([0.5, 1, 1.5, 2, 3, -6]);
    expect(Array.from(widen(small["e8"] as StoredArray).data)).toEqual([1]);
    const odd = { dtype: "F4", shape: [3], bytes: Uint8Array.of(1, 2) } as const;
    expect(() => writeSafetensors({ odd })).toThrow(/has 2 bytes, its shape \[3\] of F4 needs 1\.5/);
  });
});

describe("safetensors in several files", () => {
  test.each(["sharded", "sharded/model.safetensors.index.json"])("%s", async (name) => {
    const file = await openFile(pathOf(name));
    expect(file.kind).toBe("shards");
    expect(file.arrays.size).toBe(16);
    for (const [key, value] of Object.entries(await contents(file))) expect(value, key).toEqual(figures.all[key]);
  });
});

describe("npy", () => {
  test.each([1, 2, 3])("version %i, column-major and big-endian", (version) => {
    expect(readNpy(bytesOf(`version${version}.npy`))).toEqual({
      dtype: "int16",
      shape: [2, 3, 4],
      data: Int16Array.from({ length: 24 }, (_, i) => i),
    });
  });

  test.each([
    ["text", /"<U2": texts/],
    ["bytes", /"\|S1": texts/],
    ["objects", /"\|O": Python objects, which are never read/],
    ["complex128", /"<c16": complex numbers/],
    ["dates", /"<M8\[D\]": dates/],
    ["records", /records and objects cannot/],
  ])("refuses %s by name", (name, message) => {
    expect(() => readNpy(bytesOf(`refused-${name}.npy`), { keep: true })).toThrow(message);
  });

  test("complex numbers are kept, and refused where they would be widened", () => {
    const bytes = writeNpy({ dtype: "C64", shape: [1], bytes: new Uint8Array(8) });
    expect(readNpy(bytes, { keep: true }).dtype).toBe("C64");
    expect(() => readNpy(bytes)).toThrow(/complex values have no tensor dtype/);
  });
});

describe("PyTorch", () => {
  test.each(["odd.pt", "legacy.pt"])("windows, shared values, parameters and nested dicts of %s", async (name) => {
    const file = await openFile(pathOf(name));
    expect(file.metadata.get("nested.epoch")).toBe("7");
    expect(file.metadata.get("nested.big")).toBe(String(2n ** 70n));
    expect(file.metadata.get("nested.none")).toBe("None");
    expect(file.notes.join()).toMatch(/tensors share their values/);
    expect(await contents(file)).toEqual(figures.odd);
  });

  test.each(["protocol3", "protocol4", "protocol5", "unchecked"])("%s", async (name) => {
    const arrays = await readTorch(bytesOf(`${name}.pt`));
    expect(arrays["a"]).toEqual({
      dtype: "float32",
      shape: [4, 6],
      data: Float32Array.from({ length: 24 }, (_, i) => i),
    });
  });
});

describe("GGUF", () => {
  test("every type that hebb reads gives the numbers of the gguf package, to the last bit", async () => {
    const file = await openFile(pathOf("all.gguf"));
    expect([...file.arrays.keys()].sort()).toEqual(Object.keys(figures.gguf).sort());
    for (const [name, array] of file.arrays) {
      const { bytes, shape } = await array.read();
      const { sha256: digest, shape: expected, first } = figures.gguf[name] ?? { sha256: "", shape: [] };
      expect(shape, name).toEqual(expected);
      if (first !== undefined) expect(Array.from(new Float32Array(bytes.slice(0, 16).buffer)), name).toEqual(first);
      expect(sha256(bytes), name).toBe(digest);
    }
    expect(Object.fromEntries(file.metadata)).toMatchObject({
      "general.name": "größe",
      "some.count": "7",
      "some.rate": "0.5",
      "some.flag": "true",
      "some.words": "40 values of type string",
      "some.numbers": "[1, 2, 3]",
    });
    await file.close();
  });

  test("a file in memory opens like one on disk", async () => {
    const file = await openSource(memorySource(bytesOf("all.gguf"), "m.gguf"));
    expect(file.arrays.get("Q4_K")?.type).toBe("Q4_K");
  });
});

describe("HDF5, as written by Keras", () => {
  test.each(["model.weights.h5", "model.keras"])("%s", async (name) => {
    const file = await openFile(pathOf(name));
    const read = await contents(file);
    const floats = (...values: number[]): string => hexOf(new Uint8Array(Float32Array.from(values).buffer));
    expect(Object.keys(read).sort()).toEqual([
      "layers.count.vars.0",
      "layers.dense.vars.0",
      "layers.dense.vars.1",
      "layers.dense_1.vars.0",
    ]);
    expect(read["layers.dense.vars.0"]).toEqual({ dtype: "F32", shape: [2, 3], hex: floats(0, 1, 2, 3, 4, 5) });
    expect(read["layers.dense.vars.1"]).toEqual({ dtype: "F16", shape: [3], hex: "0000003c0040" });
    expect(read["layers.dense_1.vars.0"]).toEqual({
      dtype: "F32",
      shape: [30, 20],
      hex: floats(...Array.from({ length: 600 }, (_, i) => i)),
    });
    expect(read["layers.count.vars.0"]).toEqual({ dtype: "I64", shape: [], hex: "0000000000010000" });
    expect(file.metadata.get("metadata") ?? "{}").toBe(name.endsWith("keras") ? '{"keras_version": "3.8.0"}' : "{}");
  });
});

const formats: Readonly<Record<string, SmallFloat>> = {
  F16: float16,
  BF16: bfloat16,
  F8_E4M3: float8e4m3,
  F8_E5M2: float8e5m2,
  F8_E4M3FNUZ: float8e4m3fnuz,
  F8_E5M2FNUZ: float8e5m2fnuz,
  F6_E2M3: float6e2m3,
  F6_E3M2: float6e3m2,
  F4: float4e2m1,
};

/** All values, the midpoints between them, the neighbours of both, and numbers beyond the largest, as in figures.py. */
function probes(format: SmallFloat): Float32Array {
  const finite = [...new Set(tableOf(format).filter(Number.isFinite).map(Math.abs))].sort((a, b) => a - b);
  const top = finite.at(-1) ?? 0;
  const step = top - (finite.at(-2) ?? 0);
  const middles = finite.slice(1).map((value, i) => (value + (finite[i] as number)) / 2);
  const first = Float32Array.from([
    ...finite,
    ...middles,
    ...[0.25, 0.5, 0.75, 1, 4].map((k) => top + step * k),
    Number.POSITIVE_INFINITY,
  ]);
  const bits = new Int32Array(first.buffer);
  const moved = (by: number): Float32Array => new Float32Array(bits.map((value) => value + by).buffer);
  const down = moved(-1).map((value, i) => (first[i] === 0 ? 0 : value));
  const up = moved(1).map((value, i) => (first[i] === Number.POSITIVE_INFINITY ? first[i] : value) as number);
  const positive = [...first, ...down, ...up];
  return Float32Array.from([...positive, ...positive.map((value) => -value)]);
}

describe("small floats", () => {
  test.each(Object.entries(formats))("every pattern of %s is the number that NumPy gives", (name, format) => {
    const table = Float32Array.from(tableOf(format), (value) => (Number.isNaN(value) ? Number.NaN : value));
    expect(sha256(new Uint8Array(table.buffer))).toBe(figures.floats[name]?.decode);
  });

  test.each(Object.entries(formats))(
    "numbers are rounded to the nearest %s, ties to even, as in PyTorch",
    (name, format) => {
      const values = probes(format);
      const codes = format.bits === 16 ? new Uint16Array(values.length) : new Uint8Array(values.length);
      for (const [i, value] of values.entries()) codes[i] = encodeFloat(format, value);
      expect(values.length).toBe(figures.floats[name]?.probes);
      expect(sha256(new Uint8Array(codes.buffer))).toBe(figures.floats[name]?.encode);
    },
  );

  test.each(Object.entries(formats))("every pattern of %s survives the way through float32", (_, format) => {
    for (const [code, value] of tableOf(format).entries())
      if (!Number.isNaN(value)) expect(encodeFloat(format, value)).toBe(code);
      else if (format.special !== "finite") expect(tableOf(format)[encodeFloat(format, value)]).toBeNaN();
  });

  test("an array is stored under any type, and widened again", () => {
    const data = Float32Array.of(0, 1, -2, 0.5);
    for (const dtype of storedDTypes.filter((name) => name in formats)) {
      const stored = store({ dtype: "float32", shape: [4], data }, dtype);
      expect(widen(stored).data, dtype).toEqual(data);
    }
    expect(() => store({ dtype: "float32", shape: [1], data: Float32Array.of(0.5) }, "I8")).toThrow(HebbError);
    expect(() => store({ dtype: "int32", shape: [1], data: Int32Array.of(300) }, "U8")).toThrow("300 does not fit U8");
  });
});
