// The run of the Text surface: one inspected model, others trained next to it, and the reasons to stop.

import type { HistoryPoint } from "../../shared/protocol.ts";
import type { TextState } from "../../shared/text.ts";
import type { AttentionAsk, AttentionStep, Look, Projection, TextInfo, TextStop } from "../../shared/textPicture.ts";
import * as say from "../../texts/en/engine.ts";
import { attentionStep } from "./attentionStep.ts";
import { stepOf } from "./course.ts";
import { Looking } from "./look.ts";
import { matchedSize, sizeOf } from "./models.ts";
import { TextRun } from "./run.ts";
import { type TextData, textData } from "./textData.ts";
import { Writing } from "./writing.ts";

/** The number of consecutive points of the curves at which every held-out answer must be right. */
const provenBy = 3;
const everRight = (history: readonly HistoryPoint[]): boolean =>
  history.length >= provenBy && history.slice(-provenBy).every(({ test }) => test?.metric === 1);

export class TextSession {
  readonly state: TextState;
  readonly data: TextData;
  readonly runs: readonly [TextRun, ...TextRun[]];
  readonly writing: Writing;
  readonly #looking: Looking;
  /** Findings already reported. */
  readonly #told = new Set<string>();

  constructor(state: TextState, corpus: string) {
    this.state = state;
    this.data = textData(state, corpus);
    const first = { name: state.model, size: sizeOf(state, this.data.tokens.names.length, this.data.context) };
    const beside = state.beside.filter((name, place, all) => name !== state.model && all.indexOf(name) === place);
    this.runs = [
      new TextRun(state, this.data, first),
      ...beside.map((name) => new TextRun(state, this.data, { name, size: matchedSize(name, first) })),
    ];
    const [{ model }] = this.runs;
    this.#looking = new Looking(model, this.data);
    this.writing = new Writing(model, this.data);
  }

  get info(): Omit<TextInfo, "backend" | "backendWhy"> {
    const { data, runs } = this;
    const count = (part: TextData["train"]): number => ("tokens" in part ? part.tokens.length : part.length);
    return {
      kind: data.kind,
      tokens: data.tokens.names,
      context: data.context,
      trainCount: count(data.train),
      heldCount: count(data.held),
      question: data.kind === "task" ? data.question : 0,
      stepsPerEpoch: runs[0].stepsPerEpoch,
      lanes: runs.map(({ info }) => info),
      notes: data.notes,
    };
  }

  get step(): number {
    return this.runs[0].step;
  }

  /** Takes `steps` steps with every model; false once the first becomes NaN. Another model that becomes NaN stops alone. */
  advance(steps: number): boolean {
    for (const run of this.runs) if (run.healthy) run.advance(steps);
    return this.runs[0].healthy;
  }

  goTo(step: number): boolean {
    for (const run of this.runs) run.goTo(step);
    return this.step === step;
  }

  look(prompt: string): Look {
    return this.#looking.look(prompt);
  }

  /** One head of the first model in detail; undefined without attention. */
  attention(prompt: string, ask: AttentionAsk): AttentionStep | undefined {
    return attentionStep(this.runs[0].model, this.#looking.seen(prompt), ask);
  }

  projection(): Projection {
    return this.#looking.projection();
  }

  /** The reason to stop here, if any. */
  verdict(overruled: ReadonlySet<TextStop["reason"]>): TextStop | undefined {
    const [{ history, healthy }] = this.runs;
    const none = { fix: "", patch: undefined, goTo: undefined };
    if (!healthy) {
      const lr = Number((this.state.lr / 3).toPrecision(1));
      return {
        ...none,
        reason: "nan",
        text: say.theLossIsNaNAfterStep(this.step),
        fix: say.startAgainWithALearningRate(lr),
        patch: { lr },
      };
    }
    const last = history.at(-1);
    if (last?.test === undefined) return undefined;
    if (this.data.kind === "task") {
      if (overruled.has("solved") || !this.runs.every((run) => everRight(run.history))) return undefined;
      const count = this.data.held.length;
      return {
        ...none,
        reason: "solved",
        text: say.allAnswersThatWereHeldOut(count, last.step),
      };
    }
    if (overruled.has("overfit")) return undefined;
    const [{ course }] = this.runs;
    const found = course.found.find(({ finding }) => finding.code === "overfitting");
    if (found === undefined || course.best === undefined) return undefined;
    return {
      ...none,
      reason: "overfit",
      text: say.aLongerTextASmallerModel(found.sentence),
      fix: say.goBackToStep(stepOf(course.best)),
      goTo: stepOf(course.best),
    };
  }

  /** The doctor's new findings that do not stop training: a rate that is too high or too low. */
  fresh(): TextStop[] {
    const { found } = this.runs[0].course;
    const fresh = found.filter(({ finding }) => !this.#told.has(finding.code));
    for (const { finding } of fresh) this.#told.add(finding.code);
    return fresh.flatMap(({ finding: { code }, sentence }): TextStop[] => {
      if (code !== "learningRateTooHigh" && code !== "learningRateTooLow") return [];
      const lr = Number((code === "learningRateTooHigh" ? this.state.lr / 10 : this.state.lr * 10).toPrecision(2));
      return [
        {
          reason: "rate",
          text: sentence,
          fix: say.startAgainWithALearningRate(lr),
          patch: { lr },
          goTo: undefined,
        },
      ];
    });
  }
}
