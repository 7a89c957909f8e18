// fit as a stream: for await (const event of fitStream(model, options)) …
import type { Module } from "../nn/index.ts";
import type { TrainEvent } from "./events.ts";
import { fit as trainModel } from "./fit.ts";
import { checkFitOptions, type FitOptions, type History } from "./fitOptions.ts";

/**
 * Trains like {@link fit} and yields its events one by one; the history is the generator's return value. Training does not wait for the reader.
 * Leaving the loop early ends training, after saving; so does aborting `options.signal`.
 */
export async function* fitStream(model: Module, options: FitOptions): AsyncGenerator<TrainEvent, History, void> {
  checkFitOptions(options);
  const waiting: TrainEvent[] = [];
  let wake = (): void => {};
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  let ended = false;
  const training = trainModel(model, {
    ...options,
    signal,
    onEvent: (event) => {
      options.onEvent?.(event);
      waiting.push(event);
      wake();
    },
  }).finally(() => {
    ended = true;
    wake();
  });
  // A failure is reported when the history is awaited, below.
  training.catch(() => {});
  try {
    for (;;) {
      const event = waiting.shift();
      if (event !== undefined) yield event;
      else if (ended) break;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    return await training;
  } finally {
    stop.abort();
    await training.catch(() => {});
  }
}
