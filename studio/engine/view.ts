// The drawn values of a run: maps of every neuron, slopes, the selected neuron's numbers, the output by task.
import { data, noGrad, type Tensor, tensor } from "../../src/index.ts";
import { derived } from "../shared/features.ts";
import type { LayerNumbers, Maps, OutputNumbers, Snapshot, UnitNumbers } from "../shared/protocol.ts";
import type { StudioState } from "../shared/state.ts";
import { keptFloats } from "./kept.ts";
import { squash } from "./network.ts";
import { decide, type Session } from "./session.ts";
import { contextLetters, encodeContext, letters } from "./words.ts";

/** Sides of the neurons' maps: fine while they are few. */
const sides = { few: 24, many: 16 } as const;
const fewUnits = 48;
/** Wider layers have no map for each unit. */
const mostMapped = 32;
const confusionLimit = 30;
const mostPairs = 400;

/** The selected neuron: its stage and its index there. */
const unitPattern = /^(\d+)\.(\d+)$/;

const floats = (value: Tensor): Float32Array => {
  const values = value.dataSync();
  return values instanceof Float32Array ? values : Float32Array.from(values);
};
const none = new Float32Array();

/** A unit's value for each row; for a convolution, the mean over its map. */
function meansOf(values: Float32Array, rows: number, units: number, unit: number): Float32Array {
  const size = values.length / (rows * units);
  return Float32Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += values[(row * units + unit) * size + k] ?? 0;
    return sum / size;
  });
}

/** The first two inputs of each row. */
const planeOf = (rows: Float32Array, width: number): Float32Array =>
  Float32Array.from({ length: (2 * rows.length) / width }, (_, k) => rows[Math.floor(k / 2) * width + (k % 2)] ?? 0);

/** All drawn values of one session, compiled once. */
export class View {
  readonly #session: Session;
  readonly #stages: (x: Tensor) => Float32Array[];
  readonly #output: (x: Tensor) => Float32Array[];
  readonly #slopes: () => Float32Array[];
  readonly #fine: number;
  readonly #side: number;
  readonly #firstRows: Tensor;
  #grids: { readonly key: string; readonly coarse: Tensor; readonly fine: Tensor } | undefined;
  #sent = 0;
  #sentStep = -1;

