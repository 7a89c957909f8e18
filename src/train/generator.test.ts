// Runs side by side: each draws from its own generator and ends with the same bits as alone.
import { expect, test } from "vitest";
import { moons } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { defaultGenerator, Generator, rand, seed, type Tensor, withGenerator } from "../tensor/index.ts";
import { arraysOf, type FitOptions, findLr, fit as trainModel } from "./index.ts";

const train = moons({ count: 90, seed: 1 });

function network(): nn.Module {
  seed(3);
  return new nn.Sequential(new nn.Linear(2, 12), new nn.Tanh(), new nn.Dropout(0.3), new nn.Linear(12, 2));
}

async function run(options: Partial<FitOptions> = {}, model = network()) {
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const history = await trainModel(model, { train, optimizer, epochs: 4, batchSize: 16, ...options });
  return { losses: history.epochs.map((epoch) => epoch.train.loss), weights: arraysOf(model.stateDict()) };
}

test("two at once, with other draws in between, give the same bits as alone", async () => {
  const alone = await run();
  const callbacks = [{ epochEnd: () => void rand([100]).toArraySync() }];
  const both = await Promise.all([run({ callbacks }), run({ callbacks })]);
  expect(both).toEqual([alone, alone]);
});

test("consecutive runs continue the draws", async () => {
  await run();
  const once = defaultGenerator.getState();
  const model = network();
  await run({}, model);
  expect(defaultGenerator.getState()).toEqual(once);
  await run({}, model);
  expect(defaultGenerator.getState().calls).toBeGreaterThan(once.calls);
});

test("a run draws from the given generator, or from a copy of the current one", async () => {
  const losses = async (options: Partial<FitOptions>): Promise<unknown> => (await run(options)).losses;
  const given = await losses({ generator: new Generator(5) });
  expect(await losses({ generator: new Generator(5) })).toEqual(given);
  expect(await losses({ generator: new Generator(6) })).not.toEqual(given);
  const model = network();
  expect((await withGenerator(new Generator(5), () => ({ ended: run({}, model) })).ended).losses).toEqual(given);
});

test("draws during evaluation do not change the draws of training", async () => {
  class Noisy extends nn.Module {
    readonly inner = network();
    override forward(x: Tensor): Tensor {
      return this.inner.forward(x.add(rand([...x.shape]).mul(0.1)));
    }
  }
  const alone = await run({}, new Noisy());
  expect(await run({ validation: moons({ count: 50, seed: 2 }) }, new Noisy())).toEqual(alone);
});

test("searching a rate does not advance the generator", () => {
  const model = network();
  const before = defaultGenerator.getState();
  findLr(model, { train, optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }), steps: 5 });
  expect(defaultGenerator.getState()).toEqual(before);
});
