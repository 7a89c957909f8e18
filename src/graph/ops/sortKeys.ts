// Numbers as integers in the order of `sort`: 0 and −0 are equal, and NaN is the largest.
import { apply } from "../apply.ts";
import { isFloat } from "../dtype.ts";
import { type Node, notDifferentiable, type Op, type TensorType } from "../node.ts";
import * as scalar from "../scalar.ts";
import { full, int } from "./creation.ts";
import * as el from "./elementwise.ts";

/** float32 as int32. */
export const orderKeyOp: Op = {
  name: "orderKey",
  infer: ([x]) => ({ shape: (x as TensorType).shape, dtype: "int32" }),
  gradient: notDifferentiable("a sort order consists of indices, and indices have no gradient"),
  rule: {
    kind: "element",
    element({ input, index }) {
      const x = input(0, index);
      const bits = scalar.bitcast(x, "int32");
      // For negative numbers, all bits but the sign are inverted.
      const turned = scalar.binary("xor", bits, scalar.int(0x7fffffff));
      const key = scalar.select(scalar.binary("lt", bits, scalar.int(0)), turned, bits);
      const known = scalar.select(scalar.binary("eq", x, scalar.constant(0, "float32")), scalar.int(0), key);
      return scalar.select(scalar.unary("isNaN", x), scalar.int(0x7fffffff), known);
    },
  },
};

const opposite = (keys: Node): Node => el.sub(int(-1), keys);

/** For all dtypes but float64. */
export function keysOf(x: Node, descending = false): Node {
  const values = el.stopGradient(x);
  const keys = isFloat(x.dtype) ? apply(orderKeyOp, [el.cast(values, "float32")], {}) : el.cast(values, "int32");
  return descending ? opposite(keys) : keys;
}

/** Integer keys for any dtype, least significant first: a word decides where all later ones are equal. */
export const wordsOf = (x: Node, descending: boolean): Node[] =>
  x.dtype === "float64"
    ? partsOf(el.stopGradient(x)).map((word) => (descending ? opposite(word) : word))
    : [keysOf(x, descending)];

/** For float64: the remainder after the nearest float32, that float32, and the range of magnitudes that both are taken from. */
function partsOf(x: Node): Node[] {
  const number = (value: number): Node => full([], value, "float64");
  let value = x;
  let range = int(5);
  for (let step = 0; step < 4; step++) {
    const size = el.abs(value);
    const isSmall = el.lt(size, number(2 ** -120));
    const isLarge = el.ge(size, number(2 ** 120));
    value = el.mul(value, el.where(isSmall, number(2 ** 240), el.where(isLarge, number(2 ** -240), number(1))));
    range = el.add(range, el.sub(el.cast(isLarge, "int32"), el.cast(isSmall, "int32")));
  }
  const near = el.cast(value, "float32");
  const wide = el.cast(near, "float64");
  // A multiple of 2^-53 of the number: twice that precision is kept.
  const rest = el.mul(el.div(el.sub(value, wide), el.abs(wide)), number(2 ** 54));
  const side = el.cast(el.sign(value), "int32");
  return [el.cast(rest, "int32"), keysOf(near), el.where(el.isnan(x), int(127), el.mul(side, range))];
}
