// A learning rate that works: tested on the same data and initial weights before it is offered.

import type { Stopped } from "../shared/protocol.ts";
import type { StudioState } from "../shared/state.ts";
import * as say from "../texts/en/engine.ts";
import { Session } from "./session.ts";

/** Rates tried, each a tenth of the one before. */
const mostTries = 8;
/** Steps of a trial, in strides that each end with a measurement. A slow network of many weights takes fewer. */
const [strides, stride] = [20, 50] as const;
const [manyWeights, shortStride] = [20000, 10] as const;

/** Whether the loss of a run with this state stays finite and falls, without the jumps of steps that are too large. */
function works(state: StudioState, { prepared, info }: Session): boolean {
  const trial = new Session(state, prepared);
  const start = trial.now().train.loss;
  for (let k = 0; k < strides; k++)
    if (!trial.advance(info.parameters > manyWeights ? shortStride : stride) || !(trial.now().train.loss < start))
      return false;
  return trial.findings.every(({ code }) => code !== "learningRateTooHigh");
}

/** The remedy for a run that became NaN, with the largest rate found to work. */
export function withCure(session: Session, stopped: Stopped): Stopped {
  const { state } = session;
  const rest = { ...stopped.patch };
  for (let k = 1; k <= mostTries; k++) {
    const lr = Number((state.lr / 10 ** k).toPrecision(1));
    if (lr > 0 && works({ ...state, ...rest, lr, edits: [] }, session))
      return {
        ...stopped,
        fix: say.startAgainWithLearningRate(lr, rest.init === undefined ? "" : say.andSmallerInitialWeights),
        patch: { ...rest, lr, edits: [] },
      };
  }
  return stopped;
}
