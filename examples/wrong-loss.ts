// The wrong loss: squared error after a sigmoid barely corrects a confident mistake; cross-entropy corrects it at full strength.
import { compile, nn, optim, type Tensor, tensor, valueAndGrad } from "../src/index.ts";

type Loss = (logits: Tensor, target: Tensor) => Tensor;
const squared: Loss = (logits, target) => nn.functional.mse(logits.sigmoid(), target);
const crossEntropy: Loss = (logits, target) => nn.functional.bceWithLogits(logits, target);

/** Slope of a loss at a logit of −10 where the answer is 1. */
async function push(loss: Loss): Promise<number> {
  const [, [slope]] = valueAndGrad((logit: Tensor) => loss(logit, tensor([1])))(tensor([-10]));
  return Math.abs((await slope?.item()) ?? Number.NaN);
}

const limit = 2000;
const x = tensor([
  [1, 2],
  [2, 1],
  [1.5, 1.5],
  [-1, -2],
  [-2, -1],
  [-1.5, -1.5],
]);
const y = tensor([[1], [1], [1], [0], [0], [0]], { dtype: "float32" });

/** Steps until one neuron, which starts out sure of the wrong answer for every point, gets all of them right. */
async function recovery(loss: Loss): Promise<number> {
  const model = new nn.Linear(2, 1);
  model.weight.assign(Float32Array.of(-4, -4));
  model.bias?.assign(0);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 });
  const step = compile(() => {
    const logits = model.forward(x);
    optimizer.zeroGrad();
    loss(logits, y).backward();
    optimizer.step();
    return logits.gt(0).eq(y.gt(0.5)).all();
  });
  for (let count = 0; count < limit; count++) if (await step().item()) return count;
  return limit;
}

const [small, full] = [await push(squared), await push(crossEntropy)];
console.log("a confident mistake (logit −10, the answer is 1):");
console.log(`  slope of the squared error  ${small.toExponential(2)}`);
console.log(`  slope of the cross-entropy  ${full.toExponential(2)}, ${Math.round(full / small)} times as steep`);
const told = (steps: number): string => (steps === limit ? `not after ${limit} steps` : `after ${steps} steps`);
console.log("one neuron that starts out sure of all the wrong answers is right");
console.log(`  with the squared error      ${told(await recovery(squared))}`);
console.log(`  with the cross-entropy      ${told(await recovery(crossEntropy))}`);
