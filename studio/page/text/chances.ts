// From logits to the probabilities of tokens: softmax(logits / temperature) over the k largest.

export interface Chance {
  readonly token: number;
  readonly chance: number;
}

/** The tokens that may be drawn, from the likeliest. At temperature 0 there is one; `topK` of 0 keeps all. */
export function chancesOf(logits: ArrayLike<number>, temperature: number, topK: number): Chance[] {
  const order = Array.from({ length: logits.length }, (_, token) => token).sort(
    (a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b,
  );
  const kept = order.slice(0, temperature === 0 ? 1 : topK === 0 ? order.length : topK);
  const top = logits[kept[0] ?? 0] ?? 0;
  const weights = kept.map((token) => (temperature === 0 ? 1 : Math.exp(((logits[token] ?? 0) - top) / temperature)));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return kept.map((token, rank) => ({ token, chance: (weights[rank] ?? 0) / sum }));
}

/** The token at which the cumulative probability exceeds `share`. */
export function drawnFrom(chances: readonly Chance[], share: number): number | undefined {
  let left = share;
  for (const { token, chance } of chances) {
    left -= chance;
    if (left < 0) return token;
  }
  return chances[0]?.token;
}
