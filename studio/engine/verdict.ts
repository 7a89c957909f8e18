// The reasons to stop a run, and advice while it continues: from the library's doctor, and from a loss that hardly moves. Evaluated by epochs alone.

import { Trainer } from "../../src/index.ts";
import type { Callback, EpochRecord, Failure, Finding, PartState, Training } from "../../src/train/index.ts";
import type { Advice, DataInfo, Stopped } from "../shared/protocol.ts";
import type { StudioState } from "../shared/state.ts";
import * as say from "../texts/en/engine.ts";

/** Epochs over which the loss must have moved, and the first epoch at which a plateau is reported. */
const [plateauEpochs, patienceEpochs] = [200, 250] as const;
/** A training loss below this cannot improve noticeably. */
const learnedLoss = 0.002;
/** Accuracy, or R², of the test rows above which a plateau is a good end. */
const learnedWell = 0.97;

/**
 * Judges after each evaluated epoch, independently of drawing. What has been reported is part of every state, so that repeated steps
 * report the same at the same epoch.
 */
export class Judge implements Callback {
  readonly name = "judge";
  readonly #state: StudioState;
  readonly #info: DataInfo;
  /** The reasons that training overrules; undefined if nothing stops it. */
  #overruled: ReadonlySet<Stopped["reason"]> | undefined;
  #trainer: Trainer | undefined;
  /** Findings already examined. */
  #seen = 0;
  #verdict: Stopped | undefined;

  constructor(state: StudioState, info: DataInfo) {
    this.#state = state;
    this.#info = info;
  }

  attach(training: Training): void {
    if (training instanceof Trainer) this.#trainer = training;
  }

  /** The current reason to stop. */
  get verdict(): Stopped | undefined {
    const failure = this.#trainer?.failure;
    return failure === undefined ? this.#verdict : numbersLost(failure, this.#state);
  }

