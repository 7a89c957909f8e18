// The doctor: looks at data, network and course of a training, and says each thing it finds once.
import { TokenSequence } from "../../data/index.ts";
import type { HostArray, NamedArrays } from "../../formats/index.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { sameShape, sizeOf } from "../../graph/shape.ts";
import type { Module } from "../../nn/index.ts";
import type { Optimizer } from "../../optim/index.ts";
import { noGrad, randomState, setRandomState } from "../../tensor/index.ts";
import type { InMemory, Rows, Samples } from "../feeds.ts";
import type { Objective } from "../objectives.ts";
import { checkModel } from "../setup.ts";
import type { DoctorState, EpochRecord } from "../state.ts";
import { checkCourse, type LargestClass } from "./course.ts";
import { checkLabels, checkLeak, checkScale, largestClass } from "./data.ts";
import { relativeChange, spread } from "./figures.ts";
import type { Finding, FindingCode } from "./finding.ts";
import { checkLoss } from "./losses.ts";
import { checkActivations, checkDeadUnits, checkGradients, checkSaturation, detachRows, takePass } from "./network.ts";

export interface DoctorOptions {
  readonly model: Module;
  readonly objective: Objective;
  readonly samples: Samples;
  readonly train: InMemory;
  readonly validation?: InMemory | undefined;
  readonly optimizer?: Optimizer | undefined;
  readonly classNames?: readonly string[] | undefined;
}

const kinds: OptionKinds<DoctorOptions> = {
  model: kind.anything,
  objective: kind.anything,
  samples: kind.anything,
  train: kind.anything,
  validation: kind.anything,
  optimizer: kind.anything,
  classNames: kind.listOf(kind.string),
};

/** Values of inputs looked at in one pass, and the least and most rows. */
const valuesLookedAt = 2 ** 16;
const [fewestRows, mostRows] = [16, 256];
/** Tokens of a text looked at. */
const textLookedAt = { windows: 4, tokens: 16 } as const;

/** Weights of each parameter whose start is remembered, to see how far they move. */
const weightsFollowed = 1024;

/** Share of dead ReLUs, and of saturated values, that is let pass. */
const letPass = { dead: 0.6, saturated: 0.7 } as const;

/**
 * Examines a training: `before` the first step, and `afterEpoch` with what the epochs gave. A pass over a few rows in eval mode
 * keeps every value; it draws no random number and changes nothing, so a training that is watched gives the same bits.
 */
export class Doctor {
  readonly #options: DoctorOptions;
  readonly #told = new Set<string>();
  #rows: Rows | undefined;
  #untrained: number | undefined;
  /** Some of the weights before the first step, by parameter; empty when not known. */
  #start: NamedArrays = {};
  readonly #largest: LargestClass | undefined;

  constructor(options: DoctorOptions) {
    checkOptions("Doctor", options, kinds);
    checkModel("Doctor", options.model);
    this.#options = options;
    const { objective, validation, classNames } = options;
    if (objective.task.kind === "classes" && validation !== undefined && !(validation instanceof TokenSequence))
      this.#largest = largestClass(validation, classNames);
  }

  /** What can be seen before the first step. */
  before(): Finding[] {
    const { model, train } = this.#options;
    this.#start = Object.fromEntries(
      model.namedParameters().map(([name, parameter]): [string, HostArray] => {
        const data = Float32Array.from(spread(parameter.dataSync(), weightsFollowed));
        return [name, { dtype: "float32", shape: [data.length], data }];
      }),
    );
    const data = this.#once(train instanceof TokenSequence ? [] : this.#data());
    return [...data, ...this.#once(this.#network(true))];
  }

  /** What the epochs so far show; `last` when no more follow. The network is looked at after epochs 1, 2, 4, 8 and so on. */
  afterEpoch(records: readonly EpochRecord[], last = false): Finding[] {
    const count = records.length;
    const look = count > 0 && Number.isInteger(Math.log2(count));
    const lr = this.#options.optimizer?.lr ?? Number.NaN;
    const course = checkCourse({
      records,
      lr,
      last,
      moved: this.#moved(),
      untrained: this.#untrained,
      largest: this.#largest,
    });
    return this.#once([...(look ? this.#network(false) : []), ...course]);
  }

