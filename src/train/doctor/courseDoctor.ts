// The doctor during a training: its memory, when it judges, and that it reports each finding once.
import { TokenSequence } from "../../data/index.ts";
import type { HostArray, NamedArrays } from "../../formats/index.ts";
import { aCount, aNumber, aString, listOf, objectOf } from "../../formats/json.ts";
import { HebbError } from "../../graph/errors.ts";
import { Dropout, type Module } from "../../nn/index.ts";
import type { Optimizer } from "../../optim/index.ts";
import { noGrad, type Parameter } from "../../tensor/index.ts";
import { itemOf, type Reading, readNow, valuesOf } from "../../tensor/reading.ts";
import { Tabular } from "../models/tabular.ts";
import type { PartState, SavedPart } from "../parts.ts";
import { type EpochRecord, orNull } from "../state.ts";
import { checkCourse, isJudged, type LargestClass, largestClass } from "./course.ts";
import { relativeChange, spread } from "./figures.ts";
import type { Finding, FindingCode } from "./finding.ts";
import type { Look, LookOptions } from "./look.ts";

export interface DoctorOptions extends LookOptions {
  readonly optimizer?: Optimizer | undefined;
  readonly classNames?: readonly string[] | undefined;
}

/** The largest fraction of units that a layer drops; 0 for an ensemble, whose members are each worse than their mean even without dropout. */
const dropoutIn = (model: Module): number =>
  model instanceof Tabular
    ? 0
    : model
        .namedModules()
        .reduce((most, [, module]) => (module instanceof Dropout ? Math.max(most, module.p) : most), 0);

/** The number of weights of each parameter whose initial values are kept, to measure their change. */
const weightsFollowed = 1024;
/** The number of rows whose loss before the first step is measured, if the network is not inspected. */
const rowsOfStart = 256;

const saved = objectOf<{ told: string[]; untrained: number | null; followed: number }>({
  told: listOf(aString),
  untrained: orNull(aNumber),
  followed: aCount,
});

/**
 * Examines a training: `before` the first step, and `afterEpoch` with the results of the epochs. Judges at the epochs that `isJudged` selects, so
 * that a training that evaluates only those gets the same findings. It changes nothing: training gives the same bits with a doctor.
 */
export class CourseDoctor {
  readonly #options: DoctorOptions;
  readonly #look: Look | undefined;
  readonly #told = new Set<string>();
  #untrained: number | undefined;
  /** Some of the weights before the first step, by parameter; empty if unknown. */
  #start: NamedArrays = {};
  readonly #largest: LargestClass | undefined;
  readonly #dropout: number;

  /** Without a look at data and network, it judges only the course. */
  constructor(options: DoctorOptions, look?: Look) {
    this.#options = options;
    this.#look = look;
    const { model, objective, validation, classNames } = options;
    this.#dropout = dropoutIn(model);
    if (objective.task.kind === "classes" && validation !== undefined && !(validation instanceof TokenSequence))
      this.#largest = largestClass(validation, classNames);
  }

  /** Findings before the first step. */
  before(): Finding[] {
    return readNow(this.lookBefore());
  }

  /** The same, as part of other work. */
  *lookBefore(): Reading<Finding[]> {
    const start = yield* this.#followed(this.#options.model.namedParameters());
    this.#start = Object.fromEntries(
      start.map(([name, values]): [string, HostArray] => {
        const data = Float32Array.from(values);
        return [name, { dtype: "float32", shape: [data.length], data }];
      }),
    );
    if (this.#look === undefined) {
      this.#untrained = yield* this.#lossOfStart();
      return [];
    }
    const data = this.#once(this.#look.data());
    return [...data, ...this.#once(yield* this.#network(true))];
  }

