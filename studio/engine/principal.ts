// The plane of the largest spread of points: two directions, by power iteration.

/** The two directions along which points spread most: power iteration on their Gram matrix. */
export function principal(points: readonly Float64Array[]): {
  directions: [Float64Array, Float64Array];
  share: number;
} {
  const n = points.length;
  const size = points[0]?.length ?? 0;
  const dot = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
    return sum;
  };
  const gram = points.map((a) => Float64Array.from(points, (b) => dot(a, b)));
  let total = 0;
  for (let k = 0; k < n; k++) total += gram[k]?.[k] ?? 0;
  let kept = 0;
  const found = [0, 1].map((which) => {
    let vector = Float64Array.from({ length: n }, (_, k) => Math.sin(1 + k * (which + 1.7)));
    let value = 0;
    for (let round = 0; round < 120; round++) {
      const next = Float64Array.from(gram, (row) => dot(row, vector));
      value = Math.sqrt(dot(next, next));
      if (value < 1e-12) break;
      vector = next.map((x) => x / value);
    }
    gram.forEach((row, i) => {
      for (let j = 0; j < n; j++) row[j] = (row[j] ?? 0) - value * (vector[i] ?? 0) * (vector[j] ?? 0);
    });
    kept += value;
    const direction = new Float64Array(size);
    points.forEach((point, k) => {
      for (let i = 0; i < size; i++) direction[i] = (direction[i] ?? 0) + (vector[k] ?? 0) * (point[i] ?? 0);
    });
    const length = Math.sqrt(dot(direction, direction)) || 1;
    return direction.map((x) => x / length);
  });
  return {
    directions: [found[0] ?? new Float64Array(size), found[1] ?? new Float64Array(size)],
    share: total > 0 ? Math.min(1, kept / total) : 0,
  };
}
