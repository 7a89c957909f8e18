// The learning-rate finder: a short training whose rate grows at every step, to see which rates work.
import { Dataset, TokenSequence } from "../data/index.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import type { Module } from "../nn/index.ts";
import { LRFinder, Optimizer } from "../optim/index.ts";
import { currentGenerator, withGenerator } from "../tensor/index.ts";
import { itemOf, type Reading, readLater, readNow } from "../tensor/reading.ts";
import { type InMemory, MemoryFeed, samplerOf, samplesOf } from "./feeds.ts";
import { type LossName, lossNames } from "./names.ts";
import { defaultLoss, type LossFunction, makeObjective, ownObjective, taskOf } from "./objectives.ts";
import { checkModel } from "./setup.ts";
import { arraysIn } from "./state.ts";
import { Steps } from "./steps.ts";

export interface FindLrOptions {
  readonly train: InMemory;
  readonly optimizer: Optimizer;
  readonly loss?: LossName | LossFunction;
  /** Default 32. */
  readonly batchSize?: number;
  readonly seed?: number;
  /** The first and last rate. Default 1e-7 and 10. */
  readonly from?: number;
  readonly to?: number;
  /** Maximum number of updates. Default 100. */
  readonly steps?: number;
  readonly clipNorm?: number | undefined;
}

const kinds: OptionKinds<FindLrOptions> = {
  train: kind.anything,
  optimizer: kind.instanceOf(Optimizer, "an optimizer, such as new optim.Adam(model.parameters())"),
  loss: kind.either(kind.oneOf(...lossNames), kind.func<LossFunction>()),
  batchSize: kind.number,
  seed: kind.number,
  from: kind.number,
  to: kind.number,
  steps: kind.number,
  clipNorm: kind.number,
};

export interface LrCurve {
  readonly rates: readonly number[];
  /** The smoothed losses at those rates. */
  readonly losses: readonly number[];
  /** The rate at which the loss falls fastest; undefined if it never falls. */
  readonly suggested: number | undefined;
  /** The rate with the lowest loss: the highest usable rate. */
  readonly highest: number | undefined;
}

/**
 * Trains with a rate that grows from `from` to `to` by equal factors, until the loss is four times the minimum or NaN, and suggests the rate at which
 * it fell fastest. Restores weights and optimizer; draws from a copy of the current generator. Source: Smith 2017.
 */
export const findLr = (model: Module, options: FindLrOptions): LrCurve => readNow(search(model, options));

/** The same by promise, for any device. */
export const findLrLater = async (model: Module, options: FindLrOptions): Promise<LrCurve> =>
  readLater(search(model, options));

function* search(model: Module, options: FindLrOptions): Reading<LrCurve> {
  const {
    train,
    optimizer,
    loss,
    batchSize = 32,
    seed = 0,
    from = 1e-7,
    to = 10,
    steps: most = 100,
    clipNorm,
  } = checkOptions("findLr", options, kinds);
  checkModel("findLr", model);
  checkKind(
    "findLr",
    "train",
    train,
    kind.either(kind.instanceOf(Dataset, "a Dataset"), kind.instanceOf(TokenSequence, "a TokenSequence")),
  );
  checkKind("findLr", "optimizer", optimizer, kinds.optimizer);
  const finder = new LRFinder({ startLr: from, endLr: to, steps: most });
  const task = taskOf(train);
  const objective =
    typeof loss === "function" ? ownObjective(loss, task) : makeObjective(loss ?? defaultLoss(task), task);
  const feed = new MemoryFeed(samplesOf(train, { seed }), samplerOf(train.length, { batchSize, seed }));
  const steps = new Steps({ model, objective, optimizer, samples: feed.samples, clipNorm, clipValue: undefined });
  const weights = yield* arraysIn(model.stateDict());
  const { state, groups } = optimizer.stateDict();
  const slots = yield* arraysIn(state);
  // Draws from a copy, so that later draws are the same as without a search.
  const generator = currentGenerator().cloneState();
  const training = model.training;
  model.train();
  try {
    while (!finder.done) {
      optimizer.lr = finder.lr;
      if (feed.coming === "end") feed.startEpoch();
      const { rows, place } = feed.next();
      const [lossOfStep] = withGenerator(generator, () => steps.take(feed.samples.arguments(rows, feed.epoch), place));
      finder.record(yield* itemOf(lossOfStep));
    }
  } finally {
    model.loadStateDict(weights);
    optimizer.loadStateDict({ state: slots, groups });
    optimizer.zeroGrad();
    model.train(training);
  }
  const points = finder.points.filter(({ smoothed }) => Number.isFinite(smoothed));
  const found = finder.suggestion();
  return {
    rates: points.map(({ lr }) => lr),
    losses: points.map(({ smoothed }) => smoothed),
    suggested: found?.steepest,
    highest: found?.lowest,
  };
}
