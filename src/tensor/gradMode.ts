// Whether operations record history for gradients.
let enabled = true;

export const gradEnabled = (): boolean => enabled;

/** Runs `body` without recording history: what it makes needs no gradient. Source: torch.no_grad. */
export function noGrad<T>(body: () => T): T {
  const outer = enabled;
  enabled = false;
  try {
    return body();
  } finally {
    enabled = outer;
  }
}
