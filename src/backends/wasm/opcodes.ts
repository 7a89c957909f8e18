// The WebAssembly instructions the backend uses, by name, grouped by the immediates they carry.

/** Instructions without immediates. Codes above 0xff are a prefix byte followed by an index. */
// biome-ignore format: a table
export const plainOpcodes = {
  unreachable: 0x00, nop: 0x01, return: 0x0f, drop: 0x1a, select: 0x1b,
  "i32.eqz": 0x45, "i32.eq": 0x46, "i32.ne": 0x47, "i32.lt_s": 0x48, "i32.lt_u": 0x49, "i32.gt_s": 0x4a,
  "i32.le_s": 0x4c, "i32.ge_s": 0x4e, "i32.ge_u": 0x4f,
  "i64.lt_u": 0x54,
  "f32.eq": 0x5b, "f32.ne": 0x5c, "f32.lt": 0x5d, "f32.gt": 0x5e, "f32.le": 0x5f, "f32.ge": 0x60,
  "f64.eq": 0x61, "f64.ne": 0x62, "f64.lt": 0x63, "f64.gt": 0x64, "f64.le": 0x65, "f64.ge": 0x66,
  "i32.add": 0x6a, "i32.sub": 0x6b, "i32.mul": 0x6c,
  "i32.div_s": 0x6d, "i32.div_u": 0x6e, "i32.rem_s": 0x6f, "i32.rem_u": 0x70, "i32.and": 0x71, "i32.or": 0x72,
  "i32.xor": 0x73, "i32.shl": 0x74, "i32.shr_s": 0x75, "i32.shr_u": 0x76,
  "i64.add": 0x7c, "i64.sub": 0x7d, "i64.mul": 0x7e,
  "i64.and": 0x83, "i64.or": 0x84,
  "i64.shl": 0x86, "i64.shr_s": 0x87, "i64.shr_u": 0x88,
  "f32.abs": 0x8b, "f32.neg": 0x8c, "f32.ceil": 0x8d, "f32.floor": 0x8e, "f32.trunc": 0x8f, "f32.nearest": 0x90,
  "f32.sqrt": 0x91, "f32.add": 0x92, "f32.sub": 0x93, "f32.mul": 0x94, "f32.div": 0x95, "f32.min": 0x96,
  "f32.max": 0x97, "f32.copysign": 0x98,
  "f64.abs": 0x99, "f64.neg": 0x9a, "f64.ceil": 0x9b, "f64.floor": 0x9c, "f64.trunc": 0x9d, "f64.nearest": 0x9e,
  "f64.sqrt": 0x9f, "f64.add": 0xa0, "f64.sub": 0xa1, "f64.mul": 0xa2, "f64.div": 0xa3, "f64.min": 0xa4,
  "f64.max": 0xa5, "f64.copysign": 0xa6,
  "i32.wrap_i64": 0xa7, "i64.extend_i32_s": 0xac, "i64.extend_i32_u": 0xad,
  "f32.convert_i32_s": 0xb2, "f32.demote_f64": 0xb6,
  "f64.convert_i32_s": 0xb7, "f64.convert_i64_s": 0xb9, "f64.convert_i64_u": 0xba,
  "f64.promote_f32": 0xbb, "i32.reinterpret_f32": 0xbc, "i64.reinterpret_f64": 0xbd, "f32.reinterpret_i32": 0xbe,
  "f64.reinterpret_i64": 0xbf,
  "i32.extend8_s": 0xc0, "i32.extend16_s": 0xc1,
  "i32.trunc_sat_f32_s": 0xfc00, "i32.trunc_sat_f64_s": 0xfc02,
  "i64.trunc_sat_f64_s": 0xfc06,
  "i32x4.splat": 0xfd11,
  "f32x4.splat": 0xfd13,
  "i32x4.eq": 0xfd37, "i32x4.ne": 0xfd38, "i32x4.lt_s": 0xfd39, "i32x4.lt_u": 0xfd3a, "i32x4.gt_s": 0xfd3b,
  "i32x4.le_s": 0xfd3d, "i32x4.ge_s": 0xfd3f,
  "f32x4.eq": 0xfd41, "f32x4.ne": 0xfd42, "f32x4.lt": 0xfd43, "f32x4.gt": 0xfd44, "f32x4.le": 0xfd45, "f32x4.ge": 0xfd46,
  "v128.not": 0xfd4d, "v128.and": 0xfd4e, "v128.andnot": 0xfd4f, "v128.or": 0xfd50, "v128.xor": 0xfd51,
  "v128.bitselect": 0xfd52, "v128.any_true": 0xfd53,
  "f32x4.demote_f64x2_zero": 0xfd5e, "f64x2.promote_low_f32x4": 0xfd5f,
  "f32x4.ceil": 0xfd67, "f32x4.floor": 0xfd68, "f32x4.trunc": 0xfd69, "f32x4.nearest": 0xfd6a,
  "i16x8.extend_low_i8x16_s": 0xfd87, "i16x8.extend_low_i8x16_u": 0xfd89,
  "i32x4.abs": 0xfda0, "i32x4.neg": 0xfda1,
  "i32x4.extend_low_i16x8_s": 0xfda7, "i32x4.extend_low_i16x8_u": 0xfda9,
  "i32x4.shl": 0xfdab, "i32x4.shr_s": 0xfdac, "i32x4.shr_u": 0xfdad,
  "i32x4.add": 0xfdae, "i32x4.sub": 0xfdb1, "i32x4.mul": 0xfdb5, "i32x4.min_s": 0xfdb6,
  "i32x4.max_s": 0xfdb8, "i32x4.dot_i16x8_s": 0xfdba,
  "f32x4.abs": 0xfde0, "f32x4.neg": 0xfde1, "f32x4.sqrt": 0xfde3, "f32x4.add": 0xfde4, "f32x4.sub": 0xfde5,
  "f32x4.mul": 0xfde6, "f32x4.div": 0xfde7, "f32x4.min": 0xfde8, "f32x4.max": 0xfde9, "f32x4.pmin": 0xfdea,
  "f32x4.pmax": 0xfdeb,
  "f64x2.add": 0xfdf0,
  "f64x2.mul": 0xfdf2,
  "i32x4.trunc_sat_f32x4_s": 0xfdf8, "f32x4.convert_i32x4_s": 0xfdfa,
} as const;

/** Loads, stores and atomics: an alignment (always the natural one given here, as a power of two) and an offset. */
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

export type PlainOpcode = keyof typeof plainOpcodes;
export type MemoryOpcode = keyof typeof memoryOpcodes;
export type LaneOpcode = keyof typeof laneOpcodes;
export type MemoryLaneOpcode = keyof typeof memoryLaneOpcodes;

/** Instructions with immediates of their own shape. */
// biome-ignore format: a table
export const structureOpcodes = {
  block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, call: 0x10,
  localGet: 0x20, localSet: 0x21, localTee: 0x22, globalGet: 0x23, globalSet: 0x24,
  i32Const: 0x41, i64Const: 0x42, f32Const: 0x43, f64Const: 0x44, v128Const: 0xfd0c, shuffle: 0xfd0d,
  atomicFence: 0xfe03, memoryCopy: 0xfc0a, memoryFill: 0xfc0b,
} as const;
