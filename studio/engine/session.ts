// One training run: the compiled step, its place in time, going back, and what stops it by itself.
import { data, HebbError, noGrad, randomState, seed, setRandomState, type Tensor, tensor } from "../../src/index.ts";
import { lossesOf } from "../shared/names.ts";
import type {
  Beginning,
  Figures,
  HistoryPoint,
  OwnData,
  RunInfo,
  Saved,
  SavedTensor,
  Stopped,
} from "../shared/protocol.ts";
import { type Edit, runKey, type StudioState } from "../shared/state.ts";
import { takeWeights } from "./beginning.ts";
import { type Prepared, prepare } from "./data.ts";
import { keptFloats, rowStep } from "./kept.ts";
import { buildNetwork, lossOf, makeOptimizer, type Network, squash } from "./network.ts";

/** Rows that the figures beside the curves are computed from, at most. */
const measuredRows = 2000;
/** Checkpoints kept for going back; every second one goes when there are more. */
const mostCheckpoints = 48;
const mostHistory = 3000;
const measuresOnTheWay = 50;

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

/** The latest first-or-later step whose state is kept. */
interface Checkpoint {
  readonly step: number;
  readonly tensors: readonly SavedTensor[];
  readonly random: Saved["random"];
}

export class Session {
  readonly state: StudioState;
  readonly prepared: Prepared;
  readonly network: Network;
  readonly trainPart: Part;
  readonly testPart: Part | undefined;
  readonly sampler: data.BatchSampler;
  readonly history: HistoryPoint[] = [];
  /** The run whose weights it began with, if any. */
  readonly beginning: RunInfo["beginning"];
  /** The step that it began at: there is no going back beyond. */
  readonly firstStep: number = 0;
  step = 0;
  /** Mean loss of the batches since it was last asked for. */
  best = { loss: Number.POSITIVE_INFINITY, step: 0 };
  readonly #optimizer;
  readonly #measuredTrain: Part;
  readonly #run: (rows: Int32Array) => Tensor;
  readonly #measure: (x: Tensor, y: Tensor) => Float32Array[];
  #checkpoints: Checkpoint[] = [];
  #spacing = 64;
  #random: Saved["random"];
  #lastLoss: Tensor | undefined;

