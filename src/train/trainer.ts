// Trainer: the one training loop, update by update. Its state and that of its callbacks can be saved, resumed and rewound.
import { HebbError } from "../graph/errors.ts";
import { checkOptions } from "../graph/options.ts";
import type { Module } from "../nn/index.ts";
import type { EMA, Optimizer } from "../optim/index.ts";
import { currentGenerator, type Generator, withGenerator } from "../tensor/index.ts";
import { type Answer, answered, either, type Reading, readLater, readsAtOnce, within } from "../tensor/reading.ts";
import { AveragedWeights } from "./averagedWeights.ts";
import type { Callback, Kept, Rest, Training } from "./callback.ts";
import { CallbackList } from "./callbackList.ts";
import { Company } from "./company.ts";
import { diagnosed } from "./diagnosis.ts";
import { brokenParameter, type Failure } from "./divergence.ts";
import type { Finding } from "./doctor/finding.ts";
import { atOnce, Due, mustAwait, mustWaitFor, notReady } from "./due.ts";
import { drawingApart, type Evaluation, Evaluator } from "./evaluation.ts";
import type { Metrics, TrainEvent } from "./events.ts";
import { type Feed, type InMemory, type Samples, samplesOf } from "./feeds.ts";
import type { Holdings } from "./holdings.ts";
import { Journey } from "./journey.ts";
import { type BrokenLoss, Losses } from "./losses.ts";
import type { Mode } from "./metrics.ts";
import { Moments } from "./moments.ts";
import type { Objective } from "./objectives.ts";
import { checkNames, collect, distribute, hasBrokenWeights, type Moment, type Part, stateOf } from "./parts.ts";
import { type EpochTotals, Progress } from "./progress.ts";
import { Repeating } from "./repeating.ts";
import {
  checkModel,
  checkOptimizer,
  feedOf,
  handOn,
  inMemory,
  objectiveOf,
  rowWeights,
  stepsIn,
  taskFrom,
  watchOf,
  weightsPerClass,
} from "./setup.ts";
import type { EpochRecord, TrainState } from "./state.ts";
import { Steps } from "./steps.ts";
import { refuseWithinUpdate, takeUpdate } from "./takeUpdate.ts";
import {
  checkTrainerOptions,
  numbersOf,
  type RestoreOptions,
  restoreKinds,
  type TrainerOptions,
} from "./trainerOptions.ts";
import { partsOf } from "./trainerParts.ts";
import { Update } from "./update.ts";
import { type Best, figureIn, type Watch } from "./watch.ts";

