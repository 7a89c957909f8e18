// The doctor's view of data and network: rows, labels and scales, and one forward and backward pass with every value kept.
import { TokenSequence } from "../../data/index.ts";
import { spread } from "../../data/spread.ts";
import { HebbError } from "../../graph/errors.ts";
import { sameShape, sizeOf } from "../../graph/shape.ts";
import type { Module } from "../../nn/index.ts";
import { noGrad, randomState, setRandomState } from "../../tensor/index.ts";
import type { Reading } from "../../tensor/reading.ts";
import type { InMemory, Rows, Samples } from "../feeds.ts";
import type { Objective } from "../objectives.ts";
import { checkLabels, checkLeak, checkScale } from "./data.ts";
import type { Finding } from "./finding.ts";
import { checkLoss } from "./losses.ts";
import { checkActivations, checkDeadUnits, checkGradients, checkSaturation, detachRows, takePass } from "./network.ts";

export interface LookOptions {
  readonly model: Module;
  readonly objective: Objective;
  readonly samples: Samples;
  readonly train: InMemory;
  readonly validation?: InMemory | undefined;
}

/** The number of input values inspected in one pass, and the minimum and maximum number of rows. */
const valuesLookedAt = 2 ** 16;
const [fewestRows, mostRows] = [16, 256];
/** The number of tokens of a text to inspect. */
const textLookedAt = { windows: 4, tokens: 16 } as const;

/** The tolerated shares of dead ReLUs and of saturated values. */
const letPass = { dead: 0.6, saturated: 0.7 } as const;

/** The number of rows read from a file. */
const rowsRead = 256;

/** Inspects a training without changing it: in eval mode, without drawing random numbers. */
export class Look {
  readonly #options: LookOptions;
  #rows: Rows | undefined;

  constructor(options: LookOptions) {
    this.#options = options;
  }

  data(): Finding[] {
    const { train, validation, objective } = this.#options;
    if (train instanceof TokenSequence || validation instanceof TokenSequence) return [];
    const outputs = this.#outputs();
    const labels =
      objective.task.kind === "classes" && outputs !== undefined && outputs > 1
        ? checkLabels(train, validation, outputs)
        : [];
    // Only some rows of a file are read, so a copy among the others would be missed.
    const inFile = train.features.reader !== undefined;
    const scale = checkScale(inFile ? train.subset(spread(train.length, rowsRead)) : train);
    const compares = validation !== undefined && !inFile && validation.features.reader === undefined;
    return [...scale, ...labels, ...(compares ? checkLeak(train, validation) : [])];
  }

  /** The width of the network's output. */
  #outputs(): number | undefined {
    const { model } = this.#options;
    const training = model.training;
    model.eval();
    try {
      return noGrad(() => model.forward(this.#look().features.narrow(0, 0, 1))).shape[1];
    } catch (error) {
      if (error instanceof HebbError) return undefined;
      throw error;
    } finally {
      model.train(training);
    }
  }

  /** The rows to inspect: spread over the data, always the same. */
  #look(): Rows {
    if (this.#rows !== undefined) return this.#rows;
    const { samples, train } = this.#options;
    const text = train instanceof TokenSequence;
    const size = text ? 1 : sizeOf(train.features.shape);
    const wanted = text
      ? textLookedAt.windows
      : Math.max(fewestRows, Math.min(mostRows, Math.floor(valuesLookedAt / size)));
    const rows = samples.gather(samples.arguments(spread(samples.length, wanted), 0));
    const cut = Math.min(textLookedAt.tokens, rows.features.shape[1] ?? 1);
    this.#rows = detachRows(
      text ? { ...rows, features: rows.features.narrow(1, 0, cut), targets: rows.targets.narrow(1, 0, cut) } : rows,
    );
    return this.#rows;
  }

  /** The findings of the network now, and the loss of the inspected rows; undefined if it cannot be computed. */
  *network(): Reading<{ readonly findings: Finding[]; readonly loss: number } | undefined> {
    const { model, objective } = this.#options;
    const random = randomState();
    try {
      const rows = this.#look();
      const pass = yield* takePass(model, objective, rows);
      if (!Number.isFinite(pass.loss)) return undefined;
      const input = pass.forward.find(
        ({ op, path, shape }) => op === "value" && path === "" && sameShape(shape, rows.features.shape),
      );
      const findings = [
        ...(yield* checkLoss(pass, objective)),
        ...checkActivations(pass, input?.name),
        ...checkDeadUnits(pass, letPass.dead),
        ...checkSaturation(pass, letPass.saturated),
        ...checkGradients(pass, model),
      ];
      return { findings, loss: pass.loss };
    } catch (error) {
      // A network that cannot run throws at the first step anyway.
      if (error instanceof HebbError) return undefined;
      throw error;
    } finally {
      setRandomState(random);
    }
  }
}