  constructor(wanted: StudioState, prepared: Prepared, beginning?: Beginning) {
    const { info, train, test } = prepared;
    const fitting = lossesOf[info.task];
    const state = fitting.includes(wanted.loss) ? wanted : { ...wanted, loss: fitting[0] ?? wanted.loss };
    this.state = state;
    this.prepared = prepared;
    seed(state.seed);
    this.network = buildNetwork(state, info);
    this.#random = randomState();
    this.trainPart = partOf(train);
    this.#measuredTrain = train.length > measuredRows ? partOf(train, measuredRows) : this.trainPart;
    this.testPart = test === undefined ? undefined : partOf(test, 2 * measuredRows);
    const batchSize = Math.min(state.batch, train.length);
    this.sampler = new data.BatchSampler(train.length, {
      batchSize,
      shuffle: batchSize < train.length,
      seed: state.seed,
    });
    const { model } = this.network;
    const optimizer = makeOptimizer(state, model);
    this.#optimizer = optimizer;
    const { x, y } = this.trainPart;
    this.#run = rowStep((rows: Tensor) => {
      const loss = lossOf(state.loss, info, model.forward(x.indexSelect(0, rows)), y.indexSelect(0, rows));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    this.#measure = keptFloats((features, targets) =>
      noGrad(() => {
        if (features === undefined || targets === undefined) return [];
        const output = model.forward(features);
        return [lossOf(state.loss, info, output, targets), squash(info, output)];
      }),
    );
    if (beginning !== undefined) {
      const { name, step, notes } = beginning;
      try {
        takeWeights(this.network, beginning, info);
        this.firstStep = step;
        this.step = step;
        this.history.push(...beginning.history.filter((point) => point.step < step));
        for (const point of this.history) {
          const loss = point.test?.loss ?? point.train.loss;
          if (loss < this.best.loss) this.best = { loss, step: point.step };
        }
        this.beginning = { name, step, notes };
      } catch (error) {
        if (!(error instanceof HebbError)) throw error;
        this.beginning = { name, step: 0, notes: [error.message] };
      }
    }
    this.#edit();
    this.#keep();
    this.record();
  }

  static async open(state: StudioState, own: OwnData | undefined, beginning?: Beginning): Promise<Session> {
    return new Session(state, await prepare(state, own), beginning?.runKey === runKey(state) ? beginning : undefined);
  }

  get info(): Omit<RunInfo, "backend" | "backendWhy"> {
    return {
      data: this.prepared.info,
      loss: this.state.loss,
      parameters: this.network.model.parameters().reduce((sum, { size }) => sum + size, 0),
      beginning: this.beginning,
      batches: this.sampler.batchCount,
      stages: this.network.stages,
    };
  }

  get epoch(): number {
    return this.step / this.sampler.batchCount;
  }

  /** Rows of the batch that the next step learns from. */
  nextRows(step = this.step): Int32Array {
    const { batchCount, batchSize } = this.sampler;
    const from = (step % batchCount) * batchSize;
    return this.sampler.permutation(Math.floor(step / batchCount)).slice(from, from + batchSize);
  }

  /** Takes steps; returns whether the loss is still a number. */
  advance(steps: number): boolean {
    if (steps < 1) return true;
    this.network.model.train();
    if (this.state.dropout > 0) setRandomState(this.#random);
    for (let taken = 0; taken < steps; taken++) {
      this.#lastLoss = this.#run(this.nextRows());
      this.step++;
      if (this.state.edits.length > 0) this.#edit();
      if (this.step % this.#spacing === 0) this.#keep();
    }
    if (this.state.dropout > 0) this.#random = randomState();
    return Number.isFinite(this.#lastLoss?.itemSync() ?? 0);
  }

  /** The weights set by hand at this step. */
  #edit(): void {
    for (const edit of this.state.edits) if (edit.step === this.step) this.applyEdit(edit);
  }

  applyEdit({ parameter: name, index, value }: Edit): void {
    const parameter = this.network.model.namedParameters().find(([path]) => path === name)?.[1];
    if (parameter === undefined || index >= parameter.size) return;
    const values = parameter.dataSync();
    values[index] = value;
    parameter.assign(values);
  }

  /** Loss and metric of a part with the present weights, and the outputs they come from. */
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
      let [mean, squares, spread] = [0, 0, 0];
      for (const value of truth) mean += value / n;
      for (let row = 0; row < n; row++) {
        squares += ((truth[row] ?? 0) - (output[row] ?? 0)) ** 2;
        spread += ((truth[row] ?? 0) - mean) ** 2;
      }
      return spread === 0 ? 0 : 1 - squares / spread;
    }
    let right = 0;
    for (let row = 0; row < n; row++)
      if (decide(output, row, task === "binary" ? 1 : classes.length) === truth[row]) right++;
    return right / n;
  }

  /** Measures, and adds the point to the curves. */
  record(): HistoryPoint {
    const last = this.history.at(-1);
    if (last?.step === this.step) return last;
    const figures = (part: Part): Figures => {
      const { loss, metric } = this.measure(part);
      return { loss, metric };
    };
    const point: HistoryPoint = {
      step: this.step,
      train: figures(this.#measuredTrain),
      test: this.testPart === undefined ? undefined : figures(this.testPart),
    };
    this.history.push(point);
    const loss = point.test?.loss ?? point.train.loss;
    if (loss < this.best.loss) this.best = { loss, step: this.step };
    // Old points grow sparser: every second one of the older half goes.
    if (this.history.length > mostHistory)
      this.history.splice(0, mostHistory, ...this.history.slice(0, mostHistory).filter((_, place) => place % 2 === 0));
    return point;
  }

  /** What the optimizer remembers now. */
  optimizerState(): ReturnType<ReturnType<typeof makeOptimizer>["stateDict"]> {
    return this.#optimizer.stateDict();
  }

  #tensors(): SavedTensor[] {
    const named: [string, Tensor][] = [
      ...Object.entries(this.network.model.stateDict()).map(([name, value]): [string, Tensor] => [`m.${name}`, value]),
      ...Object.entries(this.#optimizer.stateDict().state).map(([name, value]): [string, Tensor] => [
        `o.${name}`,
        value,
      ]),
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

  #load({ tensors, random, step }: Checkpoint): void {
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
    this.#optimizer.loadStateDict({ state: pick("o."), groups: this.#optimizer.stateDict().groups });
    this.#random = random;
    this.step = step;
  }

  #keep(): void {
    if (this.#checkpoints.some(({ step }) => step === this.step)) return;
    const random = this.state.dropout > 0 && this.step > 0 ? randomState() : this.#random;
    this.#checkpoints.push({ step: this.step, tensors: this.#tensors(), random });
    if (this.#checkpoints.length <= mostCheckpoints) return;
    this.#spacing *= 2;
    this.#checkpoints = this.#checkpoints.filter(({ step }, place) => place === 0 || step % this.#spacing === 0);
  }

  /** Goes to any step, back or ahead: from the nearest state kept, by taking the same steps again. */
  goTo(wanted: number): void {
    const step = Math.max(this.firstStep, wanted);
    if (step === this.step) return;
    if (step < this.step) {
      const from = this.#checkpoints.filter((kept) => kept.step <= step).at(-1) ?? this.#checkpoints[0];
      if (from === undefined) return;
      this.#load(from);
      const kept = this.history.findIndex((point) => point.step > step);
      if (kept >= 0) this.history.splice(kept);
    }
    // Measured on the way, so that the curves are there too.
    const stretch = Math.ceil((step - this.step) / measuresOnTheWay);
    while (this.step < step && this.advance(Math.min(stretch, step - this.step))) this.record();
    if (this.step < step) this.advance(step - this.step);
    this.record();
  }

  save(): Saved {
    return {
      runKey: runKey(this.state),
      step: this.step,
      tensors: this.#tensors(),
      history: [...this.history],
      random: this.#random,
      best: this.best,
    };
  }

  /** Goes on where a saved run of the same state stood. */
  restore(saved: Saved): void {
    if (saved.runKey !== runKey(this.state)) return;
    this.#load({ step: saved.step, tensors: saved.tensors, random: saved.random });
    this.history.splice(0, this.history.length, ...saved.history);
    this.best = { ...saved.best };
    this.#keep();
  }

  /** What speaks for ending, if anything does. */
  verdict(): Stopped | undefined {
    const { state, history } = this;
    const last = history.at(-1);
    if (last === undefined) return undefined;
    if (!Number.isFinite(last.train.loss)) return this.#numbersLost();
    const epoch = this.epoch;
    const earlier = history.findLast(({ step }) => step <= this.step - 200 * this.sampler.batchCount);
    if (earlier === undefined || epoch < 250) return this.#overfit(epoch);
    const recent = history.filter(({ step }) => step > earlier.step);
    const lowest = Math.min(...recent.map(({ train }) => train.loss));
    if (lowest < earlier.train.loss * 0.985 && lowest > 0.002) return this.#overfit(epoch);
    const good = last.train.metric > 0.97;
    return {
      reason: "plateau",
      text: good
        ? `Learned: the training loss hardly moves any more (${format(last.train.loss)}).`
        : `The training loss has hardly moved for 200 epochs (${format(earlier.train.loss)} → ${format(last.train.loss)}).`,
      fix: good
        ? ""
        : state.layers.length < 2 || state.layers.some(({ units }) => units < 6)
          ? "Give it more units"
          : "Learn three times faster",
      patch: good
        ? undefined
        : state.layers.length < 2
          ? { layers: [...state.layers, { kind: "dense", units: 8, activation: "tanh" }] }
          : state.layers.some(({ units }) => units < 6)
            ? { layers: state.layers.map((layer) => ({ ...layer, units: Math.max(8, layer.units) })) }
            : { lr: Math.min(10, state.lr * 3) },
      goTo: undefined,
    };
  }

  #numbersLost(): Stopped {
    const { state } = this;
    const lr = Number((state.lr / 10).toPrecision(1));
    return {
      reason: "nan",
      text: `The loss became NaN at step ${this.step}: the steps were so large that the weights overflowed (learning rate ${state.lr}).`,
      fix: `Start again with learning rate ${lr}`,
      patch: { lr, ...(state.init === "large" ? { init: "xavier" as const } : {}) },
      goTo: undefined,
    };
  }

  #overfit(epoch: number): Stopped | undefined {
    const last = this.history.at(-1);
    if (last?.test === undefined || this.prepared.info.testCount < 30) return undefined;
    const since = epoch - this.best.step / this.sampler.batchCount;
    if (since < 60 || last.test.loss < this.best.loss * 1.15) return undefined;
    const at = Math.round(this.best.step / this.sampler.batchCount);
    return {
      reason: "overfit",
      text: `The test loss has risen from ${format(this.best.loss)} to ${format(last.test.loss)} since epoch ${at}: the network overfits: it memorises the training rows.`,
      fix: `Go back to epoch ${at}`,
      patch: undefined,
      goTo: this.best.step,
    };
  }
}

const format = (value: number): string => value.toPrecision(3);

/** The class that a row of outputs names. */
export function decide(output: Float32Array, row: number, width: number): number {
  if (width === 1) return (output[row] ?? 0) >= 0.5 ? 1 : 0;
  let best = 0;
  for (let k = 1; k < width; k++) if ((output[row * width + k] ?? 0) > (output[row * width + best] ?? 0)) best = k;
  return best;
}
