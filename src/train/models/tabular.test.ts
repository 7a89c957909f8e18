// The network for tables: the ends of its intervals, the answers of its members, and that each learns with its own loss.
import { expect, test } from "vitest";
import { Dataset } from "../../data/index.ts";
import { functional as F } from "../../nn/index.ts";
import * as optim from "../../optim/index.ts";
import { seed, stack, type Tensor, tensor } from "../../tensor/index.ts";
import { buildModel, makeObjective, fit as trainModel } from "../index.ts";
import { edgesOf, Tabular } from "./tabular.ts";

test("a column of few values has an interval between any two of them", () => {
  expect(edgesOf([1, 1, 2, 5, 5, 5], 4)).toEqual([1, 2, 5]);
});

test("rare values among many zeros are distinguished", () => {
  const amounts = Array.from({ length: 100 }, (_, place) => place + 1);
  const edges = edgesOf([...new Array<number>(900).fill(0), ...amounts], 10);
  expect(edges[0]).toBe(0);
  expect(edges.at(-1)).toBe(100);
  // A tenth of the quantiles of all rows is above 0, but nearly all of these intervals are.
  expect(edges.length).toBeGreaterThanOrEqual(5);
  expect(edges.every((edge, place) => place === 0 || edge > (edges[place - 1] ?? 0))).toBe(true);
});

const description = {
  kind: "tabular",
  inputShape: [3],
  outputs: 2,
  hidden: [16],
  activation: "relu",
  dropout: 0,
  members: 4,
  numbers: [0, 2],
  bins: 8,
  embedding: 3,
  average: "softmax",
} as const;

const rows = Array.from({ length: 90 }, (_, row) => [(row % 9) - 4, row % 2, ((row * 7) % 11) - 5]);
const labels = rows.map(([a = 0, b = 0, c = 0]) => Number(a > 1 !== c < -2 || (b === 1 && a < -2)));
const data = new Dataset({
  features: Float32Array.from(rows.flat()),
  featureShape: [3],
  targets: Int32Array.from(labels),
});
const build = (): Tabular => {
  seed(3);
  const model = buildModel(description);
  if (!(model instanceof Tabular)) throw new Error("another model");
  model.fitQuantiles(data);
  return model;
};

test("the answer is the mean of the members' answers, and each member has its own loss", async () => {
  const model = build();
  const x = tensor(rows.slice(0, 5));
  const target = tensor(Int32Array.from(labels.slice(0, 5)));
  model.train();
  const each = model.forward(x);
  expect(each.shape).toEqual([20, 2]);
  const objective = makeObjective("crossEntropy", { kind: "classes", count: 2 });
  const members = [0, 1, 2, 3].map((member) => each.reshape(5, 4, 2).select(1, member));
  const alone = await Promise.all(members.map((own) => F.crossEntropy(own, target).item()));
  expect(await objective.loss(each, target).item()).toBeCloseTo(alone.reduce((sum, loss) => sum + loss, 0) / 4, 5);
  // A row of weight 0 leaves the others.
  const weights = tensor(Float32Array.from([1, 0, 1, 1, 1]));
  const kept = [0, 2, 3, 4];
  const weighted = await Promise.all(
    members.map((own) =>
      F.crossEntropy(
        stack(
          kept.map((row) => own.select(0, row)),
          0,
        ) as Tensor,
        tensor(Int32Array.from(kept, (row) => labels[row] ?? 0)),
      ).item(),
    ),
  );
  expect(await objective.loss(each, target, weights).item()).toBeCloseTo(
    weighted.reduce((sum, loss) => sum + loss, 0) / 4,
    5,
  );
  model.eval();
  const mean = await each.softmax(1).reshape(5, 4, 2).mean(1).data();
  const predicted = await objective.predict(model.forward(x)).data();
  expect([...predicted]).toEqual(Array.from(mean, (probability) => expect.closeTo(probability, 5)));
});

test("it learns a function of more than one column", async () => {
  const model = build();
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
  const { epochs } = await trainModel(model, { train: data, validation: data, optimizer, epochs: 60, batchSize: 16 });
  expect(epochs.at(-1)?.validation?.["accuracy"]).toBe(1);
});
