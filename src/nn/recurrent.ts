// RNN, LSTM and GRU over whole sequences: layers, directions, lengths. One loop runs the steps, for any number of them.
import { at } from "../graph/at.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { given, givenOrNot, tensorKind } from "../tensor/arguments.ts";
import { checked } from "../tensor/checks.ts";
import { composedResults } from "../tensor/composed.ts";
import { arange, cat, type Parameter, scan, stack, Tensor, tensor, where, zeros } from "../tensor/index.ts";
import { dropout } from "./dropout.ts";
import type { FloatDType } from "./init.ts";
import { linear } from "./linear.ts";
import { type Member, Module } from "./module.ts";
import { fromTo, listedUnless } from "./print.ts";
import {
  type Gates,
  gruGates,
  lstmGates,
  type Nonlinearity,
  nonlinearityKind,
  type RecurrentState,
  recurrentParameter,
  rnnGates,
} from "./recurrentCells.ts";
import { checkSizes } from "./sizes.ts";

export interface RecurrentOptions {
  /** Stacked layers. Default 1. */
  readonly numLayers?: number;
  /** Whether biases are added. Default true. */
  readonly bias?: boolean;
  /** Sequences are [N, T, in] instead of [T, N, in]. States are always [layers, N, hidden]. Default false. */
  readonly batchFirst?: boolean;
  /** Dropout between layers, in training. Default 0. */
  readonly dropout?: number;
  /** Also run backwards, and concatenate the outputs of both directions. Default false. */
  readonly bidirectional?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: FloatDType;
}

const recurrentKinds: OptionKinds<RecurrentOptions> = {
  numLayers: kind.number,
  bias: kind.boolean,
  batchFirst: kind.boolean,
  dropout: kind.number,
  bidirectional: kind.boolean,
  dtype: kind.floatDType,
};

export interface RNNOptions extends RecurrentOptions {
  /** Default "tanh". */
  readonly nonlinearity?: Nonlinearity;
}

const rnnKinds: OptionKinds<RNNOptions> = { ...recurrentKinds, nonlinearity: nonlinearityKind };

export interface LSTMOptions extends RecurrentOptions {
  /** If above 0, outputs are projected to this size, smaller than the hidden size. Default 0. */
  readonly projSize?: number;
}

const lstmKinds: OptionKinds<LSTMOptions> = { ...recurrentKinds, projSize: kind.number };

export interface SequenceOptions {
  /**
   * The number of valid steps of each sequence, [N], 0 ≤ length ≤ T. Later outputs are 0, and the final state is the one after the last valid step.
   * Replaces torch.nn.utils.rnn.pack_padded_sequence.
   */
  readonly lengths?: Tensor | readonly number[];
}

const sequenceKinds: OptionKinds<SequenceOptions> = { lengths: kind.either(tensorKind, kind.numbers) };

interface Weights {
  readonly ih: Parameter;
  readonly hh: Parameter;
  readonly biasIh: Parameter | undefined;
  readonly biasHh: Parameter | undefined;
  /** Projects the hidden state. */
  readonly hr: Parameter | undefined;
}

/** One layer in one direction. */
interface Pass {
  readonly gates: Gates;
  readonly weights: Weights;
  readonly reverse: boolean;
  /** The lengths, if not every step is valid. */
  readonly lengths: Lengths | undefined;
}

interface Lengths {
  /** The number of valid steps of each sequence, [N]. */
  readonly lengths: Tensor;
  /** True where a step is valid, [T, N, 1]. */
  readonly counts: Tensor;
}

/** The result of one layer in one direction. */
interface Run {
  /** [T, N, out] */
  readonly output: Tensor;
  readonly final: RecurrentState;
}

const resultsOf = ({ output, final: { hidden, cell } }: Run): readonly [Tensor, ...Tensor[]] =>
  cell === undefined ? [output, hidden] : [output, hidden, cell];

