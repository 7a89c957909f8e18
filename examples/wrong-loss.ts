// The wrong loss against the right one: squared error on a confident mistake barely pushes; cross-entropy pushes at full strength.
import { pathToFileURL } from "node:url";
import { compile, nn, optim, seed, type Tensor, tensor, valueAndGrad } from "../src/index.ts";

export interface Outcome {
  /** |∂loss/∂logit| of a confident mistake. */
  readonly pushSquared: number;
  readonly pushCrossEntropy: number;
  /** Steps until every one of the points is decided right; undefined when it never was. */
  readonly stepsSquared: number | undefined;
  readonly stepsCrossEntropy: number | undefined;
}

type Loss = (logits: Tensor, target: Tensor) => Tensor;
const losses: Readonly<Record<"mse" | "bce", Loss>> = {
  mse: (logits, target) => nn.functional.mse(logits.sigmoid(), target),
  bce: (logits, target) => nn.functional.bceWithLogits(logits, target),
};

/** Slope of a loss at a logit of −10 where the answer is 1. */
async function push(loss: Loss): Promise<number> {
  const [, [slope]] = valueAndGrad((logit: Tensor) => loss(logit, tensor([1])))(tensor([-10]));
  return Math.abs((await slope?.item()) ?? Number.NaN);
}

const limit = 2000;

/** One neuron that starts out sure of the wrong answer for every point. */
function steps(loss: Loss): number | undefined {
  const x = tensor([
    [1, 2],
    [2, 1],
    [1.5, 1.5],
    [-1, -2],
    [-2, -1],
    [-1.5, -1.5],
  ]);
  const y = tensor([[1], [1], [1], [0], [0], [0]], { dtype: "float32" });
  const model = new nn.Linear(2, 1);
  model.weight.assign(tensor([[-4, -4]], { dtype: "float32" }));
  model.bias?.assign(0);
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 });
  const step = compile((a: Tensor, b: Tensor) => {
    const logits = model.forward(a);
    const value = loss(logits, b);
    optimizer.zeroGrad();
    value.backward();
    optimizer.step();
    return logits.gt(0).eq(b.gt(0.5)).all();
  });
  for (let count = 0; count < limit; count++) if (step(x, y).itemSync()) return count;
  return undefined;
}

export async function run(log: (line: string) => void = console.log): Promise<Outcome> {
  seed(0);
  const [pushSquared, pushCrossEntropy] = [await push(losses.mse), await push(losses.bce)];
  log(
    `a confident mistake (logit −10, the answer is 1): slope of the squared error ${pushSquared.toExponential(2)}, of the cross-entropy ${pushCrossEntropy.toFixed(4)}`,
  );
  const [stepsSquared, stepsCrossEntropy] = [steps(losses.mse), steps(losses.bce)];
  const told = (count: number | undefined): string =>
    count === undefined ? `not within ${limit} steps` : `after ${count} steps`;
  log(
    `one neuron that starts out sure of all the wrong answers: squared error is right ${told(stepsSquared)}, cross-entropy ${told(stepsCrossEntropy)}`,
  );
  return { pushSquared, pushCrossEntropy, stepsSquared, stepsCrossEntropy };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await run();
