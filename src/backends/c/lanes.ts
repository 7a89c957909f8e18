// The C types and helpers of vectors with a given number of lanes: loads, stores, masks, selection, rounding.
import { byteSize, type ElementType, wrapped } from "../../graph/dtype.ts";
import type { EmitContext } from "./emitter.ts";
import type { Target } from "./target.ts";

/** The C type of a value in a register: one element. */
export const scalarType = (dtype: ElementType): string =>
  dtype === "float32" ? "float" : dtype === "float64" ? "double" : "int";

/** The letter of a vector's element: F float, D double, I 32-bit integers and masks. Narrower integers and bools are widened to I. */
export const laneLetter = (dtype: ElementType): "F" | "D" | "I" =>
  dtype === "float32" ? "F" : dtype === "float64" ? "D" : "I";

export const vectorType = (dtype: ElementType, lanes: number): string => `${laneLetter(dtype)}${lanes}`;

/** The same letter for memory, where narrower integers keep their width. */
export function memoryLetter(dtype: ElementType): string {
  const letter = byteSize(dtype) === 1 ? "B" : byteSize(dtype) === 2 ? "H" : laneLetter(dtype);
  return dtype === "int8" || dtype === "int16" ? `S${letter}` : letter;
}

/** The C text of a constant of a dtype. */
export function literal(value: number, dtype: ElementType): string {
  if (dtype === "int32") return value === -2147483648 ? "(-2147483647 - 1)" : value < 0 ? `(${value})` : `${value}`;
  if (dtype === "bool") return value !== 0 ? "1" : "0";
  if (byteSize(dtype) < 4) return `(${wrapped(value, dtype)})`;
  const suffix = dtype === "float32" ? "f" : "";
  const rounded = dtype === "float32" ? Math.fround(value) : value;
  if (Number.isNaN(rounded)) return `__builtin_nan${suffix}("")`;
  if (!Number.isFinite(rounded)) return rounded > 0 ? `__builtin_inf${suffix}()` : `(-__builtin_inf${suffix}())`;
  const digits = Object.is(rounded, -0) ? "-0.0" : /[.e]/.test(`${rounded}`) ? `${rounded}` : `${rounded}.0`;
  return digits.startsWith("-") ? `(${digits}${suffix})` : `${digits}${suffix}`;
}

/** Emits the types and helpers for vectors with this many lanes. */
export function needLanes(context: EmitContext, lanes: number): void {
  context.helper(`lanes${lanes}`, () => lanesSource(context.target, lanes));
}

function lanesSource(target: Target, lanes: number): string {
  const parts = [types(lanes)];
  for (const letter of ["F", "D", "I"] as const) {
    parts.push(
      splat(letter, lanes),
      memory(target, letter, lanes),
      select(letter, lanes),
      rounding(target, letter, lanes),
    );
  }
  parts.push(
    ...(["B", "SB", "H", "SH"] as const).map((letter) => narrow(target, letter, lanes)),
    masks(target, lanes),
    conversions(lanes),
    integers(lanes),
  );
  return parts.join("");
}

const elements = {
  F: "float",
  D: "double",
  I: "int",
  Q: "long long",
  H: "unsigned short",
  SH: "short",
  B: "unsigned char",
  SB: "signed char",
} as const;
const widths = { F: 4, D: 8, I: 4, Q: 8, H: 2, SH: 2, B: 1, SB: 1 } as const;

function types(n: number): string {
  let text = "";
  for (const letter of ["F", "D", "I", "Q", "H", "SH", "B", "SB"] as const) {
    const [type, width] = [elements[letter], widths[letter]];
    text += `typedef ${type} ${letter}${n} __attribute__((vector_size(${n * width})));\n`;
    text += `typedef ${type} ${letter}${n}u __attribute__((vector_size(${n * width}), aligned(${width}), may_alias));\n`;
  }
  text += `typedef unsigned U${n} __attribute__((vector_size(${n * 4})));\n`;
  const counting = Array.from({ length: n }, (_, lane) => lane).join(", ");
  return `${text}#define iota${n} ((I${n}){${counting}})\n`;
}

