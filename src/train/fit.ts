// fit: the training loop. Batches are gathered inside one compiled step; every state it keeps can be saved and resumed to the bit.
import type { HostArray, JsonObject, NamedArrays } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { EMA, type Optimizer } from "../optim/index.ts";
import { backendInfo } from "../runtime/index.ts";
import { randomState, setRandomState } from "../tensor/index.ts";
import { brokenParameter, findOrigin, lowerRate } from "./divergence.ts";
import type { Finding } from "./doctor/finding.ts";
import { Doctor } from "./doctor/index.ts";
import { Evaluator, type Inverse, type MetricFunction } from "./evaluation.ts";
import type { EventListener, Metrics } from "./events.ts";
import { type Augment, type Feed, type InMemory, type RowStream, type Samples, samplesOf } from "./feeds.ts";
import { Histograms } from "./histograms.ts";
import { higherIsBetter } from "./metrics.ts";
import type { LossName } from "./names.ts";
import { defaultLoss, type LossFunction, makeObjective, type Objective, ownObjective } from "./objectives.ts";
import {
  checkMonitor,
  checkOptimizer,
  feedOf,
  inMemory,
  rowWeights,
  taskFrom,
  weightsPerClass,
  wholeNumber,
} from "./setup.ts";
import { arraysOf, checkProgress, type EpochRecord, type Snapshot, stateOf, type TrainState } from "./state.ts";
import { Steps } from "./steps.ts";

/** The learning rate over time. `step` is given the watched figure after an epoch, the loss of the batch after an update. */
export type TrainSchedule = {
  step(metric: number): void;
  stateDict(): JsonObject;
  loadStateDict(state: JsonObject): void;
};

export interface EarlyStopping {
  /** Epochs without improvement of the watched figure after which training stops. */
  readonly patience: number;
  /** The least change that counts as an improvement. Default 0. */
  readonly minDelta?: number;
}

/** Functions that see training from within; returning "stop" ends it after saving. */
export interface Callback {
  /** After each update. */
  readonly stepEnd?: (moment: {
    readonly epoch: number;
    readonly step: number;
    readonly loss: number;
  }) => "stop" | undefined;
  /** After each epoch, when it has been evaluated. */
  readonly epochEnd?: (record: EpochRecord) => "stop" | undefined;
}

export interface FitOptions {
  /** In memory, or rows that stream in parts. */
  readonly train: InMemory | RowStream;
  readonly validation?: InMemory | undefined;
  /** A name, or a function of (output, target). Default: crossEntropy for classes and texts, mse for numbers. */
  readonly loss?: LossName | LossFunction;
  readonly optimizer: Optimizer;
  readonly epochs: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Batches whose gradients are added up for one update. Default 1. */
  readonly accumulate?: number;
  /** Governs the order of samples. Default 0. */
  readonly seed?: number;
  /** The figure that says which epoch is best, such as "accuracy"; of the validation data if there are any. Default "loss". */
  readonly monitor?: string;
  readonly earlyStopping?: EarlyStopping | undefined;
  /** Restore the weights of the best epoch at the end. Default: when there is validation data. */
  readonly restoreBest?: boolean;
  /** Scales all gradients so that their norm together is at most this. */
  readonly clipNorm?: number | undefined;
  /** Limits each gradient to ± this. */
  readonly clipValue?: number | undefined;
  /** Evaluate, and keep as best, an exponential moving average of the weights with this decay, such as 0.999. */
  readonly ema?: number | undefined;
  readonly schedule?: TrainSchedule | undefined;
  /** When the schedule steps. Default "epoch". */
  readonly scheduleEvery?: "epoch" | "update";
  /** What the rows of each class count for; "balanced" gives every class the same say. */
  readonly classWeights?: "balanced" | readonly number[] | undefined;
  /** Changes the features of each training batch, such as pictures that are moved a little. */
  readonly augment?: Augment | undefined;
  /** Figures of the user's own, beside those of the task. */
  readonly metrics?: Readonly<Record<string, MetricFunction>>;
  /** For regressions: from the network's numbers to the user's. */
  readonly inverse?: Inverse | undefined;
  readonly callbacks?: readonly Callback[];
  /** Histograms of weights and gradients as events, every so many epochs. Default 0: none. */
  readonly histograms?: number;
  /** Look for what is wrong while training, and tell it as events. Default: when there is a listener. */
  readonly doctor?: boolean;
  readonly onEvent?: EventListener | undefined;
  /** Saves a state; called at the end of epochs and now and then within them, never with weights that are no numbers. */
  readonly save?: ((state: TrainState, at: { epoch: number; step: number }) => void) | undefined;
  /** Least milliseconds between two saves. Default 1000, more where saving takes long. */
  readonly saveEvery?: number;
  readonly resume?: TrainState | undefined;
  /** Save and stop after so many epochs in all; resuming goes on as if there had been no pause. */
  readonly pauseAfter?: number | undefined;
  /** Aborting it saves and ends training. */
  readonly signal?: AbortSignal | undefined;
}

