// Matrix products: MatMul, Gemm, Einsum, and integer products.
import { at } from "../../../graph/at.ts";
import { einsum, type Tensor } from "../../../tensor/index.ts";
import { float, int, string } from "./attributes.ts";
import { isWhole } from "./hosts.ts";
import { type Call, type Operators, rule, typed } from "./rule.ts";

/** A product of whole numbers in int32, computed exactly in float64. */
export function exactMatmul(a: Tensor, b: Tensor): Tensor {
  return a.to("float64").matmul(b.to("float64")).to("int32");
}

function gemm(
  call: Call<{ readonly alpha: number; readonly beta: number; readonly transA: number; readonly transB: number }>,
): Tensor {
  const { alpha, beta, transA, transB } = call.attributes;
  const [a, b] = [call.tensor(0), call.tensor(1)];
  if (a.rank !== 2 || b.rank !== 2)
    throw call.fail(`takes matrices, got [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`);
  const product = (transA === 1 ? a.t() : a).matmul(transB === 1 ? b.t() : b);
  const scaled = alpha === 1 ? product : product.mul(alpha);
  const c = call.maybe(2);
  if (c === undefined) return scaled.to(a.dtype);
  return scaled.add(beta === 1 ? c : c.mul(beta)).to(a.dtype);
}

/** The determinant of each matrix, by elimination with the largest pivot, with all steps unrolled. */
function determinant(x: Tensor): Tensor {
  const n = at(x.shape, x.rank - 1);
  let rest = x.reshape(-1, n, n);
  let product = rest.select(1, 0).select(1, 0).mul(0).add(1);
  for (let size = n; size > 0; size--) {
    const column = rest.select(2, 0);
    const pivot = column.abs().argmax(1, true);
    const places = rest.select(2, 0).mul(0).add(1).cumsum(1).sub(1);
    const chosen = places.eq(pivot.to(x.dtype)).to(x.dtype).unsqueeze(2);
    const row = rest.mul(chosen).sum(1, true);
    const lead = row.select(2, 0).select(1, 0);
    const sign = pivot.reshape(-1).eq(0).to(x.dtype).mul(2).sub(1);
    product = product.mul(lead).mul(sign);
    if (size === 1) break;
    // The first row replaces the pivot row, which is removed.
    const first = rest.narrow(1, 0, 1);
    const swapped = rest.add(chosen.mul(first.sub(rest))).narrow(1, 1, size - 1);
    const safe = lead.add(lead.eq(0).to(x.dtype)).reshape(-1, 1, 1);
    rest = swapped.sub(swapped.narrow(2, 0, 1).div(safe).mul(row)).narrow(2, 1, size - 1);
  }
  return product.reshape(x.shape.slice(0, -2));
}

export const matrices: Operators = {
  MatMul: rule({}, (call) => {
    const a = call.value(0);
    if (isWhole(a.type)) return typed(exactMatmul(a.tensor, call.tensor(1)), a.type);
    return typed(a.tensor.matmul(call.tensor(1)), a.type);
  }),
  Gemm: rule({ alpha: float(1), beta: float(1), transA: int(0), transB: int(0), broadcast: int(1) }, gemm),
  Einsum: rule({ equation: string() }, (call) =>
    einsum(call.attributes.equation.replaceAll(" ", ""), ...call.inputs.map((_, place) => call.tensor(place))),
  ),
  Det: rule({}, (call) => determinant(call.tensor(0))),
};