/** Subtracting 0 preserves every value, including the sign of zero. */
const splat = (letter: "F" | "D" | "I", n: number): string =>
  `static inline ${letter}${n} ${letter}${n}_splat(${elements[letter]} x) { return x - (${letter}${n}){0}; }\n`;

interface Intrinsics {
  readonly register: string;
  readonly suffix: string;
  readonly load: string;
  readonly store: string;
  readonly mask: string;
}

/** The intrinsics for masked access to a vector that fills a register, if the target has them. */
function intrinsics(target: Target, letter: "F" | "D" | "I", n: number): Intrinsics | undefined {
  const bits = n * widths[letter] * 8;
  if (target.vectors === "avx512" && (n === 16 || n === 8 || n === 4) && bits <= 512) {
    const p = bits === 128 ? "_mm" : `_mm${bits}`;
    const suffix = letter === "F" ? "ps" : letter === "D" ? "pd" : "epi32";
    const register = letter === "F" ? `__m${bits}` : letter === "D" ? `__m${bits}d` : `__m${bits}i`;
    const mask = `${n === 4 ? "_mm" : `_mm${n * 32}`}_movepi32_mask((__m${n * 32}i)m)`;
    return { register, suffix, load: `${p}_maskz_loadu_${suffix}`, store: `${p}_mask_storeu_${suffix}`, mask };
  }
  return undefined;
}

function memory(target: Target, letter: "F" | "D" | "I", n: number): string {
  const type = `${letter}${n}`;
  const element = elements[letter];
  const wide = intrinsics(target, letter, n);
  const load = `static inline ${type} ${type}_load(const ${element} *p) { return *(const ${type}u *)p; }\n`;
  const store = `static inline void ${type}_store(${element} *p, ${type} v) { *(${type}u *)p = v; }\n`;
  const loop = (body: string): string => `for (int l = 0; l < ${n}; l++) ${body}`;
  let loadMasked = `{ ${type} r = {0}; ${loop("if (m[l]) r[l] = p[l];")} return r; }`;
  let storeMasked = `{ ${loop("if (m[l]) p[l] = v[l];")} }`;
  if (wide !== undefined) {
    loadMasked = `{ return (${type})${wide.load}(${wide.mask}, p); }`;
    storeMasked = `{ ${wide.store}(p, ${wide.mask}, (${wide.register})v); }`;
  } else if (target.vectors === "avx2" && (n === 8 || n === 4) && letter !== "D") {
    const suffix = letter === "F" ? "ps" : "epi32";
    const [p, mask] = n === 8 ? ["_mm256", "__m256i"] : ["_mm", "__m128i"];
    const register = letter === "I" ? mask : n === 8 ? "__m256" : "__m128";
    loadMasked = `{ return (${type})${p}_maskload_${suffix}(p, (${mask})m); }`;
    storeMasked = `{ ${p}_maskstore_${suffix}(p, (${mask})m, (${register})v); }`;
  }
  let gather = `{ ${type} r; ${loop("r[l] = p[i[l]];")} return r; }`;
  let gatherMasked = `{ ${type} r = {0}; ${loop("if (m[l]) r[l] = p[i[l]];")} return r; }`;
  if (target.vectors === "avx512" && n === 16 && letter !== "D") {
    const suffix = letter === "F" ? "ps" : "epi32";
    const zero = letter === "F" ? "_mm512_setzero_ps()" : "_mm512_setzero_si512()";
    gather = `{ return (${type})_mm512_i32gather_${suffix}((__m512i)i, p, 4); }`;
    gatherMasked = `{ return (${type})_mm512_mask_i32gather_${suffix}(${zero}, _mm512_movepi32_mask((__m512i)m), (__m512i)i, p, 4); }`;
  }
  return `${load}${store}${everySecond(target, letter, n)}static inline ${type} ${type}_loadm(const ${element} *p, I${n} m) ${loadMasked}
static inline void ${type}_storem(${element} *p, ${type} v, I${n} m) ${storeMasked}
static inline ${type} ${type}_gather(const ${element} *p, I${n} i) ${gather}
static inline ${type} ${type}_gatherm(const ${element} *p, I${n} i, I${n} m) ${gatherMasked}
static inline void ${type}_scatterm(${element} *p, I${n} i, ${type} v, I${n} m) { ${loop("if (m[l]) p[i[l]] = v[l];")} }
static inline void ${type}_addm(${element} *p, I${n} i, ${type} v, I${n} m) { ${loop("if (m[l]) p[i[l]] += v[l];")} }
`;
}

