// The learning-rate finder: a short training whose rate grows at every step, to see which rates work.
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { randomState, setRandomState } from "../tensor/index.ts";
import { Feed, type InMemory, samplesOf } from "./feeds.ts";
import type { LossName } from "./names.ts";
import { defaultLoss, type LossFunction, makeObjective, ownObjective, taskOf } from "./objectives.ts";
import { arraysOf } from "./state.ts";
import { alone, Steps } from "./steps.ts";

export interface FindLrOptions {
  readonly train: InMemory;
  readonly optimizer: Optimizer;
  readonly loss?: LossName | LossFunction;
  /** Default 32. */
  readonly batchSize?: number;
  readonly seed?: number;
  /** The first and the last rate. Default 1e-7 and 10. */
  readonly from?: number;
  readonly to?: number;
  /** Updates at most. Default 100. */
  readonly steps?: number;
  readonly clipNorm?: number | undefined;
}

export interface LrCurve {
  readonly rates: readonly number[];
  /** Smoothed losses at those rates. */
  readonly losses: readonly number[];
  /** Where the loss falls fastest; undefined when it falls nowhere. */
  readonly suggested: number | undefined;
  /** The rate at which the loss was least: the most that can be borne. */
  readonly highest: number;
}

const smoothing = 0.9;

/**
 * Trains with a rate that grows from `from` to `to` by equal factors, until the loss is four times the least or no number, and suggests
 * the rate at which it fell fastest. Weights, optimizer and random state are put back. Source: Smith 2017.
 */
export function findLr(model: Module, options: FindLrOptions): LrCurve {
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
  } = options;
  if (!(from > 0 && to > from)) throw new HebbError(`findLr: the rates must grow from above 0, got ${from} to ${to}`);
  if (!(Number.isInteger(most) && most >= 10)) throw new HebbError(`findLr: takes at least 10 steps, got ${most}`);
  const task = taskOf(train);
  const objective =
    typeof loss === "function" ? ownObjective(loss, task) : makeObjective(loss ?? defaultLoss(task), task);
  const feed = new Feed(samplesOf(train, { seed }), { batchSize, seed });
  const steps = new Steps({ model, objective, optimizer, samples: feed.samples, clipNorm, clipValue: undefined });
  const weights = arraysOf(model.stateDict());
  const { state, groups } = optimizer.stateDict();
  const slots = arraysOf(state);
  const random = randomState();
  const training = model.training;
  const rates: number[] = [];
  const losses: number[] = [];
  model.train();
  try {
    let mean = 0;
    let batches = feed.batches();
    for (let step = 0; step < most; step++) {
      let next = batches.next();
      if (next.done === true) {
        batches = feed.batches();
        next = batches.next();
      }
      if (next.done === true) break;
      const rate = from * (to / from) ** (step / (most - 1));
      optimizer.lr = rate;
      const value = steps.take(feed.samples.arguments(next.value, feed.epoch), alone);
      if (!Number.isFinite(value)) break;
      mean = smoothing * mean + (1 - smoothing) * value;
      const smooth = mean / (1 - smoothing ** (step + 1));
      rates.push(rate);
      losses.push(smooth);
      if (step > 10 && smooth > 4 * Math.min(...losses)) break;
    }
  } finally {
    model.loadStateDict(weights);
    optimizer.loadStateDict({ state: slots, groups });
    optimizer.zeroGrad();
    setRandomState(random);
    model.train(training);
  }
  return { rates, losses, ...readCurve(rates, losses) };
}

/** The steepest fall of the loss over the logarithm of the rate, before its least value. */
function readCurve(rates: readonly number[], losses: readonly number[]): Pick<LrCurve, "suggested" | "highest"> {
  const least = losses.indexOf(Math.min(...losses));
  let [steepest, at] = [0, -1];
  for (let k = 1; k < least; k++) {
    const slope = (losses[k + 1] ?? 0) - (losses[k - 1] ?? 0);
    if (slope < steepest) [steepest, at] = [slope, k];
  }
  return { suggested: rates[at], highest: rates[least] ?? Number.NaN };
}
