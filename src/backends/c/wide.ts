// Float32 lanes widened to float64: two double vectors per float vector, because one would not fit a register.
import type { EmitContext } from "./emitter.ts";
import { needReduction } from "./horizontal.ts";
import { needLanes } from "./lanes.ts";
import type { Target } from "./target.ts";

/**
 * Emits and names the type of float64 sums of this many float32 lanes, here for 8 lanes:
 * `W8 W8_zero()`, `W8 W8_add(W8, F8)`, `F8 F8_ofW(W8)`, and `double sum_W8(W8)`, always in the same order.
 */
export function needWide(context: EmitContext, lanes: number): string {
  const { target } = context;
  const single = lanes * 8 <= target.vectorBytes;
  const half = single ? lanes : lanes / 2;
  needLanes(context, lanes);
  needLanes(context, half);
  needReduction(context, "sum", "float64", half);
  const [W, F, D] = [`W${lanes}`, `F${lanes}`, `D${half}`];
  context.helper(W, () => {
    const head = (members: string): string => `typedef struct { ${D} ${members}; } ${W};\n`;
    if (single)
      return `${head("all")}static inline ${W} ${W}_zero(void) { return (${W}){{0}}; }
static inline ${W} ${W}_add(${W} w, ${F} v) { w.all += __builtin_convertvector(v, ${D}); return w; }
static inline ${F} ${F}_ofW(${W} w) { return __builtin_convertvector(w.all, ${F}); }
static inline double sum_${W}(${W} w) { return sum_${D}(w.all); }
`;
    const { low, high, floats } = halves(target, lanes, half);
    return `${head("low, high")}static inline ${W} ${W}_zero(void) { return (${W}){{0}, {0}}; }
static inline ${W} ${W}_add(${W} w, ${F} v) { ${low} ${high} w.low += low; w.high += high; return w; }
static inline ${F} ${F}_ofW(${W} w) { ${floats} }
static inline double sum_${W}(${W} w) { return sum_${D}(w.low + w.high); }
`;
  });
  return W;
}

/** The halves of floats `v` as doubles, and the halves of doubles `w` as floats. */
function halves({ vectors }: Target, lanes: number, half: number): { low: string; high: string; floats: string } {
  const [F, D] = [`F${lanes}`, `D${half}`];
  const from = (low: string, high: string, floats: string) => ({
    low: `const ${D} low = (${D})${low};`,
    high: `const ${D} high = (${D})${high};`,
    floats: `return (${F})${floats};`,
  });
  if (vectors === "avx512" && lanes === 16)
    return from(
      "_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v))",
      "_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1))",
      "_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps((__m512d)w.low)), _mm512_cvtpd_ps((__m512d)w.high), 1)",
    );
  if (vectors === "avx2" && lanes === 8)
    return from(
      "_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v))",
      "_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1))",
      "_mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps((__m256d)w.low)), _mm256_cvtpd_ps((__m256d)w.high), 1)",
    );
  if (vectors === "neon" && lanes === 4)
    return from(
      "vcvt_f64_f32(vget_low_f32((float32x4_t)v))",
      "vcvt_high_f64_f32((float32x4_t)v)",
      "vcvt_high_f32_f64(vcvt_f32_f64((float64x2_t)w.low), (float64x2_t)w.high)",
    );
  const each = (text: string): string => `for (int l = 0; l < ${half}; l++) ${text}`;
  return {
    low: `${D} low; ${each("low[l] = v[l];")}`,
    high: `${D} high; ${each(`high[l] = v[l + ${half}];`)}`,
    floats: `${F} r; ${each(`r[l] = w.low[l], r[l + ${half}] = w.high[l];`)} return r;`,
  };
}
