// Random damage to every format: a reader either succeeds or throws HebbError, never a bare error, never a hang.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseCsv } from "../data/csv.ts";
import { fitPreprocessing } from "../data/fitting.ts";
import { formatIdx, readIdx } from "../data/idx.ts";
import { iris } from "../data/iris.ts";
import { applyPreprocessing } from "../data/preprocess.ts";
import { Random } from "../data/random.ts";
import { HebbError } from "../graph/errors.ts";
import { parseJson, toJson } from "./json.ts";
import { readNpy } from "./npy.ts";
import { readNpz } from "./npz.ts";
import { checkPreprocessing } from "./preprocessingJson.ts";
import { readSafetensors } from "./safetensors.ts";

const golden = (name: string): Uint8Array => readFileSync(new URL(`./golden/${name}`, import.meta.url));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const idx = formatIdx({ dtype: "uint8", shape: [3, 2, 2], data: new Uint8Array(12) });
const preprocessing = fitPreprocessing(iris(), { target: "species" });

/** Bytes with one to four of them changed, dropped, duplicated or truncated. */
function damage(whole: Uint8Array, random: Random): Uint8Array {
  let bytes = Array.from(whole);
  for (let times = 1 + random.integer(4); times > 0; times--) {
    const at = random.integer(bytes.length + 1);
    switch (random.integer(5)) {
      case 0:
        bytes.splice(at, 1);
        break;
      case 1:
        bytes.splice(at, 0, ...bytes.slice(at, at + random.integer(9)));
        break;
      case 2:
        bytes = bytes.slice(0, Math.max(1, at));
        break;
      default:
        if (at < bytes.length) bytes[at] = random.integer(256);
    }
  }
  return Uint8Array.from(bytes);
}

describe("damaged input gives a result or a HebbError", () => {
  test.each<[string, Uint8Array, (bytes: Uint8Array) => unknown]>([
    ["safetensors", golden("reference.safetensors"), (bytes) => readSafetensors(bytes)],
    ["npy", golden("column_major.npy"), (bytes) => readNpy(bytes)],
    ["npz", golden("reference.npz"), (bytes) => readNpz(bytes, { maxBytes: 1e7 })],
    ["IDX", idx, (bytes) => readIdx(bytes)],
    ["IDX in gzip", gzipSync(idx), (bytes) => readIdx(bytes)],
    [
      "CSV, fitted and applied",
      text(`a,b,"c d"\n${'1,x,"y, z"\n2.5,w,"y"\n'.repeat(6)}`),
      (bytes) => {
        const table = parseCsv(bytes);
        table.describe();
        return applyPreprocessing(fitPreprocessing(table, { target: table.columnNames[1] ?? "b" }), table);
      },
    ],
    [
      "preprocessing.json",
      text(JSON.stringify(preprocessing)),
      (bytes) => {
        const value = checkPreprocessing(parseJson(new TextDecoder().decode(bytes), "p.json"), "p.json:");
        return value.kind === "table" ? applyPreprocessing(value, iris()) : value;
      },
    ],
  ])("%s", async (_, whole, read) => {
    await read(whole);
    const random = new Random(1);
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const bytes = damage(whole, random);
      try {
        await read(bytes);
      } catch (error) {
        refused++;
        expect(error, `seed 1, case ${i}: ${String(error)}`).toBeInstanceOf(HebbError);
      }
    }
    expect(refused).toBeGreaterThan(30);
  });

  test("very deep JSON, and names from Object.prototype", () => {
    expect(() => toJson(JSON.parse("[".repeat(5000) + "]".repeat(5000)), "x")).toThrow(/nested more than 200 deep/);
    const read = toJson(JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}'), "x");
    expect(JSON.stringify(read)).toBe('{"__proto__":{"polluted":1},"constructor":2}');
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    expect(() => toJson({ f: new Float32Array(2) }, "config")).toThrow(
      /config\.f is Float32Array, which JSON cannot hold/,
    );
  });
});