  /** The doctor's findings that do not stop training. */
  get advice(): Advice[] {
    return (this.#trainer?.findings ?? []).flatMap((finding) => adviceOf(finding, this.#state));
  }

  epochEnd(): "stop" | undefined {
    const trainer = this.#trainer;
    if (trainer === undefined) return undefined;
    const fresh = trainer.findings.slice(this.#seen);
    this.#seen = trainer.findings.length;
    if (this.#overruled === undefined) return undefined;
    const verdict = overfitting(fresh, trainer) ?? plateau(this.#state, this.#info, trainer);
    if (verdict === undefined || this.#overruled.has(verdict.reason)) return undefined;
    this.#verdict = verdict;
    return "stop";
  }

  /** Runs a stretch of training that a reason to stop ends, unless it is overruled. */
  during<T>(overruled: ReadonlySet<Stopped["reason"]>, body: () => T): T {
    [this.#overruled, this.#verdict] = [overruled, undefined];
    try {
      return body();
    } finally {
      this.#overruled = undefined;
    }
  }

  state(): PartState {
    return { json: { seen: this.#seen } };
  }

  restore({ json }: Required<PartState>): void {
    [this.#seen, this.#verdict] = [Number(json["seen"]), undefined];
  }
}

const lossOf = (record: EpochRecord, part: "train" | "validation"): number => record[part]?.["loss"] ?? Number.NaN;
const figure = (value: number): string => value.toPrecision(3);
const sentence = ({ what, evidence }: Finding): string =>
  `${what.slice(0, 1).toUpperCase()}${what.slice(1)}: ${evidence.replace("the validation data", say.theTestRows)}.`;

/** Whether the doctor has just found that the network memorises. */
function overfitting(fresh: readonly Finding[], { best, records, stepsPerEpoch }: Trainer): Stopped | undefined {
  const found = fresh.find(({ code }) => code === "overfitting");
  const [then, last] = [records.find(({ epoch }) => epoch === best?.epoch), records.at(-1)];
  if (found === undefined || then === undefined || last === undefined) return undefined;
  const epoch = then.epoch + 1;
  const course = (part: "train" | "validation"): string =>
    `from ${figure(lossOf(then, part))} to ${figure(lossOf(last, part))}`;
  return {
    reason: "overfit",
    text: say.theNetworkOverfitsItMemorisesThe(epoch, course("train"), course("validation")),
    fix: say.goBackToEpoch(epoch),
    patch: undefined,
    goTo: epoch * stepsPerEpoch,
  };
}

function numbersLost(failure: Failure, { lr, init }: StudioState): Stopped {
  const became =
    failure.kind === "weights"
      ? say.weightsBecameNaNOrInfinite
      : say.lossBecame(Number.isNaN(failure.loss) ? say.naN : say.infinite);
  const rate = Number((lr / 10).toPrecision(1));
  return {
    reason: "nan",
    text: say.theAtStepTheStepsWere(became, failure.step, lr),
    fix: say.startAgainWithLearningRate2(rate),
    patch: { lr: rate, ...(init === "large" ? { init: "xavier" as const } : {}) },
    goTo: undefined,
  };
}

/** A training loss that has hardly moved: learned, memorised, or stuck. */
function plateau(state: StudioState, info: DataInfo, { records }: Trainer): Stopped | undefined {
  const last = records.at(-1);
  if (last === undefined || last.epoch + 1 < patienceEpochs) return undefined;
  const earlier = records.findLast(({ epoch }) => epoch <= last.epoch - plateauEpochs);
  if (earlier === undefined) return undefined;
  const recent = records.filter(({ epoch }) => epoch > earlier.epoch).map((record) => lossOf(record, "train"));
  const lowest = Math.min(...recent);
  if (lowest < lossOf(earlier, "train") * 0.985 && lowest > learnedLoss) return undefined;
  const now = figure(lossOf(last, "train"));
  const told = { reason: "plateau", goTo: undefined, fix: "", patch: undefined } as const;
  const metric = last.validation?.[info.task === "number" ? "r2" : "accuracy"];
  if (metric === undefined ? lowest <= 0.05 : metric > learnedWell)
    return { ...told, text: say.learnedTheTrainingLossHardlyMoves(now) };
  if (lowest <= learnedLoss)
    return {
      ...told,
      text: say.theTrainingRowsAreLearnedTraining(
        now,
        info.task === "number" ? `R² ${figure(metric ?? 0)}` : say.accuracy((100 * (metric ?? 0)).toFixed(1)),
      ),
    };
  const text = say.theTrainingLossHasHardlyMoved(plateauEpochs, figure(lossOf(earlier, "train")), now);
  return { ...told, text, ...moreOf(state) };
}

/** The remedy for a stuck loss: more units, then larger steps. */
function moreOf({ layers, lr }: StudioState): Pick<Stopped, "fix" | "patch"> {
  const fix = say.giveItMoreUnits;
  if (layers.length < 2)
    return { fix, patch: { layers: [...layers, { kind: "dense", units: 8, activation: "tanh" }] } };
  if (layers.some(({ units }) => units < 6))
    return { fix, patch: { layers: layers.map((layer) => ({ ...layer, units: Math.max(8, layer.units) })) } };
  return { fix: say.learnThreeTimesFaster, patch: { lr: Math.min(10, lr * 3) } };
}

/** The page's texts for findings that do not stop training. */
function adviceOf(finding: Finding, { lr }: StudioState): Advice[] {
  const again = (rate: number): Advice => ({
    code: finding.code,
    text: sentence(finding),
    fix: say.startAgainWithLearningRate2(rate),
    patch: { lr: rate },
  });
  switch (finding.code) {
    case "learningRateTooHigh":
      return [again(Number((lr / 10).toPrecision(2)))];
    case "learningRateTooLow":
      return [again(Number((lr * 10).toPrecision(2)))];
    case "noBetterThanMajority":
      return [{ code: finding.code, text: sentence(finding), fix: "", patch: undefined }];
    default:
      return [];
  }
}
