// Constants, and tensors made from shapes: Constant, ConstantOfShape, EyeLike, Range, Shape, Size, windows, random numbers.
import { at } from "../../../graph/at.ts";
import { arange, bernoulli, eye, full, multinomial, rand, randn, type Tensor } from "../../../tensor/index.ts";
import { dtypeOf, type ElementType, elementTypeOf } from "../elementTypes.ts";
import {
  float,
  int,
  ints,
  maybeFloat,
  maybeFloats,
  maybeInt,
  maybeInts,
  maybeString,
  maybeStrings,
  maybeTensor,
} from "./attributes.ts";
import { forEachIndex, isWhole } from "./hosts.ts";
import { cumprod } from "./nodes.ts";
import { type Call, type Operators, type Output, rule, typed } from "./rule.ts";
import { TensorValue } from "./values.ts";

const randomKinds = { seed: maybeFloat, dtype: maybeInt };

/** Random floats in the type that the node requests. */
function drawn(call: Call<{ readonly dtype: number | undefined }>, like: ElementType, draw: () => Tensor): Output {
  const { dtype } = call.attributes;
  const type = dtype === undefined ? like : elementTypeOf(dtype, call.where);
  const kind = dtypeOf(type);
  if (kind === undefined) throw call.fail(`there are no tensors of type ${type}`);
  return typed(draw().to(kind), type);
}
const floatLike = (type: ElementType): ElementType => (isWhole(type) ? "float" : type);

/** A window function as a sum of cosines: Σ (−1)ⁱ cᵢ cos(2πi n / N). */
const cosineWindow = (coefficients: readonly number[]) =>
  rule({ output_datatype: int(1), periodic: int(1) }, (call) => {
    const size = call.size(call.number(0));
    const period = call.attributes.periodic === 1 ? size : size - 1;
    const values = Array.from({ length: size }, (_, n) =>
      coefficients.reduce((sum, c, i) => sum + (i % 2 === 0 ? c : -c) * Math.cos((2 * Math.PI * i * n) / period), 0),
    );
    return TensorValue.known(values, [size], elementTypeOf(call.attributes.output_datatype, call.where));
  });

function cumulative(
  call: Call<{ readonly exclusive: number; readonly reverse: number }>,
  scan: (x: Tensor, dim: number) => Tensor,
  start: number,
): Tensor {
  const { exclusive, reverse } = call.attributes;
  const x = call.tensor(0);
  const dim = call.axis(call.number(1), x.rank);
  const turned = reverse === 1 ? x.flip(dim) : x;
  let out = turned;
  if (exclusive === 1) {
    const pads = x.shape.map((_, one): [number, number] => [one === dim ? 1 : 0, 0]);
    out = turned.narrow(dim, 0, Math.max(0, at(x.shape, dim) - 1)).pad(pads, start);
  }
  out = scan(out, dim).to(x.dtype);
  return reverse === 1 ? out.flip(dim) : out;
}

