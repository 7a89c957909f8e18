// A network for tables: numbers embedded by their position between quantiles, and an ensemble of networks with shared weights.
import type { Dataset } from "../../data/index.ts";
import { at } from "../../graph/at.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import * as nn from "../../nn/index.ts";
import { fanInUniform } from "../../nn/linear.ts";
import { cat, full, ones, Parameter, rand, State, type Tensor, tensor } from "../../tensor/index.ts";

/** What is averaged over the members: their outputs, or the softmax or sigmoid of these. */
export const averages = ["outputs", "softmax", "sigmoid"] as const;
export type Average = (typeof averages)[number];

export interface TabularOptions {
  readonly features: number;
  readonly outputs: number;
  readonly hidden: readonly number[];
  readonly activation: nn.Module;
  readonly dropout: number;
  /** The number of networks that share their weights; the answer is their mean. */
  readonly members: number;
  /** The indices of numeric features; all others are used unchanged. */
  readonly numbers: readonly number[];
  /** The number of intervals between quantiles, and the width of each number's embedding. */
  readonly bins: number;
  readonly embedding: number;
  /** What is averaged over the members. */
  readonly average: Average;
}

const kinds: OptionKinds<TabularOptions> = {
  features: kind.number,
  outputs: kind.number,
  hidden: kind.numbers,
  activation: kind.instanceOf(nn.Module, "a module, such as new nn.ReLU()"),
  dropout: kind.number,
  members: kind.number,
  numbers: kind.numbers,
  bins: kind.number,
  embedding: kind.number,
  average: kind.oneOf(...averages),
};

/** The position of a number within each interval between quantiles, from 0 to 1, followed by a linear map. Source: Gorishniy et al. 2022. */
class QuantileEmbedding extends nn.Module {
  readonly low: State;
  /** The reciprocal width of each interval; 0 for those that a feature of few values does not need. */
  readonly slope: State;
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(numbers: number, bins: number, width: number) {
    super();
    this.low = new State(0, { shape: [numbers, bins], dtype: "float32" });
    this.slope = new State(0, { shape: [numbers, bins], dtype: "float32" });
    // About half of the intervals are at 1, so the sum has a larger scale than in a layer with as many inputs of mean 0.
    this.weight = fanInUniform([numbers, bins, width], bins);
    this.bias = fanInUniform([numbers, width], bins);
  }

  /** [B, numbers] → [B, numbers · width]. */
  override forward(x: Tensor): Tensor {
    const [rows = 0, numbers = 0] = x.shape;
    const passed = x.unsqueeze(2).sub(this.low).mul(this.slope).clamp(0, 1);
    const embedded = passed.permute(1, 0, 2).matmul(this.weight).permute(1, 0, 2).add(this.bias);
    return embedded.reshape(rows, numbers * at(this.bias.shape, 1));
  }
}

/**
 * A linear layer whose weights all members share; each member has its own scales of inputs and outputs, and its own bias. Source: BatchEnsemble, Wen
 * et al. 2020.
 */
class SharedLinear extends nn.Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly from: Parameter;
  readonly to: Parameter;

  /** The members differ by random signs of the first layer's inputs. */
  constructor(members: number, inputs: number, outputs: number, isFirst: boolean) {
    super();
    this.weight = fanInUniform([outputs, inputs], inputs);
    this.bias = fanInUniform([members, outputs], inputs);
    this.from = new Parameter(
      isFirst ? rand([members, inputs]).ge(0.5).to("float32").mul(2).sub(1) : ones([members, inputs]),
    );
    this.to = new Parameter(full([members, outputs], 1));
  }

  /** [B, members or 1, in] → [B, members, out]. */
  override forward(x: Tensor): Tensor {
    const [members = 0, outputs = 0] = this.bias.shape;
    const [rows = 0, , inputs = 0] = x.shape;
    const product = x
      .mul(this.from)
      .reshape(rows * members, inputs)
      .matmul(this.weight.t());
    return product.reshape(rows, members, outputs).mul(this.to).add(this.bias);
  }
}

/**
 * Features [B, features] → outputs. In training [B · members, outputs]: an answer of each member for each row, row by row, each with its own loss. In
 * evaluation [B, outputs]: their mean. Source: TabM, Gorishniy et al. 2025.
 */
export class Tabular extends nn.Module {
  readonly quantiles: QuantileEmbedding | undefined;
  readonly layers: readonly SharedLinear[];
  readonly activation: nn.Module;
  readonly drop: nn.Dropout | undefined;
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #numbers: readonly number[];
  readonly #others: readonly number[];
  readonly #average: Average;

