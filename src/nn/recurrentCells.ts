// One step of recurrent networks: the gates of RNN, LSTM and GRU, and their cells as modules.
import { at } from "../graph/at.ts";
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { given, givenOrNot } from "../tensor/arguments.ts";
import { Parameter, type Tensor, zeros } from "../tensor/index.ts";
import * as init from "./init.ts";
import { linear } from "./linear.ts";
import { Module } from "./module.ts";
import { fromTo } from "./print.ts";
import { checkSizes } from "./sizes.ts";

/** The state carried from step to step; `cell` only for LSTM. */
export interface RecurrentState {
  readonly hidden: Tensor;
  readonly cell: Tensor | undefined;
}

/** A kind of recurrent network: the number of gates, and the function of one step. */
export interface Gates {
  readonly name: "RNN" | "LSTM" | "GRU";
  /** Only for RNN. */
  readonly nonlinearity?: Nonlinearity;
  /** The width of all gates, in multiples of the hidden size. */
  readonly count: number;
  readonly hasCell: boolean;
  /** Whether the recurrent bias is added separately from that of the input. */
  readonly splitBias: boolean;
  /** The next state, before any projection, from the input's part of the gates, the state's part, and the state. */
  step(fromInput: Tensor, fromState: Tensor, state: RecurrentState): RecurrentState;
}

const nonlinearities = ["tanh", "relu"] as const;
export type Nonlinearity = (typeof nonlinearities)[number];
export const nonlinearityKind = kind.oneOf(...nonlinearities);

/** h′ = tanh(x + z), or relu(x + z). */
export const rnnGates = (nonlinearity: Nonlinearity): Gates => ({
  name: "RNN",
  nonlinearity,
  count: 1,
  hasCell: false,
  splitBias: false,
  step(fromInput, fromState) {
    const sum = fromInput.add(fromState);
    return { hidden: nonlinearity === "tanh" ? sum.tanh() : sum.relu(), cell: undefined };
  },
});

/** i, f, o = σ, g = tanh; c′ = f·c + i·g; h′ = o·tanh(c′) (Hochreiter and Schmidhuber 1997). */
export const lstmGates: Gates = {
  name: "LSTM",
  count: 4,
  hasCell: true,
  splitBias: false,
  step(fromInput, fromState, state) {
    const [input, forget, candidate, output] = parts(fromInput.add(fromState), 4);
    const cell = forget
      .sigmoid()
      .mul(state.cell ?? 0)
      .add(input.sigmoid().mul(candidate.tanh()));
    return { hidden: output.sigmoid().mul(cell.tanh()), cell };
  },
};

/** r, u = σ; n = tanh(xₙ + r·zₙ); h′ = (1 − u)·n + u·h (Cho et al. 2014). */
export const gruGates: Gates = {
  name: "GRU",
  count: 3,
  hasCell: false,
  splitBias: true,
  step(fromInput, fromState, state) {
    const [xReset, xUpdate, xNew] = parts(fromInput, 3);
    const [zReset, zUpdate, zNew] = parts(fromState, 3);
    const reset = xReset.add(zReset).sigmoid();
    const update = xUpdate.add(zUpdate).sigmoid();
    const fresh = xNew.add(reset.mul(zNew)).tanh();
    return { hidden: fresh.add(update.mul(state.hidden.sub(fresh))), cell: undefined };
  },
};

function parts(gates: Tensor, count: 3): [Tensor, Tensor, Tensor];
function parts(gates: Tensor, count: 4): [Tensor, Tensor, Tensor, Tensor];
function parts(gates: Tensor, count: number): Tensor[] {
  const size = at(gates.shape, 1) / count;
  return Array.from({ length: count }, (_, place) => gates.slice(1, place * size, (place + 1) * size));
}

/** A parameter initialised like PyTorch's recurrent layers: uniform ±1/√hidden. */
export function recurrentParameter(shape: readonly number[], hiddenSize: number, dtype?: init.FloatDType): Parameter {
  const parameter = new Parameter(init.blank(shape, dtype));
  const bound = hiddenSize > 0 ? 1 / Math.sqrt(hiddenSize) : 0;
  init.uniform(parameter, -bound, bound);
  return parameter;
}

export interface CellOptions {
  /** Whether biases are added. Default true. */
  readonly bias?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: init.FloatDType;
}

const cellKinds: OptionKinds<CellOptions> = { bias: kind.boolean, dtype: kind.floatDType };

export interface RNNCellOptions extends CellOptions {
  /** Default "tanh". */
  readonly nonlinearity?: Nonlinearity;
}

const rnnCellKinds: OptionKinds<RNNCellOptions> = { ...cellKinds, nonlinearity: nonlinearityKind };

