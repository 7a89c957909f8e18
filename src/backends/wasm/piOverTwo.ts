// Reduces an angle modulo π/2 accurately for every double: in three parts, or with 192 bits of 2/π for large angles.
import { halfPiLow } from "../analysis/float64Coefficients.ts";
import { twoOverPi } from "../analysis/twoOverPi.ts";
import type { EmitContext } from "./emitter.ts";
import { exactProduct } from "./exactDouble.ts";
import { constant as c, FloatCode } from "./float-code.ts";
import type { FunctionBuilder } from "./module.ts";

/** The address of the bits of 2/π in every memory, preceded by a word of zeros. */
const tableAddress = 256;
const words = 20;
/** The first free byte after the table. */
export const tableEnd = tableAddress + 8 * (words + 1);

/** π/2 in three parts; the first two have 32 and 31 bits, so that their products with n are exact. */
const parts = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21] as const;
/** Up to this angle, n has at most 20 bits. */
const largestDirect = 1e6;

/** f64 → (n mod 4 as i32, high, low): x = n π/2 + high + low with |high| ≤ π/4. */
export function piOverTwoReduction(context: EmitContext): FunctionBuilder {
  return context.helper("reduce_pi_over_2", () => {
    const { module } = context;
    const f = module.function("reduce_pi_over_2", ["f64"], ["i32", "f64", "f64"]);
    const m = new FloatCode(f, "f64");
    f.get(0)
      .op("f64.abs")
      .f64(largestDirect)
      .op("f64.le")
      .if(() => {
        const n = m.nearest(m.mul(0, c(0.6366197723675814)));
        const first = m.lessProduct(0, n, c(parts[0]));
        const middle = m.mul(n, c(parts[1]));
        const rest = m.sub(first, middle);
        const low = m.sub(m.sub(m.sub(first, rest), middle), m.mul(n, c(parts[2])));
        const high = m.add(rest, low);
        f.get(n)
          .op("i32.trunc_sat_f64_s")
          .get(high)
          .get(m.add(m.sub(rest, high), low))
          .op("return");
      });
    f.get(0)
      .op("f64.abs")
      .f64(Number.POSITIVE_INFINITY)
      .op("f64.lt")
      .op("i32.eqz")
      .if(() => {
        f.i32(0).f64(Number.NaN).f64(Number.NaN).op("return");
      });
    module.data(tableAddress, new Uint8Array(BigUint64Array.from([0n, ...twoOverPi(words, 64)]).buffer));
    reduceLarge(m, context);
    return f;
  });
}

/** m · 2^e · 2/π modulo 4, keeping 126 bits of the fraction (Payne and Hanek). */
function reduceLarge(m: FloatCode, context: EmitContext): void {
  const { f } = m;
  const i64 = (): number => m.take("i64");
  f.get(0).op("i64.reinterpret_f64").i64(0xfffffffffffffn).op("i64.and").i64(0x10000000000000n).op("i64.or");
  const mantissa = i64();
  // The first bit of 2/π that does not contribute a multiple of 4 to the product, counted in the table with its leading zeros.
  f.get(0)
    .op("i64.reinterpret_f64")
    .i64(52n)
    .op("i64.shr_u")
    .op("i32.wrap_i64")
    .i32(0x7ff)
    .op("i32.and")
    .i32(1075 + 2 - 64)
    .op("i32.sub");
  const bit = m.take("i32");
  f.get(bit).i32(6).op("i32.shr_u").i32(3).op("i32.shl");
  const address = m.take("i32");
  f.get(bit).i32(63).op("i32.and").op("i64.extend_i32_u");
  const shift = i64();
  const word = (place: number): number => {
    f.get(address)
      .memory("i64.load", tableAddress + 8 * place)
      .get(shift)
      .op("i64.shl");
    // A shift by 64 must give 0, so it takes two steps.
    f.get(address)
      .memory("i64.load", tableAddress + 8 * place + 8)
      .i64(1n)
      .op("i64.shr_u")
      .i64(63n)
      .get(shift)
      .op("i64.sub")
      .op("i64.shr_u");
    f.op("i64.or");
    return i64();
  };
  const [w0, w1, w2] = [word(0), word(1), word(2)];
  const high = highProduct(context);
  f.get(mantissa).get(w1).op("i64.mul").get(mantissa).get(w2).call(high).op("i64.add");
  const middle = i64();
  f.get(mantissa).get(w0).op("i64.mul").get(mantissa).get(w1).call(high).op("i64.add");
  f.get(middle).get(mantissa).get(w1).op("i64.mul").op("i64.lt_u").op("i64.extend_i32_u").op("i64.add");
  const top = i64();
  // Two integer bits, then the fraction as a signed 128-bit number: above one half, it counts down from the next integer.
  f.get(top).i64(2n).op("i64.shl").get(middle).i64(62n).op("i64.shr_u").op("i64.or");
  const fraction = i64();
  f.get(top).i64(62n).op("i64.shr_u").get(fraction).i64(63n).op("i64.shr_u").op("i64.add").op("i32.wrap_i64");
  const n = m.take("i32");
  f.get(fraction).op("f64.convert_i64_s");
  const rounded = m.take();
  f.get(fraction)
    .get(rounded)
    .op("i64.trunc_sat_f64_s")
    .op("i64.sub")
    .op("f64.convert_i64_s")
    .f64(2 ** -64)
    .op("f64.mul");
  f.get(middle)
    .i64(2n)
    .op("i64.shl")
    .op("f64.convert_i64_u")
    .f64(2 ** -128)
    .op("f64.mul")
    .op("f64.add");
  const rest = m.take();
  const lead = m.mul(rounded, c(2 ** -64));
  const product = exactProduct(m, lead, c(Math.PI / 2));
  const low = m.add(product.low, m.add(m.mul(lead, c(halfPiLow)), m.mul(rest, c(Math.PI / 2))));
  const sum = m.add(product.high, low);
  const remainder = m.add(m.sub(product.high, sum), low);
  f.get(0)
    .f64(0)
    .op("f64.lt")
    .if(() => {
      f.i32(0).get(n).op("i32.sub").get(sum).op("f64.neg").get(remainder).op("f64.neg").op("return");
    });
  f.get(n).get(sum).get(remainder);
}

/** The upper 64 bits of a product of two unsigned 64-bit integers. */
function highProduct(context: EmitContext): FunctionBuilder {
  return context.helper("high_product", () => {
    const f = context.module.function("high_product", ["i64", "i64"], ["i64"]);
    const half = (x: number, upper: boolean): void => {
      f.get(x);
      if (upper) f.i64(32n).op("i64.shr_u");
      else f.i64(0xffffffffn).op("i64.and");
    };
    const product = (aUpper: boolean, bUpper: boolean): void => {
      half(0, aUpper);
      half(1, bUpper);
      f.op("i64.mul");
    };
    const cross = f.local("i64");
    const carry = f.local("i64");
    product(true, false);
    product(false, false);
    f.i64(32n).op("i64.shr_u").op("i64.add").set(cross);
    product(false, true);
    f.get(cross).i64(0xffffffffn).op("i64.and").op("i64.add").set(carry);
    product(true, true);
    f.get(cross).i64(32n).op("i64.shr_u").op("i64.add").get(carry).i64(32n).op("i64.shr_u").op("i64.add");
    return f;
  });
}
