// The film of a run: it is repeated from its start and sampled along the way; and the search for a learning rate.

import { histogramOf } from "../../src/train/callbacks/histograms.ts";
import { findLr } from "../../src/train/index.ts";
import type { Beginning } from "../shared/protocol.ts";
import { type Film, type FilmFrame, type RateSearch, type Spread, shares } from "../shared/training.ts";
import { flat, landscapeOf, mostTraced } from "./landscape.ts";
import { Session } from "./session.ts";
import { turn } from "./turn.ts";
import { View } from "./view.ts";

/** The number of frames of a film, and the milliseconds that the repeated run may take. */
const [looks, most] = [24, 8000] as const;

function spreadOf(values: Float32Array): Spread {
  const sorted = values.filter(Number.isFinite).sort();
  const { edges, counts } = histogramOf("", "weights", values);
  return {
    quantiles: shares.map((share) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN),
    edges,
    counts,
  };
}

function look(session: Session, view: View): FilmFrame {
  const values = view.activations();
  return {
    step: session.step,
    loss: session.now().train.loss,
    layers: view.layers().map(({ weight, weightGrad }, place) => ({
      weights: spreadOf(weight),
      gradients: spreadOf(weightGrad),
      activations: spreadOf(values[place] ?? new Float32Array()),
      gradientNorm: Math.hypot(...weightGrad),
    })),
  };
}

/** Steps of the frames: close together at the beginning, where most happens. */
export function stepsOf(first: number, last: number): number[] {
  const steps = Array.from({ length: looks + 1 }, (_, k) => first + Math.round((last - first) * (k / looks) ** 2));
  return [...new Set(steps)];
}

/** Repeats the run with another network. It yields to the worker's event loop, so that the worker's own run continues. */
export async function filmOf(
  { state, prepared, step: wanted, firstStep }: Session,
  beginning: Beginning | undefined,
): Promise<Film> {
  const again = new Session(state, prepared, { beginning: firstStep > 0 ? beginning : undefined });
  const view = new View(again);
  const traced = again.info.parameters <= mostTraced;
  const frames: FilmFrame[] = [];
  const path: Float32Array[] = [];
  const end = performance.now() + most;
  for (const step of stepsOf(firstStep, wanted)) {
    let healthy = true;
    while (healthy && again.step < step && performance.now() < end) {
      healthy = again.advance(Math.min(step - again.step, 64));
      await turn();
    }
    if (again.step < step && healthy) break;
    frames.push(look(again, view));
    if (traced) path.push(flat(again));
    if (!healthy) break;
  }
  return { frames, rows: again.slopeRows, wanted, landscape: landscapeOf(again, [path]) };
}

/** The library's rate search, with a network of this state from its initial weights. */
export function rateSearch({ state, prepared }: Session): RateSearch {
  const fresh = new Session(state, prepared);
  const { rates, losses, suggested, highest } = findLr(fresh.network.model, {
    train: prepared.train,
    optimizer: fresh.optimizer,
    loss: (output, target) => fresh.objective.measure(output, target, { weights: undefined, complete: true }),
    batchSize: Math.min(state.batch, prepared.train.length),
    seed: state.seed,
    from: 1e-5,
    to: 10,
    steps: 120,
  });
  return { rates, losses, suggested, highest };
}
