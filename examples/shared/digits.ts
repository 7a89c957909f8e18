// Shared by the two MNIST examples: the images on disk, and the loop that trains on them.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readIdxFile } from "../../src/data/files.ts";
import { compile, data, nn, noGrad, optim, seed, type Tensor, tensor } from "../../src/index.ts";

const files = ["train10k-images", "train10k-labels", "test5k-images", "test5k-labels"] as const;
const place = (folder: string, name: string): string =>
  join(folder, `${name}-idx${name.endsWith("images") ? 3 : 1}-ubyte.gz`);

interface Part {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly preprocessing: data.ImagePreprocessing;
}

/** The first `most` images of a part, scaled with the mean and spread of the part that was `fitted` first. */
async function read(folder: string, part: string, most: number, fitted?: data.ImagePreprocessing): Promise<Part> {
  const images = await readIdxFile(place(folder, `${part}-images`));
  const labels = await readIdxFile(place(folder, `${part}-labels`));
  const preprocessing = fitted ?? data.fitImagePreprocessing(images, labels);
  const { features, targets, count } = data.applyImagePreprocessing(preprocessing, images, labels);
  if (targets === undefined) throw new Error(`${part}: images without labels`);
  const used = Math.min(most, count);
  const size = features.length / count;
  return {
    x: tensor(features.subarray(0, used * size), { shape: [used, ...preprocessing.shape] }),
    y: tensor(targets.subarray(0, used), { dtype: "int32" }),
    preprocessing,
  };
}

/**
 * Trains with Adam in batches of 32 and prints how many unseen images are classified correctly. The folder is the first argument, or
 * ../shared/data/mnist; without it the example prints a hint and stops. HEBB_QUICK=1 uses 2,000 images and two epochs.
 */
export async function trainOnDigits(build: () => nn.Module, wantedEpochs: number): Promise<void> {
  const folder = process.argv[2] ?? join("..", "shared", "data", "mnist");
  const missing = files.map((name) => place(folder, name)).find((file) => !existsSync(file));
  if (missing !== undefined) {
    console.log(`skipped: there is no ${missing}; give the folder of MNIST's four files as the first argument`);
    return;
  }
  const quick = process.env["HEBB_QUICK"] === "1";
  const [most, epochs] = quick ? [2000, 2] : [Number.POSITIVE_INFINITY, wantedEpochs];
  seed(0);
  const train = await read(folder, "train10k", most);
  const test = await read(folder, "test5k", most, train.preprocessing);
  const model = build();
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  // All images are one tensor; a batch is a list of rows, gathered inside the step.
  const step = compile((rows: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(train.x.indexSelect(0, rows)), train.y.indexSelect(0, rows));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const sampler = new data.BatchSampler(train.y.size, { batchSize: 32, shuffle: true, seed: 0 });
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let sum = 0;
    for (const rows of sampler.batches()) sum += await step(tensor(rows)).item();
    console.log(`epoch ${epoch}: loss ${(sum / sampler.batchCount).toFixed(4)}, ${seconds()}`);
  }
  model.eval();
  const decide = compile((x: Tensor, y: Tensor) => noGrad(() => model.forward(x).argmax(1).eq(y).to("float32").sum()));
  let right = 0;
  for (let start = 0; start < test.y.size; start += 500) {
    const rows = Math.min(500, test.y.size - start);
    right += await decide(test.x.narrow(0, start, rows), test.y.narrow(0, start, rows)).item();
  }
  console.log(
    `${((100 * right) / test.y.size).toFixed(2)} % of ${test.y.size} digits never seen are read right, learned from ${train.y.size} in ${seconds()}`,
  );
}
