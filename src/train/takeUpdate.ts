// One update of a training: the batches of a feed, one step each. An error takes back the batch that caused it.
import { HebbError } from "../graph/errors.ts";
import type { Feed } from "./feeds.ts";
import type { Losses } from "./losses.ts";
import type { Steps } from "./steps.ts";

/** Takes the batches of an update, or the remaining ones after an error. */
export function takeUpdate(feed: Feed, steps: Steps, losses: Losses, count: { rows: number }): void {
  for (let last = false; !last; ) {
    const { samples, rows, place, share } = feed.next();
    try {
      losses.add(steps.take(samples.arguments(rows, feed.epoch), place, share), place);
    } catch (error) {
      // A failed step has assigned nothing. Continuing after its rows would omit them.
      feed.takeBack();
      throw error;
    }
    count.rows += rows.length;
    last = place.last;
  }
}

/** A state cannot hold gradients that wait for the other batches of their update. */
export function refuseWithinUpdate({ taken }: Feed, step: number): void {
  if (taken === 0) return;
  throw new HebbError(
    `Trainer: an error ended update ${step + 1} after ${taken === 1 ? "the first" : taken} of its batches, and a state is saved between updates; call step() for the other batches, or go back with restore() or rewind()`,
  );
}
