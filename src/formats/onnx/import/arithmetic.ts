// Elementwise arithmetic, comparison, logic and bits, with broadcasting.
import { type Tensor, tensor, where } from "../../../tensor/index.ts";
import { dtypeOf, type ElementType } from "../elementTypes.ts";
import { int, string } from "./attributes.ts";
import { isWhole, onHosts } from "./hosts.ts";
import { bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight } from "./nodes.ts";
import { wrapped } from "./rounding.ts";
import { type Operators, type Output, type Rule, rule, typed } from "./rule.ts";
import { TensorValue, type Value } from "./values.ts";

type Numbers = (a: number, b: number) => number;
type Tensors = (a: Tensor, b: Tensor) => Tensor;

/** Arithmetic in the type of its operands; whole numbers wrap. */
function arithmeticOf(a: TensorValue, b: TensorValue, onHost: Numbers, onTensors: Tensors): Output {
  return (
    onHosts([a, b], a.type, onHost) ?? typed(wrapped(onTensors(a.tensor, b.tensor), a.type).to(a.tensor.dtype), a.type)
  );
}

const binary = (onHost: Numbers, onTensors: Tensors): Rule =>
  rule({}, (call) => arithmeticOf(call.value(0), call.value(1), onHost, onTensors));

/** a / b of whole numbers, truncated. */
const quotient: Tensors = (a, b) => a.to("float64").div(b.to("float64")).trunc().to(a.dtype);

/** Compares texts element by element. */
function sameTexts(a: Value, b: Value): Output {
  if (a.kind !== "text" || b.kind !== "text") return undefined;
  const longer = a.texts.length >= b.texts.length ? a : b;
  const pick = (value: typeof a, at: number): string | undefined => value.texts[value.texts.length === 1 ? 0 : at];
  return TensorValue.known(
    longer.texts.map((_, at) => (pick(a, at) === pick(b, at) ? 1 : 0)),
    longer.shape,
    "bool",
  );
}

const comparison = (onHost: (a: number, b: number) => boolean, onTensors: Tensors): Rule =>
  rule({}, (call) => {
    const texts = sameTexts(call.any(0), call.any(1));
    if (texts !== undefined) return texts;
    const [a, b] = [call.value(0), call.value(1)];
    return onHosts([a, b], "bool", (x, y) => (onHost(x, y) ? 1 : 0)) ?? typed(onTensors(a.tensor, b.tensor), "bool");
  });

const unary = (onHost: (x: number) => number, onTensor: (x: Tensor) => Tensor): Rule =>
  rule({}, (call) => {
    const x = call.value(0);
    return onHosts([x], x.type, onHost) ?? typed(wrapped(onTensor(x.tensor), x.type).to(x.tensor.dtype), x.type);
  });

/** Folds over any number of operands. */
const folded = (
  onHost: Numbers,
  onTensors: Tensors,
  finish: (sum: Tensor, count: number) => Tensor = (sum) => sum,
): Rule =>
  rule({}, (call) => {
    const [first, ...rest] = call.inputs.map((_, place) => call.value(place));
    if (first === undefined) throw call.fail("it takes at least one input");
    const known = rest.reduce<TensorValue | undefined>((a, b) => a && onHosts([a, b], a.type, onHost), first);
    if (known !== undefined && known !== first && finish.length < 1) return known;
    const sum = rest.reduce((a, b) => onTensors(a, b.tensor), first.tensor);
    return typed(finish(sum, rest.length + 1), first.type);
  });

/** Bits of whole numbers, computed in int32. */
const bits = (onTensors: Tensors): Rule =>
  rule({}, (call) => {
    const [a, b] = [call.value(0), call.value(1)];
    const dtype = a.tensor.dtype;
    return typed(onTensors(a.tensor.to("int32"), b.tensor.to("int32")).to(dtype), a.type);
  });

function power(a: TensorValue, b: TensorValue): Output {
  const whole = isWhole(a.type);
  if (whole) {
    const known = onHosts([a, b], a.type, (x, y) => x ** y);
    if (known !== undefined) return known;
    const product = a.tensor.to("float64").pow(b.tensor.to("float64"));
    return typed(wrapped(product.trunc().to(a.tensor.dtype), a.type), a.type);
  }
  // pow() turns a known scalar exponent into squares and roots.
  const exponent = b.constant && b.size === 1 && b.rank <= a.rank ? b.host("the exponent")[0] : undefined;
  return typed(a.tensor.pow(exponent ?? b.tensor.to(a.tensor.dtype)).to(a.tensor.dtype), a.type);
}

function modulo(a: TensorValue, b: TensorValue, fmod: boolean): Output {
  const truncated: Tensors = (x, y) => {
    const [p, q] = [x.to("float64"), y.to("float64")];
    return p.sub(p.div(q).trunc().mul(q)).to(x.dtype);
  };
  if (fmod) return arithmeticOf(a, b, (x, y) => x % y, truncated);
  const floored: Tensors = (x, y) => {
    if (x.dtype === "float64" || isWhole(a.type)) return x.remainder(y);
    const [p, q] = [x.to("float64"), y.to("float64")];
    const rest = p.sub(p.div(q).floor().mul(q));
    // Modulo infinity: the value itself, or the infinity if the signs differ.
    const far = where(p.mul(q.sign()).lt(0), q, p);
    return where(q.isinf().logicalAnd(p.isfinite()), far, rest).to(x.dtype);
  };
  return arithmeticOf(a, b, (x, y) => x - Math.floor(x / y) * y, floored);
}

