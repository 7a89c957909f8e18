// The optimizers of ai.onnx.preview.training: one step for several weights.
import type { Tensor } from "../../../tensor/index.ts";
import { float, string } from "./attributes.ts";
import { type Call, type Operators, type Output, rule } from "./rule.ts";

/** The inputs after the learning rate and the step count, in groups: all weights, all gradients, all values of each state. */
function grouped(call: Call<unknown>, groups: number): Tensor[][] {
  const count = (call.inputs.length - 2) / groups;
  if (!Number.isInteger(count)) throw call.fail(`${call.inputs.length - 2} tensors are not ${groups} for each weight`);
  return Array.from({ length: count }, (_, one) =>
    Array.from({ length: groups }, (_, group) => call.tensor(2 + group * count + one)),
  );
}

/** The results of each weight as outputs: all weights, then all values of each state. */
const spread = (results: readonly (readonly Tensor[])[]): Output[] =>
  results
    .slice(0, 1)
    .flat()
    .flatMap((_, group) => results.map((result) => result[group]));

/** The bias correction of the first steps; the step count may be 0. */
const corrected = (decay: number, count: Tensor): Tensor => count.to("float32").mul(Math.log(decay)).exp().neg().add(1);

export const trainings: Operators = {
  Adagrad: rule({ decay_factor: float(0), epsilon: float(1e-6), norm_coefficient: float(0) }, (call) => {
    const { decay_factor, epsilon, norm_coefficient } = call.attributes;
    const rate = call.tensor(0).div(call.tensor(1).to("float32").mul(decay_factor).add(1));
    return spread(
      grouped(call, 3).map((tensors) => {
        const [x, g, h] = tensors as [Tensor, Tensor, Tensor];
        const gradient = x.mul(norm_coefficient).add(g);
        const squares = h.add(gradient.square());
        return [x.sub(rate.mul(gradient).div(squares.sqrt().add(epsilon))), squares];
      }),
    );
  }),
  Momentum: rule({ alpha: float(), beta: float(), mode: string(), norm_coefficient: float() }, (call) => {
    const { alpha, beta, mode, norm_coefficient } = call.attributes;
    const rate = call.tensor(0);
    // The first gradient counts in full.
    const share = call
      .tensor(1)
      .gt(0)
      .to("float32")
      .mul(beta - 1)
      .add(1);
    return spread(
      grouped(call, 3).map((tensors) => {
        const [x, g, v] = tensors as [Tensor, Tensor, Tensor];
        const gradient = x.mul(norm_coefficient).add(g);
        const next = v.mul(alpha).add(gradient.mul(share));
        return [x.sub(rate.mul(mode === "nesterov" ? gradient.add(next.mul(alpha)) : next)), next];
      }),
    );
  }),
  Adam: rule(
    {
      alpha: float(0.9),
      beta: float(0.999),
      epsilon: float(1e-6),
      norm_coefficient: float(0),
      norm_coefficient_post: float(0),
    },
    (call) => {
      const { alpha, beta, epsilon, norm_coefficient, norm_coefficient_post } = call.attributes;
      const count = call.tensor(1);
      const started = count.gt(0);
      const scale = corrected(beta, count).sqrt().div(corrected(alpha, count)).where(started, 1);
      const rate = call.tensor(0).mul(scale);
      return spread(
        grouped(call, 4).map((tensors) => {
          const [x, g, v, h] = tensors as [Tensor, Tensor, Tensor, Tensor];
          const gradient = x.mul(norm_coefficient).add(g);
          const mean = v.mul(alpha).add(gradient.mul(1 - alpha));
          const squares = h.mul(beta).add(gradient.square().mul(1 - beta));
          const next = x.sub(rate.mul(mean.div(squares.sqrt().add(epsilon))));
          return [next.mul(1 - norm_coefficient_post), mean, squares];
        }),
      );
    },
  ),
};
