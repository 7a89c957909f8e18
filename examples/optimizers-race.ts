// A race of optimizers: steps to a given loss in a ravine, where plain descent zigzags, and on a small network.
import { compile, data, nn, optim, Parameter, seed, type Tensor, tensor } from "../src/index.ts";

type Make = (parameters: Parameter[], lr: number) => optim.Optimizer;
const racers: readonly (readonly [name: string, make: Make])[] = [
  ["SGD", (p, lr) => new optim.SGD(p, { lr })],
  ["momentum", (p, lr) => new optim.SGD(p, { lr, momentum: 0.9 })],
  ["RMSprop", (p, lr) => new optim.RMSprop(p, { lr })],
  ["Adam", (p, lr) => new optim.Adam(p, { lr })],
  ["AdamW", (p, lr) => new optim.AdamW(p, { lr })],
];
const rates = [0.003, 0.01, 0.018, 0.03, 0.1, 0.3, 1, 3, 10];
const limit = 600;

/** Steps until the loss falls below `goal` and stays there for ten more, so that a lucky jump does not count; `limit` if it never does. */
async function race(optimizer: optim.Optimizer, lossOf: () => Tensor, goal: number): Promise<number> {
  const step = compile(() => {
    const loss = lossOf();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  let below = 0;
  for (let count = 0; count < limit + 10; count++) {
    below = (await step().item()) < goal ? below + 1 : 0;
    if (below > 10) return count - 10;
  }
  return limit;
}

// (a² + 100·b²) / 2 from (7, 1.3): a hundred times steeper across than along. Above a rate of 0.02, plain descent diverges.
const steepness = tensor([0.5, 50]);
function ravine(make: Make, lr: number): Promise<number> {
  const point = new Parameter(Float32Array.of(7, 1.3));
  return race(make([point], lr), () => point.square().mul(steepness).sum(), 1e-4);
}

// Two moons, 2 → 16 → 16 → 2: every optimizer starts from the same weights.
const points = data.moons({ count: 256, seed: 7 });
const [x, y] = new data.DataLoader(points).batch(Array.from({ length: points.length }, (_, row) => row));
function moons(make: Make, lr: number): Promise<number> {
  seed(7);
  const model = new nn.Sequential(
    new nn.Linear(2, 16),
    new nn.Tanh(),
    new nn.Linear(16, 16),
    new nn.Tanh(),
    new nn.Linear(16, 2),
  );
  return race(make(model.parameters(), lr), () => nn.functional.crossEntropy(model.forward(x), y), 0.05);
}

async function best(make: Make, course: typeof ravine): Promise<string> {
  let [steps, rate, arrived] = [limit, 0, 0];
  for (const lr of rates) {
    const taken = await course(make, lr);
    if (taken < limit) arrived++;
    if (taken < steps) [steps, rate] = [taken, lr];
  }
  return `${steps === limit ? `more than ${limit}` : `${steps} steps at ${rate}`} (${arrived} of ${rates.length})`;
}

console.log(`steps at the best of ${rates.length} rates, and how many of them arrive within ${limit} steps`);
console.log(`${"".padEnd(10)}${"ravine to 0.0001".padStart(28)}${"moons to 0.05".padStart(28)}`);
for (const [name, make] of racers) {
  const [down, across] = [await best(make, ravine), await best(make, moons)];
  console.log(`${name.padEnd(10)}${down.padStart(28)}${across.padStart(28)}`);
}