/** Runs one layer in one direction under the name of its field. */
function runNamed(x: Tensor, start: RecurrentState, pass: Pass): Run {
  const { gates, weights, reverse } = pass;
  const { ih, hh, biasIh, biasHh, hr } = weights;
  const { hidden, cell } = start;
  const lengths = pass.lengths?.lengths;
  const body = (): Run => runLayer(x, start, pass);
  const attributes = { hiddenSize: at(hh.shape, 0) / gates.count, reverse };
  if (cell !== undefined) {
    const inputs = [x, ih, hh, biasIh, biasHh, hidden, cell, lengths, hr] as const;
    const projSize = hr === undefined ? 0 : at(hr.shape, 0);
    return composedResults("lstm", inputs, { ...attributes, projSize }, body, resultsOf);
  }
  const inputs = [x, ih, hh, biasIh, biasHh, hidden, lengths] as const;
  const { nonlinearity } = gates;
  return nonlinearity === undefined
    ? composedResults("gru", inputs, attributes, body, resultsOf)
    : composedResults("rnn", inputs, { ...attributes, nonlinearity }, body, resultsOf);
}

/** Runs [T, N, in] through one layer in one direction: outputs [T, N, out] and the final state. */
function runLayer(x: Tensor, start: RecurrentState, pass: Pass): Run {
  const { gates, weights, reverse, lengths } = pass;
  const counts = lengths?.counts;
  if (x.shape[0] === 0) throw new ShapeError(`${gates.name}: a sequence needs at least one step`);
  // The input's part of the gates is one product for all steps; without a split, it includes the second bias.
  const both =
    weights.biasIh === undefined || weights.biasHh === undefined || gates.splitBias
      ? weights.biasIh
      : weights.biasIh.add(weights.biasHh);
  const inner = gates.splitBias ? weights.biasHh : undefined;
  const [final, output] = scan(
    (state: RecurrentState, row: StepRows): readonly [RecurrentState, Tensor] => {
      const { hidden, cell } = state;
      const next = gates.step(row.gates, linear(hidden, weights.hh, inner), state);
      const made = weights.hr === undefined ? next.hidden : linear(next.hidden, weights.hr);
      // Invalid steps keep the state.
      const kept = (fresh: Tensor, old: Tensor): Tensor =>
        row.counts === undefined ? fresh : where(row.counts, fresh, old);
      const carried = kept(made, hidden);
      return [
        { hidden: carried, cell: next.cell === undefined || cell === undefined ? undefined : kept(next.cell, cell) },
        carried,
      ];
    },
    start,
    { gates: linear(x, weights.ih, both), counts },
    { reverse },
  );
  return { output: counts === undefined ? output : where(counts, output, 0), final };
}

/** The inputs of each step. */
interface StepRows {
  readonly gates: Tensor;
  readonly counts: Tensor | undefined;
}

