// One rank, or a single process, of the test of images and texts read in parts: trains on a file or a folder, and prints its losses
// and the number of rows that this rank read.
// usage: inParts.rank.js idx|folder|text PATH batch-size [alone]

import { idxRows } from "../../src/data/idxRows.ts";
import { openImageFolder, readImageFolder } from "../../src/data/imageFolder.ts";
import {
  fitImagePreprocessing,
  type ImageRows,
  type LabelArray,
  readImages,
  rowsOfArray,
} from "../../src/data/images.ts";
import { BytePairVocabulary, Dataset, type ImagePreprocessing, TokenSequence } from "../../src/data/index.ts";
import { InputFile } from "../../src/data/inputFile.ts";
import { readIdxFile } from "../../src/data/node.ts";
import { spread } from "../../src/data/spread.ts";
import { cutsOf, tokensOfFile } from "../../src/data/textParts.ts";
import { init } from "../../src/distributed/index.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { currentWorld, gatherTexts } from "../../src/runtime/index.ts";
import { seed, type Tensor } from "../../src/tensor/index.ts";
import { type InMemory, Trainer } from "../../src/train/index.ts";

const [kind = "", path = "", batchSize = "", manner = ""] = process.argv.slice(2);
const isAlone = manner === "alone";
if (!isAlone) init();
/** Rows that this rank read: those of its batches, those of its share of the evaluation, and a few to inspect. */
let read = 0;

const counting = (images: ImageRows): ImageRows => ({
  dtype: images.dtype,
  shape: images.shape,
  read: (rows) => {
    read += rows.length;
    return images.read(rows);
  },
});

function split(images: ImageRows, labels: LabelArray): { readonly train: InMemory; readonly validation: InMemory } {
  const names = { images: path, labels: path };
  // Rank 0 sends it to the others; here each rank fits it on all rows.
  const pre: ImagePreprocessing = fitImagePreprocessing(images, labels, { names });
  const { features, targets = new Int32Array() } = readImages(pre, counting(images), labels, names);
  const all = new Dataset({ features, featureShape: pre.shape, targets });
  const held = spread(all.length, Math.floor(all.length / 5));
  const others = Int32Array.from({ length: all.length }, (_, row) => row).filter((row) => !held.includes(row));
  const [train, validation] = [all.subset(others), all.subset(held)];
  if (!isAlone) return { train, validation };
  const inMemory = (part: Dataset): Dataset =>
    new Dataset({ features: part.features.data, featureShape: pre.shape, targets: part.targets.data });
  return { train: inMemory(train), validation: inMemory(validation) };
}

async function data(): Promise<{ readonly train: InMemory; readonly validation: InMemory }> {
  if (kind === "idx") {
    const labels = await readIdxFile(path.replace("images", "labels"));
    return split(await InputFile.use(path, idxRows), labels);
  }
  if (kind === "folder") {
    if (!isAlone) {
      const { images, labels } = await openImageFolder(path);
      return split(images, labels as LabelArray);
    }
    const { images, labels } = await readImageFolder(path);
    return split(rowsOfArray(images), labels as LabelArray);
  }
  return InputFile.use(path, async (file) => {
    const text = await file.text();
    const vocabulary = BytePairVocabulary.train(text, 300);
    const tokens = vocabulary.encode(text);
    const cuts = cutsOf(text, tokens, vocabulary, 0);
    if (cuts === undefined) throw new Error("the text cannot be cut");
    const own = tokensOfFile(file, cuts, vocabulary);
    const counted = {
      length: own.length,
      read: (starts: ArrayLike<number>, count: number): Int32Array => {
        read += starts.length;
        return own.read(starts, count);
      },
    };
    const made = new TokenSequence(isAlone ? tokens : counted, 16, vocabulary.size);
    return { train: made, validation: made };
  });
}

const { train, validation } = await data();
seed(3);
/** Sums in float64, so that another order affects only the last digits. */
class Widened extends nn.Module {
  override forward(x: Tensor): Tensor {
    return x.to("float64").flatten(1);
  }
}
const dtype = "float64";
const model =
  train instanceof TokenSequence
    ? new nn.Sequential(
        new nn.Embedding(train.vocabulary, 8, { dtype }),
        new nn.Tanh(),
        new nn.Linear(8, train.vocabulary, { dtype }),
      )
    : new nn.Sequential(
        new Widened(),
        new nn.Linear(
          train.features.shape.reduce((product, extent) => product * extent, 1),
          12,
          { dtype },
        ),
        new nn.Tanh(),
        new nn.Linear(12, 3, { dtype }),
      );
const trainer = new Trainer(model, {
  train,
  validation,
  optimizer: new optim.Adam(model.parameters(), { lr: 1e-2 }),
  batchSize: Number(batchSize),
});
const losses: number[] = [];
for (let epoch = 0; epoch < 2; epoch++) {
  await trainer.ready();
  while (!trainer.epochOver) {
    trainer.step();
    losses.push(trainer.loss);
    await trainer.ready();
  }
  await trainer.endEpochLater();
}
const world = currentWorld();
const all = world === undefined ? [String(read)] : gatherTexts(world, String(read));
const held = trainer.records.map((record) => record.validation?.["loss"]);
const rows = { train: train.length, validation: validation.length };
if ((world?.rank ?? 0) === 0) console.log(JSON.stringify({ losses, held, rows, read: all.map(Number) }));