  /** Some of the weights of parameters, by name. */
  *#followed(named: readonly [string, Parameter][]): Reading<[string, ArrayLike<number>][]> {
    const found: [string, ArrayLike<number>][] = [];
    for (const [name, parameter] of named) {
      const [values = new Float32Array()] = yield* valuesOf([parameter]);
      found.push([name, spread(values, weightsFollowed)]);
    }
    return found;
  }

  /** Findings from the epochs so far; `last` if no more follow. The network is inspected after epochs 1, 2, 4, 8 and so on. */
  afterEpoch(records: readonly EpochRecord[], last = false): Finding[] {
    return readNow(this.lookAfterEpoch(records, last));
  }

  /** The same, as part of other work. */
  *lookAfterEpoch(records: readonly EpochRecord[], last = false): Reading<Finding[]> {
    const epochs = (records.at(-1)?.epoch ?? -1) + 1;
    const look = epochs > 0 && Number.isInteger(Math.log2(epochs));
    const findings = look ? yield* this.#network(false) : [];
    if (last || isJudged(epochs - 1))
      findings.push(
        ...checkCourse({
          records: records.filter(({ epoch }) => isJudged(epoch)),
          lr: this.#options.optimizer?.lr ?? Number.NaN,
          reduced: this.#reduced(),
          last,
          moved: yield* this.#moved(),
          untrained: this.#untrained,
          largest: this.#largest,
          dropout: this.#dropout,
        }),
      );
    return this.#once(findings);
  }

  /** All findings at once, for a finished run. */
  examine(records: readonly EpochRecord[], lr: number): Finding[] {
    const data = this.#once(this.#look?.data() ?? []);
    const course = checkCourse({
      records: records.filter(({ epoch }) => isJudged(epoch)),
      lr,
      reduced: false,
      last: true,
      moved: undefined,
      untrained: undefined,
      largest: this.#largest,
      dropout: this.#dropout,
    });
    return [...data, ...this.#once([...readNow(this.#network(false)), ...course])];
  }

  #reduced(): boolean {
    const [group] = this.#options.optimizer?.groups ?? [];
    return group !== undefined && group.lr < (group.initialLr ?? group.lr) / 2;
  }

  *#network(untrained: boolean): Reading<Finding[]> {
    // Labels beyond the outputs have no loss.
    if (this.#told.has("labelsOutOfRange" satisfies FindingCode)) return [];
    const seen = this.#look === undefined ? undefined : yield* this.#look.network();
    if (seen === undefined) return [];
    if (untrained) this.#untrained = seen.loss;
    return seen.findings;
  }

  /** The loss of some rows with the current weights; undefined if it cannot be computed. */
  *#lossOfStart(): Reading<number | undefined> {
    const { model, objective, samples } = this.#options;
    const count = Math.min(rowsOfStart, samples.length);
    const picked = Int32Array.from({ length: count }, (_, k) => Math.floor((k * samples.length) / count));
    const training = model.training;
    model.eval();
    try {
      const { features, targets, weights } = samples.gather(samples.arguments(picked, 0));
      const loss = yield* itemOf(noGrad(() => objective.loss(model.forward(features), targets, weights)));
      return Number.isFinite(loss) ? loss : undefined;
    } catch (error) {
      // A network that cannot run throws at the first step anyway.
      if (error instanceof HebbError) return undefined;
      throw error;
    } finally {
      model.train(training);
    }
  }

  /** The change of the weights since the start, relative to their size. */
  *#moved(): Reading<number | undefined> {
    const known = this.#options.model.namedParameters().filter(([name]) => Object.hasOwn(this.#start, name));
    const pairs = (yield* this.#followed(known)).flatMap(([name, now]): [ArrayLike<number>, ArrayLike<number>][] => {
      const before = this.#start[name];
      return before === undefined ? [] : [[now, before.data]];
    });
    return pairs.length === 0 ? undefined : relativeChange(pairs);
  }

  state(): PartState {
    const followed = Object.keys(this.#start).length;
    return {
      tensors: this.#start,
      json: { told: [...this.#told], untrained: this.#untrained ?? null, followed },
    };
  }

  restore({ tensors, json }: SavedPart): void {
    const { told, untrained, followed } = saved(json, "checkpoint: doctor");
    const parameters = this.#options.model.namedParameters();
    for (const [name, parameter] of parameters)
      if (followed > 0 && tensors[name]?.data.length !== Math.min(weightsFollowed, parameter.size))
        throw new HebbError(
          `checkpoint: doctor: the initial value of the weights "${name}" is missing, or has another size; the state is damaged or of another model`,
        );
    this.#told.clear();
    for (const key of told) this.#told.add(key);
    this.#untrained = untrained ?? undefined;
    this.#start = followed > 0 ? tensors : {};
  }

  #once(findings: readonly Finding[]): Finding[] {
    return findings.filter(({ code, layer }) => {
      const key = layer === null ? code : `${code} ${layer}`;
      if (this.#told.has(key)) return false;
      this.#told.add(key);
      return true;
    });
  }
}