/** The common part of RNN, LSTM and GRU. */
abstract class Recurrent<Out, In extends unknown[]> extends Module<Out, In> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly projSize: number;
  readonly #gates: Gates;
  /** By layer, then by direction. */
  readonly #weights: readonly (readonly Weights[])[];

  constructor(gates: Gates, inputSize: number, hiddenSize: number, options: LSTMOptions) {
    super();
    const { numLayers = 1, bias = true, dtype } = options;
    checkSizes(gates.name, { inputSize, hiddenSize, numLayers });
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.batchFirst = options.batchFirst ?? false;
    this.dropout = options.dropout ?? 0;
    this.bidirectional = options.bidirectional ?? false;
    this.projSize = options.projSize ?? 0;
    if (!(this.dropout >= 0 && this.dropout <= 1))
      throw new HebbError(`${gates.name}: dropout must lie between 0 and 1, got ${this.dropout}`);
    if (!(Number.isInteger(this.projSize) && this.projSize >= 0 && this.projSize < hiddenSize))
      throw new HebbError(
        `${gates.name}: projSize must be a whole number of 0 or more and below the hidden size ${hiddenSize}, got ${this.projSize}`,
      );
    this.#gates = gates;
    const directions = this.bidirectional ? 2 : 1;
    const outSize = this.projSize || hiddenSize;
    const make = (...shape: number[]): Parameter => recurrentParameter(shape, hiddenSize, dtype);
    this.#weights = Array.from({ length: numLayers }, (_, layer) =>
      Array.from({ length: directions }, () => ({
        ih: make(gates.count * hiddenSize, layer === 0 ? inputSize : outSize * directions),
        hh: make(gates.count * hiddenSize, outSize),
        biasIh: bias ? make(gates.count * hiddenSize) : undefined,
        biasHh: bias ? make(gates.count * hiddenSize) : undefined,
        hr: this.projSize > 0 ? make(this.projSize, hiddenSize) : undefined,
      })),
    );
  }

  protected override *members(): Iterable<readonly [string, Member]> {
    for (const [layer, directions] of this.#weights.entries()) {
      for (const [direction, weights] of directions.entries()) {
        const ending = `l${layer}${direction === 1 ? "_reverse" : ""}`;
        yield [`weight_ih_${ending}`, weights.ih];
        yield [`weight_hh_${ending}`, weights.hh];
        if (weights.biasIh !== undefined) yield [`bias_ih_${ending}`, weights.biasIh];
        if (weights.biasHh !== undefined) yield [`bias_hh_${ending}`, weights.biasHh];
        if (weights.hr !== undefined) yield [`weight_hr_${ending}`, weights.hr];
      }
    }
    // Members that a subclass adds.
    yield* super.members();
  }

  override extraRepr(): string {
    const { numLayers, batchFirst, dropout, bidirectional, projSize } = this;
    const first = this.#weights[0]?.[0];
    const changed = listedUnless(
      { numLayers, batchFirst, dropout, bidirectional, projSize },
      { numLayers: 1, batchFirst: false, dropout: 0, bidirectional: false, projSize: 0 },
    );
    return first === undefined
      ? ""
      : fromTo(this.inputSize, this.hiddenSize, { weight: first.ih, bias: first.biasIh }, changed);
  }

  /** The outputs, and the final states of all layers, [layers · directions, N, size]. */
  protected run(
    x: Tensor,
    hidden: Tensor | undefined,
    cell: Tensor | undefined,
    options: SequenceOptions,
  ): { output: Tensor; hidden: Tensor; cell: Tensor | undefined } {
    const { name, hasCell } = this.#gates;
    given(name, x);
    givenOrNot(name, hidden, "the initial hidden state");
    givenOrNot(name, cell, "the initial cell state");
    const { lengths } = checkOptions(name, options, sequenceKinds);
    const single = x.rank === 2;
    if ((x.rank !== 2 && x.rank !== 3) || x.shape[x.rank - 1] !== this.inputSize) {
      const form = this.batchFirst ? "[N, T, " : "[T, N, ";
      throw new ShapeError(
        `${name}: takes ${form}${this.inputSize}] or [T, ${this.inputSize}], got ${formatShape(x.shape)}`,
      );
    }
    const inTime = single ? x.unsqueeze(1) : this.batchFirst ? x.transpose(0, 1) : x;
    const [steps = 0, batch = 0] = inTime.shape;
    const directions = this.bidirectional ? 2 : 1;
    const started = (state: Tensor | undefined, what: string, size: number): Tensor | undefined => {
      if (state === undefined) return undefined;
      const wanted = [this.numLayers * directions, ...(single ? [] : [batch]), size];
      if (!sameShape(state.shape, wanted)) {
        throw new ShapeError(
          `${name}: the initial ${what} must be ${formatShape(wanted)}, got ${formatShape(state.shape)}`,
        );
      }
      return single ? state.unsqueeze(1) : state;
    };
    const outSize = this.projSize || this.hiddenSize;
    const firstHidden = started(hidden, "hidden state", outSize);
    const firstCell = started(cell, "cell state", this.hiddenSize);
    const stateOf = (given: Tensor | undefined, place: number, size: number): Tensor =>
      given?.select(0, place) ?? zeros([batch, size], { dtype: x.dtype });
    const known = lengths === undefined ? undefined : stepsThatCount(name, lengths, steps, batch);
    const finals: RecurrentState[] = [];
    // Invalid steps may hold anything: 0 · NaN would reach the weights.
    let value = known === undefined ? inTime : where(known.counts, inTime, 0);
    for (const [layer, passes] of this.#weights.entries()) {
      const outputs = passes.map((weights, direction) => {
        const place = layer * directions + direction;
        const start: RecurrentState = {
          hidden: stateOf(firstHidden, place, outSize),
          cell: hasCell ? stateOf(firstCell, place, this.hiddenSize) : undefined,
        };
        const { output, final } = runNamed(value, start, {
          gates: this.#gates,
          weights,
          reverse: direction === 1,
          lengths: known,
        });
        finals.push(final);
        return output;
      });
      value = outputs.length === 1 && outputs[0] !== undefined ? outputs[0] : cat(outputs, 2);
      if (layer < this.numLayers - 1) value = dropout(value, this.dropout, this.training);
    }
    const gathered = (list: readonly Tensor[]): Tensor => {
      const all = stack(list);
      return single ? all.squeeze(1) : all;
    };
    return {
      output: single ? value.squeeze(1) : this.batchFirst ? value.transpose(0, 1) : value,
      hidden: gathered(finals.map((final) => final.hidden)),
      cell: hasCell ? gathered(finals.flatMap((final) => final.cell ?? [])) : undefined,
    };
  }
}

