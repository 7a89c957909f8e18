// The feed-forward part of a transformer block, with or without a gate.
import { functional, type Module as Layer, Linear, Module } from "../../nn/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { type Activation, activationNamed } from "./activation.ts";

export interface FeedForwardSpec {
  readonly width: number;
  readonly hidden: number;
  readonly activation: string;
  /** A second projection multiplies the activated one (Shazeer 2020). */
  readonly gated: boolean;
  readonly bias: boolean;
  /** Dropout of the result, in training. */
  readonly dropout: number;
}

/** down(activation(up(x))), or down(activation(gate(x)) · up(x)). */
export class FeedForward extends Module {
  readonly gate: Layer | undefined;
  readonly up: Layer;
  readonly down: Layer;
  readonly spec: FeedForwardSpec;
  readonly #activation: Activation;

  constructor(spec: FeedForwardSpec) {
    super();
    this.spec = spec;
    this.#activation = activationNamed(spec.activation);
    const { width, hidden, bias } = spec;
    if (spec.gated) this.gate = new Linear(width, hidden, { bias });
    this.up = new Linear(width, hidden, { bias });
    this.down = new Linear(hidden, width, { bias });
  }

  forward(x: Tensor): Tensor {
    const up = this.up.forward(x);
    const inner = this.gate === undefined ? this.#activation(up) : this.#activation(this.gate.forward(x)).mul(up);
    return functional.dropout(this.down.forward(inner), this.spec.dropout, this.training);
  }
}
