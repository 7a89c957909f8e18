// One rank, or a single process, of the test of a table read in parts: trains on a stream and prints its losses and the number of rows that it
// preprocessed.
// usage: streamed.rank.js TABLE how-many-rows-a-part batch-size accumulate [alone]
import { streamTable } from "../../src/data/node.ts";
import type { PartRows } from "../../src/data/partRows.ts";
import { init } from "../../src/distributed/index.ts";
import { at } from "../../src/graph/at.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { currentWorld, gatherTexts } from "../../src/runtime/index.ts";
import { seed, type Tensor } from "../../src/tensor/index.ts";
import { RowStream, Trainer } from "../../src/train/index.ts";

const [path = "", bufferRows = "", batchSize = "", accumulate = "", manner = ""] = process.argv.slice(2);
if (manner !== "alone") init();
const stream = await streamTable(path, { target: "y", bufferRows: Number(bufferRows), validation: 0.1, seed: 3 });
let made = 0;
const counting = (rows: PartRows): PartRows => ({
  length: rows.length,
  pick: (places) => counting(rows.pick(places)),
  followedBy: (others) => counting(rows.followedBy(given.get(others) ?? others)),
  dataset: (places) => {
    made += places?.length ?? rows.length;
    return rows.dataset(places);
  },
});
const given = new Map<PartRows, PartRows>();
async function* records(epoch: number): AsyncGenerator<PartRows> {
  for await (const rows of stream.records(epoch)) {
    const counted = counting(rows);
    given.set(counted, rows);
    yield counted;
  }
}
seed(3);
const width = at(stream.sample.features.shape, 0);
/** Sums in float64, so that another order affects only the last digits. */
class Widened extends nn.Module {
  override forward(x: Tensor): Tensor {
    return x.to("float64");
  }
}
const model = new nn.Sequential(
  new Widened(),
  new nn.Linear(width, 12, { dtype: "float64" }),
  new nn.Tanh(),
  new nn.Linear(12, 2, { dtype: "float64" }),
);
const { length, sample, validation } = stream;
const trainer = new Trainer(model, {
  train: new RowStream({ length, sample, parts: (epoch) => stream.parts(epoch), records }),
  validation,
  optimizer: new optim.Adam(model.parameters(), { lr: 1e-2 }),
  batchSize: Number(batchSize),
  accumulate: Number(accumulate),
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
const all = world === undefined ? [String(made)] : gatherTexts(world, String(made));
const held = trainer.records.map((record) => record.validation?.["loss"]);
if ((world?.rank ?? 0) === 0) console.log(JSON.stringify({ losses, held, rows: stream.length, made: all.map(Number) }));
