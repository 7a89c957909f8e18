// The handwritten digits that the two MNIST examples share: where they lie, and the loop that trains on them.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readIdxFile } from "../src/data/files.ts";
import { compile, data, nn, noGrad, optim, seed, type Tensor, tensor } from "../src/index.ts";

export interface Outcome {
  readonly accuracy: number;
  readonly seconds: number;
}

export interface Options {
  /** Images to learn from and to test on. Default: all. */
  readonly rows?: number;
  readonly testRows?: number;
  readonly epochs: number;
}

/** MNIST_DIR, or the folder of data beside the repository; undefined when the files are not there. */
export function mnistFolder(): string | undefined {
  const folder = process.env["MNIST_DIR"] ?? fileURLToPath(new URL("../../shared/data/mnist", import.meta.url));
  return existsSync(`${folder}/train10k-images-idx3-ubyte.gz`) ? folder : undefined;
}

async function read(
  folder: string,
  part: string,
  rows: number | undefined,
  fitted?: data.ImagePreprocessing,
): Promise<{ x: Tensor; y: Tensor; preprocessing: data.ImagePreprocessing }> {
  const images = await readIdxFile(`${folder}/${part}-images-idx3-ubyte.gz`);
  const labels = await readIdxFile(`${folder}/${part}-labels-idx1-ubyte.gz`);
  const preprocessing = fitted ?? data.fitImagePreprocessing(images, labels);
  const { features, targets, count } = data.applyImagePreprocessing(preprocessing, images, labels);
  const used = Math.min(rows ?? count, count);
  const size = features.length / count;
  return {
    x: tensor(features.subarray(0, used * size), { shape: [used, ...preprocessing.shape] }),
    y: tensor((targets ?? new Int32Array(count)).subarray(0, used), { dtype: "int32" }),
    preprocessing,
  };
}

/** Trains with Adam in batches of 32, then counts right answers on images never seen. Undefined without the data. */
export async function trainOnDigits(
  build: () => nn.Module,
  options: Options,
  log: (line: string) => void,
): Promise<Outcome | undefined> {
  const folder = mnistFolder();
  if (folder === undefined) {
    log(
      "skipped: no MNIST here; set MNIST_DIR to a folder with train10k-images-idx3-ubyte.gz and the other three files",
    );
    return undefined;
  }
  seed(0);
  const train = await read(folder, "train10k", options.rows);
  const test = await read(folder, "test5k", options.testRows, train.preprocessing);
  const model = build();
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  // The images stay where the network is; a batch is a list of rows, gathered inside the step.
  const step = compile((x: Tensor, y: Tensor, rows: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(x.indexSelect(0, rows)), y.indexSelect(0, rows));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const sampler = new data.BatchSampler(train.y.size, { batchSize: 32, shuffle: true, seed: 0 });
  const started = performance.now();
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    let sum = 0;
    for (const batch of sampler.batches()) sum += await step(train.x, train.y, tensor(batch)).item();
    log(
      `epoch ${epoch + 1}: loss ${(sum / sampler.batchCount).toFixed(4)}, ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  }
  const seconds = (performance.now() - started) / 1000;
  model.eval();
  const decide = compile((x: Tensor, y: Tensor) => noGrad(() => model.forward(x).argmax(1).eq(y).to("float32").sum()));
  let right = 0;
  for (let start = 0; start < test.y.size; start += 500) {
    const rows = Math.min(500, test.y.size - start);
    right += await decide(test.x.narrow(0, start, rows), test.y.narrow(0, start, rows)).item();
  }
  const accuracy = right / test.y.size;
  log(
    `${(100 * accuracy).toFixed(2)} % of ${test.y.size} digits never seen are read right, after ${seconds.toFixed(1)} s`,
  );
  return { accuracy, seconds };
}
