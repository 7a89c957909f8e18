// One rank of the test of shared evaluation: the metrics of each data set computed by all ranks, next to those of this process alone.
import * as data from "../../src/data/index.ts";
import { init } from "../../src/distributed/index.ts";
import * as nn from "../../src/nn/index.ts";
import { gatherTexts } from "../../src/runtime/index.ts";
import { seed } from "../../src/tensor/index.ts";
import { Company } from "../../src/train/company.ts";
import { Evaluator, makeObjective, type Samples, samplesOf, type Task } from "../../src/train/index.ts";
import { Gpt } from "../../src/train/models/gpt.ts";

const world = init();
const random = new data.Random(11);
const wrong: string[] = [];
const taken: Record<string, number> = {};

/** Counts the samples that are read. */
function counted(samples: Samples, name: string): Samples {
  const given = samples.arguments.bind(samples);
  taken[name] = 0;
  samples.arguments = (rows, epoch) => {
    taken[name] = Number(taken[name]) + rows.length;
    return given(rows, epoch);
  };
  return samples;
}

/** Sums of up to 700 terms in float64, in another order. */
const tolerance = 700 * 2 ** -53;

function compare(name: string, model: nn.Module, task: Task, given: data.Dataset | data.TokenSequence): void {
  const objective = makeObjective(task.kind === "number" ? "mse" : "crossEntropy", task);
  const own = { largest: (predictions: Float32Array) => predictions.reduce((most, value) => Math.max(most, value), 0) };
  const shared = counted(samplesOf(given), name);
  const together = new Evaluator(model, objective, own, new Company()).evaluate(shared);
  const alone = new Evaluator(model, objective, own).evaluate(samplesOf(given));
  const names = Object.keys(alone.metrics);
  if (names.join() !== Object.keys(together.metrics).join()) wrong.push(`${name}: other figures`);
  for (const each of names) {
    const [wanted, found] = [Number(alone.metrics[each]), Number(together.metrics[each])];
    // A batch's loss on a text is rounded once to float32.
    const allowed = each === "loss" || each === "perplexity" ? (task.kind === "tokens" ? 2 ** -20 : tolerance) : 0;
    if (!(Object.is(wanted, found) || Math.abs(found - wanted) <= allowed * Math.abs(wanted)))
      wrong.push(`${name}: ${each} is ${found} together and ${wanted} alone`);
  }
  if (JSON.stringify(together.classes) !== JSON.stringify(alone.classes))
    wrong.push(`${name}: other scores of classes`);
  if (together.predictions.join() !== alone.predictions.join()) wrong.push(`${name}: other predictions`);
}

seed(5);
for (const rows of [1, 2, 3, 7, 300, 700])
  for (const classes of [1, 2, 12]) {
    const features = Float64Array.from({ length: rows * 6 }, () => random.normal());
    const targets =
      classes === 1
        ? Float64Array.from({ length: rows }, () => random.normal())
        : Int32Array.from({ length: rows }, (_, row) => (row % 17 === 16 ? -100 : (row * 7) % classes));
    const weights = Float32Array.from({ length: rows }, (_, row) => (row % 5) / 2);
    const targetShape = classes === 1 ? [1] : [];
    const given = new data.Dataset({ features, featureShape: [6], targets, targetShape, weights });
    const model = new nn.Sequential(
      new nn.Linear(6, 8, { dtype: "float64" }),
      new nn.SyncBatchNorm(8, { dtype: "float64" }),
      new nn.Tanh(),
      new nn.Linear(8, classes, { dtype: "float64" }),
    );
    const task: Task = classes === 1 ? { kind: "number" } : { kind: "classes", count: classes };
    compare(`${rows} rows, ${classes} outputs`, model, task, given);
  }
const tokens = Int32Array.from({ length: 16 * 70 + 1 }, (_, i) => (i * i + Math.floor(i / 7)) % 23);
const gpt = new Gpt({ vocabulary: 23, context: 16, width: 16, heads: 2, layers: 1, dropout: 0 });
compare("70 windows", gpt, { kind: "tokens", count: 23 }, new data.TokenSequence(tokens, 16, 23));

const all = gatherTexts(world, JSON.stringify({ wrong, taken }));
if (world.rank === 0) console.log(JSON.stringify(all.map((text) => JSON.parse(text))));
