// The optimizers' race: the same network, data and starting weights; and a ravine, where plain descent zigzags.
import { pathToFileURL } from "node:url";
import { compile, data, nn, optim, Parameter, seed, type Tensor, tensor } from "../src/index.ts";

const racers = {
  SGD: (p: Parameter[]) => new optim.SGD(p, { lr: 0.1 }),
  momentum: (p: Parameter[]) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 }),
  Nesterov: (p: Parameter[]) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true }),
  Adagrad: (p: Parameter[]) => new optim.Adagrad(p, { lr: 0.1 }),
  RMSprop: (p: Parameter[]) => new optim.RMSprop(p, { lr: 0.01 }),
  Adam: (p: Parameter[]) => new optim.Adam(p, { lr: 0.01 }),
  AdamW: (p: Parameter[]) => new optim.AdamW(p, { lr: 0.01 }),
} as const;
type Racer = keyof typeof racers;

export interface Outcome {
  /** Loss on the moons after 20 epochs, and the value of the ravine after 100 steps. */
  readonly moons: Readonly<Record<Racer, number>>;
  readonly ravine: Readonly<Record<Racer, number>>;
}

async function onMoons(make: (p: Parameter[]) => optim.Optimizer): Promise<number> {
  seed(7);
  const model = new nn.Sequential(
    new nn.Linear(2, 16),
    new nn.Tanh(),
    new nn.Linear(16, 16),
    new nn.Tanh(),
    new nn.Linear(16, 2),
  );
  const optimizer = make(model.parameters());
  const loader = new data.DataLoader(data.moons({ count: 320, seed: 7 }), { batchSize: 32, shuffle: true, seed: 7 });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  let last = Number.NaN;
  for (let epoch = 0; epoch < 20; epoch++) {
    let sum = 0;
    for (const [x, y] of loader) sum += await step(x, y).item();
    last = sum / loader.length;
  }
  return last;
}

/** (a² + 100 b²) / 2, from (10, 1): a hundred times steeper across than along, so the rate of plain descent must be small. */
async function onRavine(make: (p: Parameter[]) => optim.Optimizer): Promise<number> {
  const point = new Parameter(Float32Array.of(10, 1));
  const optimizer = make([point]);
  optimizer.lr = optimizer instanceof optim.SGD ? 0.01 : 0.5;
  const steepness = tensor([0.5, 50]);
  const height = (): Tensor => point.square().mul(steepness).sum();
  const step = compile(() => {
    const value = height();
    optimizer.zeroGrad();
    value.backward();
    optimizer.step();
    return value;
  });
  for (let count = 0; count < 100; count++) step();
  return height().item();
}

export async function run(log: (line: string) => void = console.log): Promise<Outcome> {
  const names = Object.keys(racers) as Racer[];
  const moons: Partial<Record<Racer, number>> = {};
  const ravine: Partial<Record<Racer, number>> = {};
  log("             moons, 20 epochs   ravine, 100 steps");
  for (const name of names) {
    moons[name] = await onMoons(racers[name]);
    ravine[name] = await onRavine(racers[name]);
    log(`${name.padEnd(12)} ${moons[name].toFixed(4).padStart(16)}   ${ravine[name].toExponential(1).padStart(17)}`);
  }
  return { moons: moons as Record<Racer, number>, ravine: ravine as Record<Racer, number> };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await run();
