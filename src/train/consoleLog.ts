// Prints training progress on the console, by default in a terminal.
import * as kind from "../graph/kinds.ts";
import { checkKind } from "../graph/options.ts";
import type { EventListener } from "./events.ts";
import type { Log } from "./logs.ts";
import { epochLine, epochsText, refitLine, stopText } from "./metricText.ts";

/** Minimum milliseconds between two lines, if epochs are short. */
const pause = 500;

/** Whether a person sees the output of this program. */
export const inTerminal = (): boolean => globalThis.process?.stdout?.isTTY === true;

/** Prints a line at the start, one for each epoch (two a second if epochs are short), one for each finding, and one at the end. */
export const consoleLog = (write: (line: string) => void = (line) => console.log(line)): Log => {
  checkKind("consoleLog", "the function that writes", write, kind.func<typeof write>());
  let [epochs, last, untold] = [0, Number.NEGATIVE_INFINITY, ""];
  const event: EventListener = (event) => {
    switch (event.type) {
      case "start":
        epochs = event.epochs;
        return write(
          `${event.parameters} parameters, up to ${epochsText(epochs)} of ${event.stepsPerEpoch} steps, on ${event.description}`,
        );
      case "epoch": {
        const now = performance.now();
        untold = epochLine(event);
        if (now - last < pause && event.epoch + 1 < epochs) return;
        last = now;
        write(untold);
        untold = "";
        return;
      }
      case "earlyStop":
        if (untold !== "") write(untold);
        return write(
          `stopped after ${epochsText(event.epoch)}: ${event.reason}; the best was epoch ${event.bestEpoch + 1}`,
        );
      case "refit":
        return write(refitLine(event));
      case "interrupted":
        return write(`${stopText(event)} at step ${event.step}`);
      case "warning":
        return write(`warning: ${event.message}`);
      case "finding":
        return write(`! ${event.finding.what}; ${event.finding.fix}`);
      case "progress":
      case "improvement":
      case "histograms":
      case "checkpoint":
      case "end":
        return;
    }
  };
  return { event };
};