  /** How far the weights are from where they started, as a share of their size. */
  #moved(): number | undefined {
    const pairs = this.#options.model
      .namedParameters()
      .flatMap(([name, parameter]): [ArrayLike<number>, ArrayLike<number>][] => {
        const before = this.#start[name];
        return before === undefined ? [] : [[spread(parameter.dataSync(), weightsFollowed), before.data]];
      });
    return pairs.length === 0 ? undefined : relativeChange(pairs);
  }

  /** Everything at once, for a finished run. */
  examine(records: readonly EpochRecord[], lr: number): Finding[] {
    const { train } = this.#options;
    const data = this.#once(train instanceof TokenSequence ? [] : this.#data());
    const course = checkCourse({
      records,
      lr,
      last: true,
      moved: undefined,
      untrained: undefined,
      largest: this.#largest,
    });
    return [...data, ...this.#once([...this.#network(false), ...course])];
  }

  /** The weights that training began with, as arrays for a saved state. */
  get start(): NamedArrays {
    return this.#start;
  }

  /** What else a saved state needs. */
  state(): DoctorState {
    return { told: [...this.#told], untrained: this.#untrained ?? null };
  }

  restore({ told, untrained }: DoctorState, start: NamedArrays): void {
    this.#told.clear();
    for (const key of told) this.#told.add(key);
    this.#untrained = untrained ?? undefined;
    this.#start = start;
  }

  #once(findings: readonly Finding[]): Finding[] {
    return findings.filter(({ code, layer }) => {
      const key = layer === null ? code : `${code} ${layer}`;
      if (this.#told.has(key)) return false;
      this.#told.add(key);
      return true;
    });
  }

  #data(): Finding[] {
    const { train, validation, objective } = this.#options;
    if (train instanceof TokenSequence || validation instanceof TokenSequence) return [];
    const outputs = this.#outputs();
    const labels =
      objective.task.kind === "classes" && outputs !== undefined && outputs > 1
        ? checkLabels(train, validation, outputs)
        : [];
    return [...checkScale(train), ...labels, ...(validation === undefined ? [] : checkLeak(train, validation))];
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

  /** The rows looked at: spread over the data, always the same. */
  #look(): Rows {
    if (this.#rows !== undefined) return this.#rows;
    const { samples, train } = this.#options;
    const text = train instanceof TokenSequence;
    const size = text ? 1 : sizeOf(train.features.shape);
    const wanted = text
      ? textLookedAt.windows
      : Math.max(fewestRows, Math.min(mostRows, Math.floor(valuesLookedAt / size)));
    const count = Math.min(wanted, samples.length);
    const picked = Int32Array.from({ length: count }, (_, k) => Math.floor((k * samples.length) / count));
    const rows = samples.gather(samples.arguments(picked, 0));
    const cut = Math.min(textLookedAt.tokens, rows.features.shape[1] ?? 1);
    this.#rows = detachRows(
      text ? { ...rows, features: rows.features.narrow(1, 0, cut), targets: rows.targets.narrow(1, 0, cut) } : rows,
    );
    return this.#rows;
  }

  #network(untrained: boolean): Finding[] {
    const { model, objective } = this.#options;
    // Labels beyond the outputs have no loss.
    if (this.#told.has("labelsOutOfRange" satisfies FindingCode)) return [];
    const random = randomState();
    try {
      const rows = this.#look();
      const pass = takePass(model, objective, rows);
      if (!Number.isFinite(pass.loss)) return [];
      const input = pass.forward.find(
        ({ op, path, shape }) => op === "value" && path === "" && sameShape(shape, rows.features.shape),
      );
      if (untrained) this.#untrained = pass.loss;
      return [
        ...checkLoss(pass, objective),
        ...checkActivations(pass, input?.name),
        ...checkDeadUnits(pass, letPass.dead),
        ...checkSaturation(pass, letPass.saturated),
        ...checkGradients(pass, model),
      ];
    } catch (error) {
      // A network that cannot run says so itself, at the first step.
      if (error instanceof HebbError) return [];
      throw error;
    } finally {
      setRandomState(random);
    }
  }
}