export interface History {
  readonly epochs: readonly EpochRecord[];
  readonly bestEpoch: number;
  readonly stopped: "finished" | "early" | "interrupted" | "paused" | "diverged";
  readonly seconds: number;
  readonly findings: readonly Finding[];
}

/** How long the loop may hold the event loop before it lets timers and signals in, in milliseconds. */
const yieldEvery = 12;
const progressEvery = 100;
/** Training between two saves takes at least so many times as long as a save. */
const mostOfTime = 30;

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

interface Best {
  readonly epoch: number;
  readonly value: number;
  readonly weights: NamedArrays;
}

class Trainer {
  readonly #model: Module;
  readonly #options: FitOptions;
  readonly #objective: Objective;
  readonly #feed: Feed;
  readonly #held: Samples | undefined;
  readonly #evaluator: Evaluator;
  readonly #steps: Steps;
  readonly #average: EMA | undefined;
  readonly #doctor: Doctor | undefined;
  readonly #histograms: Histograms | undefined;
  readonly #records: EpochRecord[] = [];
  readonly #findings: Finding[] = [];
  #best: Best | undefined;
  #waited = 0;
  #step = 0;
  /** Sum of losses × rows of the epoch so far. */
  #lossSum = 0;
  #rows = 0;
  #lastSave = performance.now();
  /** Milliseconds that the last save within an epoch took. */
  #saveCost = 0;
  /** The latest moment at which every weight was a number. */
  #good: Snapshot | undefined;

