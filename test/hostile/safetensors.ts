// Hostile safetensors files, indices of shards, and JSON files of arrays.
import { type StoredArray, writeSafetensors } from "../../src/formats/index.ts";
import { writeJsonArrays } from "../../src/formats/jsonArrays.ts";
import { type Hostile, joined, one, text, truncated, u64 } from "./file.ts";

const two: Readonly<Record<string, StoredArray>> = {
  a: { dtype: "F32", shape: [2], bytes: new Uint8Array(8) },
  b: { dtype: "U8", shape: [3], bytes: new Uint8Array(3) },
};
const good = writeSafetensors(two);

const withHeader = (header: string, data = 0, length: number | bigint = text(header).length): Uint8Array =>
  joined(u64(length), text(header), new Uint8Array(data));

const entry = (value: unknown, data = 4): Uint8Array => withHeader(JSON.stringify({ t: value }), data);
const tensor = (dtype: unknown, shape: unknown, offsets: unknown): unknown => ({ dtype, shape, data_offsets: offsets });
const deep = (depth: number): string => '{"a":'.repeat(depth);

const single: readonly Hostile[] = [
  ...truncated("safetensors", good, 0, 1, 7, 8, 9, 40, good.length - 11),
  one("a header of 2^63 bytes", withHeader("{}", 0, 2n ** 63n)),
  one("a header of 2^64 - 1 bytes", withHeader("{}", 0, 2n ** 64n - 1n)),
  one("a header longer than the file", withHeader("{}", 0, 3), /after the length/),
  one("a missing header of 100 MB", withHeader("{}", 0, 100_000_000), /after the length/),
  one("a header that is nested 100,000 deep", withHeader(deep(100_000)), /nested more than/),
  one("a header of brackets", withHeader(`{"t":${"[".repeat(500_000)}`), /nested more than/),
  one("a header of millions of lists", withHeader(`{"t":[${"[],".repeat(2_000_000)}[]]}`), /lists and objects/),
  one("a header of millions of sizes", withHeader(`{"t":[${"1,".repeat(5_000_000)}1]}`), /commas/),
  one(
    "a header of a million notes",
    withHeader(`{"__metadata__":{${Array.from({ length: 2_200_000 }, (_, i) => `"${i}":""`).join()}}}`),
    /commas/,
  ),
  one("a header that is not UTF-8", joined(u64(3), Uint8Array.of(0x7b, 0xff, 0x7d)), /not JSON/),
  one("a tensor that is a number", entry(3), /not described by an object/),
  one("a tensor that is null", entry(null), /not described by an object/),
  one("no dtype", entry({ shape: [1], data_offsets: [0, 4] }), /dtype/),
  one("a dtype of Object.prototype", entry(tensor("toString", [1], [0, 4])), /dtype/),
  one("a dtype that is an object", entry(tensor({ a: 1 }, [1], [0, 4])), /dtype/),
  one("a shape of 2^63", entry(tensor("F32", [2 ** 63], [0, 4])), /not a list/),
  one("a shape whose product overflows", entry(tensor("F32", [2 ** 52, 2 ** 52], [0, 4])), /needs/),
  one("a shape whose product is 0 in 64 bits", entry(tensor("F32", [2 ** 32, 2 ** 32], [0, 0]), 0), /needs/),
  one("a negative shape", entry(tensor("F32", [-1], [0, 4])), /not a list/),
  one("a negative shape twice", entry(tensor("F32", [-1, -1], [0, 4])), /not a list/),
  one("a shape that is a text", entry(tensor("F32", "1", [0, 4])), /not a list/),
  one("a shape of fractions", entry(tensor("F32", [0.5, 2], [0, 4])), /not a list/),
  one("a shape with 1000 dims", entry(tensor("F32", new Array(1000).fill(1), [0, 4])), /up to 32/),
  one("offsets of 2^63", entry(tensor("F32", [1], [2 ** 63, 2 ** 63 + 4])), /outside/),
  one("negative offsets", entry(tensor("F32", [1], [-4, 0])), /outside/),
  one("offsets that run backwards", entry(tensor("F32", [1], [4, 0])), /outside/),
  one("three offsets", entry(tensor("F32", [1], [0, 4, 8])), /outside/),
  one("offsets that are null", entry(tensor("F32", [1], null)), /outside/),
  one(
    "tensors that overlap",
    withHeader(JSON.stringify({ a: tensor("U8", [3], [0, 3]), b: tensor("U8", [2], [2, 4]) }), 4),
    /overlap/,
  ),
  one(
    "a thousand names for the same bytes",
    withHeader(
      JSON.stringify(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`t${i}`, tensor("U8", [4], [0, 4])]))),
      4,
    ),
    /overlap/,
  ),
  one("a gap", withHeader(JSON.stringify({ b: tensor("U8", [2], [2, 4]) }), 4), /gap/),
  one("data that no tensor has", withHeader("{}", 4), /cover 0/),
  one("half a byte", entry(tensor("F4", [3], [0, 2]), 2), /needs 1\.5 bytes/),
  one(
    "a name twice",
    withHeader(
      '{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}',
      1,
    ),
    /twice/,
  ),
  one("metadata that is a number", withHeader('{"__metadata__":3}'), /not an object of strings/),
  one("metadata of objects", withHeader('{"__metadata__":{"a":{}}}'), /not a string/),
];