/** Bits of a type, for shifts. */
const widthOf = (type: ElementType): number => (type.endsWith("8") ? 8 : type.endsWith("16") ? 16 : 32);

export const arithmetic: Operators = {
  Add: binary(
    (a, b) => a + b,
    (a, b) => a.add(b),
  ),
  Sub: binary(
    (a, b) => a - b,
    (a, b) => a.sub(b),
  ),
  Mul: binary(
    (a, b) => a * b,
    (a, b) => a.mul(b),
  ),
  Div: rule({}, (call) => {
    const [a, b] = [call.value(0), call.value(1)];
    return arithmeticOf(
      a,
      b,
      (x, y) => (isWhole(a.type) ? Math.trunc(x / y) : x / y),
      isWhole(a.type) ? quotient : (x, y) => x.div(y),
    );
  }),
  Mod: rule({ fmod: int(0) }, (call) => modulo(call.value(0), call.value(1), call.attributes.fmod === 1)),
  Pow: rule({}, (call) => power(call.value(0), call.value(1))),
  Max: folded(Math.max, (a, b) => a.maximum(b)),
  Min: folded(Math.min, (a, b) => a.minimum(b)),
  Sum: folded(
    (a, b) => a + b,
    (a, b) => a.add(b),
  ),
  Mean: folded(
    (a, b) => a + b,
    (a, b) => a.add(b),
    (sum, count) => sum.div(count),
  ),
  Neg: unary(
    (x) => -x,
    (x) => x.neg(),
  ),
  Abs: unary(Math.abs, (x) => x.abs()),
  Sign: unary(Math.sign, (x) => x.sign()),
  Floor: unary(Math.floor, (x) => x.floor()),
  Ceil: unary(Math.ceil, (x) => x.ceil()),
  Round: unary(
    (x) => x,
    (x) => x.round(),
  ),
  Equal: comparison(
    (a, b) => a === b,
    (a, b) => a.eq(b),
  ),
  Less: comparison(
    (a, b) => a < b,
    (a, b) => a.lt(b),
  ),
  LessOrEqual: comparison(
    (a, b) => a <= b,
    (a, b) => a.le(b),
  ),
  Greater: comparison(
    (a, b) => a > b,
    (a, b) => a.gt(b),
  ),
  GreaterOrEqual: comparison(
    (a, b) => a >= b,
    (a, b) => a.ge(b),
  ),
  And: comparison(
    (a, b) => a !== 0 && b !== 0,
    (a, b) => a.logicalAnd(b),
  ),
  Or: comparison(
    (a, b) => a !== 0 || b !== 0,
    (a, b) => a.logicalOr(b),
  ),
  Xor: comparison(
    (a, b) => (a !== 0) !== (b !== 0),
    (a, b) => a.ne(b),
  ),
  Not: rule({}, (call) => {
    const x = call.value(0);
    return onHosts([x], "bool", (one) => (one === 0 ? 1 : 0)) ?? typed(x.tensor.logicalNot(), "bool");
  }),
  Where: rule({}, (call) => {
    const [a, b] = [call.any(1), call.any(2)];
    if (a.kind === "text" || b.kind === "text") throw call.fail("texts are not chosen by a condition");
    const [x, y] = [call.value(1), call.value(2)];
    return (
      onHosts([call.value(0), x, y], x.type, (c, p, q) => (c === 0 ? q : p)) ??
      typed(where(call.tensor(0), x.tensor, y.tensor), x.type)
    );
  }),
  BitwiseAnd: bits(bitwiseAnd),
  BitwiseOr: bits(bitwiseOr),
  BitwiseXor: bits(bitwiseXor),
  BitwiseNot: rule({}, (call) => {
    const { tensor: x, type } = call.value(0);
    const ones = tensor(Int32Array.of(-1), { shape: [] });
    return typed(wrapped(bitwiseXor(x.to("int32"), ones), type).to(dtypeOf(type) ?? "int32"), type);
  }),
  BitShift: rule({ direction: string() }, (call) => {
    const { tensor: x, type } = call.value(0);
    const [a, count] = [x.to("int32"), call.tensor(1).to("int32")];
    const width = widthOf(type);
    const signed = type.startsWith("i");
    // A shift by the width or more, or by less than 0, leaves only the sign, or nothing.
    const outside = count.lt(0).logicalOr(count.ge(width));
    const within = where(outside, 0, count).to("int32");
    const left = call.attributes.direction === "LEFT";
    const kept = left ? shiftLeft(a, within) : signed ? arithmeticRight(a, within) : shiftRight(a, within);
    const gone = !left && signed ? where(a.lt(0), -1, 0).to("int32") : 0;
    const moved = where(outside, gone, kept).to("int32");
    return typed(wrapped(moved, type).to(dtypeOf(type) ?? "int32"), type);
  }),
};

/** An arithmetic shift: negative values are complemented before and after it. */
function arithmeticRight(a: Tensor, count: Tensor): Tensor {
  const ones = tensor(Int32Array.of(-1), { shape: [] });
  return where(a.lt(0), bitwiseXor(shiftRight(bitwiseXor(a, ones), count), ones), shiftRight(a, count)).to("int32");
}
