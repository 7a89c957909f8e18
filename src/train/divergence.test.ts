// One of several ranks repeats the step that gave NaN with the same random draws.
import { expect, test } from "vitest";
import * as nn from "../nn/index.ts";
import { Generator, rand, type Tensor, withGenerator, zeros } from "../tensor/index.ts";
import { readNow } from "../tensor/reading.ts";
import { drawShare } from "../tensor/shareDraws.ts";
import { findOrigin } from "./divergence.ts";

/** The logarithm of a random number for each row, minus a bound. */
class Bounded extends nn.Module {
  readonly bound: number;

  constructor(bound: number) {
    super();
    this.bound = bound;
  }

  override forward(x: Tensor): Tensor {
    return rand([x.shape[0] ?? 0])
      .sub(this.bound)
      .log();
  }
}

test("a rank finds a NaN caused by the random numbers of its own rows", () => {
  const draws = withGenerator(new Generator(2), () => Array.from(rand([8]).dataSync()));
  const least = draws.indexOf(Math.min(...draws));
  const [smallest = 0, second = 0] = [...draws].sort((a, b) => a - b);
  const found = (first: number) =>
    withGenerator(new Generator(2), () =>
      readNow(
        findOrigin({
          model: new Bounded((smallest + second) / 2),
          loss: (output) => output.sum(),
          rows: { features: zeros([4, 1]), targets: zeros([4, 1]), weights: undefined, complete: true },
          share: { first, count: 4, whole: 8 },
          world: { together: { drawShare } },
          batch: Int32Array.of(0, 1, 2, 3),
          lr: 0.1,
        }),
      ),
    );
  const [having, without] = least < 4 ? [0, 4] : [4, 0];
  expect(found(having)?.where).toContain("log(");
  expect(found(without)).toBe(undefined);
});
