// Hostile GGUF files.
import { type Hostile, joined, one, text, truncated, u32, u64 } from "./file.ts";

const str = (value: string): Uint8Array => joined(u64(text(value).length), text(value));
const head = (tensors: number | bigint, entries: number | bigint, version = 3): Uint8Array =>
  joined(text("GGUF"), u32(version), u64(tensors), u64(entries));
const info = (
  name: string,
  dims: readonly (number | bigint)[],
  type: number,
  offset: number | bigint = 0,
): Uint8Array => joined(str(name), u32(dims.length), ...dims.map(u64), u32(type), u64(offset));
const padded = (bytes: Uint8Array, data: number): Uint8Array =>
  joined(bytes, new Uint8Array((32 - (bytes.length % 32)) % 32), new Uint8Array(data));
const withTensors = (data: number, ...infos: readonly Uint8Array[]): Uint8Array =>
  padded(joined(head(infos.length, 0), ...infos), data);
const withEntry = (...parts: readonly Uint8Array[]): Uint8Array => padded(joined(head(0, 1), ...parts), 0);

const good = padded(joined(head(1, 1), str("k"), u32(8), str("value"), info("t", [4, 2], 0)), 32);

export const ggufFiles: readonly Hostile[] = [
  ...truncated("GGUF", good, 4, 8, 20, 24, 30, 45, 60, 90),
  one("GGUF of version 1", joined(text("GGUF"), u32(1), new Uint8Array(100)), /version 1/),
  one("GGUF of version 99", joined(text("GGUF"), u32(99), new Uint8Array(100)), /version 99/),
  one("GGUF, big-endian", joined(text("GGUF"), Uint8Array.of(0, 0, 0, 3), new Uint8Array(100)), /big-endian/),
  one("GGUF with 2^63 tensors", joined(head(2n ** 63n, 0), new Uint8Array(64)), /declares/),
  one("GGUF with 2^63 entries", joined(head(0, 2n ** 63n), new Uint8Array(64)), /declares/),
  one("GGUF with a million missing tensors", joined(head(1_000_000, 0), new Uint8Array(64)), /./),
  one("GGUF with a key of 2^63", withEntry(u64(2n ** 63n), text("k")), /length/),
  one("GGUF with a key of 4 GB", withEntry(u64(4_000_000_000), text("k")), /ends within/),
  one("GGUF with a text of 2^64 - 1", withEntry(str("k"), u32(8), u64(2n ** 64n - 1n)), /length/),
  one("GGUF with a list of 2^63", withEntry(str("k"), u32(9), u32(0), u64(2n ** 63n)), /length/),
  one("GGUF with a list of 4 billion numbers", withEntry(str("k"), u32(9), u32(12), u64(4_000_000_000)), /ends within/),
  one("GGUF with a list of 4 billion texts", withEntry(str("k"), u32(9), u32(8), u64(4_000_000_000)), /ends within/),
  one(
    "GGUF with lists in lists",
    withEntry(str("k"), ...Array.from({ length: 50 }, () => joined(u32(9), u64(1)))),
    /deep|unknown|length/,
  ),
  one(
    "GGUF with lists nested 50 deep",
    withEntry(str("k"), u32(9), ...Array.from({ length: 50 }, () => joined(u32(9), u64(1)))),
    /deep/,
  ),
  one("GGUF with metadata of an unknown type", withEntry(str("k"), u32(77), u64(1)), /unknown type 77/),
  one("GGUF with a list of an unknown type", withEntry(str("k"), u32(9), u32(77), u64(1)), /unknown type 77/),
  one(
    "GGUF with metadata twice",
    padded(joined(head(0, 2), str("k"), u32(4), u32(1), str("k"), u32(4), u32(1)), 0),
    /twice/,
  ),
  one(
    "GGUF with the alignment 0",
    padded(joined(head(0, 1), str("general.alignment"), u32(4), u32(0)), 0),
    /alignment 0/,
  ),
  one(
    "GGUF with the alignment 3",
    padded(joined(head(0, 1), str("general.alignment"), u32(4), u32(3)), 0),
    /alignment 3/,
  ),
  one(
    "GGUF with an alignment of a text",
    padded(joined(head(0, 1), str("general.alignment"), u32(8), str("x")), 0),
    /alignment/,
  ),
  one("GGUF with a tensor twice", withTensors(64, info("t", [4], 0), info("t", [4], 0, 32)), /twice/),
  one("GGUF with tensors that overlap", withTensors(64, info("a", [16], 0), info("b", [4], 0, 32)), /overlaps/),
  one("GGUF with two names for one place", withTensors(64, info("a", [4], 0), info("b", [4], 0)), /overlaps/),
  one("GGUF with a tensor past the end", withTensors(32, info("t", [100], 0)), /ends at byte/),
  one("GGUF with an offset of 2^63", withTensors(32, info("t", [4], 0, 2n ** 63n)), /ends at byte/),
  one("GGUF with a dim of 2^63", withTensors(32, info("t", [2n ** 63n], 0)), /ends at byte/),
  one("GGUF with dims that overflow", withTensors(32, info("t", [2n ** 32n, 2n ** 32n], 0)), /ends at byte/),
  one("GGUF with 2^32 - 1 dims", withTensors(32, joined(str("t"), u32(0xffffffff))), /dims/),
  one("GGUF with an offset between", withTensors(64, info("t", [4], 0, 7)), /no multiple of 32/),
  one("GGUF of an unknown type", withTensors(32, info("t", [4], 99)), /unknown type 99/),
  one("GGUF of a removed type", withTensors(32, info("t", [4], 4)), /unknown type 4/),
  one("GGUF of a quantisation that is not read", withTensors(99, info("t", [256], 16)), /IQ2_XXS/),
  one("GGUF with rows of part of a block", withTensors(32, info("t", [31], 2)), /no multiple of the 32/),
  one("GGUF with a scalar that is quantised", withTensors(32, info("t", [], 12)), /no multiple of the 256/),
];
