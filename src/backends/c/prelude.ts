// The head of every emitted program: includes, scalar helpers, and the record of a failed check.
import { failureAddress } from "../wasm/failure.ts";
import type { Target } from "./target.ts";

const include: Readonly<Record<Target["vectors"], string>> = {
  avx512: "#include <immintrin.h>\n",
  avx2: "#include <immintrin.h>\n",
  neon: "#include <arm_neon.h>\n",
  portable: "",
};

export const prelude = (target: Target): string => `${include[target.vectors]}#include <math.h>

static inline int min_int(int a, int b) { return a < b ? a : b; }
static inline int max_int(int a, int b) { return a > b ? a : b; }
static inline int int_div(int a, int b) { return b == 0 ? 0 : b == -1 ? -a : a / b; }
static inline int int_mod(int a, int b) {
  if (b == 0 || b == -1) return 0;
  int r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static inline int int_pow(int base, int exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
  unsigned result = 1, square = (unsigned)base;
  for (unsigned bits = (unsigned)exponent; bits > 0; bits >>= 1) {
    if (bits & 1) result *= square;
    square *= square;
  }
  return (int)result;
}
static inline float min_float(float a, float b) { return a != a ? a : b != b ? b : a < b ? a : b < a ? b : __builtin_signbit(a) ? a : b; }
static inline float max_float(float a, float b) { return a != a ? a : b != b ? b : a > b ? a : b > a ? b : __builtin_signbit(a) ? b : a; }
static inline double min_double(double a, double b) { return a != a ? a : b != b ? b : a < b ? a : b < a ? b : __builtin_signbit(a) ? a : b; }
static inline double max_double(double a, double b) { return a != a ? a : b != b ? b : a > b ? a : b > a ? b : __builtin_signbit(a) ? b : a; }
static inline double mod_double(double a, double b) {
  double r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static inline float mod_float(float a, float b) {
  float r = fmodf(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static inline int int_of(double x) {
  return x >= 2147483647.0 ? 2147483647 : x <= -2147483648.0 ? -2147483647 - 1 : x != x ? 0 : (int)x;
}
static inline int bits_of_float(float x) { int r; __builtin_memcpy(&r, &x, 4); return r; }
static inline float float_of_bits(int x) { float r; __builtin_memcpy(&r, &x, 4); return r; }
static inline double sigmoid_double(double x) {
  double e = exp(x < 0 ? x : -x);
  return (x >= 0 ? 1.0 : e) / (1.0 + e);
}
/* The first failure stays: site + 1, index, place. Checks run on one thread, one after another. */
static inline void record_failure(char *base, int site, int index, int place) {
  int *record = (int *)(base + ${failureAddress});
  if (record[0] != 0) return;
  record[0] = site + 1;
  record[1] = index;
  record[2] = place;
}
static inline int has_failed(const char *base) { return *(const int *)(base + ${failureAddress}) != 0; }
static inline int int_guard(int index, int extent) { return (unsigned)index < (unsigned)extent ? index : 0; }
`;
