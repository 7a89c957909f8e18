// Trainer: the one training loop, update by update. Every state it has, and that its callbacks have, can be saved, resumed and gone back to.
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { EMA, type Optimizer } from "../optim/index.ts";
import { currentGenerator, type Generator, withGenerator } from "../tensor/index.ts";
import {
  type Callback,
  checkCallback,
  type Kept,
  partOf,
  type Rest,
  type StepMoment,
  type Training,
} from "./callback.ts";
import { brokenParameter, brokenWeights, type Failure, findOrigin, lowerRate } from "./divergence.ts";
import type { Finding } from "./doctor/finding.ts";
import { Evaluator } from "./evaluation.ts";
import type { Metrics, TrainEvent } from "./events.ts";
import { type Feed, type InMemory, type Samples, samplesOf, updatesIn } from "./feeds.ts";
import { Losses } from "./losses.ts";
import type { Mode } from "./metrics.ts";
import { Moments } from "./moments.ts";
import type { Objective } from "./objectives.ts";
import { checkNames, collect, distribute, type Part, stateOf } from "./parts.ts";
import { Progress } from "./progress.ts";
import {
  checkModel,
  checkOptimizer,
  feedOf,
  inMemory,
  objectiveOf,
  rowWeights,
  taskFrom,
  watchOf,
  weightsPerClass,
} from "./setup.ts";
import { arraysOf, type EpochRecord, type TrainState } from "./state.ts";
import { Steps } from "./steps.ts";
import { checkTrainerOptions, type TrainerOptions } from "./trainerOptions.ts";
import { partsOf } from "./trainerParts.ts";
import type { Best, Watch } from "./watch.ts";

export class Trainer implements Training {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly objective: Objective;
  readonly samples: Samples;
  readonly train: InMemory;
  readonly validation: InMemory | undefined;
  readonly classNames: readonly string[] | undefined;
  readonly batchSize: number;
  readonly #options: TrainerOptions;
  readonly #feed: Feed;
  readonly #held: Samples | undefined;
  readonly #evaluator: Evaluator;
  readonly #steps: Steps;
  readonly #average: EMA | undefined;
  readonly #watch: Watch;
  /** The run draws from here, so that nothing else that draws meanwhile changes it. */
  readonly #generator: Generator;
  /** Where the run's generator was copied from. */
  readonly #outer: Generator | undefined;
  readonly #progress = new Progress();
  readonly #moments: Moments;
  readonly #callbacks: Callback[] = [];
  readonly #ownParts: readonly Part[];
  /** Everything that has a state: the trainer's own, then the callbacks'. */
  #parts: readonly Part[];
  /** Whether any callback is called after each update. */
  #watchSteps = false;
  readonly #losses = new Losses(this.#progress.epochLoss);
  #begun = false;
  #resumed = false;
  /** Callbacks that a resumed state has nothing of. */
  #fresh: readonly string[] = [];
  /** How far training has come before it went back, in updates and in epochs. */
  #furthest = 0;
  #furthestEpoch = 0;
  #repeating = false;
  #failure: Failure | undefined;
  #rows = 0;
  /** Whether a callback has asked for the end of training. */
  stopping = false;

