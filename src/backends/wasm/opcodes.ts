// The WebAssembly instructions that the backend uses, by name, grouped by their immediates.

/** Instructions without immediates, in code order; the first code of each row is its key. Codes above 0xff are a prefix byte and an index. */
// biome-ignore format: a table
const plainRows = {
  0: ["unreachable", "nop"],
  15: ["return"],
  26: ["drop", "select"],
  69: ["i32.eqz", "i32.eq", "i32.ne", "i32.lt_s", "i32.lt_u", "i32.gt_s"],
  76: ["i32.le_s"],
  78: ["i32.ge_s", "i32.ge_u"],
  84: ["i64.lt_u"],
  91: ["f32.eq", "f32.ne", "f32.lt", "f32.gt", "f32.le", "f32.ge", "f64.eq", "f64.ne", "f64.lt", "f64.gt", "f64.le",
    "f64.ge"],
  106: ["i32.add", "i32.sub", "i32.mul", "i32.div_s", "i32.div_u", "i32.rem_s", "i32.rem_u", "i32.and", "i32.or",
    "i32.xor", "i32.shl", "i32.shr_s", "i32.shr_u"],
  124: ["i64.add", "i64.sub", "i64.mul"],
  131: ["i64.and", "i64.or"],
  134: ["i64.shl", "i64.shr_s", "i64.shr_u"],
  139: ["f32.abs", "f32.neg", "f32.ceil", "f32.floor", "f32.trunc", "f32.nearest", "f32.sqrt", "f32.add", "f32.sub",
    "f32.mul", "f32.div", "f32.min", "f32.max", "f32.copysign", "f64.abs", "f64.neg", "f64.ceil", "f64.floor", "f64.trunc",
    "f64.nearest", "f64.sqrt", "f64.add", "f64.sub", "f64.mul", "f64.div", "f64.min", "f64.max", "f64.copysign",
    "i32.wrap_i64"],
  172: ["i64.extend_i32_s", "i64.extend_i32_u"],
  178: ["f32.convert_i32_s"],
  182: ["f32.demote_f64", "f64.convert_i32_s"],
  185: ["f64.convert_i64_s", "f64.convert_i64_u", "f64.promote_f32", "i32.reinterpret_f32", "i64.reinterpret_f64",
    "f32.reinterpret_i32", "f64.reinterpret_i64", "i32.extend8_s", "i32.extend16_s"],
  64512: ["i32.trunc_sat_f32_s"],
  64514: ["i32.trunc_sat_f64_s"],
  64518: ["i64.trunc_sat_f64_s"],
  64785: ["i32x4.splat"],
  64787: ["f32x4.splat"],
  64823: ["i32x4.eq", "i32x4.ne", "i32x4.lt_s", "i32x4.lt_u", "i32x4.gt_s"],
  64829: ["i32x4.le_s"],
  64831: ["i32x4.ge_s"],
  64833: ["f32x4.eq", "f32x4.ne", "f32x4.lt", "f32x4.gt", "f32x4.le", "f32x4.ge"],
  64845: ["v128.not", "v128.and", "v128.andnot", "v128.or", "v128.xor", "v128.bitselect", "v128.any_true"],
  64862: ["f32x4.demote_f64x2_zero", "f64x2.promote_low_f32x4"],
  64871: ["f32x4.ceil", "f32x4.floor", "f32x4.trunc", "f32x4.nearest"],
  64903: ["i16x8.extend_low_i8x16_s"],
  64905: ["i16x8.extend_low_i8x16_u"],
  64928: ["i32x4.abs", "i32x4.neg"],
  64935: ["i32x4.extend_low_i16x8_s"],
  64937: ["i32x4.extend_low_i16x8_u"],
  64939: ["i32x4.shl", "i32x4.shr_s", "i32x4.shr_u", "i32x4.add"],
  64945: ["i32x4.sub"],
  64949: ["i32x4.mul", "i32x4.min_s"],
  64952: ["i32x4.max_s"],
  64954: ["i32x4.dot_i16x8_s"],
  64992: ["f32x4.abs", "f32x4.neg"],
  64995: ["f32x4.sqrt", "f32x4.add", "f32x4.sub", "f32x4.mul", "f32x4.div", "f32x4.min", "f32x4.max", "f32x4.pmin",
    "f32x4.pmax"],
  65008: ["f64x2.add"],
  65010: ["f64x2.mul"],
  65016: ["i32x4.trunc_sat_f32x4_s"],
  65018: ["f32x4.convert_i32x4_s"],
} as const;
export type PlainOpcode = (typeof plainRows)[keyof typeof plainRows][number];

export const plainOpcodes = Object.fromEntries(
  Object.entries<readonly PlainOpcode[]>(plainRows).flatMap(([code, names]) =>
    names.map((name, place) => [name, Number(code) + place]),
  ),
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
