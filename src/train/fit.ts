// fit: the training loop. Batches are gathered inside one compiled step; every state it keeps can be saved and resumed to the bit.
import { BatchSampler, type Dataset, type SamplerState } from "../data/index.ts";
import type { HostArray, JsonObject, NamedArrays } from "../formats/index.ts";
import { aBoolean, aCount, aNumber, anObject, type Check, listOf, objectOf } from "../formats/json.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { clipGradNorm, type GroupState, type Optimizer } from "../optim/index.ts";
import { backendInfo } from "../runtime/index.ts";
import { compile, type RandomState, randomState, setRandomState, type Tensor, tensor } from "../tensor/index.ts";
import { brokenParameter, findOrigin, lowerRate } from "./divergence.ts";
import { Evaluator, type Inverse, type Resident, residentOf } from "./evaluation.ts";
import type { EventListener, Metrics } from "./events.ts";
import { defaultLoss, type LossName, makeObjective, type Objective, taskOf } from "./objectives.ts";

/** Everything a run needs to go on: arrays, and plain data. The same shape as a checkpoint on disk. */
export interface TrainState {
  readonly tensors: NamedArrays;
  readonly json: JsonObject;
}

/** The learning rate for an epoch, counted from 0, given the validation (or training) loss after the last one. */
export type EpochSchedule = {
  step(metric: number): void;
  stateDict(): JsonObject;
  loadStateDict(state: JsonObject): void;
};

export interface EarlyStopping {
  /** Epochs without improvement of the validation loss after which training stops. */
  readonly patience: number;
}

export interface FitOptions {
  readonly train: Dataset;
  readonly validation?: Dataset | undefined;
  /** A name, or a function of (output, target). Default: crossEntropy for classes, mse for numbers. */
  readonly loss?: LossName | ((output: Tensor, target: Tensor) => Tensor);
  readonly optimizer: Optimizer;
  readonly epochs: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Governs the order of samples. Default 0. */
  readonly seed?: number;
  readonly earlyStopping?: EarlyStopping | undefined;
  /** Restore the weights of the best epoch at the end. Default: when there is validation data. */
  readonly restoreBest?: boolean;
  readonly clipNorm?: number | undefined;
  readonly schedule?: EpochSchedule | undefined;
  /** For regressions: from the network's numbers to the user's. */
  readonly inverse?: Inverse | undefined;
  readonly onEvent?: EventListener | undefined;
  /** Saves a state; called at the end of epochs and now and then within them, never with weights that are no numbers. */
  readonly save?: ((state: TrainState, at: { epoch: number; step: number }) => void) | undefined;
  /** Least milliseconds between two saves. Default 1000. */
  readonly saveEvery?: number;
  readonly resume?: TrainState | undefined;
  /** Aborting it saves and ends training. */
  readonly signal?: AbortSignal | undefined;
}

export interface EpochRecord {
  readonly epoch: number;
  readonly train: Metrics;
  readonly validation: Metrics | null;
}

export interface History {
  readonly epochs: readonly EpochRecord[];
  readonly bestEpoch: number;
  readonly stopped: "finished" | "early" | "interrupted" | "diverged";
  readonly seconds: number;
}

/** How long the loop may hold the event loop before it lets timers and signals in, in milliseconds. */
const yieldEvery = 12;
const progressEvery = 100;

/**
 * Trains a model. Shuffles by seed, evaluates after each epoch, keeps the best weights, stops early on request, and says so
 * at once when the loss is no longer a number. Resuming from a saved state gives the same bits as never having stopped.
 */
export async function fit(model: Module, options: FitOptions): Promise<History> {
  return new Trainer(model, options).run();
}

/** Lets timers, signals and drawing have their turn. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => (typeof setImmediate === "function" ? setImmediate(resolve) : setTimeout(resolve, 0)));

/** A moment of training, with the arrays copied. */
interface Snapshot {
  readonly tensors: NamedArrays;
  readonly progress: object;
  readonly step: number;
}

type Step = (features: Tensor, targets: Tensor, index: Tensor) => Tensor;

interface Best {
  readonly epoch: number;
  readonly loss: number;
  readonly weights: NamedArrays;
}

class Trainer {
  readonly #model: Module;
  readonly #options: FitOptions;
  readonly #objective: Objective;
  readonly #sampler: BatchSampler;
  readonly #evaluator: Evaluator;
  readonly #records: EpochRecord[] = [];
  #best: Best | undefined;
  #waited = 0;
  #step = 0;
  /** Sum of losses × rows of the epoch so far. */
  #lossSum = 0;
  #rows = 0;
  #lastSave = performance.now();
  /** The latest moment at which every weight was a number. */
  #good: Snapshot | undefined;