/** Whether one instruction extracts every second element of two vectors: `_even` and `_odd`, on the results of `_lowm` and `_highm`. */
export const hasPairs = (target: Target, n: number): boolean => target.vectors === "avx512" && n === 16;

/** Every second element: two vectors and a permutation if the target has it. Elements in between and after are not touched. */
function everySecond(target: Target, letter: "F" | "D" | "I", n: number): string {
  const type = `${letter}${n}`;
  const element = elements[letter];
  const loop = (body: string): string => `for (int l = 0; l < ${n}; l++) ${body}`;
  if (!hasPairs(target, n) || letter === "D") {
    return `static inline ${type} ${type}_load2(const ${element} *p) { ${type} r; ${loop("r[l] = p[2 * l];")} return r; }
static inline ${type} ${type}_load2m(const ${element} *p, I${n} m) { ${type} r = {0}; ${loop("if (m[l]) r[l] = p[2 * l];")} return r; }
static inline void ${type}_store2m(${element} *p, ${type} v, I${n} m) { ${loop("if (m[l]) p[2 * l] = v[l];")} }
`;
  }
  const [suffix, register] = letter === "F" ? ["ps", "__m512"] : ["epi32", "__m512i"];
  const half = (mask: string, from: string): string => `_mm512_maskz_loadu_${suffix}(${mask}, ${from})`;
  const second = (first: number, low: string, high: string): string =>
    `_mm512_permutex2var_${suffix}(${low}, _mm512_setr_epi32(${Array.from({ length: 16 }, (_, lane) => first + 2 * lane).join(", ")}), ${high})`;
  const even = second(0, "low", "high");
  const twice = (mask: string): string =>
    `_mm512_permutexvar_${suffix}(_mm512_srli_epi32(_mm512_add_epi32((__m512i)iota16, _mm512_set1_epi32(odd)), 1), ${half(mask, "p")})`;
  const both = [`(${register})low`, `(${register})high`] as const;
  const spread = (first: number): string =>
    `_mm512_permutexvar_${suffix}(_mm512_setr_epi32(${Array.from({ length: 16 }, (_, lane) => first + (lane >> 1)).join(", ")}), (${register})v)`;
  const bits = "unsigned bits = _pdep_u32(_mm512_movepi32_mask((__m512i)m), 0x55555555u);";
  return `static inline ${type} ${type}_load2(const ${element} *p) { ${register} low = ${half("0x5555", "p")}, high = ${half("0x5555", "p + 16")}; return (${type})${even}; }
static inline ${type} ${type}_load2m(const ${element} *p, I16 m) { ${bits} ${register} low = ${half("bits", "p")}, high = ${half("bits >> 16", "p + 16")}; return (${type})${even}; }
static inline ${type} ${type}_even(${type} low, ${type} high) { return (${type})${second(0, ...both)}; }
static inline ${type} ${type}_odd(${type} low, ${type} high) { return (${type})${second(1, ...both)}; }
static inline ${type} ${type}_twice(const ${element} *p, int odd) { return (${type})${twice("odd ? 0x1ff : 0xff")}; }
static inline ${type} ${type}_twicem(const ${element} *p, int odd, I16 m) { return (${type})${twice("(1u << ((odd + 1 + _mm_popcnt_u32(_mm512_movepi32_mask((__m512i)m))) >> 1)) - 1")}; }
static inline ${type} ${type}_lowm(const ${element} *p, I16 m) { ${bits} return (${type})${half("bits * 3", "p")}; }
static inline ${type} ${type}_highm(const ${element} *p, I16 m) { ${bits} return (${type})${half("bits * 3 >> 16", "p + 16")}; }
static inline void ${type}_store2m(${element} *p, ${type} v, I16 m) { ${bits} _mm512_mask_storeu_${suffix}(p, bits, ${spread(0)}); _mm512_mask_storeu_${suffix}(p + 16, bits >> 16, ${spread(8)}); }
`;
}

