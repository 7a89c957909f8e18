// Small statistics that findings are based on.

/** √(Σ x² / n) */
export function rms(values: ArrayLike<number>): number {
  let sum = 0;
  for (let place = 0; place < values.length; place++) sum += (values[place] ?? 0) ** 2;
  return Math.sqrt(sum / values.length);
}

/** ‖now − before‖ / ‖before‖, over all pairs together. */
export function relativeChange(pairs: Iterable<readonly [now: ArrayLike<number>, before: ArrayLike<number>]>): number {
  let [change, size] = [0, 0];
  for (const [now, before] of pairs)
    for (let place = 0; place < before.length; place++) {
      const old = before[place] ?? 0;
      change += ((now[place] ?? 0) - old) ** 2;
      size += old * old;
    }
  return Math.sqrt(change / size);
}

/** At most `count` of the values, spread evenly. */
export function spread(values: ArrayLike<number>, count: number): ArrayLike<number> {
  if (values.length <= count) return values;
  return Float64Array.from({ length: count }, (_, k) => values[Math.floor((k * values.length) / count)] ?? 0);
}
