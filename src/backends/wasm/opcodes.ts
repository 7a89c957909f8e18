// The WebAssembly instructions that the backend uses, by name, grouped by their immediates.

/** Instructions without immediates, in code order, with their type in front; the key of each row is its first code. Codes above 0xff are a prefix byte and an index. */
// biome-ignore format: a table
const plainRows = {
  0: "unreachable nop",
  15: "return",
  26: "drop select",
  69: "i32: eqz eq ne lt_s lt_u gt_s",
  76: "i32: le_s",
  78: "i32: ge_s ge_u",
  84: "i64: lt_u",
  91: "f32: eq ne lt gt le ge",
  97: "f64: eq ne lt gt le ge",
  106: "i32: add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u",
  124: "i64: add sub mul",
  131: "i64: and or",
  134: "i64: shl shr_s shr_u",
  139: "f32: abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign",
  153: "f64: abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign",
  167: "i32: wrap_i64",
  172: "i64: extend_i32_s extend_i32_u",
  178: "f32: convert_i32_s",
  182: "f32: demote_f64",
  183: "f64: convert_i32_s",
  185: "f64: convert_i64_s convert_i64_u promote_f32",
  188: "i32: reinterpret_f32",
  189: "i64: reinterpret_f64",
  190: "f32: reinterpret_i32",
  191: "f64: reinterpret_i64",
  192: "i32: extend8_s extend16_s",
  64512: "i32: trunc_sat_f32_s",
  64514: "i32: trunc_sat_f64_s",
  64518: "i64: trunc_sat_f64_s",
  64785: "i32x4: splat",
  64787: "f32x4: splat",
  64823: "i32x4: eq ne lt_s lt_u gt_s",
  64829: "i32x4: le_s",
  64831: "i32x4: ge_s",
  64833: "f32x4: eq ne lt gt le ge",
  64845: "v128: not and andnot or xor bitselect any_true",
  64862: "f32x4: demote_f64x2_zero",
  64863: "f64x2: promote_low_f32x4",
  64871: "f32x4: ceil floor trunc nearest",
  64903: "i16x8: extend_low_i8x16_s",
  64905: "i16x8: extend_low_i8x16_u",
  64928: "i32x4: abs neg",
  64935: "i32x4: extend_low_i16x8_s",
  64937: "i32x4: extend_low_i16x8_u",
  64939: "i32x4: shl shr_s shr_u add",
  64945: "i32x4: sub",
  64949: "i32x4: mul min_s",
  64952: "i32x4: max_s",
  64954: "i32x4: dot_i16x8_s",
  64992: "f32x4: abs neg",
  64995: "f32x4: sqrt add sub mul div min max pmin pmax",
  65008: "f64x2: add",
  65010: "f64x2: mul",
  65016: "i32x4: trunc_sat_f32x4_s",
  65018: "f32x4: convert_i32x4_s",
} as const;
type Words<Text extends string> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text;
type Names<Row extends string> = Row extends `${infer Type}: ${infer Rest}` ? `${Type}.${Words<Rest>}` : Words<Row>;
export type PlainOpcode = Names<(typeof plainRows)[keyof typeof plainRows]>;

export const plainOpcodes = Object.fromEntries(
  Object.entries(plainRows).flatMap(([code, row]) => {
    const [words = "", type] = row.split(": ").reverse();
    return words.split(" ").map((word, place) => [type === undefined ? word : `${type}.${word}`, Number(code) + place]);
  }),
) as Readonly<Record<PlainOpcode, number>>;

/** Loads, stores and atomics: an alignment (always the natural one, as a power of two) and an offset. */
// biome-ignore format: a table
export const memoryOpcodes = {
  "i32.load": [0x28, 2], "i64.load": [0x29, 3], "f32.load": [0x2a, 2], "f64.load": [0x2b, 3],
  "i32.load8_s": [0x2c, 0], "i32.load8_u": [0x2d, 0], "i32.load16_s": [0x2e, 1], "i32.load16_u": [0x2f, 1],
  "i32.store": [0x36, 2], "f32.store": [0x38, 2], "f64.store": [0x39, 3],
  "i32.store8": [0x3a, 0], "i32.store16": [0x3b, 1],
  "v128.load": [0xfd00, 4],
  "v128.load32_splat": [0xfd09, 2], "v128.load64_splat": [0xfd0a, 3], "v128.store": [0xfd0b, 4],
  "v128.load32_zero": [0xfd5c, 2], "v128.load64_zero": [0xfd5d, 3],
  "memory.atomic.notify": [0xfe00, 2], "memory.atomic.wait32": [0xfe01, 2],
  "i32.atomic.load": [0xfe10, 2], "i32.atomic.store": [0xfe17, 2], "i32.atomic.rmw.add": [0xfe1e, 2],
  "i32.atomic.rmw.sub": [0xfe25, 2],
} as const;

/** One lane index. */
// biome-ignore format: a table
export const laneOpcodes = {
  "i32x4.extract_lane": 0xfd1b, "i32x4.replace_lane": 0xfd1c,
  "f32x4.extract_lane": 0xfd1f, "f32x4.replace_lane": 0xfd20, "f64x2.extract_lane": 0xfd21,
} as const;

/** An alignment and offset, then a lane index. */
// biome-ignore format: a table
export const memoryLaneOpcodes = {
  "v128.load32_lane": [0xfd56, 2],
  "v128.store32_lane": [0xfd5a, 2], "v128.store64_lane": [0xfd5b, 3],
} as const;

export type MemoryOpcode = keyof typeof memoryOpcodes;
export type LaneOpcode = keyof typeof laneOpcodes;
export type MemoryLaneOpcode = keyof typeof memoryLaneOpcodes;

/** Instructions with immediates of a special form. */
// biome-ignore format: a table
export const structureOpcodes = {
  block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, call: 0x10,
  localGet: 0x20, localSet: 0x21, localTee: 0x22,
  i32Const: 0x41, i64Const: 0x42, f32Const: 0x43, f64Const: 0x44, v128Const: 0xfd0c, shuffle: 0xfd0d,
  memoryFill: 0xfc0b,
} as const;