/** The expression that loads this many bits from `p`. Older compilers lack the 32-bit instruction, or fill the wrong lane. */
function inRegister(bits: number): string {
  if (bits === 32) return "({ int bits; __builtin_memcpy(&bits, p, 4); _mm_cvtsi32_si128(bits); })";
  if (bits === 64) return "_mm_loadl_epi64((const __m128i *)p)";
  return `${bits === 256 ? "_mm256" : "_mm"}_loadu_si${bits}((const __m${bits}i *)p)`;
}

/** The statement that stores them there. */
function stored(bits: number, x: string): string {
  if (bits === 32) return `int bits = _mm_cvtsi128_si32(${x}); __builtin_memcpy(p, &bits, 4)`;
  if (bits === 64) return `_mm_storel_epi64((__m128i *)p, ${x})`;
  return `${bits === 256 ? "_mm256" : "_mm"}_storeu_si${bits}((__m${bits}i *)p, ${x})`;
}

/** One- and two-byte elements in memory become 32-bit lanes in registers. */
function narrow(target: Target, letter: "B" | "SB" | "H" | "SH", n: number): string {
  const [type, element] = [`${letter}${n}`, elements[letter]];
  const loop = (body: string): string => `for (int l = 0; l < ${n}; l++) ${body}`;
  const many = target.vectors === "avx512" && (n === 16 || n === 8 || n === 4);
  const wide = n === 16 ? 512 : n === 8 ? 256 : 128;
  const p = wide === 128 ? "_mm" : `_mm${wide}`;
  const bits = 8 * widths[letter];
  const register = n * bits > 128 ? "_mm256" : "_mm";
  const widened = (x: string): string => `(I${n})${p}_cvtep${letter.startsWith("S") ? "i" : "u"}${bits}_epi32(${x})`;
  const mask = `${p}_movepi32_mask((__m${wide}i)m)`;
  // Compilers implement generic conversions by way of 16 bits, or element by element.
  const load =
    many || (target.vectors === "avx2" && (n === 8 || n === 4))
      ? widened(inRegister(n * bits))
      : `__builtin_convertvector(*(const ${type}u *)p, I${n})`;
  const loadMasked = many
    ? `{ return ${widened(`${register}_maskz_loadu_epi${bits}(${mask}, p)`)}; }`
    : `{ I${n} r = {0}; ${loop("if (m[l]) r[l] = p[l];")} return r; }`;
  const narrowed = `${p}_cvtepi32_epi${bits}((__m${wide}i)v)`;
  const store = many ? stored(n * bits, narrowed) : `*(${type}u *)p = __builtin_convertvector(v, ${type})`;
  const storeMasked = many
    ? `{ ${register}_mask_storeu_epi${bits}(p, ${mask}, ${narrowed}); }`
    : `{ ${loop(`if (m[l]) p[l] = (${element})v[l];`)} }`;
  return `static inline I${n} ${type}_load(const ${element} *p) { return ${load}; }
static inline void ${type}_store(${element} *p, I${n} v) { ${store}; }
static inline I${n} ${type}_loadm(const ${element} *p, I${n} m) ${loadMasked}
static inline void ${type}_storem(${element} *p, I${n} v, I${n} m) ${storeMasked}
static inline I${n} ${type}_gather(const ${element} *p, I${n} i) { I${n} r; ${loop("r[l] = p[i[l]];")} return r; }
static inline I${n} ${type}_gatherm(const ${element} *p, I${n} i, I${n} m) { I${n} r = {0}; ${loop("if (m[l]) r[l] = p[i[l]];")} return r; }
static inline void ${type}_scatterm(${element} *p, I${n} i, I${n} v, I${n} m) { ${loop(`if (m[l]) p[i[l]] = (${element})v[l];`)} }
static inline void ${type}_addm(${element} *p, I${n} i, I${n} v, I${n} m) { ${loop(`if (m[l]) p[i[l]] = (${element})(p[i[l]] + v[l]);`)} }
`;
}

