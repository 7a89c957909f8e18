// GGML's block quantisations (github.com/ggml-org/ggml, ggml-common.h): blocks of integers with shared scales, converted to float32.
// Every product and sum is rounded to float32, as in the gguf package.
import { float16, tableOf } from "../stored/smallFloats.ts";

/** The layout of a block in a file, and its conversion to numbers. */
export interface Block {
  readonly values: number;
  readonly bytes: number;
  /** Decodes the block at offset `at` of the view into `out`, from index `to` on. */
  decode(view: DataView, at: number, out: Float32Array, to: number): void;
}

const halves = tableOf(float16);
const half = (view: DataView, at: number): number => halves[view.getUint16(at, true)] as number;
const round = Math.fround;

/** One of 32 4-bit values: first the lower halves of 16 bytes, then the upper ones. */
const nibble = (view: DataView, at: number, i: number): number =>
  i < 16 ? view.getUint8(at + i) & 15 : view.getUint8(at + i - 16) >> 4;

const bit = (view: DataView, at: number, i: number): number => (view.getUint32(at, true) >>> i) & 1;

const q4_0: Block = {
  values: 32,
  bytes: 18,
  decode(view, at, out, to) {
    const d = half(view, at);
    for (let i = 0; i < 32; i++) out[to + i] = d * (nibble(view, at + 2, i) - 8);
  },
};

const q4_1: Block = {
  values: 32,
  bytes: 20,
  decode(view, at, out, to) {
    const [d, m] = [half(view, at), half(view, at + 2)];
    for (let i = 0; i < 32; i++) out[to + i] = round(d * nibble(view, at + 4, i)) + m;
  },
};

const q5_0: Block = {
  values: 32,
  bytes: 22,
  decode(view, at, out, to) {
    const d = half(view, at);
    for (let i = 0; i < 32; i++) out[to + i] = d * ((nibble(view, at + 6, i) | (bit(view, at + 2, i) << 4)) - 16);
  },
};

const q5_1: Block = {
  values: 32,
  bytes: 24,
  decode(view, at, out, to) {
    const [d, m] = [half(view, at), half(view, at + 2)];
    for (let i = 0; i < 32; i++) out[to + i] = round(d * (nibble(view, at + 8, i) | (bit(view, at + 4, i) << 4))) + m;
  },
};

const q8_0: Block = {
  values: 32,
  bytes: 34,
  decode(view, at, out, to) {
    const d = half(view, at);
    for (let i = 0; i < 32; i++) out[to + i] = view.getInt8(at + 2 + i) * d;
  },
};

const q2_K: Block = {
  values: 256,
  bytes: 84,
  decode(view, at, out, to) {
    const [d, least] = [half(view, at + 80), half(view, at + 82)];
    for (let i = 0; i < 256; i++) {
      const scale = view.getUint8(at + (i >> 4));
      const q = (view.getUint8(at + 16 + (i >> 7) * 32 + (i & 31)) >> (2 * ((i >> 5) & 3))) & 3;
      out[to + i] = round(round(d * (scale & 15)) * q) - round(least * (scale >> 4));
    }
  },
};

/** The 6-bit scale of 16 values of a q3_K block: the lower bits are in 8 bytes, the upper ones in 4. */
function scale3(view: DataView, at: number, group: number): number {
  const low = (view.getUint8(at + (group & 7)) >> (4 * (group >> 3))) & 15;
  const high = (view.getUint8(at + 8 + (group & 3)) >> (2 * (group >> 2))) & 3;
  return (low | (high << 4)) - 32;
}

const q3_K: Block = {
  values: 256,
  bytes: 110,
  decode(view, at, out, to) {
    const d = half(view, at + 108);
    for (let i = 0; i < 256; i++) {
      const low = (view.getUint8(at + 32 + (i >> 7) * 32 + (i & 31)) >> (2 * ((i >> 5) & 3))) & 3;
      // A zero bit subtracts.
      const high = (view.getUint8(at + (i & 31)) >> (i >> 5)) & 1;
      out[to + i] = round(d * scale3(view, at + 96, i >> 4)) * (low - 4 * (1 - high));
    }
  },
};

/** The 6-bit scale and minimum of 32 values of a q4_K or q5_K block: twelve bytes hold eight of each. */
function scaleAndLeast(view: DataView, at: number, group: number): readonly [number, number] {
  const byte = (i: number): number => view.getUint8(at + i);
  if (group < 4) return [byte(group) & 63, byte(group + 4) & 63];
  const both = byte(group + 4);
  return [(both & 15) | ((byte(group - 4) >> 2) & 48), (both >> 4) | ((byte(group) >> 2) & 48)];
}

/** Dequantizes 32 values of a q4_K or q5_K block, given by `q`. */
function scaled(view: DataView, at: number, group: number, q: (i: number) => number): (i: number) => number {
  const [scale, least] = scaleAndLeast(view, at + 4, group);
  const d = round(half(view, at) * scale);
  const m = round(half(view, at + 2) * least);
  return (i) => round(d * q(i)) - m;
}

const q4_K: Block = {
  values: 256,
  bytes: 144,
  decode(view, at, out, to) {
    for (let group = 0; group < 8; group++) {
      const from = at + 16 + (group >> 1) * 32;
      const value = scaled(view, at, group, (i) => (view.getUint8(from + i) >> (4 * (group & 1))) & 15);
      for (let i = 0; i < 32; i++) out[to + group * 32 + i] = value(i);
    }
  },
};

const q5_K: Block = {
  values: 256,
  bytes: 176,
  decode(view, at, out, to) {
    for (let group = 0; group < 8; group++) {
      const from = at + 48 + (group >> 1) * 32;
      const value = scaled(
        view,
        at,
        group,
        (i) =>
          ((view.getUint8(from + i) >> (4 * (group & 1))) & 15) | (((view.getUint8(at + 16 + i) >> group) & 1) << 4),
      );
      for (let i = 0; i < 32; i++) out[to + group * 32 + i] = value(i);
    }
  },
};

const q6_K: Block = {
  values: 256,
  bytes: 210,
  decode(view, at, out, to) {
    const d = half(view, at + 208);
    for (let i = 0; i < 256; i++) {
      const [part, place] = [i >> 7, i & 127];
      const low = (view.getUint8(at + part * 64 + (place & 63)) >> (4 * (place >> 6))) & 15;
      const high = (view.getUint8(at + 128 + part * 32 + (place & 31)) >> (2 * (place >> 5))) & 3;
      out[to + i] = round(d * view.getInt8(at + 192 + (i >> 4))) * ((low | (high << 4)) - 32);
    }
  },
};

/** Blocks by their type code in a file. */
export const blocks: ReadonlyMap<number, Block> = new Map([
  [2, q4_0],
  [3, q4_1],
  [6, q5_0],
  [7, q5_1],
  [8, q8_0],
  [10, q2_K],
  [11, q3_K],
  [12, q4_K],
  [13, q5_K],
  [14, q6_K],
]);

/** Dequantizes an array of whole blocks. */
export function dequantize(block: Block, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / block.bytes;
  const out = new Float32Array(count * block.values);
  for (let i = 0; i < count; i++) block.decode(view, i * block.bytes, out, i * block.values);
  return out;
}
