// One training run of the page: a Trainer of the library with the page's figures, edits and reasons to stop.

import {
  data,
  Generator,
  HebbError,
  noGrad,
  type optim,
  type Tensor,
  Trainer,
  tensor,
  withGenerator,
} from "../../src/index.ts";
import {
  type Callback,
  DoctorCallback,
  type Finding,
  isJudged,
  type Objective,
  Tabular,
} from "../../src/train/index.ts";
import { measuredRows } from "../shared/code.ts";
import { lossesOf, memberLosses } from "../shared/names.ts";
import type {
  Advice,
  Beginning,
  Figures,
  HistoryPoint,
  OwnData,
  RunInfo,
  Saved,
  SavedTensor,
  Stopped,
} from "../shared/protocol.ts";
import { type Edit, ensembleOf, runKey, type StudioState } from "../shared/state.ts";
import { addPoint } from "../shared/thin.ts";
import * as say from "../texts/en/engine.ts";
import { takeWeights } from "./beginning.ts";
import { type Prepared, prepare } from "./data.ts";
import { keptFloats } from "./kept.ts";
import { buildNetwork, makeOptimizer, type Network, objectiveOf, squash } from "./network.ts";
import { Judge } from "./verdict.ts";

/** States kept for going back. */
const moments = { most: 48, every: 64 } as const;
/** The most rows for slopes and for the distribution of a neuron's values. */
const slopeRows = { rows: 256, images: 64 } as const;
/** Steps between two points of the curves within a long epoch. */
const longEpoch = 64;
/**
 * If evaluating all rows takes this many multiplications of a weight and a value, later epochs are evaluated less often: it would take a quarter of
 * the time.
 */
const rarely = { products: 1e6, from: 20, every: 5 } as const;

export interface Part {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly rows: number;
}

function partOf(dataset: data.Dataset, rows = dataset.length): Part {
  const { features, targets } = dataset;
  const width = features.data.length / dataset.length;
  const targetWidth = targets.data.length / dataset.length;
  const count = Math.min(rows, dataset.length);
  return {
    x: tensor(features.data.subarray(0, count * width), { shape: [count, ...features.shape] }),
    y: tensor(targets.data.subarray(0, count * targetWidth), { shape: [count, ...targets.shape] }),
    rows: count,
  };
}

export class Session {
  readonly state: StudioState;
  readonly prepared: Prepared;
  readonly network: Network;
  readonly trainPart: Part;
  readonly testPart: Part | undefined;
  readonly objective: Objective;
  readonly history: HistoryPoint[] = [];
  /** The run whose weights it began with, if any. */
  readonly beginning: RunInfo["beginning"];
  /** The step that it began at, which is the earliest one to go back to. */
  readonly firstStep: number = 0;
  /** Whether it began with weights that no program draws. */
  readonly beganTrained: boolean = false;
  /** The session's own random numbers. */
  readonly #generator: Generator;
  readonly #trainer: Trainer;
  /** Looks ahead in the order of the rows. */
  readonly #order: data.BatchSampler;
  readonly #measuredTrain: Part;
  readonly #measure: (x: Tensor, y: Tensor) => Float32Array[];
  readonly #judge: Judge;
  readonly #curved: boolean;
  /** Whether the weights before the latest step are kept, to show its update. */
  following = false;
  /** The latest measured figures. */
  #now: HistoryPoint | undefined;
  #before: { readonly step: number; readonly weights: readonly Float32Array[] } | undefined;

