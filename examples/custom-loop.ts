// A training loop written out: forward, backward and update in one compiled step, the learning rate changed on the way.
import { pathToFileURL } from "node:url";
import { compile, data, nn, noGrad, optim, seed, type Tensor } from "../src/index.ts";

export interface Outcome {
  /** Mean loss of the first and the last epoch. */
  readonly first: number;
  readonly last: number;
  readonly accuracy: number;
  /** How often the step was traced: once for full batches, once for the smaller last one. */
  readonly compiled: number;
}

export async function run(log: (line: string) => void = console.log): Promise<Outcome> {
  seed(42);
  const loader = new data.DataLoader(data.moons({ count: 420, noise: 0.1, seed: 1 }), {
    batchSize: 32,
    shuffle: true,
    seed: 1,
  });
  const model = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 2));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });

  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });

  const epochs = 30;
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    // The rate is a state cell: changing it does not compile anything anew.
    optimizer.lr = 0.02 * (1 - epoch / epochs);
    let sum = 0;
    for (const [x, y] of loader) sum += await step(x, y).item();
    losses.push(sum / loader.length);
    if (epoch % 10 === 9) log(`epoch ${epoch + 1}: loss ${losses[epoch]?.toFixed(4)}`);
  }

  const [x, y] = loader.batch(Array.from({ length: loader.dataset.length }, (_, row) => row));
  const right = noGrad(() => model.forward(x).argmax(1).eq(y));
  const accuracy = await right.to("float32").mean().item();
  log(
    `accuracy ${(100 * accuracy).toFixed(1)} %, the step was compiled ${step.signatures()} times for ${epochs * loader.length} steps`,
  );
  return {
    first: losses[0] ?? Number.NaN,
    last: losses[epochs - 1] ?? Number.NaN,
    accuracy,
    compiled: step.signatures(),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await run();
