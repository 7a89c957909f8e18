// fit: the training loop. Batches are gathered inside one compiled step; every state it keeps can be saved and resumed to the bit.
import type { HostArray, NamedArrays } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import { EMA } from "../optim/index.ts";
import { backendInfo } from "../runtime/index.ts";
import { currentGenerator, type Generator, withGenerator } from "../tensor/index.ts";
import { brokenParameter, findOrigin, lowerRate } from "./divergence.ts";
import type { Finding } from "./doctor/finding.ts";
import { Doctor } from "./doctor/index.ts";
import { Evaluator } from "./evaluation.ts";
import type { Metrics } from "./events.ts";
import { type Feed, type Place, type Samples, samplesOf, updatesIn } from "./feeds.ts";
import { checkFitOptions, type FitOptions, type History } from "./fitOptions.ts";
import { Histograms } from "./histograms.ts";
import { positiveClass } from "./metrics.ts";
import type { Objective } from "./objectives.ts";
import {
  checkModel,
  checkOptimizer,
  classNamesOf,
  feedOf,
  inMemory,
  objectiveOf,
  rowWeights,
  taskFrom,
  watchOf,
  weightsPerClass,
} from "./setup.ts";
import {
  arraysOf,
  arraysOfPart,
  checkProgress,
  type EpochRecord,
  type SavedProgress,
  type Snapshot,
  stateOf,
  type TrainState,
} from "./state.ts";
import { MeanLoss, type StepLoss, Steps } from "./steps.ts";
import type { Watch } from "./watch.ts";

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
  checkFitOptions(options);
  checkModel("fit", model);
  return new Trainer(model, options).run();
}

