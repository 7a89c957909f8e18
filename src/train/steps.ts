// The compiled steps of training: forward, backward and update as one program; or several batches whose gradients add up to one update.
import type { Module } from "../nn/index.ts";
import { clipGradNorm, clipGradValue, type Optimizer, type WeightAverage } from "../optim/index.ts";
import { compile, noGrad, type Tensor, tensor } from "../tensor/index.ts";
import type { Place, Samples } from "./feeds.ts";
import type { Objective } from "./objectives.ts";

export interface StepOptions {
  readonly model: Module;
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  readonly samples: Samples;
  readonly clipNorm: number | undefined;
  readonly clipValue: number | undefined;
  /** Takes in the weights after each update. */
  readonly average?: WeightAverage | undefined;
}

type Run = (...given: Tensor[]) => Tensor;

/** The steps of one training; each kind is compiled when first taken. */
export class Steps {
  readonly #options: StepOptions;
  readonly #whole: Run;
  readonly #partial = new Map<string, Run>();

  constructor(options: StepOptions) {
    this.#options = options;
    this.#whole = compile((...given: Tensor[]) => {
      const { optimizer } = options;
      const { loss } = this.#forward(given);
      optimizer.zeroGrad();
      loss.backward();
      this.#clip();
      optimizer.step();
      options.average?.update();
      return loss;
    });
  }

  /** Takes a step, and gives the mean loss of its batch. */
  take(given: readonly Tensor[], place: Place): number {
    if (place.rows === 0) return this.#whole(...given).itemSync();
    const key = `${place.first} ${place.last}`;
    const known = this.#partial.get(key) ?? this.#compilePart(place);
    this.#partial.set(key, known);
    return known(tensor(Float32Array.of(place.rows)), ...given).itemSync();
  }

  /** Gradients of the batches of an update, each counted by its rows, as if they were one batch. */
  #compilePart({ first, last }: Place): Run {
    const { model, optimizer } = this.#options;
    return compile((total: Tensor, ...given: Tensor[]) => {
      if (first) optimizer.zeroGrad();
      const { loss, rows } = this.#forward(given);
      loss.mul(rows).backward();
      if (!last) return loss;
      noGrad(() => {
        for (const parameter of model.parameters())
          if (parameter.grad !== undefined) parameter.grad = parameter.grad.div(total.reshape([]).to(parameter.dtype));
      });
      this.#clip();
      optimizer.step();
      this.#options.average?.update();
      optimizer.zeroGrad();
      return loss;
    });
  }

  #forward(given: readonly Tensor[]): { loss: Tensor; rows: number } {
    const { model, objective, samples } = this.#options;
    const { features, targets, weights } = samples.gather(given);
    return { loss: objective.loss(model.forward(features), targets, weights), rows: features.shape[0] ?? 1 };
  }

  #clip(): void {
    const { model, clipNorm, clipValue } = this.#options;
    if (clipValue !== undefined) clipGradValue(model.parameters(), clipValue);
    if (clipNorm !== undefined) clipGradNorm(model.parameters(), clipNorm);
  }
}
