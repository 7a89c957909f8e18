// Samples one token from logits: the most likely, or drawn after temperature, top-k and top-p.
import { at } from "../graph/at.ts";

export interface Sampling {
  /** Divides the logits; 0 always takes the most likely token. */
  readonly temperature: number;
  /** Samples only from the k most likely tokens. */
  readonly topK: number | undefined;
  /** Samples only from the most likely tokens whose probabilities add up to p (Holtzman et al. 2020). */
  readonly topP: number | undefined;
  /** Divides positive logits of repeated tokens, and multiplies the others (Keskar et al. 2019). */
  readonly repetitionPenalty: number;
}

/** Lowers the logits of earlier tokens. */
export function penalise(logits: Float64Array, seen: Iterable<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const token of new Set(seen)) {
    const logit = logits[token];
    if (logit !== undefined) logits[token] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

function likeliest(logits: Float64Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++)
    if ((logits[token] as number) > (logits[best] as number)) best = token;
  return best;
}

/** The token at quantile `uniform` in [0, 1) of the distribution. */
export function chooseToken(
  given: ArrayLike<number>,
  seen: Iterable<number>,
  uniform: number,
  { temperature, topK, topP, repetitionPenalty }: Sampling,
): number {
  const logits = Float64Array.from(given);
  penalise(logits, seen, repetitionPenalty);
  const best = likeliest(logits);
  if (temperature === 0) return best;
  const kept = keptTokens(logits, topK);
  const top = logits[best] as number;
  const weights = kept.map((token) => Math.exp(((logits[token] as number) - top) / temperature));
  const count = topP === undefined ? kept.length : nucleus(weights, topP);
  let left = uniform * weights.slice(0, count).reduce((sum, weight) => sum + weight, 0);
  for (let place = 0; place < count; place++) {
    left -= at(weights, place);
    if (left < 0) return at(kept, place);
  }
  return at(kept, count - 1);
}

/** The k largest logits' tokens, largest first; ties by id. */
function keptTokens(logits: Float64Array, topK: number | undefined): number[] {
  const bound =
    topK === undefined || topK >= logits.length ? undefined : at([...logits.slice().sort()], logits.length - topK);
  const tokens: number[] = [];
  for (let token = 0; token < logits.length; token++)
    if (bound === undefined || (logits[token] as number) >= bound) tokens.push(token);
  tokens.sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b);
  return tokens.slice(0, topK);
}

/** The number of descending weights needed to reach a share p of their sum. */
function nucleus(weights: readonly number[], topP: number): number {
  const wanted = topP * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  for (const [place, weight] of weights.entries()) {
    sum += weight;
    if (sum >= wanted) return place + 1;
  }
  return weights.length;
}
