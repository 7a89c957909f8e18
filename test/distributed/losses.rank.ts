// One rank, or a single process, of the test that ranks learn as one process does: prints the losses of its steps as JSON.
import * as data from "../../src/data/index.ts";
import { init } from "../../src/distributed/index.ts";
import { allocate, type TypedArray } from "../../src/graph/dtype.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { currentWorld } from "../../src/runtime/index.ts";
import { bernoulli, randn, seed, type Tensor } from "../../src/tensor/index.ts";
import { Trainer } from "../../src/train/index.ts";
import { Gpt } from "../../src/train/models/gpt.ts";

const [kind = "mlp", precision = "float64", manner = ""] = process.argv.slice(2);
const stage = manner.startsWith("zero1") ? 1 : manner.startsWith("zero2") ? 2 : undefined;
const dtype = precision === "float32" ? "float32" : "float64";
if (manner !== "alone") {
  const world = init();
  // As on several machines: nothing is in shared memory.
  if (manner.endsWith("messages"))
    Object.assign(world, {
      borrow: (values: TypedArray, length: number) =>
        values instanceof Float32Array ? new Float32Array(length) : new Float64Array(length),
    });
}
const others = (currentWorld()?.rank ?? 0) > 0;
const random = new data.Random(7);
const rows = 250;

/** Draws in every way that layers do: for values, for channels, for rows that lie in the second dim or twice in the first, and for weights. */
class Noisy extends nn.Module {
  readonly first = new nn.Linear(12, 24, { dtype });
  readonly drop = new nn.Dropout(0.2);
  readonly slopes = new nn.RReLU();
  readonly channels = new nn.Dropout1d(0.25);
  readonly last = new nn.Linear(24, 3, { dtype });

  override forward(x: Tensor): Tensor {
    const hidden = this.drop.forward(this.slopes.forward(this.first.forward(x)));
    const timeFirst = this.channels.forward(hidden.reshape([x.shape[0] ?? 0, 6, 4])).permute(1, 0, 2);
    const back = this.drop.forward(timeFirst).permute(1, 0, 2);
    const twice = this.drop.forward(back.reshape([(x.shape[0] ?? 0) * 2, 12])).reshape([x.shape[0] ?? 0, 24]);
    const noise = randn(this.last.weight.shape, { dtype }).mul(0.01);
    const soft = nn.functional.gumbelSoftmax(twice, { tau: 2 });
    const kept = bernoulli(soft.detach().mul(0).add(0.9));
    return nn.functional.linear(twice.add(soft).mul(kept), this.last.weight.add(noise), this.last.bias);
  }
}

function problem(): { model: nn.Module; train: data.Dataset | data.TokenSequence; batchSize: number } {
  // The seed and the shape that the deviating rank uses instead.
  seed(manner === "seed" && others ? 4 : 3);
  const hidden = manner === "shape" && others ? 25 : 24;
  if (kind === "gpt") {
    const tokens = Int32Array.from({ length: 4000 }, (_, i) => (i * i + Math.floor(i / 7)) % 23);
    const model = new Gpt({ vocabulary: 23, context: 16, width: 16, heads: 2, layers: 2, dropout: 0 });
    return { model, train: new data.TokenSequence(tokens, 16, 23), batchSize: 10 };
  }
  const image = kind === "cnn";
  const featureShape = image ? [1, 8, 8] : [12];
  const width = image ? 64 : 12;
  const features = allocate(dtype, rows * width).map(() => random.normal());
  const targets = Int32Array.from(
    { length: rows },
    (_, row) => ((features[row * width] ?? 0) > 0 ? 1 : 0) + ((features[row * width + 1] ?? 0) > 0.5 ? 1 : 0),
  );
  const train = new data.Dataset({ features, featureShape, targets });
  if (kind === "noise") return { model: new Noisy(), train, batchSize: 31 };
  const model = image
    ? nn.SyncBatchNorm.convertSyncBatchNorm(
        new nn.Sequential(
          new nn.Conv2d(1, 4, 3, { dtype, padding: 1 }),
          new nn.BatchNorm2d(4, { dtype }),
          new nn.ReLU(),
          new nn.MaxPool2d(2),
          new nn.Conv2d(4, 6, 3, { dtype }),
          new nn.BatchNorm2d(6, { dtype }),
          new nn.ReLU(),
          new nn.Flatten(),
          new nn.Linear(24, 3, { dtype }),
        ),
      )
    : new nn.Sequential(new nn.Linear(12, hidden, { dtype }), new nn.Tanh(), new nn.Linear(hidden, 3, { dtype }));
  return { model, train, batchSize: 31 };
}

// The data that the deviating rank uses instead: one number of the last row differs.
const { model, train, batchSize } = problem();
if (manner === "other" && others && train instanceof data.Dataset)
  train.features.data[train.features.data.length - 1] = 7;
const trainer = new Trainer(model, {
  train,
  optimizer: new optim.Adam(model.parameters(), { lr: 1e-3 }),
  batchSize,
  accumulate: kind === "noise" ? 2 : 1,
  clipNorm: 1,
  zero: stage,
});
const losses: number[] = [];
let goesBack = manner.includes("rewound");
while (losses.length < 100) {
  if (trainer.epochOver) trainer.endEpoch();
  if (!trainer.step()) break;
  losses.push(trainer.loss);
  if (goesBack && losses.length === 20) await trainer.keep();
  if (goesBack && losses.length === 30) {
    trainer.rewind();
    losses.length = 20;
    goesBack = false;
  }
}
const weights = model.parameters().flatMap((parameter) => [...parameter.dataSync()]);
if ((currentWorld()?.rank ?? 0) === 0) console.log(JSON.stringify({ losses, weights }));