  constructor(model: Module, options: FitOptions) {
    const { train, validation, epochs, accumulate = 1, batchSize = 32, seed = 0 } = options;
    wholeNumber("epochs", epochs);
    wholeNumber("accumulate", accumulate);
    wholeNumber("batchSize", batchSize);
    this.#model = model;
    this.#options = options;
    checkOptimizer(model, options.optimizer);
    const task = taskFrom(options);
    this.#objective =
      typeof options.loss === "function"
        ? ownObjective(options.loss, task)
        : makeObjective(options.loss ?? defaultLoss(task), task);
    checkMonitor(options, this.#objective);
    const perClass = weightsPerClass(options, task.kind === "classes" ? task.count : 0);
    this.#feed = feedOf(options, perClass, { batchSize, seed });
    const { samples } = this.#feed;
    this.#held =
      validation === undefined ? undefined : samplesOf(validation, { weights: rowWeights(validation, perClass) });
    this.#evaluator = new Evaluator(model, this.#objective, options.metrics);
    if (options.ema !== undefined)
      this.#average = new EMA([...model.parameters(), ...model.buffers()], { decay: options.ema, warmup: true });
    this.#steps = new Steps({
      model,
      objective: this.#objective,
      optimizer: options.optimizer,
      samples,
      clipNorm: options.clipNorm,
      clipValue: options.clipValue,
      average: this.#average,
    });
    if (options.doctor ?? options.onEvent !== undefined)
      this.#doctor = new Doctor({
        model,
        objective: this.#objective,
        samples,
        train: inMemory(train),
        validation,
        optimizer: options.optimizer,
      });
    const batch = Int32Array.from({ length: Math.min(batchSize, samples.length) }, (_, row) => row);
    if ((options.histograms ?? 0) > 0)
      this.#histograms = new Histograms({ model, objective: this.#objective, samples, batch });
  }

  async run(): Promise<History> {
    const { optimizer, epochs, pauseAfter = epochs } = this.#options;
    const started = performance.now();
    this.#model.train();
    if (this.#options.resume !== undefined) this.#restore(this.#options.resume);
    this.#announce();
    if (this.#options.resume === undefined) this.#tell(this.#doctor?.before() ?? []);
    this.#keep();
    if (this.#options.resume === undefined) this.#save(true);
    let stopped: History["stopped"] = "finished";
    while (this.#feed.epoch < epochs && stopped === "finished") {
      if (this.#exhausted()) {
        stopped = "early";
        this.#save(true);
      } else if (this.#feed.epoch >= pauseAfter) stopped = "paused";
      else stopped = await this.#epoch();
    }
    const seconds = (performance.now() - started) / 1000;
    if (stopped === "interrupted" || stopped === "paused") {
      this.#keep();
      this.#save(true);
      this.#options.onEvent?.({ type: "interrupted", epoch: this.#feed.epoch, step: this.#step, resume: null });
    } else {
      if (stopped === "early") this.#emitEarlyStop();
      const restore = this.#options.restoreBest ?? this.#held !== undefined;
      if (stopped === "diverged") this.#returnToGood();
      else if (this.#best !== undefined && restore) this.#model.loadStateDict(this.#best.weights);
      else this.#average?.copyTo();
    }
    optimizer.zeroGrad();
    return {
      epochs: this.#records,
      bestEpoch: this.#best?.epoch ?? -1,
      stopped,
      seconds,
      findings: this.#findings,
    };
  }

  /** One epoch, or what is left of it. */
  async #epoch(): Promise<History["stopped"]> {
    const { signal, epochs } = this.#options;
    const epoch = this.#feed.epoch;
    const started = performance.now();
    const rowsBefore = this.#rows;
    let breath = started;
    let shown = started;
    for await (const { samples, batches } of this.#feed.parts(this.#options.accumulate ?? 1)) {
      for (const { batch, place } of batches()) {
        const loss = this.#steps.take(samples.arguments(batch, epoch), place);
        if (!Number.isFinite(loss)) {
          await this.#diverged(loss, epoch);
          return "diverged";
        }
        this.#lossSum += loss * batch.length;
        this.#rows += batch.length;
        if (!place.last) continue;
        const asked = this.#updated(epoch, loss, this.#options.callbacks);
        const now = performance.now();
        if (now - shown >= progressEvery) {
          shown = now;
          this.#emitProgress(epoch, (this.#rows - rowsBefore) / ((now - started) / 1000));
        }
        if (asked === "stop") return "interrupted";
        if (now - breath < yieldEvery) continue;
        await breathe();
        breath = performance.now();
        if (signal?.aborted) return "interrupted";
        if (this.#saveDue(now)) {
          this.#keep();
          this.#save(false);
          // Saving large models often would take more time than training them.
          this.#saveCost = performance.now() - now;
        }
      }
    }
    const broken = brokenParameter(this.#model);
    if (broken !== undefined) {
      this.#warnOfBroken(broken, epoch);
      return "diverged";
    }
    const asked = this.#endEpoch(epoch, (performance.now() - started) / 1000);
    this.#keep();
    this.#save(this.#feed.epoch >= epochs);
    return asked === "stop" || signal?.aborted ? "interrupted" : "finished";
  }

  /** After an update: the schedule and the callbacks, of which there are none where steps are repeated. */
  #updated(epoch: number, loss: number, callbacks: FitOptions["callbacks"] = []): "stop" | undefined {
    this.#step++;
    const { schedule, scheduleEvery = "epoch" } = this.#options;
    if (scheduleEvery === "update" && this.#step < this.#totalSteps) schedule?.step(loss);
    let asked: "stop" | undefined;
    for (const { stepEnd } of callbacks) asked = stepEnd?.({ epoch, step: this.#step, loss }) ?? asked;
    return asked;
  }

  get #stepsPerEpoch(): number {
    return Math.ceil(this.#feed.batchesPerEpoch / (this.#options.accumulate ?? 1));
  }

  get #totalSteps(): number {
    return this.#options.epochs * this.#stepsPerEpoch;
  }

  /** Ends an epoch with the weights that count: their average, where one is kept. */
  #endEpoch(epoch: number, seconds: number): "stop" | undefined {
    return this.#average === undefined
      ? this.#measure(epoch, seconds)
      : this.#average.use(() => this.#measure(epoch, seconds));
  }

  #measure(epoch: number, seconds: number): "stop" | undefined {
    const { optimizer, schedule, scheduleEvery = "epoch", inverse, onEvent, monitor = "loss" } = this.#options;
    const train: Metrics = { loss: this.#lossSum / this.#rows };
    const validation = this.#held === undefined ? null : this.#evaluator.evaluate(this.#held, inverse).metrics;
    const watched = (validation ?? train)[monitor];
    if (watched === undefined)
      throw new HebbError(
        `fit: there is no figure "${monitor}" to watch; those there are: ${Object.keys(validation ?? train).join(", ")}`,
      );
    const previous = this.#best?.value;
    const best = this.#isBetter(watched);
    if (best) this.#best = { epoch, value: watched, weights: arraysOf(this.#model.stateDict()) };
    this.#waited = best ? 0 : this.#waited + 1;
    const record = { epoch, train, validation };
    this.#records.push(record);
    onEvent?.({ type: "epoch", epoch, step: this.#step, lr: optimizer.lr, train, validation, seconds, best });
    if (best)
      onEvent?.({
        type: "improvement",
        epoch,
        step: this.#step,
        metric: monitor,
        value: watched,
        previous: previous ?? null,
      });
    const { histograms = 0 } = this.#options;
    if (this.#histograms !== undefined && epoch % histograms === 0)
      onEvent?.({ type: "histograms", epoch, step: this.#step, histograms: this.#histograms.take() });
    this.#tell(this.#doctor?.afterEpoch(this.#records) ?? []);
    if (scheduleEvery === "epoch") schedule?.step(watched);
    this.#lossSum = 0;
    this.#rows = 0;
    let asked: "stop" | undefined;
    for (const { epochEnd } of this.#options.callbacks ?? []) asked = epochEnd?.(record) ?? asked;
    return asked;
  }

  #isBetter(watched: number): boolean {
    if (!Number.isFinite(watched)) return false;
    if (this.#best === undefined) return true;
    const { monitor = "loss", earlyStopping } = this.#options;
    const gain = higherIsBetter(monitor) ? watched - this.#best.value : this.#best.value - watched;
    return gain > (earlyStopping?.minDelta ?? 0);
  }

  #exhausted(): boolean {
    const { earlyStopping } = this.#options;
    return earlyStopping !== undefined && this.#waited >= earlyStopping.patience;
  }

  // ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #tell(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.#findings.push(finding);
      this.#options.onEvent?.({ type: "finding", epoch: this.#feed.epoch, step: this.#step, finding });
    }
  }

  #emitEarlyStop(): void {
    const { earlyStopping, monitor = "loss", onEvent } = this.#options;
    const bestEpoch = this.#best?.epoch ?? 0;
    onEvent?.({
      type: "earlyStop",
      epoch: this.#feed.epoch,
      bestEpoch,
      reason: `the ${monitor} has not improved for ${earlyStopping?.patience} epochs`,
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
      stepsPerEpoch: this.#stepsPerEpoch,
      backend,
      threads,
      description,
      notes: [],
    });
  }

  #emitProgress(epoch: number, rowsPerSecond: number): void {
    this.#options.onEvent?.({
      type: "progress",
      epoch,
      step: this.#step,
      totalSteps: this.#totalSteps,
      loss: this.#lossSum / this.#rows,
      rowsPerSecond,
    });
  }

  /**
   * Says what made the loss no number. The step has already updated the weights with it, so training goes back to the last
   * good moment and takes the same steps, bit for bit, up to the one that failed.
   */
  async #diverged(loss: number, epoch: number): Promise<void> {
    const failed = this.#step + 1;
    this.#rewind();
    const { lr } = this.#options.optimizer;
    for await (const { samples, batches } of this.#feed.parts(this.#options.accumulate ?? 1)) {
      for (const { batch, place } of batches()) {
        const given = samples.arguments(batch, epoch);
        if (this.#step + 1 === failed) {
          const random = randomState();
          const rows = samples.gather(given);
          const origin = findOrigin({ model: this.#model, loss: this.#objective.loss, rows, batch, lr });
          if (origin !== undefined || place.last) {
            const where = origin?.where ?? "though the same step run again gives a number";
            const cure = origin?.cure ?? lowerRate(lr);
            this.#broke(`the loss became ${loss} at step ${failed}, ${where}`, cure, epoch, failed, origin?.layer);
            return;
          }
          // Of several batches of one update, the first that gives no number.
          setRandomState(random);
        }
        const repeated = this.#steps.take(given, place);
        if (place.last) this.#updated(epoch, repeated);
      }
    }
  }

  #warnOfBroken(parameter: string, epoch: number): void {
    const cure = lowerRate(this.#options.optimizer.lr);
    const layer = parameter.slice(0, Math.max(0, parameter.lastIndexOf(".")));
    this.#broke(`the update of step ${this.#step} broke the weights "${parameter}"`, cure, epoch, this.#step, layer);
  }

  #broke(what: string, cure: string, epoch: number, step: number, layer: string | undefined): void {
    const kept = this.#best === undefined ? `step ${this.#good?.step ?? 0}` : `epoch ${this.#best.epoch + 1}`;
    const { onEvent } = this.#options;
    const finding: Finding = {
      code: "notANumber",
      what,
      evidence: `a number up to step ${step - 1}; the weights of ${kept} are kept`,
      why: "NaN and infinity spread through every later step; nothing is learned any more",
      fix: cure,
      layer: layer ?? null,
    };
    this.#findings.push(finding);
    onEvent?.({ type: "warning", epoch, step, message: `${what}; ${cure}. The weights of ${kept} are kept.` });
    onEvent?.({ type: "finding", epoch, step, finding });
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

  #saveDue(now: number): boolean {
    return now - this.#lastSave >= (this.#options.saveEvery ?? Math.max(1000, mostOfTime * this.#saveCost));
  }

  #save(always: boolean): void {
    const { save, onEvent } = this.#options;
    if (!always && !this.#saveDue(performance.now())) return;
    this.#lastSave = performance.now();
    if (save === undefined || this.#good === undefined) return;
    save(stateOf(this.#good), { epoch: this.#feed.epoch, step: this.#good.step });
    onEvent?.({ type: "checkpoint", epoch: this.#feed.epoch, step: this.#good.step });
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
    if (this.#average !== undefined) put("average.", arraysOf(this.#average.stateDict().state));
    const progress = {
      sampler: { ...this.#feed.state() },
      random: { key: [...randomState().key], calls: randomState().calls },
      step: this.#step,
      lossSum: this.#lossSum,
      rows: this.#rows,
      waited: this.#waited,
      best: this.#best === undefined ? null : { epoch: this.#best.epoch, value: this.#best.value },
      groups: groups.map((group) => ({ ...group, initialLr: group.initialLr ?? null })),
      records: [...this.#records],
      schedule: schedule?.stateDict() ?? null,
      told: this.#doctor?.told() ?? [],
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
    this.#average?.loadStateDict({ state: pick("average.") });
    this.#feed.restore(json.sampler);
    setRandomState(json.random);
    this.#step = json.step;
    this.#lossSum = json.lossSum;
    this.#rows = json.rows;
    this.#waited = json.waited;
    this.#best = json.best === null ? undefined : { ...json.best, weights: pick("best.") };
    this.#records.splice(0, this.#records.length, ...json.records);
    this.#doctor?.restore(json.told);
    if (json.schedule !== null) schedule?.loadStateDict(json.schedule);
  }
}