function stepsThatCount(name: string, lengths: Tensor | readonly number[], steps: number, batch: number): Lengths {
  const counts = lengths instanceof Tensor ? lengths : tensor(Int32Array.from(lengths));
  if (counts.rank !== 1 || counts.size !== batch)
    throw new ShapeError(
      `${name}: lengths must hold one number for each of the ${batch} sequences, got ${formatShape(counts.shape)}`,
    );
  if (!(lengths instanceof Tensor)) {
    const wrong = lengths.find((length) => !(Number.isInteger(length) && length >= 0 && length <= steps));
    if (wrong !== undefined)
      throw new HebbError(`${name}: a length must be a whole number from 0 to ${steps}, got ${wrong}`);
  }
  const site = { by: name, item: "length", count: "one more than the number of steps" };
  const known = lengths instanceof Tensor ? checked(counts, steps + 1, site) : counts;
  const places = arange(steps).reshape([steps, 1, 1]);
  return { lengths: counts, counts: places.lt(known.reshape([1, batch, 1])) };
}

/**
 * Elman's recurrent network: h = tanh(W x + b + U h₋₁ + b′) (or relu). [T, N, in] → outputs [T, N, hidden · directions] and final states [layers ·
 * directions, N, hidden]. The initial state defaults to 0. Source: torch.nn.RNN.
 */
export class RNN extends Recurrent<
  [output: Tensor, hidden: Tensor],
  [x: Tensor, hidden?: Tensor | undefined, options?: SequenceOptions]
> {
  constructor(inputSize: number, hiddenSize: number, options: RNNOptions = {}) {
    const { nonlinearity, ...shared } = checkOptions("RNN", options, rnnKinds);
    super(rnnGates(nonlinearity ?? "tanh"), inputSize, hiddenSize, shared);
  }
  forward(x: Tensor, hidden?: Tensor, options: SequenceOptions = {}): [output: Tensor, hidden: Tensor] {
    const result = this.run(x, hidden, undefined, options);
    return [result.output, result.hidden];
  }
}

/** Gated recurrent units, with the shapes of RNN. Source: torch.nn.GRU (Cho et al. 2014). */
export class GRU extends Recurrent<
  [output: Tensor, hidden: Tensor],
  [x: Tensor, hidden?: Tensor | undefined, options?: SequenceOptions]
> {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(gruGates, inputSize, hiddenSize, checkOptions("GRU", options, recurrentKinds));
  }
  forward(x: Tensor, hidden?: Tensor, options: SequenceOptions = {}): [output: Tensor, hidden: Tensor] {
    const result = this.run(x, hidden, undefined, options);
    return [result.output, result.hidden];
  }
}

/**
 * Long short-term memory: [T, N, in] → outputs [T, N, size · directions] and [final hidden, final cell], each
 * [layers · directions, N, size]. Source: torch.nn.LSTM (Hochreiter and Schmidhuber 1997).
 */
export class LSTM extends Recurrent<
  [output: Tensor, state: [hidden: Tensor, cell: Tensor]],
  [x: Tensor, state?: readonly [hidden: Tensor, cell: Tensor] | undefined, options?: SequenceOptions]
> {
  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    super(lstmGates, inputSize, hiddenSize, checkOptions("LSTM", options, lstmKinds));
  }
  forward(
    x: Tensor,
    state?: readonly [hidden: Tensor, cell: Tensor],
    options: SequenceOptions = {},
  ): [output: Tensor, state: [hidden: Tensor, cell: Tensor]] {
    const result = this.run(x, state?.[0], state?.[1], options);
    return [result.output, [result.hidden, result.cell ?? result.hidden]];
  }
}