  constructor(session: Session) {
    this.#session = session;
    const { network, prepared, trainPart } = session;
    const { model, valuesOf, layers } = network;
    const { info } = prepared;
    this.#stages = keptFloats((x) =>
      noGrad(() => {
        if (x === undefined) return [];
        const values = valuesOf(x);
        return values.map((value, place) => (place === values.length - 1 ? squash(info, value) : value));
      }),
    );
    this.#output = keptFloats((x) => noGrad(() => (x === undefined ? [] : [squash(info, model.forward(x))])));
    const rows = session.slopeRows;
    const [x, y] = [trainPart.x.narrow(0, 0, rows), trainPart.y.narrow(0, 0, rows)];
    this.#firstRows = x;
    this.#slopes = keptFloats(() => {
      for (const { weight, bias } of layers) {
        weight.grad = undefined;
        if (bias !== undefined) bias.grad = undefined;
      }
      session.loss(model.forward(x), y).backward();
      const found = layers.flatMap(({ weight, bias }) => [
        weight.grad ?? weight.mul(0),
        bias?.grad ?? weight.sum().mul(0),
      ]);
      for (const { weight, bias } of layers) {
        weight.grad = undefined;
        if (bias !== undefined) bias.grad = undefined;
      }
      return found;
    });
    const size = session.info.parameters;
    this.#side = network.stages.reduce((sum, { units }) => sum + units, 0) > fewUnits ? sides.many : sides.few;
    this.#fine = size < 400 ? 80 : size < 3000 ? 56 : 36;
  }

  /** The output of each stage after the inputs, for the rows of the slopes. */
  activations(): Float32Array[] {
    const { model } = this.#session.network;
    model.eval();
    const values = this.#stages(this.#firstRows).map((one) => one.slice());
    model.train();
    return values;
  }

  /** The weights, with their slopes on request, which need a backward pass. */
  layers(withSlopes = true): LayerNumbers[] {
    const { layers } = this.#session.network;
    this.#session.network.model.eval();
    const slopes = withSlopes ? this.#slopes() : [];
    this.#session.network.model.train();
    return layers.map(({ weight, bias }, place) => ({
      weight: floats(weight).slice(),
      weightShape: [...weight.shape],
      bias: bias === undefined ? new Float32Array(weight.shape[0] ?? 0) : floats(bias).slice(),
      weightGrad: slopes[2 * place] ?? none,
      biasGrad: slopes[2 * place + 1] ?? none,
    }));
  }

  #grid(state: StudioState): { coarse: Tensor; fine: Tensor } {
    const { ranges, inputs, given } = this.#session.prepared.info;
    const { features } = this.#session.state;
    const [a, b] = this.axes(state);
    const key = `${a} ${b}`;
    if (this.#grids?.key === key) return this.#grids;
    const points = (n: number): Tensor => {
      const values = new Float32Array(n * n * inputs.length);
      const [[x0, x1], [y0, y1]] = [ranges[a] ?? [-1, 1], ranges[b] ?? [-1, 1]];
      for (let row = 0; row < n; row++) {
        for (let column = 0; column < n; column++) {
          const at = (row * n + column) * inputs.length;
          // The inputs that are not axes stay at 0, their mean: tables are standardised.
          if (inputs.length > 1) values[at + b] = y1 - ((row + 0.5) / n) * (y1 - y0);
          values[at + a] = x0 + ((column + 0.5) / n) * (x1 - x0);
        }
      }
      const rows = given === inputs.length ? values : derived(planeOf(values, inputs.length), features);
      return tensor(rows, { shape: [n * n, inputs.length] });
    };
    this.#grids = { key, coarse: points(this.#side), fine: points(this.#fine) };
    return this.#grids;
  }

  axes({ axes }: StudioState): readonly [number, number] {
    const count = this.#session.prepared.info.given;
    const [a, b] = axes.map((axis) => Math.min(axis, count - 1));
    return [a ?? 0, a === b && count > 1 ? (b === 0 ? 1 : 0) : (b ?? 0)];
  }

  maps(state: StudioState): Maps {
    const { prepared, network, trainPart } = this.#session;
    const { info } = prepared;
    const axes = this.axes(state);
    network.model.eval();
    try {
      if (info.inputShape.length > 1 || info.ranges.length === 0 || this.#session.state.data === "words") {
        // Images and wide rows: the output of every stage for one sample.
        const at = this.#sample(state);
        const sample = trainPart.x.narrow(0, at, 1);
        return {
          side: 0,
          stages: [floats(sample).slice(), ...this.#stages(sample)],
          fine: 0,
          output: new Float32Array(),
          axes,
        };
      }
      const { coarse, fine } = this.#grid(state);
      const n = this.#side ** 2;
      const turned = (values: Float32Array, width: number, points: number): Float32Array => {
        const out = new Float32Array(values.length);
        for (let point = 0; point < points; point++)
          for (let unit = 0; unit < width; unit++) out[unit * points + point] = values[point * width + unit] ?? 0;
        return out;
      };
      const inputs = info.inputs.length;
      const stages = [inputs <= mostMapped ? turned(floats(coarse), inputs, n) : new Float32Array()];
      this.#stages(coarse).forEach((value, place) => {
        const units = network.stages[place + 1]?.units ?? 1;
        stages.push(units <= mostMapped ? turned(value, units, n) : new Float32Array());
      });
      const outputs = network.stages.at(-1)?.units ?? 1;
      return {
        side: this.#side,
        stages,
        fine: this.#fine,
        output: turned(this.#output(fine)[0] ?? none, outputs, this.#fine ** 2),
        axes,
      };
    } finally {
      network.model.train();
    }
  }

  /** The sample whose feature maps are shown. */
  #sample({ selected }: StudioState): number {
    const at = /^sample(\d+)$/.exec(selected)?.[1];
    const { prepared, trainPart } = this.#session;
    return Math.min(Number(at ?? prepared.info.samples?.rows[0] ?? 0), trainPart.rows - 1);
  }

  unit(state: StudioState, layers: readonly LayerNumbers[]): UnitNumbers | undefined {
    const match = unitPattern.exec(state.selected);
    const [stage, unit] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
    const { network } = this.#session;
    const now = layers[stage - 1];
    // An ensemble has one neuron for each member, so it has no single one to show.
    if (
      match === null ||
      now === undefined ||
      network.modules.length === 0 ||
      network.stages[stage]?.units === undefined
    )
      return undefined;
    const units = network.stages[stage].units;
    if (unit >= units) return undefined;
    network.model.eval();
    const rows = this.#firstRows.shape[0] ?? 0;
    const values = this.#stages(this.#firstRows)[stage - 1] ?? none;
    network.model.train();
    const width = now.weight.length / units;
    // Every layer here has a bias, so the weights have even indices.
    const before = this.#session.weightsBefore();
    const [weight, bias] = [before?.[2 * (stage - 1)] ?? now.weight, before?.[2 * (stage - 1) + 1] ?? now.bias];
    return {
      stage,
      unit,
      values: meansOf(values, rows, units, unit),
      weightUpdate: Float32Array.from(
        { length: width },
        (_, k) => (now.weight[unit * width + k] ?? 0) - (weight[unit * width + k] ?? 0),
      ),
      biasUpdate: (now.bias[unit] ?? 0) - (bias[unit] ?? 0),
    };
  }

  output(): OutputNumbers {
    const { prepared, testPart, trainPart, network } = this.#session;
    const { info, table } = prepared;
    const part = testPart ?? trainPart;
    const onTest = testPart !== undefined;
    const none: OutputNumbers = { confusion: new Int32Array(), pairs: new Float32Array(), samples: [], onTest };
    if (this.#session.state.data === "words") return { ...none, samples: this.#words() };
    if (info.classes.length > confusionLimit) return none;
    const { output } = this.#session.measure(part);
    const truth = part.y.dataSync();
    if (info.task === "number") {
      const rows = Math.min(part.rows, mostPairs);
      const target = table?.target;
      const back = (value: number): number => (target?.kind === "number" ? data.inverseTarget(target, value) : value);
      const pairs = new Float32Array(2 * rows);
      for (let row = 0; row < rows; row++) pairs.set([back(truth[row] ?? 0), back(output[row] ?? 0)], 2 * row);
      return { ...none, pairs };
    }
    const classes = info.classes.length;
    const confusion = new Int32Array(classes * classes);
    const width = network.stages.at(-1)?.units ?? 1;
    for (let row = 0; row < part.rows; row++) {
      const at = (truth[row] ?? 0) * classes + decide(output, row, width);
      confusion[at] = (confusion[at] ?? 0) + 1;
    }
    return { ...none, confusion };
  }

  /** Words that the network generates, letter by letter, from its own distribution. */
  #words(): string[] {
    const random = new data.Random(this.#session.state.seed, 0x20000012);
    this.#session.network.model.eval();
    const made = Array.from({ length: 8 }, () => {
      let word = "";
      while (word.length < 12) {
        const context = encodeContext(word.slice(-contextLetters));
        const chances = this.#output(tensor(context, { shape: [1, context.length] }))[0] ?? none;
        let left = random.uniform();
        let letter = 0;
        while (letter < letters.length - 1 && left > (chances[letter] ?? 0)) left -= chances[letter++] ?? 0;
        if (letter === 0) break;
        word += letters[letter] ?? "";
      }
      return word;
    });
    this.#session.network.model.train();
    return made;
  }

  snapshot(state: StudioState, stepsPerSecond: number): Snapshot {
    const session = this.#session;
    const now = session.now();
    session.following = unitPattern.test(state.selected);
    const layers = this.layers(session.following);
    const { history } = session;
    const reset = session.step < this.#sentStep || this.#sentStep < 0;
    const fresh = reset ? history : history.filter(({ step }) => step > this.#sent);
    this.#sent = history.at(-1)?.step ?? -1;
    this.#sentStep = session.step;
    return {
      step: session.step,
      epoch: session.epoch,
      now,
      history: fresh,
      reset,
      layers,
      maps: this.maps(state),
      unit: this.unit(state, layers),
      output: this.output(),
      advice: session.advice,
      stepsPerSecond,
    };
  }
}
