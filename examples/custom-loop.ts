// A training loop written out: forward, backward and update in one compiled step; then the same with fit.
import { compile, data, fit, nn, noGrad, optim, seed, type Tensor } from "../src/index.ts";

seed(42);
const train = data.moons({ count: 420, noise: 0.1, seed: 1 });
const validation = data.moons({ count: 200, noise: 0.1, seed: 2 });
const loader = new data.DataLoader(train, { batchSize: 32, shuffle: true, seed: 1 });
const build = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 2));
const model = build();
const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });

const step = compile((x: Tensor, y: Tensor) => {
  const loss = nn.functional.crossEntropy(model.forward(x), y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});

const epochs = 30;
for (let epoch = 0; epoch < epochs; epoch++) {
  // The rate is a state cell: changing it does not recompile.
  optimizer.lr = 0.02 * (1 - epoch / epochs);
  let sum = 0;
  for (const [x, y] of loader) sum += await step(x, y).item();
  if (epoch % 10 === 0 || epoch === epochs - 1)
    console.log(`epoch ${String(epoch + 1).padStart(2)}: loss ${(sum / loader.length).toFixed(4)}`);
}
// 420 rows in batches of 32: the last batch of an epoch is smaller, so there is a second program, not an error.
console.log(`${epochs * loader.length} steps, ${step.signatures()} programs compiled`);

const [x, y] = new data.DataLoader(validation).batch(Array.from({ length: validation.length }, (_, row) => row));
const right = noGrad(() => model.forward(x).argmax(1).eq(y).to("float32").mean());
console.log(`the loop: ${(100 * (await right.item())).toFixed(1)} % right on points never seen`);

// The same with fit.
const other = build();
// biome-ignore lint/suspicious/noFocusedTests: this fit trains a network
const history = await fit(other, {
  train,
  validation,
  loss: "crossEntropy",
  optimizer: new optim.Adam(other.parameters(), { lr: 0.02 }),
  epochs,
  verbose: false,
  batchSize: 32,
});
const last = history.epochs[history.epochs.length - 1];
console.log(`fit: ${(100 * (last?.validation?.["accuracy"] ?? Number.NaN)).toFixed(1)} % right on points never seen`);
