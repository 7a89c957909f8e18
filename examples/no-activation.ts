// Without activations a deep network is one line: the product of its weight matrices gives the same outputs.
import { pathToFileURL } from "node:url";
import { compile, data, nn, noGrad, optim, seed, type Tensor } from "../src/index.ts";

export interface Outcome {
  /** The largest difference between the deep linear network and the single line it collapses to. */
  readonly difference: number;
  readonly linearAccuracy: number;
  readonly reluAccuracy: number;
}

function network(activation: () => nn.Module): nn.Sequential {
  return new nn.Sequential(
    new nn.Linear(2, 16),
    activation(),
    new nn.Linear(16, 16),
    activation(),
    new nn.Linear(16, 1),
  );
}

async function train(model: nn.Module, x: Tensor, y: Tensor): Promise<number> {
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const step = compile((a: Tensor, b: Tensor) => {
    const loss = nn.functional.bceWithLogits(model.forward(a), b);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (let epoch = 0; epoch < 300; epoch++) step(x, y);
  const right = noGrad(() => model.forward(x).gt(0).eq(y.gt(0.5)));
  return right.to("float32").mean().item();
}

/** W₃W₂W₁ and W₃(W₂b₁ + b₂) + b₃. */
function collapse(model: nn.Sequential): { weight: Tensor; bias: Tensor } {
  const layers = [...model].filter((layer) => layer instanceof nn.Linear);
  let weight: Tensor | undefined;
  let bias: Tensor | undefined;
  for (const layer of layers) {
    const own = layer.bias as Tensor;
    weight = weight === undefined ? layer.weight : layer.weight.matmul(weight);
    bias = bias === undefined ? own : layer.weight.matmul(bias.unsqueeze(1)).squeeze(1).add(own);
  }
  return { weight: weight as Tensor, bias: bias as Tensor };
}

export async function run(log: (line: string) => void = console.log): Promise<Outcome> {
  seed(1);
  const points = data.circles({ count: 400, seed: 1 });
  const [x, labels] = new data.DataLoader(points).batch(Array.from({ length: points.length }, (_, row) => row));
  const y = labels.to("float32").unsqueeze(1);

  const linear = network(() => new nn.Identity());
  const linearAccuracy = await train(linear, x, y);
  const { weight, bias } = collapse(linear);
  const difference = await noGrad(() => linear.forward(x).sub(x.matmul(weight.t()).add(bias)).abs().amax()).item();
  log(`two circles, three layers without activation: ${(100 * linearAccuracy).toFixed(1)} % right`);
  log(
    `the product of its matrices is one line, [${[...weight.dataSync()].map((w) => w.toFixed(4)).join(", ")}]·x + ${bias.itemSync().toFixed(4)}`,
  );
  log(`largest difference between the network and that line: ${difference.toExponential(1)}`);

  const reluAccuracy = await train(
    network(() => new nn.ReLU()),
    x,
    y,
  );
  log(`the same network with ReLU: ${(100 * reluAccuracy).toFixed(1)} % right`);
  return { difference, linearAccuracy, reluAccuracy };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await run();
