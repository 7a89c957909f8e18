// Whether operations record history for gradients.
import * as kind from "../graph/kinds.ts";
import { checkKind } from "../graph/options.ts";

let enabled = true;

export const gradEnabled = (): boolean => enabled;

/** Runs `body` without recording history: its results need no gradient. Source: torch.no_grad. */
export function noGrad<T>(body: () => T): T {
  checkKind("noGrad", "the body", body, kind.func());
  const outer = enabled;
  enabled = false;
  try {
    return body();
  } finally {
    enabled = outer;
  }
}
