// Whether a head of attention has learned to reverse.

/** Attention on one token that is more than half. */
const half = 0.5;

/** Whether the head, at some letter of the answer, looks mostly at the letter of the question that comes next. */
export function looksBack(attention: ArrayLike<number>, tokens: number, length: number): boolean {
  // Letters, a sign, letters backwards: before the k-th letter of the answer comes place length + k.
  for (let k = 0; k < length && length + k < tokens; k++)
    if ((attention[(length + k) * tokens + (length - 1 - k)] ?? 0) > half) return true;
  return false;
}
