// Observers: record the range of a layer's inputs during calibration.
import { ShapeError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions } from "../../graph/options.ts";
import { State, type Tensor } from "../../tensor/index.ts";
import { type Affine, affineOf } from "./affine.ts";

/** Sees the inputs of one layer. */
export interface Observer {
  /** Called with each input, in compiled functions too. */
  observe(x: Tensor): void;
  /** The scale and the zero point for the observed range. */
  affine(): Affine;
}

/** The minimum and maximum of all inputs. Source: torch.ao.quantization.MinMaxObserver. */
export class MinMaxObserver implements Observer {
  readonly #low = new State(Number.POSITIVE_INFINITY);
  readonly #high = new State(Number.NEGATIVE_INFINITY);

  observe(x: Tensor): void {
    if (x.size === 0) return;
    const wide = x.detach().to("float32");
    this.#low.assign(this.#low.minimum(wide.amin()));
    this.#high.assign(this.#high.maximum(wide.amax()));
  }

  affine(): Affine {
    return affineOf(this.#low, this.#high);
  }
}

export interface MovingAverageOptions {
  /** The weight of each input after the first, above 0 and up to 1. Default 0.01. */
  readonly averagingConstant?: number;
}

/**
 * Moving averages of the minimum and maximum of the inputs, low + averagingConstant · (min − low): a single outlier has little effect. Source:
 * torch.ao.quantization.MovingAverageMinMaxObserver.
 */
export class MovingAverageMinMaxObserver implements Observer {
  readonly #share: number;
  readonly #count = new State(0);
  readonly #low = new State(0);
  readonly #high = new State(0);

  constructor(options: MovingAverageOptions = {}) {
    const { averagingConstant = 0.01 } = checkOptions("MovingAverageMinMaxObserver", options, {
      averagingConstant: kind.number,
    });
    if (!(averagingConstant > 0 && averagingConstant <= 1))
      throw new ShapeError(
        `MovingAverageMinMaxObserver: averagingConstant must be above 0 and up to 1, got ${averagingConstant}`,
      );
    this.#share = averagingConstant;
  }

  observe(x: Tensor): void {
    if (x.size === 0) return;
    const wide = x.detach().to("float32");
    // The first input has weight 1, each later one the same share.
    const share = this.#count
      .eq(0)
      .to("float32")
      .mul(1 - this.#share)
      .add(this.#share);
    this.#low.assign(this.#low.add(wide.amin().sub(this.#low).mul(share)));
    this.#high.assign(this.#high.add(wide.amax().sub(this.#high).mul(share)));
    this.#count.assign(1);
  }

  affine(): Affine {
    return affineOf(this.#low, this.#high);
  }
}