export const constants: Operators = {
  Constant: rule(
    {
      value: maybeTensor,
      value_float: maybeFloat,
      value_floats: maybeFloats,
      value_int: maybeInt,
      value_ints: maybeInts,
      value_string: maybeString,
      value_strings: maybeStrings,
    },
    (call) => {
      const { attributes: a } = call;
      if (a.value !== undefined) return a.value;
      if (a.value_float !== undefined) return TensorValue.known([a.value_float], [], "float");
      if (a.value_int !== undefined) return TensorValue.known([a.value_int], [], "int64");
      if (a.value_floats !== undefined) return TensorValue.known(a.value_floats, [a.value_floats.length], "float");
      if (a.value_ints !== undefined) return TensorValue.known(a.value_ints, [a.value_ints.length], "int64");
      if (a.value_string !== undefined) return { kind: "text", shape: [], texts: [a.value_string] };
      if (a.value_strings !== undefined)
        return { kind: "text", shape: [a.value_strings.length], texts: a.value_strings };
      throw call.fail("it has no value; the file is damaged");
    },
  ),
  ConstantOfShape: rule(
    { value: maybeTensor },
    (call) => {
      const shape = call.numbers(0);
      const { value } = call.attributes;
      if (value === undefined) return typed(full(shape, 0), "float");
      if (value.kind !== "tensor") throw call.fail("its value is not a tensor");
      const number = at(value.host(call.where), 0);
      const size = shape.reduce((product, dim) => product * dim, 1);
      if (size <= 256) return TensorValue.known(new Array<number>(size).fill(number), shape, value.type);
      return typed(full(shape, number, { dtype: dtypeOf(value.type) ?? "float32" }), value.type);
    },
    { fixed: [0] },
  ),
  EyeLike: rule({ dtype: maybeInt, k: int(0) }, (call) => {
    const like = call.value(0);
    const { dtype, k } = call.attributes;
    const type = dtype === undefined ? like.type : elementTypeOf(dtype, call.where);
    const [rows = 0, columns = 0] = like.shape;
    const kind = dtypeOf(type) ?? "float32";
    if (k === 0) return typed(eye(rows, columns, { dtype: kind }), type);
    const data = new Float64Array(rows * columns);
    forEachIndex([rows, columns], ([row = 0, column = 0], place) => {
      data[place] = column - row === k ? 1 : 0;
    });
    return TensorValue.known(data, [rows, columns], type);
  }),
  Range: rule(
    {},
    (call) => {
      const { type } = call.value(0);
      const [start, limit, step] = [call.number(0), call.number(1), call.number(2)];
      const length = Math.max(0, Math.ceil((limit - start) / step));
      if (!(length < 2 ** 31)) throw call.fail(`a range from ${start} to ${limit} in steps of ${step} has no end`);
      if (length > 4096 && isWhole(type))
        return typed(arange(start, start + length * step, step, { dtype: "int32" }), type);
      return TensorValue.known(
        Array.from({ length }, (_, at) => start + at * step),
        [length],
        type,
      );
    },
    { fixed: [0, 1, 2] },
  ),
  Shape: rule({ start: int(0), end: maybeInt }, (call) => {
    const value = call.any(0);
    if (value.kind === "sequence" || value.kind === "nothing") throw call.fail("its input has no shape");
    const { start, end } = call.attributes;
    const sizes = value.shape.slice(start, end);
    return TensorValue.known(sizes, [sizes.length], "int64");
  }),
  Size: rule({}, (call) => TensorValue.known([call.value(0).size], [], "int64")),
  CumSum: rule({ exclusive: int(0), reverse: int(0) }, (call) => cumulative(call, (x, dim) => x.cumsum(dim), 0), {
    fixed: [1],
  }),
  CumProd: rule({ exclusive: int(0), reverse: int(0) }, (call) => cumulative(call, cumprod, 1), { fixed: [1] }),
  HannWindow: cosineWindow([0.5, 0.5]),
  HammingWindow: cosineWindow([25 / 46, 21 / 46]),
  BlackmanWindow: cosineWindow([0.42, 0.5, 0.08]),
  RandomNormal: rule(
    { ...randomKinds, mean: float(0), scale: float(1), shape: ints() },
    (call) =>
      drawn(call, "float", () =>
        randn([...call.attributes.shape])
          .mul(call.attributes.scale)
          .add(call.attributes.mean),
      ),
    { varies: true },
  ),
  RandomNormalLike: rule(
    { ...randomKinds, mean: float(0), scale: float(1) },
    (call) =>
      drawn(call, floatLike(call.value(0).type), () =>
        randn([...call.value(0).shape])
          .mul(call.attributes.scale)
          .add(call.attributes.mean),
      ),
    { varies: true },
  ),
  RandomUniform: rule(
    { ...randomKinds, low: float(0), high: float(1), shape: ints() },
    (call) => {
      const { low, high, shape } = call.attributes;
      return drawn(call, "float", () =>
        rand([...shape])
          .mul(high - low)
          .add(low),
      );
    },
    { varies: true },
  ),
  RandomUniformLike: rule(
    { ...randomKinds, low: float(0), high: float(1) },
    (call) => {
      const { low, high } = call.attributes;
      return drawn(call, floatLike(call.value(0).type), () =>
        rand([...call.value(0).shape])
          .mul(high - low)
          .add(low),
      );
    },
    { varies: true },
  ),
  Bernoulli: rule({ ...randomKinds }, (call) => drawn(call, call.value(0).type, () => bernoulli(call.tensor(0))), {
    varies: true,
  }),
  Multinomial: rule(
    { seed: maybeFloat, dtype: int(6), sample_size: int(1) },
    (call) =>
      drawn(call, "int32", () => multinomial(call.tensor(0).exp(), call.attributes.sample_size, { replacement: true })),
    { varies: true },
  ),
  MelWeightMatrix: rule(
    { output_datatype: int(1) },
    (call) => {
      const [bins, length, rate, low, high] = [0, 1, 2, 3, 4].map((place) => call.number(place)) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const spectrum = Math.floor(length / 2) + 1;
      call.size(call.size(spectrum) * call.size(bins));
      const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
      const [from, to] = [mel(low), mel(high)];
      const edges = Array.from({ length: bins + 2 }, (_, at) =>
        Math.floor(((length + 1) * (700 * (10 ** ((at * ((to - from) / (bins + 2)) + from) / 2595) - 1))) / rate),
      );
      const out = new Float64Array(spectrum * bins);
      for (let bin = 0; bin < bins; bin++) {
        const [lower = 0, centre = 0, upper = 0] = edges.slice(bin, bin + 3);
        if (lower === centre) out[centre * bins + bin] = 1;
        else for (let at = lower; at <= centre; at++) out[at * bins + bin] = (at - lower) / (centre - lower);
        for (let at = centre; at < upper; at++) out[at * bins + bin] = (upper - at) / (upper - centre);
      }
      return TensorValue.known(out, [spectrum, bins], elementTypeOf(call.attributes.output_datatype, call.where));
    },
    { fixed: [0, 1, 2, 3, 4] },
  ),
};
