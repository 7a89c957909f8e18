// Our side of bench/reductions.ts, through the public API only.   usage: reductions-hebb.mjs   (HEBB_BACKEND, HEBB_THREADS)
import { batchNorm, layerNorm } from "../../src/nn/functional.ts";
import { compile, grad, State, type Tensor, tensor, zeros } from "../../src/tensor/index.ts";
import type { Reduction } from "../reductionShapes.ts";
import { serve } from "./serve.mjs";

function reduced(x: Tensor, { of, dims }: Reduction): Tensor {
  switch (of) {
    case "sum":
      return x.sum([...dims]);
    case "variance":
      return x.variance([...dims]);
    case "tanh":
      return x.tanh().sum([...dims]);
    case "layerNorm":
      return layerNorm(x, [x.shape.at(-1) ?? 1]);
    case "batchNorm":
      return batchNorm(x, undefined, undefined, { training: true });
    case "layerNorm slopes":
      return slopes(x, (input) => layerNorm(input, [x.shape.at(-1) ?? 1]));
    case "batchNorm slopes":
      return slopes(x, (input) => batchNorm(input, undefined, undefined, { training: true }));
    case "softmax":
      return x.softmax(dims[0] ?? 0);
  }
}

/** The gradient of a loss that weights every output differently. */
const slopes = (x: Tensor, of: (input: Tensor) => Tensor): Tensor => grad((input: Tensor) => of(input).mul(x).sum())(x);

await serve(
  (asked) => {
    const reduction = asked as Reduction;
    const size = reduction.shape.reduce((a, b) => a * b, 1);
    const x = tensor(Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 1009) / 1009)).reshape([
      ...reduction.shape,
    ]);
    x.dataSync();
    // Results go to a cell, as in a training step, so that no memory is allocated for them.
    const cell = new State(zeros(reduced(x, reduction).shape));
    const step = compile((input: Tensor) => {
      cell.assign(reduced(input, reduction));
    });
    return {
      step() {
        step(x);
      },
      check() {
        step(x);
        const values = Float64Array.from(cell.dataSync());
        return values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
      },
    };
  },
  { version: "source" },
);