/** Selection by a mask of 32-bit lanes, each all ones or all zeros. */
function select(letter: "F" | "D" | "I", n: number): string {
  const type = `${letter}${n}`;
  if (letter === "I")
    return `static inline I${n} I${n}_sel(I${n} m, I${n} a, I${n} b) { return (m & a) | (~m & b); }\n`;
  const bits = letter === "D" ? `Q${n}` : `I${n}`;
  const mask = letter === "D" ? `Q${n} k = __builtin_convertvector(m, Q${n});` : `I${n} k = m;`;
  return `static inline ${type} ${type}_sel(I${n} m, ${type} a, ${type} b) { ${mask} return (${type})((k & (${bits})a) | (~k & (${bits})b)); }\n`;
}

function masks(target: Target, n: number): string {
  const any =
    target.vectors === "avx512" && n === 16
      ? "_mm512_movepi32_mask((__m512i)m) != 0"
      : target.vectors === "avx512" && n === 8
        ? "_mm256_movepi32_mask((__m256i)m) != 0"
        : "r != 0";
  const loop = any === "r != 0" ? `int r = 0; for (int l = 0; l < ${n}; l++) r |= m[l]; ` : "";
  return `static inline int I${n}_any(I${n} m) { ${loop}return ${any}; }
static inline I${n} I${n}_first(long count) { return iota${n} < (int)(count < ${n} ? count : ${n}); }
`;
}

const roundings = ["floor", "ceil", "trunc", "rint", "sqrt"] as const;

function rounding(target: Target, letter: "F" | "D" | "I", n: number): string {
  if (letter === "I") return "";
  const type = `${letter}${n}`;
  const bits = n * widths[letter] * 8;
  const suffix = letter === "F" ? "ps" : "pd";
  const builtin = letter === "F" ? "f" : "";
  const register = `__m${bits}${letter === "D" ? "d" : ""}`;
  const modes = { floor: 9, ceil: 10, trunc: 11, rint: 8 } as const;
  let text = "";
  for (const name of roundings) {
    let body = `${type} r; for (int l = 0; l < ${n}; l++) r[l] = __builtin_${name}${builtin}(x[l]); return r;`;
    const x86 = target.vectors === "avx512" || target.vectors === "avx2";
    if (x86 && bits === 512) {
      body =
        name === "sqrt"
          ? `return (${type})_mm512_sqrt_${suffix}((${register})x);`
          : `return (${type})_mm512_roundscale_${suffix}((${register})x, ${modes[name]});`;
    } else if (x86 && bits === 256) {
      body =
        name === "sqrt"
          ? `return (${type})_mm256_sqrt_${suffix}((${register})x);`
          : `return (${type})_mm256_round_${suffix}((${register})x, ${modes[name]});`;
    }
    text += `static inline ${type} ${type}_${name}(${type} x) { ${body} }\n`;
  }
  let fma = "return a * b + c;";
  if ((target.vectors === "avx512" || target.vectors === "avx2") && (bits === 512 || bits === 256 || bits === 128)) {
    const p = bits === 128 ? "_mm" : `_mm${bits}`;
    fma = `return (${type})${p}_fmadd_${suffix}((${register})a, (${register})b, (${register})c);`;
  } else if (target.vectors === "neon" && bits === 128)
    fma = letter === "F" ? "return (F4)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);" : fma;
  return `${text}static inline ${type} ${type}_fma(${type} a, ${type} b, ${type} c) { ${fma} }
${extreme(target, letter, n, "min")}${extreme(target, letter, n, "max")}`;
}