  constructor(model: Module, options: FitOptions) {
    if (!(Number.isInteger(options.epochs) && options.epochs >= 1))
      throw new HebbError(`fit: epochs must be a whole number of at least 1, got ${options.epochs}`);
    this.#model = model;
    this.#options = options;
    this.#objective = objectiveOf(options);
    this.#sampler = new BatchSampler(options.train.length, {
      batchSize: Math.min(options.batchSize ?? 32, options.train.length),
      shuffle: true,
      seed: options.seed ?? 0,
    });
    this.#evaluator = new Evaluator(model, this.#objective);
  }

  async run(): Promise<History> {
    const { train, validation, optimizer, epochs, signal } = this.#options;
    const started = performance.now();
    const data = residentOf(train);
    const held = validation === undefined ? undefined : residentOf(validation);
    this.#model.train();
    if (this.#options.resume !== undefined) this.#restore(this.#options.resume);
    const step = compile((features: Tensor, targets: Tensor, index: Tensor) =>
      this.#trainStep(features, targets, index),
    );
    this.#announce();
    let stopped: History["stopped"] = "finished";
    let breath = performance.now();
    let shown = breath;
    this.#keep();
    if (this.#options.resume === undefined) this.#save(true);
    while (this.#sampler.epoch < epochs && stopped === "finished") {
      const epoch = this.#sampler.epoch;
      if (this.#exhausted()) {
        stopped = "early";
        break;
      }
      const epochStarted = performance.now();
      const rowsBefore = this.#rows;
      for (const batch of this.#sampler.batches()) {
        const index = tensor(batch);
        const loss = step(data.features, data.targets, index).itemSync();
        this.#step++;
        if (!Number.isFinite(loss)) {
          this.#diverged(loss, epoch, data, step);
          stopped = "diverged";
          break;
        }
        this.#lossSum += loss * batch.length;
        this.#rows += batch.length;
        const now = performance.now();
        if (now - shown >= progressEvery) {
          shown = now;
          this.#emitProgress(epoch, (this.#rows - rowsBefore) / ((now - epochStarted) / 1000));
        }
        if (now - breath >= yieldEvery) {
          await breathe();
          breath = performance.now();
          if (signal?.aborted) {
            stopped = "interrupted";
            break;
          }
          if (now - this.#lastSave >= (this.#options.saveEvery ?? 1000)) {
            this.#keep();
            this.#save(false);
          }
        }
      }
      if (stopped !== "finished") break;
      const broken = brokenParameter(this.#model);
      if (broken !== undefined) {
        this.#warnOfBroken(broken, epoch);
        stopped = "diverged";
        break;
      }
      this.#endEpoch(epoch, held, (performance.now() - epochStarted) / 1000);
      this.#keep();
      this.#save(this.#sampler.epoch >= epochs);
      if (signal?.aborted) stopped = "interrupted";
    }
    const seconds = (performance.now() - started) / 1000;
    if (stopped === "interrupted") {
      this.#keep();
      this.#save(true);
      this.#options.onEvent?.({ type: "interrupted", epoch: this.#sampler.epoch, step: this.#step, resume: null });
    } else {
      if (stopped === "early") this.#emitEarlyStop();
      const restore = this.#options.restoreBest ?? held !== undefined;
      if (stopped === "diverged") this.#returnToGood();
      else if (this.#best !== undefined && restore) this.#model.loadStateDict(this.#best.weights);
    }
    optimizer.zeroGrad();
    return { epochs: this.#records, bestEpoch: this.#best?.epoch ?? -1, stopped, seconds };
  }

  #trainStep(features: Tensor, targets: Tensor, index: Tensor): Tensor {
    const { optimizer, clipNorm } = this.#options;
    const output = this.#model.forward(features.indexSelect(0, index));
    const loss = this.#objective.loss(output, targets.indexSelect(0, index));
    optimizer.zeroGrad();
    loss.backward();
    if (clipNorm !== undefined) clipGradNorm(this.#model.parameters(), clipNorm);
    optimizer.step();
    return loss;
  }

  #endEpoch(epoch: number, held: ReturnType<typeof residentOf> | undefined, seconds: number): void {
    const { optimizer, schedule, inverse, onEvent } = this.#options;
    const train: Metrics = { loss: this.#lossSum / this.#rows };
    const validation = held === undefined ? null : this.#evaluator.evaluate(held, inverse).metrics;
    const watched = validation?.loss ?? (train.loss as number);
    const best = Number.isFinite(watched) && (this.#best === undefined || watched < this.#best.loss);
    if (best) this.#best = { epoch, loss: watched, weights: arraysOf(this.#model.stateDict()) };
    this.#waited = best ? 0 : this.#waited + 1;
    this.#records.push({ epoch, train, validation });
    onEvent?.({ type: "epoch", epoch, step: this.#step, lr: optimizer.lr, train, validation, seconds, best });
    schedule?.step(watched);
    this.#lossSum = 0;
    this.#rows = 0;
  }

  #exhausted(): boolean {
    const { earlyStopping } = this.#options;
    return earlyStopping !== undefined && this.#waited >= earlyStopping.patience;
  }

  #emitEarlyStop(): void {
    const { earlyStopping, onEvent } = this.#options;
    const bestEpoch = this.#best?.epoch ?? 0;
    onEvent?.({
      type: "earlyStop",
      epoch: this.#sampler.epoch,
      bestEpoch,
      reason: `the loss has not improved for ${earlyStopping?.patience} epochs`,
    });
  }

  #announce(): void {
    const { onEvent, epochs } = this.#options;
    const { backend, threads, description } = backendInfo();
    const parameters = this.#model.parameters().reduce((sum, parameter) => sum + parameter.size, 0);
    onEvent?.({
      type: "start",
      run: null,
      config: {},
      parameters,
      epochs,
      stepsPerEpoch: this.#sampler.batchCount,
      backend,
      threads,
      description,
      notes: [],
    });
  }

  #emitProgress(epoch: number, rowsPerSecond: number): void {
    const totalSteps = this.#options.epochs * this.#sampler.batchCount;
    this.#options.onEvent?.({
      type: "progress",
      epoch,
      step: this.#step,
      totalSteps,
      loss: this.#lossSum / this.#rows,
      rowsPerSecond,
    });
  }

  /**
   * Says what made the loss no number. The step has already updated the weights with it, so training goes back to the last
   * good moment and takes the same steps, bit for bit, up to the one that failed.
   */
  #diverged(loss: number, epoch: number, data: Resident, step: Step): void {
    const failed = this.#step;
    this.#rewind();
    const { lr } = this.#options.optimizer;
    for (const batch of this.#sampler.batches()) {
      if (this.#step + 1 === failed) {
        const { where, cure } = findOrigin({ model: this.#model, loss: this.#objective.loss, data, batch, lr });
        this.#warn(`the loss became ${loss} at step ${failed}, ${where}; ${cure}`, epoch, failed);
        return;
      }
      step(data.features, data.targets, tensor(batch)).itemSync();
      this.#step++;
    }
  }

  #warnOfBroken(parameter: string, epoch: number): void {
    const cure = lowerRate(this.#options.optimizer.lr);
    this.#warn(`the update of step ${this.#step} broke the weights "${parameter}"; ${cure}`, epoch, this.#step);
  }

  #warn(what: string, epoch: number, step: number): void {
    const kept = this.#best === undefined ? `step ${this.#good?.step ?? 0}` : `epoch ${this.#best.epoch + 1}`;
    this.#options.onEvent?.({ type: "warning", epoch, step, message: `${what}. The weights of ${kept} are kept.` });
  }

  // ── saving and going on ────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the present moment as the last good one, if it is. */
  #keep(): void {
    if (brokenParameter(this.#model) === undefined) this.#good = this.#snapshot();
  }

  #rewind(): void {
    if (this.#good !== undefined) this.#restore(stateOf(this.#good));
  }

  #returnToGood(): void {
    this.#rewind();
    if (this.#best !== undefined) this.#model.loadStateDict(this.#best.weights);
  }

  #save(always: boolean): void {
    const { save, saveEvery = 1000, onEvent } = this.#options;
    const due = always || performance.now() - this.#lastSave >= saveEvery;
    if (!due) return;
    this.#lastSave = performance.now();
    if (save === undefined || this.#good === undefined) return;
    save(stateOf(this.#good), { epoch: this.#sampler.epoch, step: this.#good.step });
    onEvent?.({ type: "checkpoint", epoch: this.#sampler.epoch, step: this.#good.step });
  }

  #snapshot(): Snapshot {
    const { optimizer, schedule } = this.#options;
    const { state, groups } = optimizer.stateDict();
    const tensors: Record<string, HostArray> = {};
    const put = (prefix: string, arrays: NamedArrays): void => {
      for (const [name, array] of Object.entries(arrays)) tensors[`${prefix}${name}`] = array;
    };
    put("model.", arraysOf(this.#model.stateDict()));
    put("optimizer.", arraysOf(state));
    if (this.#best !== undefined) put("best.", this.#best.weights);
    const progress = {
      sampler: { ...this.#sampler.state() },
      random: { key: [...randomState().key], calls: randomState().calls },
      step: this.#step,
      lossSum: this.#lossSum,
      rows: this.#rows,
      waited: this.#waited,
      best: this.#best === undefined ? null : { epoch: this.#best.epoch, loss: this.#best.loss },
      groups: groups.map((group) => ({ ...group, initialLr: group.initialLr ?? null })),
      records: [...this.#records],
      schedule: schedule?.stateDict() ?? null,
    };
    return { tensors, progress, step: this.#step };
  }

  #restore(saved: TrainState): void {
    const { optimizer, schedule } = this.#options;
    const pick = (prefix: string): NamedArrays =>
      Object.fromEntries(
        Object.entries(saved.tensors).flatMap(([name, array]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
        ),
      );
    const json = checkProgress(saved.json, "checkpoint:");
    this.#model.loadStateDict(pick("model."));
    optimizer.loadStateDict({ state: pick("optimizer."), groups: json.groups });
    this.#sampler.restore(json.sampler);
    setRandomState(json.random);
    this.#step = json.step;
    this.#lossSum = json.lossSum;
    this.#rows = json.rows;
    this.#waited = json.waited;
    this.#best = json.best === null ? undefined : { ...json.best, weights: pick("best.") };
    this.#records.splice(0, this.#records.length, ...json.records);
    if (json.schedule !== null) schedule?.loadStateDict(json.schedule);
  }
}

const stateOf = ({ tensors, progress }: Snapshot): TrainState => ({
  tensors,
  json: JSON.parse(JSON.stringify(progress)) as JsonObject,
});

interface SavedProgress {
  readonly sampler: SamplerState;
  readonly random: RandomState;
  readonly step: number;
  readonly lossSum: number;
  readonly rows: number;
  readonly waited: number;
  readonly best: { readonly epoch: number; readonly loss: number } | null;
  readonly groups: readonly GroupState[];
  readonly records: readonly EpochRecord[];
  readonly schedule: JsonObject | null;
}

const figures: Check<Metrics> = (value, place) => {
  const out: Record<string, number> = Object.create(null);
  for (const [name, figure] of Object.entries(anObject(value, place)))
    out[name] = figure === null ? Number.NaN : aNumber(figure, `${place}.${name}`);
  return out;
};
const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (value, place) =>
    value === null ? null : check(value, place);
const option: Check<number | boolean | readonly number[]> = (value, place) =>
  typeof value === "boolean" ? value : Array.isArray(value) ? listOf(aNumber)(value, place) : aNumber(value, place);
const optionsOf: Check<GroupState["options"]> = (value, place) =>
  Object.fromEntries(
    Object.entries(anObject(value, place)).map(([name, part]) => [name, option(part, `${place}.${name}`)]),
  );
const pair: Check<readonly [number, number]> = (value, place) => {
  const [low = 0, high = 0] = listOf(aNumber)(value, place);
  return [low, high];
};

const checkProgress: Check<SavedProgress> = objectOf<SavedProgress>({
  sampler: objectOf<SamplerState>({
    epoch: aCount,
    batch: aCount,
    seed: aCount,
    length: aCount,
    batchSize: aCount,
    shuffle: aBoolean,
    dropLast: aBoolean,
  }),
  random: objectOf<RandomState>({ key: pair, calls: aCount }),
  step: aCount,
  lossSum: aNumber,
  rows: aCount,
  waited: aCount,
  best: orNull(objectOf<{ readonly epoch: number; readonly loss: number }>({ epoch: aCount, loss: aNumber })),
  groups: listOf(
    objectOf<GroupState>({
      lr: aNumber,
      initialLr: (value) => (typeof value === "number" ? value : undefined),
      options: optionsOf,
      params: listOf(aCount),
    }),
  ),
  records: listOf(objectOf<EpochRecord>({ epoch: aCount, train: figures, validation: orNull(figures) })),
  schedule: orNull(anObject),
});

function objectiveOf({ loss, train }: FitOptions): Objective {
  const task = taskOf(train);
  if (typeof loss !== "function") return makeObjective(loss ?? defaultLoss(task), task);
  const base = makeObjective(defaultLoss(task), task);
  return { ...base, loss };
}

/** Values of a state dict on the host. */
export function arraysOf(state: Readonly<Record<string, Tensor>>): NamedArrays {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name,
      { dtype: value.dtype, shape: value.shape, data: value.dataSync() },
    ]),
  );
}
