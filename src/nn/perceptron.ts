// The classical perceptron: one neuron, a step, and Rosenblatt's rule.
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { given } from "../tensor/arguments.ts";
import { compile, noGrad, Parameter, type Tensor, tensor } from "../tensor/index.ts";
import { step } from "./activations.ts";
import { Module } from "./module.ts";
import { checkSizes } from "./sizes.ts";

export interface PerceptronHistory {
  /** Wrong decisions in each pass over the data. */
  readonly mistakes: readonly number[];
  /** Whether a whole pass went without a mistake: the classes are linearly separable, and this line separates them. */
  readonly converged: boolean;
}

/**
 * output = step(Σ input × weight + bias), 1 where the sum is at least 0. It starts at zero and learns by Rosenblatt's rule, one
 * sample at a time: weight += rate · (target − output) · input. If a line separates the classes it finds one; if none does,
 * as for XOR, it never stops making mistakes (Rosenblatt 1958; Novikoff 1962).
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

  /** Rosenblatt's rule over [N, inputs] and targets [N] or [N, 1] of 0 and 1, until a pass has no mistake or `epochs` are over. */
  learn(x: Tensor, y: Tensor, options: { readonly epochs?: number; readonly rate?: number } = {}): PerceptronHistory {
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
    const rows = Array.from({ length: samples }, (_, row) => tensor(Int32Array.of(row)));
    const rate = tensor(options.rate ?? 1);
    const mistakes: number[] = [];
    for (let epoch = 0; epoch < (options.epochs ?? 100); epoch++) {
      let wrong = 0;
      for (const row of rows) wrong += this.#pass(x, targets, row, rate).itemSync();
      mistakes.push(wrong);
      if (wrong === 0) break;
    }
    return { mistakes, converged: mistakes[mistakes.length - 1] === 0 };
  }
}
