// Error-free products and sums of doubles: the rounded result and its rounding error.
import { constant as c, type FloatCode, type Operand } from "./float-code.ts";

/** a · b exactly, as a rounded product and its rounding error (Dekker). */
export function exactProduct(m: FloatCode, a: Operand, b: Operand): { high: number; low: number } {
  const splitter = c(134217729);
  const split = (x: Operand): { high: number; low: number } => {
    const wide = m.mul(x, splitter);
    const high = m.sub(wide, m.sub(wide, x));
    return { high, low: m.sub(x, high) };
  };
  const [x, y] = [split(a), split(b)];
  const high = m.mul(a, b);
  const low = m.add(
    m.add(m.add(m.sub(m.mul(x.high, y.high), high), m.mul(x.high, y.low)), m.mul(x.low, y.high)),
    m.mul(x.low, y.low),
  );
  return { high, low };
}

/** a + b exactly, as a rounded sum and its rounding error (Knuth). */
export function exactSum(m: FloatCode, a: Operand, b: Operand): { high: number; low: number } {
  const high = m.add(a, b);
  const part = m.sub(high, a);
  return { high, low: m.add(m.sub(a, m.sub(high, part)), m.sub(b, part)) };
}