/** Lets timers, signals and drawing have their turn. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => (typeof setImmediate === "function" ? setImmediate(resolve) : setTimeout(resolve, 0)));

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
  /** The run draws from here, so that nothing else that draws meanwhile changes it. */
  readonly #generator: Generator;
  /** Where the run's generator was copied from. */
  readonly #outer: Generator | undefined;
  readonly #records: EpochRecord[] = [];
  readonly #findings: Finding[] = [];
  readonly #watch: Watch;
  #step = 0;
  /** Of the epoch so far. */
  readonly #epochLoss = new MeanLoss();
  /** Of the batches of the present update. */
  readonly #updateLoss = new MeanLoss();
  #lastSave = performance.now();
  /** Milliseconds that the last save within an epoch took. */
  #saveCost = 0;
  /** The latest moment at which every weight was a number. */
  #good: Snapshot | undefined;

  constructor(model: Module, options: FitOptions) {
    const { train, validation, batchSize = 32, seed = 0 } = options;
    this.#model = model;
    this.#options = options;
    this.#outer = options.generator === undefined ? currentGenerator() : undefined;
    this.#generator = options.generator ?? currentGenerator().cloneState();
    checkOptimizer(model, options.optimizer);
    const task = taskFrom(options);
    this.#objective = objectiveOf(options, task);
    this.#watch = watchOf(options, this.#objective);
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
        classNames: options.classNames,
      });
    const batch = Int32Array.from({ length: Math.min(batchSize, samples.length) }, (_, row) => row);
    if ((options.histograms ?? 0) > 0)
      this.#histograms = new Histograms({ model, objective: this.#objective, samples, batch });
  }

  async run(): Promise<History> {
    const { optimizer, epochs, pauseAfter = epochs } = this.#options;
    const started = performance.now();
    this.#model.train();
    if (this.#options.resume !== undefined) this.#resume(this.#options.resume);
    this.#announce();
    if (this.#options.resume === undefined) this.#tell(this.#draw(() => this.#doctor?.before()) ?? []);
    this.#keep();
    if (this.#options.resume === undefined) this.#save(true);
    let stopped: History["stopped"] = "finished";
    while (this.#feed.epoch < epochs && stopped === "finished") {
      if (this.#watch.exhausted) {
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
      else if (this.#watch.best !== undefined && restore) this.#model.loadStateDict(this.#watch.best.weights);
      else this.#average?.copyTo();
    }
    optimizer.zeroGrad();
    this.#giveBackDraws();
    return {
      epochs: this.#records,
      bestEpoch: this.#watch.best?.epoch ?? -1,
      classes: this.#watch.best?.classes ?? null,
      stopped,
      seconds,
      findings: this.#findings,
    };
  }

  /** Runs what may draw random numbers. */
  #draw<T>(body: () => T): T {
    return withGenerator(this.#generator, body);
  }

  /** The generator that was copied goes on behind the run's draws, unless somebody seeded it since, or drew more. */
  #giveBackDraws(): void {
    if (this.#outer === undefined) return;
    const drawn = this.#generator.getState();
    const { key, calls } = this.#outer.getState();
    if (key[0] === drawn.key[0] && key[1] === drawn.key[1] && calls < drawn.calls) this.#outer.setState(drawn);
  }

  /** One epoch, or what is left of it. */
  async #epoch(): Promise<History["stopped"]> {
    const { signal, epochs } = this.#options;
    const epoch = this.#feed.epoch;
    const started = performance.now();
    let rows = 0;
    let breath = started;
    let shown = started;
    for await (const { samples, batches } of this.#feed.parts(this.#options.accumulate ?? 1)) {
      for (const { batch, place } of batches()) {
        const taken = this.#draw(() => this.#steps.take(samples.arguments(batch, epoch), place));
        if (!Number.isFinite(taken.loss)) {
          await this.#diverged(taken.loss, epoch);
          return "diverged";
        }
        this.#epochLoss.add(taken);
        rows += batch.length;
        const loss = this.#lossOf(taken, place);
        if (loss === undefined) continue;
        const asked = this.#updated(epoch, loss, this.#options.callbacks);
        const now = performance.now();
        if (now - shown >= progressEvery) {
          shown = now;
          this.#emitProgress(epoch, rows / ((now - started) / 1000));
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

  /** The loss of an update when its last batch has been taken: the mean over all of its batches. */
  #lossOf(taken: StepLoss, { first, last }: Place): number | undefined {
    if (first) this.#updateLoss.set({ sum: 0, weight: 0 });
    this.#updateLoss.add(taken);
    if (!last) return undefined;
    return this.#updateLoss.weight > 0 ? this.#updateLoss.mean : taken.loss;
  }

  /** After an update: the schedule and the callbacks, of which there are none where steps are repeated. */
  #updated(epoch: number, loss: number, callbacks: FitOptions["callbacks"] = []): "stop" | undefined {
    this.#step++;
    const { schedule, scheduleEvery = "epoch" } = this.#options;
    if (scheduleEvery === "update") schedule?.step(loss);
    let asked: "stop" | undefined;
    for (const { stepEnd } of callbacks) asked = stepEnd?.({ epoch, step: this.#step, loss }) ?? asked;
    return asked;
  }

  get #stepsPerEpoch(): number {
    return updatesIn(this.#options.train.length, this.#options);
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
    const { optimizer, schedule, scheduleEvery = "epoch", inverse, onEvent } = this.#options;
    const train: Metrics = { loss: this.#epochLoss.mean };
    const data = this.#held;
    const held = data === undefined ? undefined : this.#draw(() => this.#evaluator.evaluate(data, inverse));
    const validation = held?.metrics ?? null;
    const { monitor } = this.#watch;
    const watched = (validation ?? train)[monitor];
    if (watched === undefined)
      throw new HebbError(
        `fit: there is no metric "${monitor}" to watch; the metrics are ${Object.keys(validation ?? train).join(", ")}`,
      );
    const previous = this.#watch.best?.value;
    const best = this.#watch.take(epoch, watched, () => ({
      weights: arraysOf(this.#model.stateDict()),
      classes: held?.classes ?? null,
    }));
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
      onEvent?.({
        type: "histograms",
        epoch,
        step: this.#step,
        histograms: this.#draw(() => this.#histograms?.take() ?? []),
      });
    const last = this.#feed.epoch >= this.#options.epochs || this.#watch.exhausted;
    this.#tell(this.#draw(() => this.#doctor?.afterEpoch(this.#records, last)) ?? []);
    if (scheduleEvery === "epoch") schedule?.step(watched);
    this.#epochLoss.set({ sum: 0, weight: 0 });
    let asked: "stop" | undefined;
    for (const { epochEnd } of this.#options.callbacks ?? []) asked = epochEnd?.(record) ?? asked;
    return asked;
  }

  // ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #tell(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.#findings.push(finding);
      this.#options.onEvent?.({ type: "finding", epoch: this.#feed.epoch, step: this.#step, finding });
    }
  }

  #emitEarlyStop(): void {
    const { reason, best } = this.#watch;
    this.#options.onEvent?.({ type: "earlyStop", epoch: this.#feed.epoch, bestEpoch: best?.epoch ?? 0, reason });
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
      positiveClass: classNamesOf(this.#objective, this.#options)?.[positiveClass] ?? null,
      notes: [],
    });
  }

  #emitProgress(epoch: number, rowsPerSecond: number): void {
    this.#options.onEvent?.({
      type: "progress",
      epoch,
      step: this.#step,
      totalSteps: this.#totalSteps,
      loss: this.#epochLoss.mean,
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
          const random = this.#generator.getState();
          const rows = samples.gather(given);
          const origin = this.#draw(() =>
            findOrigin({ model: this.#model, loss: this.#objective.loss, rows, batch, lr }),
          );
          if (origin !== undefined || place.last) {
            const where = origin?.where ?? "though running the same step again gives a finite number";
            const cure = origin?.cure ?? lowerRate(lr);
            this.#broke(`the loss became ${loss} at step ${failed}, ${where}`, cure, epoch, failed, origin?.layer);
            return;
          }
          // Of several batches of one update, the first that gives no number.
          this.#generator.setState(random);
        }
        const repeated = this.#draw(() => this.#steps.take(given, place));
        const mean = this.#lossOf(repeated, place);
        if (mean !== undefined) this.#updated(epoch, mean);
      }
    }
  }

  #warnOfBroken(parameter: string, epoch: number): void {
    const cure = lowerRate(this.#options.optimizer.lr);
    const layer = parameter.slice(0, Math.max(0, parameter.lastIndexOf(".")));
    this.#broke(
      `the update of step ${this.#step} made the weights "${parameter}" NaN or infinite`,
      cure,
      epoch,
      this.#step,
      layer,
    );
  }

  #broke(what: string, cure: string, epoch: number, step: number, layer: string | undefined): void {
    const kept =
      this.#watch.best === undefined ? `step ${this.#good?.step ?? 0}` : `epoch ${this.#watch.best.epoch + 1}`;
    const { onEvent } = this.#options;
    const finding: Finding = {
      code: "notANumber",
      what,
      evidence: `finite up to step ${step - 1}; the weights of ${kept} are kept`,
      why: "NaN and infinity spread through every later step, so nothing more is learned",
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
    if (this.#watch.best !== undefined) this.#model.loadStateDict(this.#watch.best.weights);
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
    if (this.#watch.best !== undefined) put("best.", this.#watch.best.weights);
    if (this.#doctor !== undefined) put("doctor.", this.#doctor.start);
    if (this.#average !== undefined) put("average.", arraysOf(this.#average.stateDict().state));
    const progress = {
      sampler: { ...this.#feed.state() },
      random: this.#generator.getState(),
      step: this.#step,
      lossSum: this.#epochLoss.sum,
      lossWeight: this.#epochLoss.weight,
      watch: this.#watch.state(),
      groups: groups.map((group) => ({ ...group, initialLr: group.initialLr ?? null })),
      records: [...this.#records],
      schedule: schedule?.stateDict() ?? null,
      doctor: this.#doctor?.state() ?? null,
      findings: [...this.#findings],
    };
    return { tensors, progress, step: this.#step };
  }

  /** Goes on from a saved state, with what was found before it. */
  #resume(saved: TrainState): void {
    const { doctor, findings } = this.#restore(saved);
    this.#findings.push(...findings);
    if (doctor !== null) this.#doctor?.restore(doctor, arraysOfPart(saved, "doctor."));
  }

  /** Back to a moment of training; what was found stays found. */
  #restore(saved: TrainState): SavedProgress {
    const { optimizer, schedule } = this.#options;
    const pick = (prefix: string): NamedArrays => arraysOfPart(saved, prefix);
    const json = checkProgress(saved.json, "checkpoint:");
    this.#model.loadStateDict(pick("model."));
    optimizer.loadStateDict({ state: pick("optimizer."), groups: json.groups });
    this.#average?.loadStateDict({ state: pick("average.") });
    this.#feed.restore(json.sampler);
    this.#generator.setState(json.random);
    this.#step = json.step;
    this.#epochLoss.set({ sum: json.lossSum, weight: json.lossWeight });
    this.#watch.restore(json.watch, pick("best."));
    this.#records.splice(0, this.#records.length, ...json.records);
    if (json.schedule !== null) schedule?.loadStateDict(json.schedule);
    return json;
  }
}