/** The number of steps queued on an asynchronous device before the loss of the first is awaited. */
const stepsAhead = 8;

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
  readonly #averaged: AveragedWeights;
  readonly #watch: Watch;
  readonly company: Company;
  /** The run draws from here, so that other draws do not change it. */
  readonly #generator: Generator;
  /** The generator that the run's own was copied from. */
  readonly #outer: Generator | undefined;
  readonly #progress = new Progress();
  readonly #moments: Moments;
  readonly #holdings: Holdings;
  readonly #callbacks = new CallbackList();
  readonly #ownParts: readonly Part[];
  /** Everything with a state: the trainer's own parts, then the callbacks'. */
  #parts: readonly Part[];
  readonly #losses = new Losses(this.#progress.epochLoss);
  #begun = false;
  #resumed = false;
  /** Callbacks missing from a resumed state. */
  #fresh: readonly string[] = [];
  readonly #repeating = new Repeating();
  readonly #journey = new Journey(this);
  #failure: Failure | undefined;
  /** A failure that the device reported late: continuing from there would omit the rows since. */
  #late: HebbError | undefined;
  readonly #due = new Due();
  /** The number of losses requested at once from an asynchronous device, and still outstanding at the next request. */
  readonly #ahead: number;
  /** Whether a callback has asked to stop. */
  stopping = false;

  constructor(model: Module, options: TrainerOptions) {
    checkTrainerOptions("Trainer", options);
    checkModel("Trainer", model);
    const { train, validation, optimizer, batchSize = 32, seed = 0, accumulate = 1, callbacks = [] } = options;
    [this.model, this.#options] = [model, options];
    const company = new Company(options.distributed);
    this.company = company;
    this.#outer = options.generator === undefined ? currentGenerator() : undefined;
    this.#generator = options.generator ?? currentGenerator().cloneState();
    checkOptimizer(model, optimizer);
    const task = taskFrom(options);
    this.objective = objectiveOf(options, task);
    this.#holdings = company.holdings(options.zero);
    this.#watch = watchOf({ model, holdings: this.#holdings }, options, this.objective);
    const perClass = weightsPerClass(options, task.kind === "classes" ? task.count : 0);
    this.#feed = company.share(feedOf(options, perClass, { batchSize, seed, accumulate, world: company.world }));
    this.optimizer = optimizer;
    this.samples = this.#feed.samples;
    this.train = inMemory(train);
    [this.validation, this.classNames, this.batchSize] = [validation, options.classNames, batchSize];
    this.#held =
      validation === undefined ? undefined : samplesOf(validation, { weights: rowWeights(validation, perClass) });
    this.#evaluator = new Evaluator(model, this.objective, options.metrics, company);
    this.#averaged = new AveragedWeights(model, options.ema);
    const { average } = this.#averaged;
    this.#steps = new Steps({
      model,
      objective: this.objective,
      optimizer,
      samples: this.samples,
      clipNorm: options.clipNorm,
      clipValue: options.clipValue,
      average,
      ranks: company.size,
      sharding: company.shard(optimizer, options.zero),
    });
    this.#moments = new Moments(options.moments ?? {});
    this.#ahead = Math.max(accumulate * (options.readEvery ?? 1), stepsAhead);
    this.#ownParts = partsOf({
      model,
      optimizer,
      average,
      feed: this.#feed,
      generator: this.#generator,
    }).concat(this.#progress, this.#watch);
    this.#parts = this.#ownParts;
    this.use(...callbacks);
    company.checkTraining(model, options, this.#generator);
  }

  /** Adds callbacks, before the first step. They are called in the order in which they were added. */
  use(...callbacks: readonly Callback[]): this {
    if (this.#begun)
      throw new HebbError("Trainer: callbacks are added before the first step, and this training has begun");
    for (const callback of callbacks) this.#callbacks.add(callback, this);
    this.#parts = [...this.#ownParts, ...this.#callbacks.parts];
    checkNames(this.#parts);
    return this;
  }

  // ── progress ───────────────────────────────────────────────────────────────────────────────────────────────────────

  get steps(): number {
    return this.#progress.step;
  }

  get epoch(): number {
    return this.#feed.epoch;
  }

  /** Updates in an epoch. */
  get stepsPerEpoch(): number {
    return stepsIn(this.#options);
  }

  /** Whether the last batch of the epoch has been taken, but the epoch has not ended yet. */
  get epochOver(): boolean {
    return this.#feed.coming === "end";
  }

  /** Training rows taken by this process. */
  get rows(): number {
    return this.#progress.rows;
  }

  /** The seconds of the current epoch. */
  get seconds(): number {
    return this.#progress.seconds;
  }

  /** The mean loss of the last update; on an asynchronous device, of the last whose loss has arrived. */
  get loss(): number {
    if (readsAtOnce()) this.readLosses();
    return this.#losses.last;
  }

  /** The mean loss of the epoch so far, in the same way. */
  get epochLoss(): number {
    if (readsAtOnce()) this.readLosses();
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

  /** The averages of the weights, if they are kept. */
  get average(): EMA | undefined {
    return this.#averaged.average;
  }

  /** The failure: training cannot continue until it goes back. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** A callback's reason to stop before the next epoch. */
  get enough(): string | undefined {
    return this.#callbacks.enough;
  }

  /** Whether something must be awaited before the next step: streamed rows, losses in flight, a callback's answer. */
  get mustWait(): boolean {
    if (this.#feed.coming === "read" || !this.#due.isEmpty) return true;
    return !readsAtOnce() && this.#losses.unread >= this.#ahead;
  }

  get last(): boolean {
    return this.epoch >= (this.#options.epochs ?? Number.POSITIVE_INFINITY) || this.enough !== undefined;
  }

  // ── training ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs the work before the first step. The first step runs it if it has not been called. */
  begin(): void {
    if (!this.#begun) atOnce("begin", "beginLater", this.#beginning());
  }

  /** The same by promise, for any device. */
  async beginLater(): Promise<void> {
    if (!this.#begun) await readLater(this.#beginning());
  }

  *#beginning(): Reading<void> {
    this.#begun = true;
    this.model.train();
    yield* this.#callbacks.begin((name = "") => !this.#resumed || this.#fresh.includes(name));
    this.#progress.startClock();
    yield* this.#keeping();
  }

  /** Waits until the next step can be taken: begins, and reads rows that are not available. On a synchronous device there is often nothing to do. */
  async ready(): Promise<void> {
    await this.beginLater();
    await this.#due.settled();
    if (!readsAtOnce() && this.#losses.unread >= this.#ahead) await this.#lossesArrive(this.#ahead);
    if (this.#feed.coming === "read") await this.#feed.read();
  }

  /**
   * Takes one update. False if a loss or the weights are NaN or infinite: see `failure`. On an asynchronous device it does not wait for the loss;
   * await `ready()` whenever `mustWait` is true, and `endEpochLater()` when the epoch is over. After an error in a batch, the next call continues
   * with that batch.
   */
  step(): boolean {
    if (this.#late !== undefined) throw this.#late;
    this.begin();
    if (this.#failure !== undefined) return false;
    if (this.epochOver && !this.endEpoch()) return false;
    if (this.mustWait) throw notReady(this.#feed.coming === "read");
    const { epoch } = this.#feed;
    withGenerator(this.#generator, this.#takeUpdate);
    const step = ++this.#progress.step;
    if (step - this.#losses.updatesRead >= (this.#options.readEvery ?? 1) && readsAtOnce() && !this.readLosses())
      return false;
    this.#repeating.active = this.#repeating.takes(step);
    if (this.#callbacks.watchSteps) {
      const moment = new Update(this, epoch, step);
      for (const callback of this.#callbacks.calling("stepEnd", this.#repeating.active))
        this.#heed(callback.stepEnd?.(moment));
    }
    this.#repeating.active = false;
    if (this.#moments.due(step)) this.#due.add(this.#keeping());
    return this.#failure === undefined;
  }

  /** Handles a callback's answer to an update, now or before the next. */
  #heed(verdict: Answer<"stop" | undefined>): void {
    if (verdict === undefined) return;
    if (verdict === "stop") return this.#stop();
    this.#due.add(this.#repeating.during(this.#repeating.active, this.#heeding(verdict)), mustWaitFor(verdict));
  }

  *#heeding(verdict: Answer<"stop" | undefined>): Reading<void> {
    if ((yield* answered(verdict)) === "stop") this.#stop();
  }

  readonly #takeUpdate = (): void => takeUpdate(this.#feed, this.#steps, this.#losses, this.#progress);

  #stop(): void {
    if (!this.#repeating.active) this.stopping = true;
  }

  /**
   * Reads the losses of the updates since the last time; false if one is NaN or infinite. They are read after each update, unless `readEvery` says
   * otherwise, and on request.
   */
  readLosses(): boolean {
    if (!readsAtOnce()) throw mustAwait("readLosses", "readLossesLater");
    return this.#sound(this.#losses.read());
  }

  #sound(broken: BrokenLoss | undefined): boolean {
    if (broken !== undefined) this.#failure = { kind: "loss", ...broken, epoch: this.epoch };
    return this.#failure === undefined;
  }

  /** The same by promise, for any device. Throws failures of updates that the device reports only now. */
  async readLossesLater(): Promise<boolean> {
    return readsAtOnce() ? this.readLosses() : this.#lossesArrive(0);
  }

  /** Waits for all losses except those of the last `ahead` steps, which the device may still be computing. */
  async #lossesArrive(ahead: number): Promise<boolean> {
    if (this.#late !== undefined) throw this.#late;
    const broken = await this.#losses.readLater(ahead);
    if (broken !== undefined && "error" in broken) {
      // The weights are those before that update, but the position in the data is not.
      [this.#late, this.#progress.step] = [broken.error, broken.step - 1];
      throw broken.error;
    }
    return this.#sound(broken);
  }

  #readingLosses(): Reading<boolean> {
    return either(
      () => this.readLosses(),
      () => this.readLossesLater(),
    );
  }

  /** Evaluates the epoch that is over, with the weights or, if kept, their average. Then starts the next one. */
  endEpoch(): boolean {
    return atOnce("endEpoch", "endEpochLater", this.#endingEpoch());
  }

  /** The same by promise, for any device. */
  async endEpochLater(): Promise<boolean> {
    await this.ready();
    return readLater(this.#endingEpoch());
  }

  *#endingEpoch(): Reading<boolean> {
    if (!this.epochOver) throw new HebbError(`Trainer: epoch ${this.epoch + 1} is not over`);
    if (!(yield* this.#readingLosses())) return false;
    const { epoch } = this;
    const measures = this.#options.evaluateOn?.(epoch) ?? true;
    if (measures) {
      const parameter = yield* brokenParameter(this.model);
      if (parameter !== undefined) {
        this.#failure = { kind: "weights", parameter, step: this.steps, epoch };
        return false;
      }
    }
    if (measures) this.#averaged.put(true);
    try {
      // If this fails, the epoch is still over, and can be ended again.
      const held = measures ? yield* this.#evaluating() : undefined;
      this.#feed.startEpoch();
      const totals = this.#progress.startEpoch();
      const again = this.#repeating.ends(epoch);
      if (measures) yield* this.#repeating.during(again, this.#recording(epoch, totals, held));
    } finally {
      this.#averaged.put(false);
      this.#callbacks.done();
    }
    return true;
  }

  *#evaluating(): Reading<Evaluation | undefined> {
    const data = this.#held;
    if (data === undefined) return undefined;
    const evaluation = within((part) => this.draw(part), this.#evaluator.evaluation(data, this.#options.inverse));
    return yield* drawingApart(this.#generator, evaluation);
  }

  *#recording(epoch: number, { seconds, loss }: EpochTotals, held: Evaluation | undefined): Reading<void> {
    const train: Metrics = this.company.told({ loss });
    const validation = this.company.told(held?.metrics ?? null);
    const record = { epoch, train, validation };
    const [value, previous] = [this.watched(record), this.best?.value ?? null];
    const best = yield* this.#watch.take(epoch, value, held?.classes ?? null);
    this.#progress.records.push(record);
    const at = { epoch, step: this.steps };
    this.#callbacks.expect("epochEnd", this.#repeating.active);
    this.tell({ type: "epoch", ...at, lr: this.optimizer.lr, train, validation, seconds, best });
    if (best) this.tell({ type: "improvement", ...at, metric: this.monitor, value, previous });
    for (const callback of this.#callbacks.calling("epochEnd", this.#repeating.active))
      yield* this.#heeding(callback.epochEnd?.(record));
  }

  watched(record: EpochRecord): number {
    return figureIn(record, this.monitor);
  }

  /**
   * Takes `steps` updates with available rows, and ends an epoch that is over after them. Returns false if it fails or stops earlier. For synchronous
   * devices; `goTo` works on any device.
   */
  advance(steps: number): boolean {
    numbersOf("Trainer.advance").whole("the number of steps", steps, 0);
    this.begin();
    this.stopping = false;
    for (let taken = 0; taken < steps && !this.stopping; taken++) {
      if (!this.step()) return false;
      if (this.epochOver && !this.stopping && !this.endEpoch()) return false;
    }
    return this.readLosses() && !this.stopping;
  }

  draw<T>(body: () => T): T {
    return this.company.apart(() => withGenerator(this.#generator, body));
  }

  // ── events ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  tell(event: TrainEvent): void {
    if (this.#repeating.active) return;
    if (this.company.speaks) this.#options.onEvent?.(event);
    this.#callbacks.tell(event);
  }

  found(findings: readonly Finding[], at = { epoch: this.epoch, step: this.steps }): void {
    for (const finding of findings) {
      this.#progress.findings.push(finding);
      this.tell({ type: "finding", ...at, finding });
    }
  }

  // ── saving and rewinding ───────────────────────────────────────────────────────────────────────────────────────────

  state(): TrainState {
    return atOnce("state", "stateLater", this.#collecting());
  }

  /** The same by promise, for any device. */
  async stateLater(): Promise<TrainState> {
    await this.#due.done();
    return readLater(this.#collecting());
  }

  *#collecting(): Reading<TrainState> {
    this.#refuseBetween();
    yield* this.#readingLosses();
    return stateOf(yield* this.#present(), this.#holdings);
  }

  /** A state is complete only between two updates, after all callbacks have been called. */
  #refuseBetween(): void {
    refuseWithinUpdate(this.#feed, this.steps);
    this.#callbacks.refuseUnfinished();
  }

  #present(): Reading<Moment> {
    return this.#averaged.aside(collect(this.#parts, this.steps, this.#holdings));
  }

  /** Continues from a saved state. Throws HebbError, changing nothing, if it does not match. */
  restore(saved: TrainState, options: RestoreOptions = {}): void {
    atOnce("restore", "restoreLater", this.#restoring(saved, options));
  }

  /** The same by promise, for any device. */
  restoreLater(saved: TrainState, options: RestoreOptions = {}): Promise<void> {
    return readLater(this.#restoring(saved, options));
  }

  *#restoring(saved: TrainState, options: RestoreOptions): Reading<void> {
    checkOptions("Trainer.restore", options, restoreKinds);
    const before = stateOf(yield* this.#present(), this.#holdings);
    const { taken } = this.#feed;
    const averaged = this.#averaged.put(false);
    try {
      this.#fresh = distribute(this.#parts, saved).map(({ name }) => name);
    } catch (error) {
      distribute(this.#parts, before);
      this.#feed.goOnWithin(taken);
      this.#averaged.put(averaged);
      throw error;
    }
    const at = { epoch: this.epoch, step: this.steps };
    for (const name of this.#fresh)
      this.tell({ type: "warning", ...at, message: `the saved state has nothing for "${name}", which starts anew` });
    this.#arrive();
    this.#resumed = true;
    yield* this.#standing(options);
  }

  /** Makes the current position the start of what can be gone back to. */
  *#standing({ sameRun = false }: RestoreOptions): Reading<void> {
    this.#repeating.startAt(this.steps, this.epoch);
    this.#moments.clearFrom(sameRun ? this.steps : 0);
    yield* this.#keeping();
  }

  /** Forgets work in progress from before a state was restored. */
  #arrive(): void {
    this.#losses.forget(this.steps);
    this.#due.clear();
    [this.#failure, this.#late, this.stopping] = [undefined, undefined, false];
  }

  async keep(): Promise<void> {
    if (!this.#due.isEmpty) await this.#due.done();
    await readLater(this.#keeping());
  }

  *#keeping(): Reading<void> {
    this.#refuseBetween();
    if (!(yield* this.#readingLosses())) return;
    const moment = yield* this.#present();
    if (!this.company.any(hasBrokenWeights(moment, this.model))) this.#moments.add(moment);
  }

  get kept(): Kept | undefined {
    const { latest } = this.#moments;
    return latest === undefined ? undefined : { step: latest.step, state: stateOf(latest, this.#holdings) };
  }

  /** Goes back to the nearest kept moment at or before a step; without a step, to the latest. */
  rewind(step?: number): void {
    numbersOf("Trainer.rewind").whole("the step", step, 0);
    const moment = step === undefined ? this.#moments.latest : this.#moments.before(step);
    if (moment === undefined)
      throw new HebbError(
        `Trainer: no state${step === undefined ? "" : ` at or before step ${step}`} was kept; the option moments sets how many`,
      );
    this.#averaged.put(false);
    distribute(this.#parts, stateOf(moment, this.#holdings));
    this.#arrive();
  }

  /** Continues the count from a step, for weights that were trained before; the position in the data follows. For rows in memory. */
  startFrom(step: number, options: RestoreOptions = {}): void {
    checkOptions("Trainer.startFrom", options, restoreKinds);
    numbersOf("Trainer.startFrom").whole("the step", step, 0);
    const { stepsPerEpoch } = this;
    const batch = (step % stepsPerEpoch) * (this.#options.accumulate ?? 1);
    this.#feed.restore({ ...this.#feed.state(), epoch: Math.floor(step / stepsPerEpoch), batch });
    this.#progress.step = step;
    this.#arrive();
    if (this.#begun) this.#due.add(this.#standing(options));
    else this.#repeating.startAt(step, this.epoch);
  }

  /** Goes to any step, back or ahead: from the nearest kept moment, by repeating the same steps, with the same bits. */
  goTo(step: number): Promise<void> {
    return this.#journey.to(step);
  }

  /** Called when training is over: closes the source of the rows, and advances the current generator. */
  close(): void {
    this.#feed.close();
    if (this.#outer !== undefined) handOn(this.#generator, this.#outer);
  }

  /** Tells callbacks that the loop rests. */
  rest(at: Rest): Promise<void> {
    return this.#callbacks.rest(at);
  }

  /**
   * After a failure: reports its cause, and goes back to the latest good moment. The failed step has already updated the weights, so training goes
   * back and repeats the same steps, bit for bit, up to the one that failed.
   */
  async diagnose(): Promise<void> {
    const failure = this.#failure;
    if (failure === undefined) return;
    const [feed, steps, generator, { company }] = [this.#feed, this.#steps, this.#generator, this];
    await diagnosed(this, { feed, steps, generator, company }, failure);
  }
}
