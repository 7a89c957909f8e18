// Safetensors and NumPy files: files made by the Python packages, round trips, and every kind of error.
import { readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { HebbError } from "../graph/errors.ts";
import { Linear } from "../nn/index.ts";
import { tensor } from "../tensor/index.ts";
import type { HostArray, NamedArrays } from "./host.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { readNpz, writeNpz } from "./npz.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { writeTorch } from "./torch/index.ts";
import { crc32 } from "./zip/crc32.ts";
import { writeZip } from "./zip/write.ts";

const golden = (name: string): Uint8Array => readFileSync(new URL(`./golden/${name}`, import.meta.url));
const f32 = (shape: number[], ...values: number[]): HostArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

const reference: NamedArrays = {
  weight: f32([2, 2], 0.5, -1.25, 3e-8, 1e30),
  wide: { dtype: "float64", shape: [3], data: Float64Array.of(Math.PI, -0, Number.POSITIVE_INFINITY) },
  count: { dtype: "int32", shape: [], data: Int32Array.of(7) },
  long: { dtype: "int32", shape: [1, 2], data: Int32Array.of(-1, 2 ** 31 - 1) },
  half: f32([3], 1.5, -0.00006097555160522461, 65504),
  small: { dtype: "int8", shape: [2], data: Int8Array.of(-128, 127) },
  bytes: { dtype: "uint8", shape: [2], data: Uint8Array.of(0, 255) },
  flags: { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
  empty: f32([0, 4]),
  ["__proto__"]: f32([1], 1),
};
const without = (arrays: NamedArrays, ...names: string[]): NamedArrays =>
  Object.fromEntries(Object.entries(arrays).filter(([name]) => !names.includes(name)));

describe("safetensors", () => {
  test("reads the Python package's output, under any names", () => {
    const { tensors, metadata } = readSafetensors(golden("reference.safetensors"));
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(reference).sort());
    for (const name of Object.keys(reference)) expect(tensors[name], name).toEqual(reference[name]);
    expect({ ...metadata }).toEqual({ format: "np", note: "größe" });
    expect(Object.getPrototypeOf(tensors)).toBeNull();
  });

  test("round trips are exact to the bit, from any offset in memory", () => {
    const bytes = writeSafetensors(reference, { a: "b" });
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    for (const source of [bytes, shifted.subarray(3)]) {
      const read = readSafetensors(source);
      for (const name of Object.keys(reference)) expect(read.tensors[name], name).toEqual(reference[name]);
      expect({ ...read.metadata }).toEqual({ a: "b" });
    }
    expect(readSafetensors(writeSafetensors({})).tensors).toEqual({});
  });

  test("a state dict can be written directly, as safetensors and as npz", async () => {
    const model = new Linear(2, 3);
    const state = model.stateDict();
    const other = new Linear(2, 3);
    for (const read of [readSafetensors(writeSafetensors(state)).tensors, await readNpz(writeNpz(state))]) {
      other.loadStateDict(read);
      expect(other.weight.dataSync()).toEqual(model.weight.dataSync());
    }
    const mixed = { mean: tensor([1, 2]), flags: tensor([1, 0]).gt(0), weight: reference["weight"] ?? f32([]) };
    expect(readSafetensors(writeSafetensors(mixed)).tensors["flags"]).toEqual({
      dtype: "bool",
      shape: [2],
      data: Uint8Array.of(1, 0),
    });
    expect(readNpy(writeNpy(tensor([[1, 2]])))).toEqual(f32([1, 2], 1, 2));
  });

  test("the data begin at a multiple of 8, with the widest types first", () => {
    const bytes = writeSafetensors({
      b: { dtype: "uint8", shape: [1], data: Uint8Array.of(1) },
      a: { dtype: "float64", shape: [1], data: Float64Array.of(2) },
    });
    const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(start % 8).toBe(0);
    expect(new DataView(bytes.buffer).getFloat64(start, true)).toBe(2);
  });

  /** A file with this header and this many bytes of data. */
  const file = (header: string, dataBytes: number, announced?: bigint): Uint8Array => {
    const text = new TextEncoder().encode(header);
    const out = new Uint8Array(8 + text.length + dataBytes);
    new DataView(out.buffer).setBigUint64(0, announced ?? BigInt(text.length), true);
    out.set(text, 8);
    return out;
  };
  const one = (entry: unknown, dataBytes = 4): Uint8Array => file(JSON.stringify({ t: entry }), dataBytes);
  const whole = writeSafetensors({ t: f32([2], 1, 2) });

  test.each<[string, Uint8Array, RegExp]>([
    ["an empty file", new Uint8Array(0), /m\.st has 0 bytes, too few/],
    ["a header longer than the file", file("{}", 0, 3n), /declares a header of 3 bytes but has 2/],
    [
      "an enormous header",
      file("{}", 0, 2n ** 63n),
      /declares a header of 9223372036854776000 bytes, more than 100000000/,
    ],
    ["a header that is not JSON", file("{t", 0), /header that is not JSON/],
    ["a header that is not UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), /header that is not JSON/],
    ["a header that is a list", file("[]", 0), /not a JSON object/],
    ["a deeply nested header", file("[".repeat(200_000), 0), /nested more than 100 deep/],
    ["an entry that is not an object", one(5), /tensor "t" is not described by an object/],
    [
      "an unknown dtype",
      one({ dtype: "F9", shape: [4], data_offsets: [0, 4] }),
      /dtype "F9", which cannot be read; convert it/,
    ],
    [
      "a dtype from Object.prototype",
      one({ dtype: "constructor", shape: [4], data_offsets: [0, 4] }),
      /dtype "constructor"/,
    ],
    ["a negative size", one({ dtype: "F32", shape: [-1], data_offsets: [0, 4] }), /shape \[-1\], not a list/],
    ["a fractional size", one({ dtype: "F32", shape: [1.5], data_offsets: [0, 4] }), /shape \[1\.5\]/],
    [
      "a thousand sizes",
      one({ dtype: "F32", shape: new Array(1000).fill(1), data_offsets: [0, 4] }),
      /list of up to 32 sizes/,
    ],
    [
      "a size whose bytes overflow",
      one({ dtype: "F32", shape: [2 ** 40, 2 ** 40], data_offsets: [0, 4] }),
      /needs 4\.8\d+e\+24 bytes, its offsets hold 4/,
    ],
    [
      "offsets beyond the end",
      one({ dtype: "F32", shape: [2], data_offsets: [0, 8] }),
      /offsets \[0,8\], outside the 4 bytes of data/,
    ],
    ["offsets reversed", one({ dtype: "F32", shape: [1], data_offsets: [4, 0] }), /offsets \[4,0\]/],
    ["negative offsets", one({ dtype: "F32", shape: [1], data_offsets: [-4, 0] }), /offsets \[-4,0\]/],
    ["offsets that are texts", one({ dtype: "F32", shape: [1], data_offsets: ["0", "4"] }), /offsets \["0","4"\]/],
    [
      "a size that does not match",
      one({ dtype: "F32", shape: [3], data_offsets: [0, 4] }),
      /needs 12 bytes, its offsets hold 4/,
    ],
    [
      "overlapping tensors",
      file(
        JSON.stringify({
          a: { dtype: "U8", shape: [3], data_offsets: [0, 3] },
          b: { dtype: "U8", shape: [2], data_offsets: [2, 4] },
        }),
        4,
      ),
      /tensors overlap/,
    ],
    [
      "a gap",
      file(
        JSON.stringify({
          a: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
          b: { dtype: "U8", shape: [2], data_offsets: [2, 4] },
        }),
        4,
      ),
      /leave a gap/,
    ],
    [
      "bytes after the last tensor",
      one({ dtype: "U8", shape: [1], data_offsets: [0, 1] }),
      /has 4 bytes of data, its tensors cover 1/,
    ],
    ["truncated data", whole.subarray(0, whole.length - 1), /outside the 7 bytes of data; the file is truncated/],
    [
      "a name that occurs twice",
      file(
        '{"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\\u0074":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      /m\.st has a header that names "t" twice/,
    ],
    [
      "an entry described twice",
      file('{"t":{"dtype":"U8","shape":[4],"shape":[2,2],"data_offsets":[0,4]}}', 4),
      /names "shape" twice/,
    ],
    ["metadata that occur twice", file('{"__metadata__":{"a":"{","a":"\\""}}', 0), /names "a" twice/],
    ["metadata that is not text", file('{"__metadata__":{"a":1}}', 0), /__metadata__\.a is not a string/],
    ["an int64 too large", writeWide(2n ** 40n), /tensor "t": value 1099511627776 does not fit int32/],
  ])("refuses %s", (_, bytes, message) => {
    let thrown: unknown;
    try {
      readSafetensors(bytes, { name: "m.st" });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(HebbError);
    expect(String(thrown)).toMatch(message);
  });

  function writeWide(value: bigint): Uint8Array {
    const bytes = one({ dtype: "I64", shape: [1], data_offsets: [0, 8] }, 8);
    new DataView(bytes.buffer).setBigInt64(bytes.length - 8, value, true);
    return bytes;
  }

  test("accepts the same key in different objects, and brackets and quotes inside texts", () => {
    const metadata = { dtype: '"}{', "a:": '{"dtype":1,"dtype":2}', '"b"': "\\" };
    const arrays = { a: f32([1], 1), 'b":': f32([1], 2) };
    const read = readSafetensors(writeSafetensors(arrays, metadata));
    expect({ ...read.metadata }).toEqual(metadata);
    expect({ ...read.tensors }).toEqual(arrays);
  });

  test("refuses to write an unreadable file", () => {
    expect(() => writeSafetensors({ t: f32([3], 1) })).toThrow(/has 1 values, its shape \[3\] needs 3/);
    expect(() => writeSafetensors({ __metadata__: f32([1], 1) })).toThrow(/cannot be named "__metadata__"/);
    // A call that plain JavaScript can make: a model inside a list.
    expect(() => Reflect.apply(writeSafetensors, undefined, [{ t: new Linear(1, 1) }])).toThrow(
      'tensor "t" has no array of values; give tensors, as model.stateDict() holds them',
    );
  });
});

describe("npy", () => {
  test("reads NumPy's column-major big-endian int32", () => {
    expect(readNpy(golden("column_major.npy"))).toEqual({
      dtype: "int32",
      shape: [2, 3, 4],
      data: Int32Array.from({ length: 24 }, (_, i) => i),
    });
  });

  test("every numeric type in both byte orders and both memory orders, from NumPy", async () => {
    const kinds = await readNpz(golden("kinds.npz"));
    expect(Object.keys(kinds).length).toBe(34);
    for (const [kind, { dtype, shape, data }] of Object.entries(kinds)) {
      expect(shape, kind).toEqual([2, 3]);
      const float = kind.includes("f");
      const wide = kind.endsWith("f8");
      const tiny = wide ? 1e-7 : Math.fround(1e-7);
      // The float16 nearest to 1e-7 is two of its smallest steps.
      const small = kind.endsWith("f2") ? 2 * 2 ** -24 : tiny;
      const values = float
        ? [0, -0.5, small, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 65504]
        : kind === "?"
          ? [1, 0, 1, 0, 1, 1]
          : [0, 1, 2, 3, 100, 127];
      expect(Array.from(data), kind).toEqual(values);
      const expected = float
        ? wide
          ? "float64"
          : "float32"
        : kind === "?"
          ? "bool"
          : /u1$/.test(kind)
            ? "uint8"
            : /i1$/.test(kind)
              ? "int8"
              : /i2$/.test(kind)
                ? "int16"
                : "int32";
      expect(dtype, kind).toBe(expected);
    }
  });

  test("refuses whole numbers beyond int32, with their value", () => {
    const wide = (descr: string, bytes: readonly number[]): Uint8Array => {
      const empty = file(`{'descr': '${descr}', 'fortran_order': False, 'shape': (1,), }`, bytes.length);
      empty.set(bytes, empty.length - bytes.length);
      return empty;
    };
    expect(() => readNpy(wide("<u4", [0, 0, 0, 128]))).toThrow("value 2147483648 does not fit int32");
    expect(() => readNpy(wide("<i8", [0, 0, 0, 0, 1, 0, 0, 0]))).toThrow("value 4294967296 does not fit int32");
    expect(readNpy(wide(">i8", [255, 255, 255, 255, 128, 0, 0, 0])).data).toEqual(Int32Array.of(-(2 ** 31)));
  });

  test.each(Object.entries(without(reference, "half")))("%s survives a round trip", (_, array) => {
    const bytes = writeNpy(array);
    expect(readNpy(bytes)).toEqual(array);
    expect((10 + new DataView(bytes.buffer).getUint16(8, true)) % 64).toBe(0);
  });

  /** The bytes of an .npy file with this header. */
  const file = (header: string, data = 4): Uint8Array => {
    const out = new Uint8Array(10 + header.length + data);
    out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
    out.set(new TextEncoder().encode(header), 10);
    return out;
  };
  const whole = writeNpy(f32([2], 1, 2));
  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /a\.npy is not an \.npy file/],
    ["another format", new TextEncoder().encode("PK\u0003\u0004aaaaaaaaaa"), /is not an \.npy file/],
    ["a future version", Uint8Array.of(...whole.subarray(0, 6), 9, ...whole.subarray(7)), /is .npy version 9/],
    ["a header beyond the end", whole.subarray(0, 40), /header that ends at byte 128, but only 40 bytes/],
    ["pickled objects", file("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), /values of type "\|O"/],
    [
      "records",
      file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
      /records and objects cannot/,
    ],
    [
      "an expression as shape",
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }"),
      /without a plain descr/,
    ],
    [
      "an enormous shape",
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 9999999), }"),
      /needs .* bytes, there are 4/,
    ],
    ["truncated data", whole.subarray(0, whole.length - 1), /needs 8 bytes, there are 7/],
    ["too much data", Uint8Array.of(...whole, 0), /needs 8 bytes, there are 9/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readNpy(bytes, { name: "a.npy" })).toThrow(message);
    expect(() => readNpy(bytes)).toThrow(HebbError);
  });
});

