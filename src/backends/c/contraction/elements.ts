// How C reads the elements of a side: unchanged, or converted from narrower types.

import { byteSize, type ElementType, type HalfDType } from "../../../graph/dtype.ts";
import type { Scalar } from "../../../graph/scalar.ts";
import { halfOf } from "../../analysis/halves.ts";
import { type Operand, operandOf } from "../../analysis/operand.ts";
import { type EmitContext, elementType } from "../emitter.ts";
import { laneLetter, memoryLetter, needLanes, scalarType } from "../lanes.ts";
import type { Target } from "../target.ts";

/** The types that tiles compute with. */
export type TileType = "float32" | "float64" | "int32";

/** The operand behind a plain load, a widened narrower number, or the bits of a float. */
export function storedOperandOf(value: Scalar): Operand | undefined {
  if (value.kind === "cast" && byteSize(value.dtype) === 4 && byteSize(value.x.dtype) < 4) return operandOf(value.x);
  if (value.kind !== "bitcast") return operandOf(value);
  const half = halfOf(value);
  return half?.bits.kind === "cast" ? operandOf(half.bits.x, half.dtype) : undefined;
}

/** How the elements of a side are read into the type of the tile. */
export interface Elements {
  /** The C type of one element in memory. */
  readonly type: string;
  readonly bytes: number;
  /** Suffix of the functions that read them. */
  readonly suffix: string;
  /** Loads this many lanes from an address, or those a mask selects. */
  load(lanes: number, at: string, mask?: string): string;
  /** Broadcasts one element to all lanes. */
  splat(lanes: number, element: string): string;
}

const plain = (dtype: TileType): Elements => {
  const letter = laneLetter(dtype);
  return {
    type: scalarType(dtype),
    bytes: byteSize(dtype),
    suffix: "",
    load: (lanes, at, mask) =>
      mask === undefined ? `${letter}${lanes}_load(${at})` : `${letter}${lanes}_loadm(${at}, ${mask})`,
    splat: (lanes, element) => `${letter}${lanes}_splat(${element})`,
  };
};

/** Integers of one or two bytes. */
function narrow(stored: ElementType, dtype: TileType): Elements {
  const float = (lanes: number, integers: string): string =>
    dtype === "float32" ? `__builtin_convertvector(${integers}, F${lanes})` : integers;
  return {
    type: elementType[stored],
    bytes: byteSize(stored),
    suffix: `_${stored}`,
    load: (lanes, at, mask) =>
      float(
        lanes,
        `${memoryLetter(stored)}${lanes}_load${mask === undefined ? "" : "m"}(${at}${mask === undefined ? "" : `, ${mask}`})`,
      ),
    splat: (lanes, element) => `${laneLetter(dtype)}${lanes}_splat(${element})`,
  };
}

/** The reader for stored elements in tiles of a type. Its vector helpers are emitted on first use, per number of lanes. */
export function elementsOf(context: EmitContext, stored: Operand["dtype"] | undefined, dtype: TileType): Elements {
  if (stored === undefined || byteSize(stored) >= 4) return plain(dtype);
  if (stored !== "bfloat16" && stored !== "float16") return narrow(stored, dtype);
  const need = (lanes: number): void => {
    needLanes(context, lanes);
    context.helper(`value_${stored}`, () => scalarValue[stored]);
    context.helper(`F${lanes}_${stored}`, () => vectorValue(context.target, stored, lanes));
  };
  return {
    type: "unsigned short",
    bytes: 2,
    suffix: `_${stored}`,
    load(lanes, at, mask) {
      need(lanes);
      return mask === undefined ? `F${lanes}_${stored}(${at})` : `F${lanes}_${stored}m(${at}, ${mask})`;
    },
    splat(lanes, element) {
      need(lanes);
      return `F${lanes}_splat(value_${stored}(${element}))`;
    },
  };
}

const scalarValue: Readonly<Record<HalfDType, string>> = {
  bfloat16: "static inline float value_bfloat16(int x) { return float_of_bits(x << 16); }\n",
  float16: `static inline float value_float16(int x) {
#ifdef __F16C__
  return _cvtsh_ss(x);
#else
  const int bits = (x & 0x7fff) << 13, exponent = x & 0x7c00;
  const int tiny = bits_of_float((float)(x & 0x3ff) * 0x1p-24f);
  const int size = exponent == 0 ? tiny : exponent == 0x7c00 ? bits | 0x7f800000 : bits + (112 << 23);
  return float_of_bits(size | (x & 0x8000) << 16);
#endif
}
`,
};

/** The same for a vector loaded from memory. */
function vectorValue(target: Target, stored: HalfDType, n: number): string {
  const head = (mask: string): string =>
    `static inline F${n} F${n}_${stored}${mask === "" ? "" : "m"}(const unsigned short *p${mask})`;
  const masked = `, I${n} m`;
  if (stored === "bfloat16")
    return `${head("")} { return (F${n})(H${n}_load(p) << 16); }
${head(masked)} { return (F${n})(H${n}_loadm(p, m) << 16); }
`;
  const any = `static inline F${n} F${n}_of_float16(I${n} x) {
  const I${n} bits = (x & 0x7fff) << 13, exponent = x & 0x7c00;
  const I${n} tiny = (I${n})(__builtin_convertvector(x & 0x3ff, F${n}) * 0x1p-24f);
  const I${n} size = I${n}_sel(exponent == 0, tiny, I${n}_sel(exponent == 0x7c00, bits | 0x7f800000, bits + (112 << 23)));
  return (F${n})(size | (x & 0x8000) << 16);
}
${head("")} { return F${n}_of_float16(H${n}_load(p)); }
${head(masked)} { return F${n}_of_float16(H${n}_loadm(p, m)); }
`;
  const register = n === 16 ? "_mm256_loadu_si256((const __m256i *)p)" : "_mm_loadu_si128((const __m128i *)p)";
  const wide = n === 16 ? "_mm512" : "_mm256";
  if (target.vectors === "avx512" && (n === 16 || n === 8)) {
    const half = n === 16 ? "_mm256" : "_mm";
    const mask = `${wide}_movepi32_mask((__m${n * 32}i)m)`;
    return `${head("")} { return (F${n})${wide}_cvtph_ps(${register}); }
${head(masked)} { return (F${n})${wide}_cvtph_ps(${half}_maskz_loadu_epi16(${mask}, p)); }
`;
  }
  if (target.vectors !== "avx2" || n !== 8) return any;
  return `#ifdef __F16C__
${head("")} { return (F8)_mm256_cvtph_ps(${register}); }
${head(masked)} {
  unsigned short part[8];
  for (int l = 0; l < 8; l++) part[l] = m[l] ? p[l] : 0;
  return F8_float16(part);
}
#else
${any}#endif
`;
}