  constructor(options: TabularOptions) {
    super();
    const { features, outputs, hidden, activation, dropout, members, numbers, bins, embedding, average } = checkOptions(
      "Tabular",
      options,
      kinds,
    );
    const wrong = numbers.find((place) => !(place < features));
    if (wrong !== undefined)
      throw new HebbError(
        `Tabular: feature ${wrong} is listed as a number, but there are ${features} features, counted from 0`,
      );
    this.#numbers = numbers;
    this.#others = Array.from({ length: features }, (_, place) => place).filter((place) => !numbers.includes(place));
    this.#average = average;
    this.quantiles = numbers.length > 0 ? new QuantileEmbedding(numbers.length, bins, embedding) : undefined;
    let width = numbers.length * embedding + this.#others.length;
    this.layers = hidden.map((next, place) => {
      const layer = new SharedLinear(members, width, next, place === 0);
      width = next;
      return layer;
    });
    this.activation = activation;
    this.drop = dropout > 0 ? new nn.Dropout(dropout) : undefined;
    this.weight = fanInUniform([members, width, outputs], width);
    this.bias = fanInUniform([members, outputs], width);
  }

  /** Computes the quantiles from the training rows; until then, every number counts as 0. */
  fitQuantiles({ features }: Dataset): void {
    if (this.quantiles === undefined) return;
    const { low, slope } = this.quantiles;
    const [, bins = 1] = low.shape;
    const width = at(features.shape, 0);
    const rows = features.data.length / width;
    const [lows, slopes] = [new Float32Array(low.size), new Float32Array(low.size)];
    for (const [place, feature] of this.#numbers.entries()) {
      const values = Float32Array.from({ length: rows }, (_, row) => at(features.data, row * width + feature)).sort();
      const edges = edgesOf(values, bins);
      for (const [bin, edge] of edges.entries()) {
        const next = edges[bin + 1];
        if (next === undefined) continue;
        lows[place * bins + bin] = edge;
        slopes[place * bins + bin] = 1 / (next - edge);
      }
    }
    low.assign(tensor(lows, { shape: low.shape }));
    slope.assign(tensor(slopes, { shape: slope.shape }));
  }

  /** The output of each hidden layer after its activation, [B, members, units]; without hidden layers, the input of the last layer. */
  hidden(x: Tensor): Tensor[] {
    const take = (places: readonly number[]): Tensor => x.indexSelect(1, tensor(Int32Array.from(places)));
    const parts: Tensor[] = [];
    if (this.quantiles !== undefined) parts.push(this.quantiles.forward(take(this.#numbers)));
    if (this.quantiles === undefined) parts.push(x);
    else if (this.#others.length > 0) parts.push(take(this.#others));
    let hidden = cat(parts, 1).unsqueeze(1);
    const values: Tensor[] = [];
    for (const layer of this.layers) {
      hidden = this.activation.forward(layer.forward(hidden)) as Tensor;
      if (this.drop !== undefined) hidden = this.drop.forward(hidden);
      values.push(hidden);
    }
    return values.length > 0 ? values : [hidden];
  }

  override forward(x: Tensor): Tensor {
    const [rows = 0] = x.shape;
    const [members = 0, outputs = 0] = this.bias.shape;
    const hidden = this.hidden(x).at(-1) as Tensor;
    const each = hidden.permute(1, 0, 2).matmul(this.weight).add(this.bias.unsqueeze(1));
    if (this.training) return each.permute(1, 0, 2).reshape(rows * members, outputs);
    switch (this.#average) {
      case "outputs":
        return each.mean(0);
      case "softmax":
        return each.logSoftmax(2).logsumexp(0);
      case "sigmoid": {
        // A probability of exactly 0 or 1 has no finite logit.
        const probability = each
          .sigmoid()
          .mean(0)
          .clamp(1e-7, 1 - 1e-7);
        return probability.log().sub(probability.neg().add(1).log());
      }
    }
  }
}

/**
 * The ends of intervals of sorted values: every value if there are few, otherwise quantiles. A value that fills more than one interval counts once,
 * so that rare values among many zeros are still distinguished.
 */
export function edgesOf(sorted: ArrayLike<number>, bins: number): number[] {
  const values: number[] = [];
  const counts: number[] = [];
  for (let row = 0; row < sorted.length; row++) {
    const value = at(sorted, row);
    const last = values.length - 1;
    if (value === values[last]) counts[last] = at(counts, last) + 1;
    else {
      values.push(value);
      counts.push(1);
    }
  }
  if (values.length <= bins + 1) return values;
  const most = Math.ceil(sorted.length / bins);
  const share = counts.map((count) => Math.min(count, most));
  const all = share.reduce((sum, count) => sum + count, 0);
  const edges = [at(values, 0)];
  let passed = 0;
  for (const [place, value] of values.entries()) {
    passed += at(share, place);
    if (place > 0 && edges.length < bins && passed >= (edges.length / bins) * all) edges.push(value);
  }
  const last = values.at(-1) ?? 0;
  return edges.at(-1) === last ? edges : [...edges, last];
}
