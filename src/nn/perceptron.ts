// The classic perceptron: one neuron, a step activation, and Rosenblatt's rule.
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import { compile, noGrad, Parameter, type Tensor, tensor } from "../tensor/index.ts";
import { itemNow } from "../tensor/reading.ts";
import { step } from "./activations.ts";
import { Module } from "./module.ts";
import { checkSizes } from "./sizes.ts";

export interface PerceptronHistory {
  /** The number of wrong decisions in each pass over the data. */
  readonly mistakes: readonly number[];
  /** Whether a whole pass had no mistakes: the classes are linearly separable, and this line separates them. */
  readonly converged: boolean;
}

export interface PerceptronOptions {
  /** The maximum number of passes over the rows. Default: 100. */
  readonly epochs?: number;
  /** The learning rate. Default: 1. */
  readonly rate?: number;
}

/**
 * output = step(Σ input × weight + bias), 1 if the sum is at least 0. It starts at zero and learns by Rosenblatt's rule, one sample at a time: weight
 * += rate · (target − output) · input. If a line separates the classes, it finds one; if none does, as for XOR, it never stops making mistakes
 * (Rosenblatt 1958; Novikoff 1962).
 */
export class Perceptron extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(inputs: number) {
    super();
    checkSizes("Perceptron", { inputs });
    this.weight = new Parameter(tensor(new Float32Array(inputs), { shape: [1, inputs] }));
    this.bias = new Parameter(tensor(new Float32Array(1)));
  }

  /** The sum before the step: Σ input × weight + bias. */
  score(x: Tensor): Tensor {
    return given("Perceptron", x).matmul(this.weight.t()).add(this.bias);
  }

  /** [N, inputs] → [N, 1] of 0 and 1. */
  forward(x: Tensor): Tensor {
    return step(this.score(x));
  }

  readonly #pass = compile((inputs: Tensor, targets: Tensor, row: Tensor, rate: Tensor) =>
    noGrad(() => {
      const x = inputs.indexSelect(0, row);
      const missed = targets.indexSelect(0, row).to(x.dtype).sub(this.forward(x));
      this.weight.assign(this.weight.add(missed.mul(rate).t().matmul(x)));
      this.bias.assign(this.bias.add(missed.mul(rate).sum(0)));
      return missed.abs().sum();
    }),
  );

  /** Applies Rosenblatt's rule to [N, inputs] and targets [N] or [N, 1] of 0 and 1, until a pass has no mistakes or after `epochs` passes. */
  learn(x: Tensor, y: Tensor, options: PerceptronOptions = {}): PerceptronHistory {
    const { passes, epochs } = this.#passes(x, y, options);
    const mistakes: number[] = [];
    while (mistakes.length < epochs && mistakes.at(-1) !== 0) {
      let wrong = 0;
      for (const pass of passes) wrong += itemNow("Perceptron.learn", pass());
      mistakes.push(wrong);
    }
    return { mistakes, converged: mistakes.at(-1) === 0 };
  }

  /** learn for any device. All rows of a pass are submitted before their mistakes are read. */
  async learnLater(x: Tensor, y: Tensor, options: PerceptronOptions = {}): Promise<PerceptronHistory> {
    const { passes, epochs } = this.#passes(x, y, options);
    const mistakes: number[] = [];
    while (mistakes.length < epochs && mistakes.at(-1) !== 0) {
      const wrong = await Promise.all(passes.map((pass) => pass().item()));
      mistakes.push(wrong.reduce((sum, one) => sum + one, 0));
    }
    return { mistakes, converged: mistakes.at(-1) === 0 };
  }

  /** One learning function for each row, and the number of passes. */
  #passes(x: Tensor, y: Tensor, options: PerceptronOptions): { passes: (() => Tensor)[]; epochs: number } {
    given("Perceptron.learn", x);
    given("Perceptron.learn", y, "the targets");
    checkOptions("Perceptron.learn", options, { epochs: kind.number, rate: kind.number });
    const [samples] = x.shape as [number];
    if (x.rank !== 2 || x.shape[1] !== this.weight.shape[1] || y.size !== samples) {
      throw new ShapeError(
        `Perceptron.learn: takes [N, ${this.weight.shape[1]}] inputs and N targets, got ${formatShape(x.shape)} and ${formatShape(y.shape)}`,
      );
    }
    const targets = y.reshape([samples, 1]).clone();
    const rate = tensor(options.rate ?? 1);
    const passes = Array.from({ length: samples }, (_, place) => {
      const row = tensor(Int32Array.of(place));
      return () => this.#pass(x, targets, row, rate);
    });
    return { passes, epochs: options.epochs ?? 100 };
  }
}
