// Whether an attention head has learned to reverse.

/** More than half of the attention is on one token. */
const half = 0.5;

/** Whether the head, at some letter of the answer, attends mostly to the letter of the question that comes next. */
export function looksBack(attention: ArrayLike<number>, tokens: number, length: number): boolean {
  // Letters, a separator, reversed letters: position length + k comes before the k-th letter of the answer.
  for (let k = 0; k < length && length + k < tokens; k++)
    if ((attention[(length + k) * tokens + (length - 1 - k)] ?? 0) > half) return true;
  return false;
}
