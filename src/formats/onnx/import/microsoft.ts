// com.microsoft operators that exporters and transformer optimisers leave in a graph.
import { functional } from "../../../nn/index.ts";
import type { Tensor } from "../../../tensor/index.ts";
import { float, int } from "./attributes.ts";
import { type Call, type Operators, type Output, rule, typed } from "./rule.ts";

/** x + skip + bias, normalised by mean and deviation, or only by the root mean square. */
function skipNorm(call: Call<{ readonly epsilon: number }>, centres: boolean): Output[] {
  const { tensor: x, type } = call.value(0);
  const bias = call.maybe(centres ? 4 : 3);
  const sum = bias === undefined ? x.add(call.tensor(1)) : x.add(call.tensor(1)).add(bias);
  const centred = centres ? sum.sub(sum.mean(-1, true)) : sum;
  const scaled = centred.mul(centred.square().mean(-1, true).add(call.attributes.epsilon).rsqrt()).mul(call.tensor(2));
  const beta = centres ? call.maybe(3) : undefined;
  // Mean and deviation are unused in inference; the sum is the fourth output.
  return [typed(beta === undefined ? scaled : scaled.add(beta), type), undefined, undefined, typed(sum, type)];
}

const turned = (x: Tensor, turn: number): Tensor => (turn === 1 ? x.transpose(-1, -2) : x);

export const microsoft: Operators = {
  Gelu: rule({}, (call) => functional.gelu(call.tensor(0))),
  BiasGelu: rule({}, (call) => functional.gelu(call.tensor(0).add(call.tensor(1)))),
  FastGelu: rule({}, (call) =>
    functional.gelu(call.has(1) ? call.tensor(0).add(call.tensor(1)) : call.tensor(0), "tanh"),
  ),
  QuickGelu: rule({ alpha: float(1.702) }, (call) => {
    const x = call.tensor(0);
    return x.mul(x.mul(call.attributes.alpha).sigmoid());
  }),
  FusedMatMul: rule(
    { alpha: float(1), transA: int(0), transB: int(0), transBatchA: int(0), transBatchB: int(0) },
    (call) => {
      const { alpha, transA, transB, transBatchA, transBatchB } = call.attributes;
      if (transBatchA === 1 || transBatchB === 1) throw call.fail("batches that are turned are not known");
      const product = turned(call.tensor(0), transA).matmul(turned(call.tensor(1), transB));
      return alpha === 1 ? product : product.mul(alpha);
    },
  ),
  SkipLayerNormalization: rule({ epsilon: float(1e-5) }, (call) => skipNorm(call, true)),
  SkipSimplifiedLayerNormalization: rule({ epsilon: float(1e-5) }, (call) => skipNorm(call, false)),
};