const shard = "model-1.safetensors";
const indexed = (
  map: unknown,
  more: Readonly<Record<string, Uint8Array>> = { [shard]: good },
): Readonly<Record<string, Uint8Array>> => ({
  "model.safetensors.index.json": text(JSON.stringify({ weight_map: map })),
  ...more,
});
const index = (name: string, map: unknown, says: RegExp, links?: Readonly<Record<string, string>>): Hostile => ({
  name: `an index with ${name}`,
  open: "model.safetensors.index.json",
  files: indexed(map),
  says,
  ...(links === undefined ? {} : { links }),
});

const sharded: readonly Hostile[] = [
  index("a shard in the folder above", { a: "../secret" }, /may lead out/),
  index("a shard far above", { a: "../../../../etc/passwd" }, /may lead out/),
  index("a way back in", { a: `x/../${shard}` }, /may lead out/),
  index("an absolute path", { a: "/etc/passwd" }, /may lead out/),
  index("a drive", { a: "C:\\secret" }, /may lead out/),
  index("backslashes", { a: "..\\secret" }, /may lead out/),
  index("a NUL in a name", { a: "a\0b" }, /may lead out/),
  index("an empty name", { a: "" }, /may lead out/),
  index("a name of 100,000 letters", { a: "a".repeat(100_000) }, /may lead out/),
  index("a missing shard", { a: "model-2.safetensors" }, /not in/),
  index("a shard that is the index", { a: "model.safetensors.index.json" }, /./),
  index("a tensor that its shard lacks", { z: shard }, /not in it/),
  index("a shard that is a number", { a: 3 }, /not a file name/),
  index("a list", [shard], /no weight_map/),
  index("a link out of the folder", { a: "out.safetensors" }, /symbolic link out/, {
    "out.safetensors": "/etc/passwd",
  }),
  index("a folder that leads out", { a: "sub/passwd" }, /symbolic link out/, { sub: "/etc" }),
  index("a link to itself", { a: "loop.safetensors" }, /link/, { "loop.safetensors": "loop.safetensors" }),
  index("a device behind a link", { a: "zero.safetensors" }, /symbolic link out/, { "zero.safetensors": "/dev/zero" }),
  {
    name: "an index with a tensor twice",
    open: "model.safetensors.index.json",
    files: {
      "model.safetensors.index.json": text(`{"weight_map":{"a":"${shard}","a":"${shard}"}}`),
      [shard]: good,
    },
    says: /twice/,
  },
  {
    name: "an index that is nested 100,000 deep",
    open: "i.index.json",
    files: { "i.index.json": text(`{"weight_map":${deep(100_000)}`) },
    says: /nested more than/,
  },
  one(
    "an index of a million tensors",
    text(`{"weight_map":{${Array.from({ length: 1_000_000 }, (_, i) => `"${i}":"a"`).join()}}}`),
    /commas/,
  ),
  { name: "a folder without weights", open: "", files: { "readme.txt": text("hi") }, says: /holds neither/ },
  {
    name: "a folder with two files",
    open: "",
    files: { "a.safetensors": good, "b.safetensors": good },
    says: /name one/,
  },
];

// Without the final line break.
const json = writeJsonArrays(two).subarray(0, -1);
const jsonOf = (tensors: unknown): Uint8Array => text(JSON.stringify({ format: "hebb-arrays", version: 1, tensors }));

const jsons: readonly Hostile[] = [
  ...truncated("JSON", json, 40, 60, 100),
  one(
    "JSON arrays nested 100,000 deep",
    text(`{"format":"hebb-arrays","tensors":${deep(100_000)}`),
    /nested more than/,
  ),
  one("JSON without tensors", text('{"format":"hebb-arrays","version":1}'), /holds no arrays/),
  one("JSON with a shape too large", jsonOf({ a: { dtype: "F32", shape: [2 ** 40], data: [1] } }), /needs/),
  one("JSON with a negative shape", jsonOf({ a: { dtype: "F32", shape: [-1], data: [] } }), /shape/),
  one("JSON with a text for a number", jsonOf({ a: { dtype: "F32", shape: [1], data: ["x"] } }), /must be a number/),
  one("JSON with an unknown dtype", jsonOf({ a: { dtype: "constructor", shape: [1], data: [1] } }), /dtype/),
  one("JSON with 300 as U8", jsonOf({ a: { dtype: "U8", shape: [1], data: [300] } }), /does not fit U8/),
  one(
    "JSON with 2^64 as U64",
    jsonOf({ a: { dtype: "U64", shape: [1], data: [String(2n ** 64n)] } }),
    /does not fit U64/,
  ),
];

export const safetensorsFiles: readonly Hostile[] = [...single, ...sharded, ...jsons];
