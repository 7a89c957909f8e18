// Each operation of a step as formulas: symbols, the engine's numbers in their places, the result.
import type { StepTrace } from "../../shared/steps.ts";
import { backStage, deltaStage, normBackStage, slopeStage } from "./backward.ts";
import type { Explanation } from "./formula.ts";
import { activationStage, dropoutStage, lossStage, normStage, outputStage, poolStage, sumStage } from "./forward.ts";
import type { Cursor, Stage } from "./path.ts";
import { Signs } from "./signs.ts";
import { updateStage } from "./update.ts";

export function explain(trace: StepTrace, { kind, layer }: Stage, cursor: Cursor, row: number): Explanation {
  const signs = new Signs(trace, layer, row);
  switch (kind) {
    case "sum":
      return sumStage(signs, cursor);
    case "norm":
      return normStage(signs, cursor);
    case "activation":
      return activationStage(signs, cursor);
    case "pool":
      return poolStage(signs, cursor);
    case "dropout":
      return dropoutStage(signs, cursor);
    case "output":
      return outputStage(signs, cursor);
    case "loss":
      return lossStage(signs, cursor);
    case "back":
      return backStage(signs, cursor);
    case "delta":
      return deltaStage(signs, cursor);
    case "normBack":
      return normBackStage(signs, cursor);
    case "slope":
      return slopeStage(signs, cursor);
    case "update":
      return updateStage(signs, cursor);
  }
}
