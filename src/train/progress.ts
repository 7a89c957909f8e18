// The progress of a training: updates, the losses of the current epoch, earlier epochs, and findings.
import { aCount, aNumber, listOf, objectOf } from "../formats/json.ts";
import { checkFinding, type Finding } from "./doctor/finding.ts";
import type { Part, PartState, SavedPart } from "./parts.ts";
import { checkRecord, type EpochRecord } from "./state.ts";
import { MeanLoss } from "./steps.ts";

interface Saved {
  readonly step: number;
  /** For the epoch so far: the sum of losses × their weights, and the sum of the weights. */
  readonly lossSum: number;
  readonly lossWeight: number;
  /** Seconds of the epoch before this process resumed it. */
  readonly seconds: number;
  readonly records: readonly EpochRecord[];
  readonly findings: readonly Finding[];
}

const saved = objectOf<Saved>({
  step: aCount,
  lossSum: aNumber,
  lossWeight: aNumber,
  seconds: aNumber,
  records: listOf(checkRecord),
  findings: listOf(checkFinding),
});

/** The seconds and the mean loss of an epoch. */
export interface EpochTotals {
  readonly seconds: number;
  readonly loss: number;
}

export class Progress implements Part {
  readonly name = "progress";
  step = 0;
  /** Training rows taken by this process; not part of the state. */
  rows = 0;
  readonly epochLoss = new MeanLoss();
  readonly records: EpochRecord[] = [];
  readonly findings: Finding[] = [];
  /** The seconds of the epoch so far, and the time of this count. */
  #seconds = 0;
  #counted = performance.now();

  get seconds(): number {
    return this.#seconds + (performance.now() - this.#counted) / 1000;
  }

  /** Starts an epoch, and returns the seconds and the loss of the one before. */
  startEpoch(): EpochTotals {
    const before = { seconds: this.seconds, loss: this.epochLoss.mean };
    this.epochLoss.set({ sum: 0, weight: 0 });
    this.startClock(0);
    return before;
  }

  /** Counts seconds from now on. */
  startClock(seconds = this.#seconds): void {
    this.#seconds = seconds;
    this.#counted = performance.now();
  }

  state(): PartState {
    const { step, epochLoss, seconds, records, findings } = this;
    const plain = { step, lossSum: epochLoss.sum, lossWeight: epochLoss.weight, seconds };
    return { json: { ...plain, records: records.map(jsonOf), findings: findings.map((one) => ({ ...one })) } };
  }

  restore({ json }: SavedPart): void {
    const { step, lossSum, lossWeight, seconds, records, findings } = saved(json, "checkpoint: progress");
    this.step = step;
    this.epochLoss.set({ sum: lossSum, weight: lossWeight });
    this.startClock(seconds);
    this.records.length = this.findings.length = 0;
    for (const record of records) this.records.push(record);
    for (const finding of findings) this.findings.push(finding);
  }
}

const jsonOf = ({ epoch, train, validation }: EpochRecord) => ({ epoch, train, validation });
