// Without activations a deep network is linear: the product of its weight matrices gives the same outputs.
import { compile, data, nn, noGrad, optim, seed, type Tensor } from "../src/index.ts";

function network(activation: () => nn.Module): nn.Sequential {
  return new nn.Sequential(
    new nn.Linear(2, 16),
    activation(),
    new nn.Linear(16, 16),
    activation(),
    new nn.Linear(16, 1),
  );
}

const points = data.circles({ count: 400, seed: 1 });
const [x, labels] = new data.DataLoader(points).batch(Array.from({ length: points.length }, (_, row) => row));
const y = labels.to("float32").unsqueeze(1);

/** 300 steps of Adam on all points; returns the accuracy. */
async function train(model: nn.Module): Promise<number> {
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const step = compile(() => {
    const loss = nn.functional.bceWithLogits(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (let epoch = 0; epoch < 300; epoch++) step();
  const right = noGrad(() => model.forward(x).gt(0).eq(y.gt(0.5)));
  return right.to("float32").mean().item();
}

/** W₃W₂W₁ and W₃(W₂b₁ + b₂) + b₃. */
function collapse(model: nn.Sequential): { weight: Tensor; bias: Tensor } {
  let line: { weight: Tensor; bias: Tensor } | undefined;
  for (const layer of model) {
    if (!(layer instanceof nn.Linear)) continue;
    const { weight, bias } = layer;
    if (bias === undefined) continue;
    line =
      line === undefined
        ? { weight, bias }
        : { weight: weight.matmul(line.weight), bias: line.bias.matmul(weight.t()).add(bias) };
  }
  if (line === undefined) throw new Error("there is no linear layer to collapse");
  return line;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
seed(1);
const linear = network(() => new nn.Identity());
const linearAccuracy = await train(linear);
const { weight, bias } = collapse(linear);
const difference = noGrad(() => linear.forward(x).sub(x.matmul(weight.t()).add(bias)).abs().amax());
const [w1 = 0, w2 = 0] = await weight.data();
console.log(`two circles, three layers without activation: ${percent(linearAccuracy)} right`);
console.log(
  `the product of its matrices is one line: ${w1.toFixed(4)}·x₁ + ${w2.toFixed(4)}·x₂ + ${(await bias.item()).toFixed(4)}`,
);
console.log(`largest difference between network and line: ${(await difference.item()).toExponential(1)}`);

const tanhAccuracy = await train(network(() => new nn.Tanh()));
console.log(`the same three layers with tanh: ${percent(tanhAccuracy)} right`);