/** The parameters of a single step, and the common part of the three cells. */
abstract class RecurrentCell<Out, In extends unknown[]> extends Module<Out, In> {
  readonly weightIh: Parameter;
  readonly weightHh: Parameter;
  readonly biasIh: Parameter | undefined;
  readonly biasHh: Parameter | undefined;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly #gates: Gates;

  constructor(gates: Gates, inputSize: number, hiddenSize: number, { bias = true, dtype }: CellOptions) {
    super();
    checkSizes(`${gates.name}Cell`, { inputSize, hiddenSize });
    this.#gates = gates;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const rows = gates.count * hiddenSize;
    this.weightIh = recurrentParameter([rows, inputSize], hiddenSize, dtype);
    this.weightHh = recurrentParameter([rows, hiddenSize], hiddenSize, dtype);
    this.biasIh = bias ? recurrentParameter([rows], hiddenSize, dtype) : undefined;
    this.biasHh = bias ? recurrentParameter([rows], hiddenSize, dtype) : undefined;
  }

  override extraRepr(): string {
    return fromTo(this.inputSize, this.hiddenSize, { weight: this.weightIh, bias: this.biasIh });
  }

  /** One step from [N, inputSize] or [inputSize]. */
  protected next(x: Tensor, hidden: Tensor | undefined, cell: Tensor | undefined): RecurrentState {
    const where = `${this.#gates.name}Cell`;
    given(where, x);
    givenOrNot(where, hidden, "the hidden state");
    givenOrNot(where, cell, "the cell state");
    const single = x.rank === 1;
    const input = single ? x.unsqueeze(0) : x;
    const batch = input.shape[0] ?? 0;
    if (input.rank !== 2 || input.shape[1] !== this.inputSize) {
      throw new ShapeError(
        `${where}: takes [N, ${this.inputSize}] or [${this.inputSize}], got ${formatShape(x.shape)}`,
      );
    }
    const started = (state: Tensor | undefined): Tensor => {
      if (state === undefined) return zeros([batch, this.hiddenSize], { dtype: x.dtype });
      const wanted = single ? [this.hiddenSize] : [batch, this.hiddenSize];
      if (state.shape.length !== wanted.length || wanted.some((extent, axis) => state.shape[axis] !== extent)) {
        throw new ShapeError(`${where}: the state must be ${formatShape(wanted)}, got ${formatShape(state.shape)}`);
      }
      return single ? state.unsqueeze(0) : state;
    };
    const state = { hidden: started(hidden), cell: this.#gates.hasCell ? started(cell) : undefined };
    const next = this.#gates.step(
      linear(input, this.weightIh, this.biasIh),
      linear(state.hidden, this.weightHh, this.biasHh),
      state,
    );
    return single ? { hidden: next.hidden.squeeze(0), cell: next.cell?.squeeze(0) } : next;
  }
}

/** h′ = tanh(W x + b + U h + b′): [N, in] and [N, hidden] → [N, hidden]. The state defaults to 0. Source: torch.nn.RNNCell. */
export class RNNCell extends RecurrentCell<Tensor, [x: Tensor, hidden?: Tensor | undefined]> {
  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    checkOptions("RNNCell", options, rnnCellKinds);
    super(rnnGates(options.nonlinearity ?? "tanh"), inputSize, hiddenSize, options);
  }
  forward(x: Tensor, hidden?: Tensor): Tensor {
    return this.next(x, hidden, undefined).hidden;
  }
}

/** One step of a GRU: [N, in] and [N, hidden] → [N, hidden]. Source: torch.nn.GRUCell. */
export class GRUCell extends RecurrentCell<Tensor, [x: Tensor, hidden?: Tensor | undefined]> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(gruGates, inputSize, hiddenSize, checkOptions("GRUCell", options, cellKinds));
  }
  forward(x: Tensor, hidden?: Tensor): Tensor {
    return this.next(x, hidden, undefined).hidden;
  }
}

/** One step of an LSTM: [N, in] and [h, c] → [h′, c′]. Source: torch.nn.LSTMCell. */
export class LSTMCell extends RecurrentCell<
  [hidden: Tensor, cell: Tensor],
  [x: Tensor, state?: readonly [hidden: Tensor, cell: Tensor] | undefined]
> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(lstmGates, inputSize, hiddenSize, checkOptions("LSTMCell", options, cellKinds));
  }
  forward(x: Tensor, state?: readonly [hidden: Tensor, cell: Tensor]): [hidden: Tensor, cell: Tensor] {
    const { hidden, cell } = this.next(x, state?.[0], state?.[1]);
    return [hidden, cell ?? hidden];
  }
}
