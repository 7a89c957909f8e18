// Predicts the time of a data-parallel step on N ranks, from measurements of one rank and the network.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";

export interface ScalingOptions {
  /** Seconds that one rank needs for forward and backward of the whole batch. Ranks divide this work. */
  readonly gradientSeconds: number;
  /** Seconds to update all weights, which every rank does. Default 0. */
  readonly updateSeconds?: number;
  /** Bytes of all gradients. */
  readonly bytes: number;
  /** Bytes per second that a rank can send while receiving as many. */
  readonly bandwidth: number;
  /** Seconds for the smallest message. */
  readonly latency: number;
  /** Sequential messages of a step: 2, and 4 more for each SyncBatchNorm layer. Default 2. */
  readonly messages?: number;
  /** Seconds that one rank needs for the backward pass of the whole batch, during which gradients are sent. Default 0: they are sent after it. */
  readonly overlapSeconds?: number;
  /** Seconds per byte for summation, including the copies to and from the network. Default 0. */
  readonly secondsPerByte?: number;
}

export interface ScaledStep {
  readonly ranks: number;
  readonly computeSeconds: number;
  readonly communicationSeconds: number;
  /** The part of the communication that the backward pass hides. */
  readonly hiddenSeconds: number;
  readonly seconds: number;
  /** Steps of the same batch in the time that one rank needs for one. */
  readonly speedup: number;
}

const kinds: OptionKinds<ScalingOptions> = {
  gradientSeconds: kind.number,
  updateSeconds: kind.number,
  bytes: kind.number,
  bandwidth: kind.number,
  latency: kind.number,
  messages: kind.number,
  overlapSeconds: kind.number,
  secondsPerByte: kind.number,
};

/**
 * The time of a step of N ranks that share one batch, for each N:
 *
 *     compute(N)       = gradientSeconds / N + updateSeconds
 *     travel(N)        = messages · latency · ⌈log₂ N⌉ + 2 · (N − 1) / N · bytes / bandwidth
 *     communication(N) = travel(N) + bytes · secondsPerByte
 *     hidden(N)        = min(travel(N), overlapSeconds / N)
 *     seconds(N)       = compute(N) + communication(N) − hidden(N)
 *
 * and communication(1) = 0. Every rank sends its gradients once, except for its own part, and then the sums of its part: 2 (N − 1) / N of the bytes,
 * for any N. So the time falls with N towards updateSeconds + 2 · bytes / bandwidth, and then only grows with the latency.
 */
export function predictSteps(ranks: readonly number[], options: ScalingOptions): ScaledStep[] {
  const given = checkOptions("predictSteps", options, kinds);
  const {
    gradientSeconds,
    updateSeconds = 0,
    bytes,
    bandwidth,
    latency,
    messages = 2,
    secondsPerByte = 0,
    overlapSeconds = 0,
  } = given;
  if (!(gradientSeconds > 0 && bandwidth > 0 && bytes >= 0 && latency >= 0))
    throw new HebbError(
      "predictSteps: takes gradientSeconds and bandwidth above 0, and bytes and latency of at least 0; measure them with bench/distributed.ts",
    );
  const alone = gradientSeconds + updateSeconds;
  return ranks.map((n): ScaledStep => {
    if (!(Number.isSafeInteger(n) && n >= 1)) throw new HebbError(`predictSteps: ${n} is not a number of ranks`);
    const computeSeconds = gradientSeconds / n + updateSeconds;
    const travel =
      n === 1 ? 0 : messages * latency * Math.ceil(Math.log2(n)) + ((2 * (n - 1)) / n) * (bytes / bandwidth);
    const communicationSeconds = travel + (n === 1 ? 0 : bytes * secondsPerByte);
    const hiddenSeconds = Math.min(travel, overlapSeconds / n);
    const seconds = computeSeconds + communicationSeconds - hiddenSeconds;
    return { ranks: n, computeSeconds, communicationSeconds, hiddenSeconds, seconds, speedup: alone / seconds };
  });
}
