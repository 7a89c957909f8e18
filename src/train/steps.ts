// The compiled steps of training: forward, backward and update as one program, or several batches whose gradients are accumulated into one update.
import { isFloat } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import type { Module } from "../nn/index.ts";
import { clipGradNorm, clipGradValue, type Optimizer, type WeightAverage } from "../optim/index.ts";
import { clipPartsNorm, type Sharding } from "../optim/sharding.ts";
import { type BatchShare, type Communicator, currentWorld } from "../runtime/index.ts";
import { leavesOf } from "../tensor/autograd.ts";
import { allReduce } from "../tensor/collectives.ts";
import {
  compile,
  currentTrace,
  full,
  noGrad,
  Parameter,
  State,
  stack,
  type Tensor,
  traceGuard,
  where,
  zeros,
} from "../tensor/index.ts";
import type { Place, Rows, Samples } from "./feeds.ts";
import type { BatchLoss, Objective } from "./objectives.ts";

export interface StepOptions {
  readonly model: Module;
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  readonly samples: Samples;
  readonly clipNorm: number | undefined;
  readonly clipValue: number | undefined;
  /** Updated with the weights after each update. */
  readonly average?: WeightAverage | undefined;
  /** The number of ranks whose shares form one batch. Default 1. */
  readonly ranks?: number;
  /** How ranks split the update, if they do. */
  readonly sharding?: Sharding | undefined;
}

/** The result of a compiled step: the mean loss of its batch, and its weight. Reading them waits for the device. */
export type StepResult = readonly [loss: Tensor, weight: Tensor | number];
type Run = (...given: Tensor[]) => StepResult;

/** The loss of a batch as numbers. */
export interface StepLoss {
  readonly loss: number;
  readonly weight: number;
}

/** The weighted mean of losses. */
export class MeanLoss {
  sum = 0;
  weight = 0;

  add({ loss, weight }: StepLoss): void {
    // A loss of weight 0 must add nothing, even if it is NaN.
    if (weight > 0) this.sum += loss * weight;
    this.weight += weight;
  }

  get mean(): number {
    return this.sum / this.weight;
  }

  set({ sum, weight }: { readonly sum: number; readonly weight: number }): void {
    this.sum = sum;
    this.weight = weight;
  }
}

/** The mean loss of the batch formed by the shares of all ranks, and its weight. */
function overRanks(loss: Tensor, weight: Tensor): StepResult {
  const both = allReduce(stack([loss.detach().to("float64").mul(weight), weight]));
  const [sum, all] = [both.select(0, 0), both.select(0, 1)];
  return [sum.div(where(all.gt(0), all, 1)), all];
}

/** Stand-ins for the rows of the whole batch; only their shapes matter. */
function ofWhole({ features, targets, weights, complete }: Rows, whole: number): Rows {
  const like = ({ shape, dtype }: Tensor): Tensor => zeros([whole, ...shape.slice(1)], { dtype });
  return { features: like(features), targets: like(targets), weights: weights && like(weights), complete };
}

/** The ranks that share a batch, for its random numbers. */
export interface Sharers {
  readonly together: Pick<Communicator["together"], "drawShare">;
}

/** Computes the loss of rows that may be a share of a batch, with the random numbers that they have in the whole batch. */
export function drawnAsShare<T>(
  rows: Rows,
  { share, world }: { readonly share: BatchShare | undefined; readonly world: Sharers | undefined },
  measure: (rows: Rows) => T,
): T {
  if (share === undefined || world === undefined) return measure(rows);
  return world.together.drawShare(
    share,
    () => measure(ofWhole(rows, share.whole)),
    () => measure(rows),
  );
}

/** Refuses a parameter that the model does not list: it would not be trained, saved, or kept as best. Found while tracing. */
function refuseHidden(model: Module, loss: Tensor): void {
  const own = new Set<Tensor>(model.parameters());
  const hidden = leavesOf(loss).find(({ owner }) => owner instanceof Parameter && !own.has(owner))?.owner;
  if (hidden === undefined) return;
  throw new HebbError(
    `fit: the loss depends on a parameter of shape ${formatShape(hidden.shape)} that model.parameters() does not list, so it is neither saved nor trained with them; keep it in a field of the model that uses it, or in a list, record or Map there, but not in a #private field, which is invisible from outside`,
  );
}

