// Classification losses.
import { type Tensor, where } from "../../../tensor/index.ts";
import { maybeInt, string } from "./attributes.ts";
import { type Call, type Operators, type Output, rule, typed } from "./rule.ts";

const kinds = { ignore_index: maybeInt, reduction: string("mean") };
type LossCall = Call<{ readonly ignore_index: number | undefined; readonly reduction: string }>;

/** −log p of the class at each position, weighted by class, without the ignored ones. */
function negativeLikelihood(call: LossCall, logs: Tensor): Tensor {
  const target = call.tensor(1).to("int32");
  const { ignore_index, reduction } = call.attributes;
  const ignored = ignore_index === undefined ? undefined : target.eq(ignore_index);
  const index = (ignored === undefined ? target : where(ignored, 0, target).to("int32")).unsqueeze(1);
  const picked = logs.gather(1, index).squeeze(1).neg();
  const classes = call.maybe(2);
  let weight =
    classes === undefined
      ? picked.detach().mul(0).add(1)
      : classes.indexSelect(0, index.reshape(index.size)).reshape(target.shape);
  if (ignored !== undefined) weight = where(ignored, 0, weight).to(logs.dtype);
  const loss = where(weight.eq(0), 0, picked.mul(weight)).to(logs.dtype);
  if (reduction === "none") return loss;
  if (reduction === "sum") return loss.sum();
  if (reduction !== "mean") throw call.fail(`the reduction ${JSON.stringify(reduction)} is not one of none, sum, mean`);
  return loss.sum().div(weight.sum());
}

export const losses: Operators = {
  NegativeLogLikelihoodLoss: rule(kinds, (call) => negativeLikelihood(call, call.tensor(0))),
  SoftmaxCrossEntropyLoss: rule(kinds, (call): Output[] => {
    const { tensor: scores, type } = call.value(0);
    const logs = scores.logSoftmax(1);
    return [typed(negativeLikelihood(call, logs), type), typed(logs, type)];
  }),
};