/** The minimum or maximum; NaN if either is NaN, and -0 is less than 0. */
function extreme(target: Target, letter: "F" | "D", n: number, name: "min" | "max"): string {
  const type = `${letter}${n}`;
  const bits = n * widths[letter] * 8;
  const head = `static inline ${type} ${type}_${name}(${type} a, ${type} b)`;
  if (target.vectors === "avx512" && (bits === 512 || bits === 256)) {
    const suffix = letter === "F" ? "ps" : "pd";
    const register = `__m${bits}${letter === "D" ? "d" : ""}`;
    const p = bits === 512 ? "_mm512" : "_mm256";
    const [x, y] = [`(${register})a`, `(${register})b`];
    return `${head} { return (${type})${p}_mask_add_${suffix}(${p}_range_${suffix}(${x}, ${y}, ${name === "max" ? 5 : 4}), ${p}_cmp_${suffix}_mask(${x}, ${y}, _CMP_UNORD_Q), ${x}, ${y}); }\n`;
  }
  const integer = `${letter === "D" ? "Q" : "I"}${n}`;
  const [better, zeros] = name === "min" ? ["<", "|"] : [">", "&"];
  const m = (comparison: string): string => mask(letter, n, comparison);
  return `${head} {
  ${type} r = ${type}_sel(${m(`a ${better} b`)}, a, b);
  r = ${type}_sel(${m("a == b")}, (${type})((${integer})a ${zeros} (${integer})b), r);
  return ${type}_sel(${m("(a != a) | (b != b)")}, a + b, r);
}
`;
}

/** A comparison of vectors as a mask of 32-bit lanes. */
export const mask = (letter: string, n: number, comparison: string): string =>
  letter === "D" ? `__builtin_convertvector(${comparison}, I${n})` : `(${comparison})`;

/** Float to integer: truncates and saturates; NaN gives 0. */
function conversions(n: number): string {
  let text = "";
  for (const letter of ["F", "D"] as const) {
    const type = `${letter}${n}`;
    const m = (comparison: string): string => mask(letter, n, comparison);
    const top = letter === "F" ? "2147483648.0f" : "2147483647.0";
    const zero = letter === "F" ? "0.0f" : "0.0";
    text += `static inline I${n} I${n}_of${letter}(${type} x) {
  ${type} bounded = ${type}_sel(${m(`(x < ${top}) & (x > -2147483648.0${letter === "F" ? "f" : ""})`)}, x, ${type}_splat(${zero}));
  I${n} r = __builtin_convertvector(bounded, I${n});
  r = I${n}_sel(${m(`x >= ${top}`)}, I${n}_splat(2147483647), r);
  return I${n}_sel(${m(`x <= -2147483648.0${letter === "F" ? "f" : ""}`)}, I${n}_splat(-2147483647 - 1), r);
}
`;
  }
  return text;
}

function integers(n: number): string {
  const loop = (body: string): string => `{ I${n} r; for (int l = 0; l < ${n}; l++) r[l] = ${body}; return r; }`;
  return `static inline I${n} I${n}_div(I${n} a, I${n} b) ${loop("int_div(a[l], b[l])")}
static inline I${n} I${n}_mod(I${n} a, I${n} b) ${loop("int_mod(a[l], b[l])")}
static inline I${n} I${n}_pow(I${n} a, I${n} b) ${loop("int_pow(a[l], b[l])")}
static inline I${n} I${n}_shr(I${n} a, I${n} b) { return (I${n})((U${n})a >> ((U${n})b & 31)); }
static inline I${n} I${n}_fma(I${n} a, I${n} b, I${n} c) { return a * b + c; }
static inline I${n} I${n}_guard(I${n} i, int extent) { return i & (I${n})((U${n})i < (unsigned)extent); }
`;
}