/** The steps of one training; each kind is compiled when first taken. */
export class Steps {
  readonly #options: StepOptions;
  readonly #ranks: number;
  readonly #whole: Run;
  readonly #partial = new Map<string, Run>();
  /** The rows of a batch that the current step takes, if not all. */
  #share: BatchShare | undefined;
  /** The total weight of the batches of the current update. */
  readonly #weight = new State(0, { dtype: "float64", name: "weight of the update" });

  constructor(options: StepOptions) {
    this.#options = options;
    this.#ranks = options.ranks ?? 1;
    this.#whole = compile((...given: Tensor[]) => {
      const { optimizer } = options;
      const { loss, weight } = this.#forward(given);
      optimizer.zeroGrad();
      loss.backward();
      this.#clip();
      optimizer.step();
      options.average?.update();
      return [loss, weight] as const;
    });
  }

  /** Takes a step, and returns the unread loss of its batch. The rows of a share use the random numbers that they have in the whole batch. */
  take(given: readonly Tensor[], place: Place, share?: BatchShare): StepResult {
    this.#share = share;
    return this.#at(place)(...given);
  }

  #at(place: Place): Run {
    if (place.first && place.last && this.#ranks === 1) return this.#whole;
    const key = `${place.first} ${place.last}`;
    const known = this.#partial.get(key) ?? this.#compilePart(place);
    this.#partial.set(key, known);
    return known;
  }

  /** Weights the gradients of an update's batches, and of all ranks' shares, as if they were one batch. */
  #compilePart({ first, last }: Place): Run {
    const { model, optimizer, sharding } = this.#options;
    const summed = (grad: Tensor, parameter: Parameter): Tensor =>
      sharding?.stage === 2 ? sharding.sumOf(grad, parameter) : allReduce(grad);
    return compile((...given: Tensor[]) => {
      if (first) optimizer.zeroGrad();
      const { loss, weight } = this.#forward(given);
      this.#shareStatistics();
      loss.mul(weight).backward();
      const own = typeof weight === "number" ? full([], weight, { dtype: "float64" }) : weight.to("float64");
      const total = first ? own : this.#weight.add(own);
      this.#weight.assign(total);
      const result = this.#ranks === 1 ? ([loss, weight] as const) : overRanks(loss, own);
      if (!last) return result;
      const all = allReduce(total);
      const divisor = where(all.gt(0), all, 1);
      noGrad(() => {
        for (const parameter of model.parameters())
          if (parameter.grad !== undefined)
            parameter.grad = summed(parameter.grad, parameter).div(divisor.to(parameter.dtype));
      });
      this.#clip();
      optimizer.step();
      this.#options.average?.update();
      optimizer.zeroGrad();
      return result;
    });
  }

  /** Averages running statistics over the ranks, so that all ranks stay equal. */
  #shareStatistics(): void {
    if (this.#ranks === 1) return;
    const written = currentTrace()?.writes;
    for (const buffer of this.#options.model.buffers())
      if (isFloat(buffer.dtype) && written?.has(buffer.cell)) buffer.assign(allReduce(buffer).div(this.#ranks));
  }

  #forward(given: readonly Tensor[]): BatchLoss {
    const { model, objective, samples } = this.#options;
    const measured = (rows: Rows): BatchLoss => objective.measure(model.forward(rows.features), rows.targets, rows);
    const rows = samples.gather(given);
    // Other shares have other random numbers.
    traceGuard(() => (this.#share === undefined ? "" : `${this.#share.first} of ${this.#share.whole}`));
    const found = drawnAsShare(rows, { share: this.#share, world: currentWorld() }, measured);
    refuseHidden(model, found.loss);
    return found;
  }

  #clip(): void {
    const { model, clipNorm, clipValue, sharding } = this.#options;
    if (clipValue !== undefined) clipGradValue(model.parameters(), clipValue);
    if (clipNorm === undefined) return;
    if (sharding?.stage === 2) clipPartsNorm(model.parameters(), clipNorm);
    else clipGradNorm(model.parameters(), clipNorm);
  }
}