  /** `curves`: whether every epoch is measured. */
  constructor(
    wanted: StudioState,
    prepared: Prepared,
    { beginning, curves = false }: { readonly beginning?: Beginning | undefined; readonly curves?: boolean } = {},
  ) {
    const { info, train, test } = prepared;
    const fitting = ensembleOf(wanted, info) === undefined ? lossesOf[info.task] : memberLosses(info.task);
    const state = fitting.includes(wanted.loss) ? wanted : { ...wanted, loss: fitting[0] ?? wanted.loss };
    this.state = state;
    this.#curved = curves;
    this.prepared = prepared;
    this.#generator = new Generator(state.seed);
    this.network = withGenerator(this.#generator, () => buildNetwork(state, info));
    this.trainPart = partOf(train);
    this.#measuredTrain = train.length > measuredRows ? partOf(train, measuredRows) : this.trainPart;
    this.testPart = test === undefined ? undefined : partOf(test, 2 * measuredRows);
    const order = { batchSize: Math.min(state.batch, train.length), seed: state.seed };
    // The same order of rows as in the trainer.
    this.#order = new data.BatchSampler(train.length, { ...order, shuffle: true, joinSingle: true });
    this.objective = objectiveOf(state.loss, info);
    const { model } = this.network;
    if (model instanceof Tabular) model.fitQuantiles(train);
    const held = this.testPart?.rows ?? 0;
    this.#judge = new Judge(state, info);
    this.#trainer = new Trainer(model, {
      train,
      validation:
        test === undefined || held === test.length ? test : test.subset(Array.from({ length: held }, (_, row) => row)),
      optimizer: makeOptimizer(state, model),
      loss: this.objective,
      ...order,
      generator: this.#generator,
      evaluateOn: isJudged,
      moments,
      callbacks: [new DoctorCallback(), ...(state.edits.length > 0 ? [this.#edits()] : []), this.#judge],
    });
    this.#measure = keptFloats((features, targets) =>
      noGrad(() => {
        if (features === undefined || targets === undefined) return [];
        const output = model.forward(features);
        return [this.loss(output, targets), squash(info, output)];
      }),
    );
    if (beginning !== undefined) {
      const { name, step, notes } = beginning;
      try {
        takeWeights(this.network, beginning, info);
        this.firstStep = step;
        this.beganTrained = true;
        this.#trainer.startFrom(step);
        this.history.push(...beginning.history.filter((point) => point.step < step));
        this.beginning = { name, step, notes };
      } catch (error) {
        if (!(error instanceof HebbError)) throw error;
        this.beginning = { name, step: 0, notes: [error.message] };
      }
    }
    this.#edit(this.step);
    this.#trainer.begin();
    this.record();
  }

  static async open(state: StudioState, own: OwnData | undefined, beginning?: Beginning): Promise<Session> {
    const fits = beginning?.runKey === runKey(state);
    return new Session(state, await prepare(state, own), { beginning: fits ? beginning : undefined, curves: true });
  }

  get info(): Omit<RunInfo, "backend" | "backendWhy"> {
    return {
      data: this.prepared.info,
      loss: this.state.loss,
      parameters: this.network.model.parameters().reduce((sum, { size }) => sum + size, 0),
      beginning: this.beginning,
      batches: this.batches,
      slopeRows: this.slopeRows,
      measuredEvery: this.measuredEvery,
      stages: this.network.stages,
    };
  }

  get step(): number {
    return this.#trainer.steps;
  }

  get epoch(): number {
    return this.step / this.batches;
  }

  /** The number of training rows for the slopes next to the network. */
  get slopeRows(): number {
    return Math.min(this.prepared.info.inputShape.length > 1 ? slopeRows.images : slopeRows.rows, this.trainPart.rows);
  }

  /** Batches in an epoch. */
  get batches(): number {
    return this.#trainer.stepsPerEpoch;
  }

  /** The rows of the next step's batch. */
  nextRows(): Int32Array {
    const [epoch, batch] = [Math.floor(this.step / this.batches), this.step % this.batches];
    this.#order.restore({ ...this.#order.state(), epoch, batch });
    const rows = this.#order.take();
    if (rows === undefined) throw new HebbError(say.epochHasNoBatch(epoch, batch));
    return rows;
  }

  /** Takes steps; returns whether loss and weights are still finite. */
  advance(steps: number): boolean {
    const trainer = this.#trainer;
    if (steps > 0 && !this.following) this.#take(steps);
    else if (steps > 0 && this.#take(steps - 1)) this.#takeLast();
    return trainer.failure === undefined;
  }

  /** Takes steps; false when training ends. The curves get a point after every epoch, and within long ones too. */
  #take(steps: number): boolean {
    if (!this.#curved) return this.#trainer.advance(steps);
    for (let left = steps; left > 0; ) {
      const inEpoch = this.step % this.batches;
      const some = Math.min(left, longEpoch - (inEpoch % longEpoch), this.batches - inEpoch);
      const goesOn = this.#trainer.advance(some);
      const place = this.step % this.batches;
      if (place % longEpoch === 0 && this.#isMeasured()) this.record();
      if (!goesOn) return false;
      left -= some;
    }
    return true;
  }

  /** The number of epochs between two points of the curves, from the twentieth on. */
  get measuredEvery(): number {
    const { layers, stages } = this.network;
    const products = layers.reduce((sum, { weight }, place) => {
      // Pooling leaves a quarter of the positions that a kernel is applied to.
      const { kind = "dense", shape = [] } = stages[place + 1] ?? {};
      const places = kind === "conv" ? 4 * shape.slice(1).reduce((a, b) => a * b, 1) : 1;
      return sum + weight.size * places;
    }, 0);
    const members = ensembleOf(this.state, this.prepared.info)?.members ?? 1;
    const rows = this.#measuredTrain.rows + (this.testPart?.rows ?? 0);
    return members * products * rows < rarely.products ? 1 : rarely.every;
  }

  #isMeasured(): boolean {
    const epoch = Math.floor(this.step / this.batches);
    return epoch <= rarely.from || epoch % this.measuredEvery === 0;
  }

  /** Takes one step, and keeps the weights before it. */
  #takeLast(): void {
    const weights = this.network.layers.flatMap(({ weight, bias }) =>
      [weight, ...(bias === undefined ? [] : [bias])].map((one) => Float32Array.from(one.dataSync())),
    );
    this.#take(1);
    this.#before = { step: this.step, weights };
  }

  /** The weights before the latest step: for each layer its weight, then its bias. Undefined if no step was taken. */
  weightsBefore(): readonly Float32Array[] | undefined {
    const { step } = this;
    if (step <= this.firstStep || this.#trainer.failure !== undefined) return undefined;
    if (this.#before?.step !== step) {
      // A link or a jump leads here without them, so the latest step is repeated.
      this.#trainer.rewind(step - 1);
      this.#trainer.advance(step - 1 - this.step);
      this.#takeLast();
    }
    return this.#before?.weights;
  }

  /** Takes steps until there is a reason to stop; returns false then. */
  play(steps: number, overruled: ReadonlySet<Stopped["reason"]> = new Set()): boolean {
    return this.#judge.during(overruled, () => this.advance(steps)) && this.verdict() === undefined;
  }

  /** The reason to stop, if any. It is found at the end of an epoch, independently of drawing. */
  verdict(): Stopped | undefined {
    return this.#judge.verdict;
  }

  get advice(): Advice[] {
    return this.#judge.advice;
  }

  get findings(): readonly Finding[] {
    return this.#trainer.findings;
  }

  /** The state is empty but must exist: it makes repeated steps apply the edits again. */
  #edits(): Callback {
    return { name: "edits", stepEnd: ({ step }) => this.#edit(step), state: () => ({}), restore: () => {} };
  }

  /** Whether edits of weights are applied after the steps in the state. */
  takesEdits = true;

  /** Applies the edits of weights at this step. */
  #edit(step: number): undefined {
    if (!this.takesEdits) return;
    for (const edit of this.state.edits) if (edit.step === step) this.applyEdit(edit);
  }

  applyEdit({ parameter: name, index, value }: Edit): void {
    const parameter = this.network.model.namedParameters().find(([path]) => path === name)?.[1];
    if (parameter === undefined || index >= parameter.size) return;
    const values = parameter.dataSync();
    values[index] = value;
    parameter.assign(values);
  }

  /** The mean loss of rows, none of which is padding. */
  loss(output: Tensor, target: Tensor): Tensor {
    return this.objective.measure(output, target, { weights: undefined, complete: true }).loss;
  }

  /** Loss and metric of a part with the current weights, and the outputs behind them. */
  measure(part: Part): Figures & { readonly output: Float32Array } {
    const { model } = this.network;
    model.eval();
    const [loss, output = new Float32Array()] = this.#measure(part.x, part.y);
    model.train();
    return { loss: loss?.[0] ?? Number.NaN, metric: this.#metric(output, part), output };
  }

  #metric(output: Float32Array, part: Part): number {
    const truth = part.y.dataSync();
    const { task, classes } = this.prepared.info;
    const n = part.rows;
    if (task === "number") {
      // R² is the same in any unit, but not for logarithms.
      const target = this.prepared.table?.target;
      const logged = target?.kind === "number" && target.transform === "log";
      const back = (value = 0): number => (logged ? data.inverseTarget(target, value) : value);
      let [mean, squares, spread] = [0, 0, 0];
      for (const value of truth) mean += back(value) / n;
      for (let row = 0; row < n; row++) {
        squares += (back(truth[row]) - back(output[row])) ** 2;
        spread += (back(truth[row]) - mean) ** 2;
      }
      return spread === 0 ? 0 : 1 - squares / spread;
    }
    let right = 0;
    for (let row = 0; row < n; row++)
      if (decide(output, row, task === "binary" ? 1 : classes.length) === truth[row]) right++;
    return right / n;
  }

  /** Loss and metric of both parts at this step. */
  now(): HistoryPoint {
    if (this.#now?.step === this.step) return this.#now;
    const figures = (part: Part): Figures => {
      const { loss, metric } = this.measure(part);
      return { loss, metric };
    };
    this.#now = {
      step: this.step,
      train: figures(this.#measuredTrain),
      test: this.testPart === undefined ? undefined : figures(this.testPart),
    };
    return this.#now;
  }

  /** Adds the current figures to the curves. */
  record(): HistoryPoint {
    const point = this.now();
    addPoint(this.history, point);
    return point;
  }

  /** The loss of the latest batch. */
  get batchLoss(): number {
    return this.#trainer.loss;
  }

  /** The optimizer with its state. */
  get optimizer(): optim.Optimizer {
    return this.#trainer.optimizer;
  }

  /** The optimizer's current state. */
  optimizerState(): ReturnType<ReturnType<typeof makeOptimizer>["stateDict"]> {
    return this.#trainer.optimizer.stateDict();
  }

  /** Weights ("m.…") and the optimizer's state ("o.…"), as stored in a project. */
  tensors(): SavedTensor[] {
    const named: [string, Tensor][] = [
      ...Object.entries(this.network.model.stateDict()).map(([name, value]): [string, Tensor] => [`m.${name}`, value]),
      ...Object.entries(this.optimizerState().state).map(([name, value]): [string, Tensor] => [`o.${name}`, value]),
    ];
    return named.map(([name, value]) => {
      const values = value.dataSync();
      return {
        name,
        shape: [...value.shape],
        data: values instanceof Float64Array ? values.slice() : Float32Array.from(values),
      };
    });
  }

  /** The position of its random numbers. */
  get random(): ReturnType<Generator["getState"]> {
    return this.#generator.getState();
  }

  /** Goes to any step, back or forward, by repeating steps from the nearest kept state. False if the run becomes NaN before it. */
  goTo(wanted: number): boolean {
    const step = Math.max(this.firstStep, wanted);
    if (step === this.step) return true;
    if (step < this.step) {
      this.#trainer.rewind(step);
      const kept = this.history.findIndex((point) => point.step > this.step);
      if (kept >= 0) this.history.splice(kept);
    }
    this.advance(step - this.step);
    return this.step === step;
  }

  save(): Saved {
    return {
      runKey: runKey(this.state),
      step: this.step,
      history: [...this.history],
      from: { kind: "trainer", state: this.#trainer.state() },
    };
  }

  /** Continues from the saved run of an equal state. */
  restore({ runKey: key, step, history, from }: Saved): void {
    if (key !== runKey(this.state)) return;
    this.#now = undefined;
    if (from.kind === "trainer") this.#trainer.restore(from.state, { sameRun: true });
    else this.#takeTensors(from.tensors, from.random, step);
    this.history.splice(0, this.history.length, ...history);
  }

  #takeTensors(tensors: readonly SavedTensor[], random: ReturnType<Generator["getState"]>, step: number): void {
    const pick = (prefix: string) =>
      Object.fromEntries(
        tensors
          .filter(({ name }) => name.startsWith(prefix))
          .map(({ name, shape, data: values }) => [
            name.slice(2),
            {
              dtype: values instanceof Float64Array ? ("float64" as const) : ("float32" as const),
              shape,
              data: values,
            },
          ]),
      );
    this.network.model.loadStateDict(pick("m."));
    const { optimizer } = this.#trainer;
    optimizer.loadStateDict({ state: pick("o."), groups: optimizer.stateDict().groups });
    this.#generator.setState(random);
    this.#trainer.startFrom(step, { sameRun: true });
  }
}

/** The predicted class of a row of outputs. */
export function decide(output: Float32Array, row: number, width: number): number {
  if (width === 1) return (output[row] ?? 0) >= 0.5 ? 1 : 0;
  let best = 0;
  for (let k = 1; k < width; k++) if ((output[row * width + k] ?? 0) > (output[row * width + best] ?? 0)) best = k;
  return best;
}