  constructor(model: Module, options: TrainerOptions) {
    checkTrainerOptions("Trainer", options);
    checkModel("Trainer", model);
    const { train, validation, optimizer, batchSize = 32, seed = 0, accumulate = 1, callbacks = [] } = options;
    this.model = model;
    this.#options = options;
    this.#outer = options.generator === undefined ? currentGenerator() : undefined;
    this.#generator = options.generator ?? currentGenerator().cloneState();
    checkOptimizer(model, optimizer);
    const task = taskFrom(options);
    this.objective = objectiveOf(options, task);
    this.#watch = watchOf(model, options, this.objective);
    const perClass = weightsPerClass(options, task.kind === "classes" ? task.count : 0);
    this.#feed = feedOf(options, perClass, { batchSize, seed, accumulate });
    this.optimizer = optimizer;
    this.samples = this.#feed.samples;
    this.train = inMemory(train);
    this.validation = validation;
    this.classNames = options.classNames;
    this.batchSize = batchSize;
    this.#held =
      validation === undefined ? undefined : samplesOf(validation, { weights: rowWeights(validation, perClass) });
    this.#evaluator = new Evaluator(model, this.objective, options.metrics);
    if (options.ema !== undefined)
      this.#average = new EMA([...model.parameters(), ...model.buffers()], { decay: options.ema, warmup: true });
    this.#steps = new Steps({
      model,
      objective: this.objective,
      optimizer,
      samples: this.samples,
      clipNorm: options.clipNorm,
      clipValue: options.clipValue,
      average: this.#average,
    });
    this.#moments = new Moments(options.moments ?? {});
    this.#ownParts = partsOf({
      model,
      optimizer,
      average: this.#average,
      feed: this.#feed,
      generator: this.#generator,
    }).concat(this.#progress, this.#watch);
    this.#parts = this.#ownParts;
    this.use(...callbacks);
  }

  /** Adds callbacks, before the first step. They are called in the order in which they were added. */
  use(...callbacks: readonly Callback[]): this {
    if (this.#begun)
      throw new HebbError("Trainer: callbacks are added before the first step, and this training has begun");
    for (const callback of callbacks) {
      checkCallback(callback);
      this.#callbacks.push(callback);
      callback.attach?.(this);
    }
    this.#watchSteps = this.#callbacks.some(({ stepEnd }) => stepEnd !== undefined);
    this.#parts = [...this.#ownParts, ...this.#callbacks.flatMap((callback) => partOf(callback) ?? [])];
    checkNames(this.#parts);
    return this;
  }

  // ── what it has come to ────────────────────────────────────────────────────────────────────────────────────────────

  get steps(): number {
    return this.#progress.step;
  }

  get epoch(): number {
    return this.#feed.epoch;
  }

  /** Updates in an epoch. */
  get stepsPerEpoch(): number {
    const { train, batchSampler, accumulate = 1 } = this.#options;
    return batchSampler === undefined
      ? updatesIn(train.length, this.#options)
      : Math.ceil(batchSampler.batchCount / accumulate);
  }

  /** Whether the last batch of the epoch has been taken, and the epoch not been ended. */
  get epochOver(): boolean {
    return this.#feed.coming === "end";
  }

  /** Training rows taken by this process. */
  get rows(): number {
    return this.#rows;
  }

  /** Seconds that the present epoch has taken. */
  get seconds(): number {
    return this.#progress.seconds;
  }

  /** The mean loss of the last update. */
  get loss(): number {
    this.readLosses();
    return this.#losses.last;
  }

  /** The mean loss of the epoch so far. */
  get epochLoss(): number {
    this.readLosses();
    return this.#progress.epochLoss.mean;
  }

  get records(): readonly EpochRecord[] {
    return this.#progress.records;
  }

  get findings(): readonly Finding[] {
    return this.#progress.findings;
  }

  get best(): Best | undefined {
    return this.#watch.best;
  }

  get monitor(): string {
    return this.#watch.monitor;
  }

  get mode(): Mode {
    return this.#watch.mode;
  }

  /** The averages of the weights, where they are kept. */
  get average(): EMA | undefined {
    return this.#average;
  }

  /** What went wrong: training goes no further, until it goes back. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Why no epoch should follow, as a callback says. */
  get enough(): string | undefined {
    for (const callback of this.#callbacks) {
      const reason = callback.enough?.();
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  /** Whether rows must be read before the next step. */
  get mustRead(): boolean {
    return this.#feed.coming === "read";
  }

  get last(): boolean {
    return this.epoch >= (this.#options.epochs ?? Number.POSITIVE_INFINITY) || this.enough !== undefined;
  }

  // ── going on ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Before the first step. The first step does it, where nobody did. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.model.train();
    for (const callback of this.#callbacks)
      if (!this.#resumed || this.#fresh.includes(callback.name ?? "")) callback.begin?.();
    this.#progress.startClock();
    this.keep();
  }

  /** Reads the rows of the next step, where they are not at hand. */
  async ready(): Promise<void> {
    if (this.mustRead) await this.#feed.read();
  }

  /** Takes one update. False where a loss or the weights are no numbers: see `failure`. */
  step(): boolean {
    this.begin();
    if (this.#failure !== undefined) return false;
    const { coming } = this.#feed;
    if (coming === "end" && !this.endEpoch()) return false;
    if (coming !== "rows" && this.mustRead)
      throw new HebbError(
        "Trainer: the rows of this step stream and have not been read; await trainer.ready() before it",
      );
    const { epoch } = this.#feed;
    withGenerator(this.#generator, this.#takeUpdate);
    const step = ++this.#progress.step;
    if (step - this.#losses.updatesRead >= (this.#options.readEvery ?? 1) && !this.readLosses()) return false;
    this.#repeating = step <= this.#furthest;
    this.#furthest = Math.max(this.#furthest, step);
    if (this.#watchSteps) {
      const moment = new Update(this, epoch, step);
      for (const callback of this.#listening()) if (callback.stepEnd?.(moment) === "stop") this.#stop();
    }
    this.#repeating = false;
    if (this.#moments.due(step)) this.keep();
    return this.#failure === undefined;
  }

  /** The batches of an update. */
  readonly #takeUpdate = (): void => {
    for (let last = false; !last; ) {
      const { samples, rows, place } = this.#feed.next();
      this.#losses.add(this.#steps.take(samples.arguments(rows, this.#feed.epoch), place), place);
      this.#rows += rows.length;
      last = place.last;
    }
  };

  /** Those that are called now: all, or where steps are taken again those that go back with them. */
  #listening(): readonly Callback[] {
    return this.#repeating ? this.#callbacks.filter(({ state }) => state !== undefined) : this.#callbacks;
  }

  #stop(): void {
    if (!this.#repeating) this.stopping = true;
  }

  /**
   * Reads the losses of the updates since the last time; false where one is no number. They are read after each update, unless
   * `readEvery` says otherwise, and whenever somebody asks.
   */
  readLosses(): boolean {
    const broken = this.#losses.read();
    if (broken !== undefined) this.#failure = { kind: "loss", ...broken, epoch: this.epoch };
    return this.#failure === undefined;
  }

  /** Evaluates the epoch that is over, with the weights that count: their average, where one is kept. Then the next begins. */
  endEpoch(): boolean {
    if (!this.epochOver) throw new HebbError(`Trainer: epoch ${this.epoch + 1} is not over`);
    if (!this.readLosses()) return false;
    const { epoch } = this;
    const measures = this.#options.evaluateOn?.(epoch) ?? true;
    if (measures) {
      const parameter = brokenParameter(this.model);
      if (parameter !== undefined) {
        this.#failure = { kind: "weights", parameter, step: this.steps, epoch };
        return false;
      }
    }
    this.#feed.startEpoch();
    this.#repeating = epoch < this.#furthestEpoch;
    this.#furthestEpoch = Math.max(this.#furthestEpoch, this.epoch);
    if (measures) {
      if (this.#average === undefined) this.#measure(epoch);
      else this.#average.use(() => this.#measure(epoch));
    }
    this.#repeating = false;
    this.#progress.startEpoch();
    return true;
  }

  #measure(epoch: number): void {
    const train: Metrics = { loss: this.#progress.epochLoss.mean };
    const data = this.#held;
    const held =
      data === undefined ? undefined : this.draw(() => this.#evaluator.evaluate(data, this.#options.inverse));
    const validation = held?.metrics ?? null;
    const record = { epoch, train, validation };
    const value = this.watched(record);
    const previous = this.best?.value ?? null;
    const best = this.#watch.take(epoch, value, () => ({
      weights: arraysOf(this.model.stateDict()),
      classes: held?.classes ?? null,
    }));
    this.#progress.records.push(record);
    const at = { epoch, step: this.steps };
    const { seconds, monitor: metric } = this;
    this.tell({ type: "epoch", ...at, lr: this.optimizer.lr, train, validation, seconds, best });
    if (best) this.tell({ type: "improvement", ...at, metric, value, previous });
    for (const callback of this.#listening()) if (callback.epochEnd?.(record) === "stop") this.#stop();
  }

  watched({ train, validation }: EpochRecord): number {
    const figures = validation ?? train;
    const value = figures[this.monitor];
    if (value === undefined)
      throw new HebbError(
        `fit: there is no metric "${this.monitor}" to watch; the metrics are ${Object.keys(figures).join(", ")}`,
      );
    return value;
  }

  /** Takes so many updates, of rows that are at hand, and ends an epoch that is over after them. Less where it fails or is stopped: false. */
  advance(steps: number): boolean {
    this.begin();
    this.stopping = false;
    for (let taken = 0; taken < steps && !this.stopping; taken++) {
      if (!this.step()) return false;
      if (this.epochOver && !this.stopping && !this.endEpoch()) return false;
    }
    return this.readLosses() && !this.stopping;
  }

  draw<T>(body: () => T): T {
    return withGenerator(this.#generator, body);
  }

  // ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────────

  tell(event: TrainEvent): void {
    if (this.#repeating) return;
    this.#options.onEvent?.(event);
    for (const callback of this.#callbacks) callback.event?.(event);
  }

  found(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.#progress.findings.push(finding);
      this.tell({ type: "finding", epoch: this.epoch, step: this.steps, finding });
    }
  }

  // ── saving and going back ──────────────────────────────────────────────────────────────────────────────────────────

  state(): TrainState {
    this.readLosses();
    return stateOf(collect(this.#parts, this.steps));
  }

  /** Goes on from a saved state. Throws HebbError, changing nothing, where it does not fit. */
  restore(saved: TrainState): void {
    const before = this.state();
    try {
      this.#fresh = distribute(this.#parts, saved).map(({ name }) => name);
    } catch (error) {
      distribute(this.#parts, before);
      throw error;
    }
    for (const name of this.#fresh)
      this.tell({
        type: "warning",
        epoch: this.epoch,
        step: this.steps,
        message: `the saved state has nothing of "${name}", which begins anew`,
      });
    this.#arrive();
    [this.#resumed, this.#furthest, this.#furthestEpoch] = [true, this.steps, this.epoch];
    this.#moments.clear();
    this.keep();
  }

  /** What was under way when another state was put in place is forgotten. */
  #arrive(): void {
    this.#losses.forget(this.steps);
    [this.#failure, this.stopping] = [undefined, false];
  }

  keep(): void {
    if (!this.readLosses() || brokenParameter(this.model) !== undefined) return;
    this.#moments.add(collect(this.#parts, this.steps));
  }

  get kept(): Kept | undefined {
    const { latest } = this.#moments;
    return latest === undefined ? undefined : { step: latest.step, state: stateOf(latest) };
  }

  /** Back to the nearest moment that was kept at or before a step; without one, to the latest. */
  rewind(step = Number.POSITIVE_INFINITY): void {
    const moment = this.#moments.before(step);
    if (moment === undefined)
      throw new HebbError(`Trainer: no state at or before step ${step} was kept; the option moments says how many are`);
    distribute(this.#parts, stateOf(moment));
    this.#arrive();
  }

  /** Counts on from a step, as weights that were trained before do; the place in the data follows. For rows in memory. */
  startFrom(step: number): void {
    const { stepsPerEpoch } = this;
    const batch = (step % stepsPerEpoch) * (this.#options.accumulate ?? 1);
    this.#feed.restore({ ...this.#feed.state(), epoch: Math.floor(step / stepsPerEpoch), batch });
    this.#progress.step = step;
    this.#arrive();
    [this.#furthest, this.#furthestEpoch] = [step, this.epoch];
    this.#moments.clear();
    if (this.#begun) this.keep();
  }

  /** Goes to any step, back or ahead: from the nearest moment that was kept, by taking the same steps again, to the same bits. */
  async goTo(step: number): Promise<void> {
    this.begin();
    if (step < this.steps) this.rewind(step);
    while (this.steps < step) {
      await this.ready();
      if (this.epochOver) {
        if (!this.endEpoch()) return;
        await this.ready();
      }
      if (!this.step()) return;
    }
    await this.ready();
    if (this.epochOver) this.endEpoch();
  }

  /** When training is over: leaves what the rows are read from, and lets the current generator go on. */
  close(): void {
    this.#feed.close();
    if (this.#outer === undefined) return;
    // The generator that was copied goes on behind the run's draws, unless somebody seeded it since, or drew more.
    const drawn = this.#generator.getState();
    const { key, calls } = this.#outer.getState();
    if (key[0] === drawn.key[0] && key[1] === drawn.key[1] && calls < drawn.calls) this.#outer.setState(drawn);
  }

  /** Tells callbacks that the loop rests. */
  rest(at: Rest): void {
    for (const callback of this.#callbacks) callback.rest?.(at);
  }

  /**
   * After a failure: says what made it, and stands at the latest moment at which all was well. The step has already updated the
   * weights with its loss, so training goes back and takes the same steps, bit for bit, up to the one that failed.
   */
  async diagnose(): Promise<void> {
    const failure = this.#failure;
    if (failure === undefined) return;
    const { lr } = this.optimizer;
    const found = failure.kind === "weights" ? brokenWeights(failure, lr) : await this.#locate(failure);
    this.rewind();
    const kept = this.best === undefined ? `step ${this.steps}` : `epoch ${this.best.epoch + 1}`;
    const at = { epoch: failure.epoch, step: failure.step };
    const finding: Finding = {
      code: "notANumber",
      what: found.what,
      evidence: `finite up to step ${failure.step - 1}; the weights of ${kept} are kept`,
      why: "NaN and infinity spread through every later step, so nothing more is learned",
      fix: found.cure,
      layer: found.layer ?? null,
    };
    this.tell({ type: "warning", ...at, message: `${found.what}; ${found.cure}. The weights of ${kept} are kept.` });
    this.#progress.findings.push(finding);
    this.tell({ type: "finding", ...at, finding });
  }

  /** Of several batches of one update, the first that gives no number. */
  async #locate({
    loss,
    step,
  }: Extract<Failure, { kind: "loss" }>): Promise<{ what: string; cure: string; layer?: string | undefined }> {
    this.rewind();
    await this.goTo(step - 1);
    const { model, objective } = this;
    const { lr } = this.optimizer;
    const { epoch } = this.#feed;
    for (;;) {
      await this.ready();
      const { samples, rows: batch, place } = this.#feed.next();
      const given = samples.arguments(batch, epoch);
      const random = this.#generator.getState();
      const origin = this.draw(() =>
        findOrigin({ model, loss: objective.loss, rows: samples.gather(given), batch, lr }),
      );
      if (origin !== undefined || place.last)
        return {
          what: `the loss became ${loss} at step ${step}, ${origin?.where ?? "though running the same step again gives a finite number"}`,
          cure: origin?.cure ?? lowerRate(lr),
          layer: origin?.layer,
        };
      this.#generator.setState(random);
      this.draw(() => this.#steps.take(given, place));
    }
  }
}

/** An update, whose loss is read when it is asked for. */
class Update implements StepMoment {
  readonly #trainer: Trainer;
  readonly epoch: number;
  readonly step: number;

  constructor(trainer: Trainer, epoch: number, step: number) {
    this.#trainer = trainer;
    this.epoch = epoch;
    this.step = step;
  }

  get loss(): number {
    return this.#trainer.loss;
  }
}