describe("npz", () => {
  test("reads NumPy's compressed archive", async () => {
    const arrays = await readNpz(golden("reference.npz"));
    for (const name of Object.keys(reference)) if (name !== "half") expect(arrays[name], name).toEqual(reference[name]);
  });

  test("survives a round trip", async () => {
    const arrays = await readNpz(writeNpz(without(reference, "half")));
    expect({ ...arrays }).toEqual({ ...without(reference, "half") });
    expect(Object.keys(await readNpz(writeNpz({})))).toEqual([]);
  });

  test("every writer refuses a name that UTF-8 would change", () => {
    const halves = { "a\ud800": tensor([1]) };
    for (const write of [writeSafetensors, writeNpz, writeTorch])
      expect(() => write(halves)).toThrow(/the name "a\\ud800" is not text that a file can hold/);
    const whole = { "a😀": tensor([1]) };
    expect(Object.keys(readSafetensors(writeSafetensors(whole)).tensors)).toEqual(["a😀"]);
  });

  test("crc32 gives its published check value", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });

  const whole = writeNpz({ a: f32([2], 1, 2) });
  const changed = (at: number, value: number): Uint8Array => {
    const copy = whole.slice();
    copy[at < 0 ? copy.length + at : at] = value;
    return copy;
  };
  const central = whole.length - 22 - 46 - "a.npy".length;
  test.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /a\.npz is not an \.npz file, or it is truncated/],
    ["a truncated archive", whole.subarray(0, whole.length - 5), /or it is truncated/],
    ["a flipped value", changed(central - 1, 99), /array "a\.npy" is damaged: its checksum/],
    ["a directory outside", changed(-4, 255), /entry 1 of 1 lies outside the file/],
    ["more entries than there are", changed(-12, 9), /entry 2 of 9 lies outside/],
    ["an encrypted entry", changed(central + 8, 1), /is encrypted/],
    ["an unknown method", changed(central + 10, 12), /zip method 12/],
    ["sizes that differ though stored", changed(central + 24, 1), /declares \d+ bytes but stores/],
    ["data that does not inflate", changed(central + 10, 8), /does not unpack|declares|unpacks to|not an \.npy file/],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(readNpz(bytes, { name: "a.npz" })).rejects.toThrow(message);
    await expect(readNpz(bytes)).rejects.toBeInstanceOf(HebbError);
  });

  /** An archive of these files, with deflated contents. */
  const deflated = (files: readonly (readonly [string, Uint8Array])[]): Uint8Array => {
    const packed = files.map(([label, content]) => [label, content, deflateRawSync(content)] as const);
    const bytes = writeZip(packed.map(([label, , content]) => [label, content]));
    const view = new DataView(bytes.buffer);
    let at = view.getUint32(bytes.length - 6, true);
    for (const [label, content] of packed) {
      view.setUint16(at + 10, 8, true);
      view.setUint32(at + 16, crc32(content), true);
      view.setUint32(at + 24, content.length, true);
      at += 46 + label.length;
    }
    return bytes;
  };
  const zeros = (length: number): Uint8Array =>
    writeNpy({ dtype: "uint8", shape: [length], data: new Uint8Array(length) });

  test("the sizes in the directory are summed before unpacking, and entries that share one member are refused", async () => {
    // 400 names for one member of 4 MB: 1.6 GB from less than 40 KB.
    const one = deflated([["0.npy", zeros(4_000_000)]]);
    const start = new DataView(one.buffer).getUint32(one.length - 6, true);
    const entry = one.subarray(start, one.length - 22);
    const copies = Array.from({ length: 400 }, (_, k) => {
      const copy = Uint8Array.from(entry);
      copy.set(new TextEncoder().encode(`${String(k).padStart(1, "0").slice(-1)}.npy`), 46);
      return copy;
    });
    const end = Uint8Array.from(one.subarray(one.length - 22));
    const view = new DataView(end.buffer);
    view.setUint16(8, 400, true);
    view.setUint16(10, 400, true);
    view.setUint32(12, 400 * entry.length, true);
    const bomb = Buffer.concat([one.subarray(0, start), ...copies, end]);
    expect(bomb.length).toBeLessThan(40_000);
    const before = process.memoryUsage().arrayBuffers;
    await expect(readNpz(bomb, { name: "a.npz", maxBytes: 2 ** 31 - 1 })).rejects.toThrow(
      /a\.npz: array ".*" overlaps another entry/,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  });

  test("an array whose header declares another size is refused at its start", async () => {
    const lie = zeros(30_000_000);
    // The header declares 10 values, but thirty million follow.
    const text = new TextDecoder().decode(lie.subarray(10, 128));
    lie.set(new TextEncoder().encode(text.replace("30000000", "10      ")), 10);
    const bytes = deflated([["a.npy", lie]]);
    const before = process.memoryUsage().arrayBuffers;
    await expect(readNpz(bytes, { name: "a.npz" })).rejects.toThrow(
      /declares 30000128 bytes, but its header implies 138/,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5e6);
    const honest = await readNpz(
      deflated([
        ["a.npy", zeros(300_000)],
        ["b.npy", zeros(3)],
      ]),
    );
    expect([honest["a"]?.data.length, honest["b"]?.data.length]).toEqual([300_000, 3]);
  });

  test("a bomb is refused before and during unpacking", async () => {
    await expect(readNpz(whole, { maxBytes: 10 })).rejects.toThrow(/unpacks to more than 10 bytes/);
    const lie = whole.slice();
    // Method 8 (deflate), and 16 MB declared for a few bytes.
    lie[central + 10] = 8;
    lie[central + 27] = 1;
    await expect(readNpz(lie)).rejects.toThrow(
      /declares 16777352 bytes from 136 compressed ones, more than deflate can produce/,
    );
    // 100,000 bytes from an entry that still declares its earlier size.
    const packed = deflateRawSync(new Uint8Array(100_000));
    const bomb = whole.slice();
    bomb.set(packed, 30 + "a.npy".length);
    bomb[central + 10] = 8;
    new DataView(bomb.buffer).setUint32(central + 20, packed.length, true);
    await expect(readNpz(bomb)).rejects.toThrow(/unpacks to more than the 136 bytes it declares/);
  });
});
