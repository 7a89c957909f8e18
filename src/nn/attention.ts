// Multi-head attention: every position queries all others and takes a weighted mean of their values.

import { at } from "../graph/at.ts";
import type { DType } from "../graph/dtype.ts";
import { ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { given, tensorKind } from "../tensor/arguments.ts";
import { cat, Parameter, type Tensor, where, zeros } from "../tensor/index.ts";
import { attend, attendUnmasked, causal } from "./dotProductAttention.ts";
import { checked } from "./dropout.ts";
import * as init from "./init.ts";
import { Linear, linear } from "./linear.ts";
import { unseenKeys, withoutJunk } from "./masks.ts";
import { Module } from "./module.ts";
import { listedUnless } from "./print.ts";
import { checkSizes } from "./sizes.ts";

export interface MultiheadAttentionOptions {
  /** Dropout of the weights, in training. Default 0. */
  readonly dropout?: number;
  /** Biases of the input and output projections. Default true. */
  readonly bias?: boolean;
  /** Adds a learned key and value that every query may attend to. Default false. */
  readonly addBiasKv?: boolean;
  /** Adds a key and a value of zeros that every query may attend to. Default false. */
  readonly addZeroAttn?: boolean;
  /** Features of keys. Default: those of queries. */
  readonly kdim?: number;
  /** Features of values. Default: those of queries. */
  readonly vdim?: number;
  /** Sequences are [N, L, E] instead of [L, N, E]. Default false. */
  readonly batchFirst?: boolean;
  /** The dtype of the parameters. Default float32. */
  readonly dtype?: init.FloatDType;
}

const multiheadKinds: OptionKinds<MultiheadAttentionOptions> = {
  dropout: kind.number,
  bias: kind.boolean,
  addBiasKv: kind.boolean,
  addZeroAttn: kind.boolean,
  kdim: kind.number,
  vdim: kind.number,
  batchFirst: kind.boolean,
  dtype: kind.floatDType,
};

export interface MultiheadInputs {
  /** [N, S] or [S]: booleans mask out where true; floats are added. */
  readonly keyPaddingMask?: Tensor | undefined;
  /** [L, S] or [N · heads, L, S]: booleans mask out where true; floats are added. */
  readonly attnMask?: Tensor | undefined;
  /** Position i attends to positions up to i, without a mask. Default false. */
  readonly isCausal?: boolean;
  /** Whether weights are returned. Default true. */
  readonly needWeights?: boolean;
  /** Return the mean over the heads instead of one map for each head. Default true. */
  readonly averageAttnWeights?: boolean;
}

const inputKinds: OptionKinds<MultiheadInputs> = {
  keyPaddingMask: tensorKind,
  attnMask: tensorKind,
  isCausal: kind.boolean,
  needWeights: kind.boolean,
  averageAttnWeights: kind.boolean,
};

/**
 * Attention in several subspaces at once, joined and projected: query [L, N, E], key [S, N, kdim] and value [S, N, vdim] (or
 * without N) → [output [L, N, E], weights [N, L, S]]. A fully masked query gets 0, where PyTorch gives NaN.
 * Source: torch.nn.MultiheadAttention (Vaswani et al. 2017).
 */
export class MultiheadAttention extends Module<
  [output: Tensor, weights: Tensor | undefined],
  [query: Tensor, key: Tensor, value: Tensor, options?: MultiheadInputs]
> {
  readonly qProjWeight: Parameter | undefined;
  readonly kProjWeight: Parameter | undefined;
  readonly vProjWeight: Parameter | undefined;
  readonly inProjWeight: Parameter | undefined;
  readonly inProjBias: Parameter | undefined;
  readonly biasK: Parameter | undefined;
  readonly biasV: Parameter | undefined;
  readonly outProj: Linear;
  readonly embedDim: number;
  readonly numHeads: number;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly addZeroAttn: boolean;

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super();
    checkOptions("MultiheadAttention", options, multiheadKinds);
    checkSizes("MultiheadAttention", { embedDim, numHeads });
    if (embedDim % numHeads !== 0)
      throw new ShapeError(`MultiheadAttention: ${numHeads} heads must divide the ${embedDim} features evenly`);
    const { kdim = embedDim, vdim = embedDim, bias = true, dtype } = options;
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.batchFirst = options.batchFirst ?? false;
    this.dropout = checked(options.dropout ?? 0, "MultiheadAttention: dropout");
    this.addZeroAttn = options.addZeroAttn ?? false;
    const made = (shape: readonly number[], fill: (parameter: Parameter) => unknown): Parameter => {
      const parameter = new Parameter(init.blank(shape, dtype));
      fill(parameter);
      return parameter;
    };
    const together = kdim === embedDim && vdim === embedDim;
    if (together) this.inProjWeight = made([3 * embedDim, embedDim], init.xavierUniform);
    else {
      this.qProjWeight = made([embedDim, embedDim], init.xavierUniform);
      this.kProjWeight = made([embedDim, kdim], init.xavierUniform);
      this.vProjWeight = made([embedDim, vdim], init.xavierUniform);
    }
    if (bias) this.inProjBias = made([3 * embedDim], init.zeros);
    if (options.addBiasKv) {
      this.biasK = made([1, 1, embedDim], init.xavierNormal);
      this.biasV = made([1, 1, embedDim], init.xavierNormal);
    }
    this.outProj = new Linear(embedDim, embedDim, { bias, ...(dtype === undefined ? {} : { dtype }) });
    if (this.outProj.bias !== undefined) init.zeros(this.outProj.bias);
  }

  override extraRepr(): string {
    const { embedDim, numHeads, batchFirst, dropout, addZeroAttn } = this;
    const options = { dropout, batchFirst, addZeroAttn, addBiasKv: this.biasK !== undefined };
    const defaults = { dropout: 0, batchFirst: false, addZeroAttn: false, addBiasKv: false };
    return [String(embedDim), `${numHeads} heads`, ...listedUnless(options, defaults)].join(", ");
  }

  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: MultiheadInputs = {},
  ): [output: Tensor, weights: Tensor | undefined] {
    checkOptions("MultiheadAttention", options, inputKinds);
    given("MultiheadAttention", query, "the query");
    given("MultiheadAttention", key, "the key");
    given("MultiheadAttention", value, "the value");
    const single = query.rank === 2;
    if ((!single && query.rank !== 3) || key.rank !== query.rank || value.rank !== query.rank) {
      throw new ShapeError(
        `MultiheadAttention: query, key and value must all be ${this.batchFirst ? "[N, L, E]" : "[L, N, E]"} or all [L, E], got ${formatShape(query.shape)}, ${formatShape(key.shape)} and ${formatShape(value.shape)}`,
      );
    }
    const [q, k, v] = this.#projected(...this.#clean(query, key, value, options)).map((x) =>
      single ? x.unsqueeze(0) : this.batchFirst ? x : x.transpose(0, 1),
    ) as [Tensor, Tensor, Tensor];
    const [batch = 0, length = 0] = q.shape;
    const sources = at(k.shape, 1);
    const { keys, values, added } = this.#extended(k, v);
    const heads = (x: Tensor): Tensor =>
      x.reshape([batch, at(x.shape, 1), this.numHeads, this.embedDim / this.numHeads]).transpose(1, 2);
    const dropoutP = this.training ? this.dropout : 0;
    const { attnMask, keyPaddingMask, isCausal = false, needWeights = true } = options;
    const project = (output: Tensor): Tensor => {
      const joined = this.outProj.forward(output.transpose(1, 2).reshape([batch, length, this.embedDim]));
      return single ? joined.squeeze(0) : this.batchFirst ? joined : joined.transpose(0, 1);
    };
    const masked = attnMask !== undefined || keyPaddingMask !== undefined || (isCausal && added > 0);
    if (!needWeights && !masked) {
      const output = attendUnmasked(heads(q), heads(keys), heads(values), { dropoutP, isCausal });
      return [project(output), undefined];
    }
    const mask = this.#mask(options, [batch, length, sources, added], q.dtype);
    const { output, weights } = attend(heads(q), heads(keys), heads(values), { attnMask: mask, dropoutP });
    const shown = (options.averageAttnWeights ?? true) ? weights.mean(1) : weights;
    return [project(output), needWeights ? (single ? shown.squeeze(0) : shown) : undefined];
  }

  /** Replaces NaN at keys that no query attends to. In self-attention, query, key and value stay the same tensor. */
  #clean(query: Tensor, key: Tensor, value: Tensor, options: MultiheadInputs): [Tensor, Tensor, Tensor] {
    const { attnMask, keyPaddingMask } = options;
    const { numHeads: heads, batchFirst } = this;
    const unseen = unseenKeys({ name: "MultiheadAttention", keyPaddingMask, attnMask, query, key, heads, batchFirst });
    const keys = withoutJunk(key, unseen);
    return [query === key ? keys : query, keys, value === key ? keys : withoutJunk(value, unseen)];
  }

  /** The projected queries, keys and values: one product if they come from the same sequence. */
  #projected(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const size = this.embedDim;
    const biasOf = (place: number): Tensor | undefined => this.inProjBias?.slice(0, place * size, (place + 1) * size);
    const weight = this.inProjWeight;
    if (weight === undefined) {
      const own = [this.qProjWeight, this.kProjWeight, this.vProjWeight];
      return [query, key, value].map((x, place) => linear(x, own[place] ?? x, biasOf(place)));
    }
    if (query === key && key === value) {
      const all = linear(query, weight, this.inProjBias);
      return [0, 1, 2].map((place) => all.slice(-1, place * size, (place + 1) * size));
    }
    return [query, key, value].map((x, place) =>
      linear(x, weight.slice(0, place * size, (place + 1) * size), biasOf(place)),
    );
  }

  /** The keys and values, followed by the learned and the zero ones. */
  #extended(k: Tensor, v: Tensor): { keys: Tensor; values: Tensor; added: number } {
    let [keys, values, added] = [k, v, 0];
    const batch = at(k.shape, 0);
    const row = [batch, 1, this.embedDim];
    if (this.biasK !== undefined && this.biasV !== undefined) {
      keys = cat([keys, this.biasK.expand(row)], 1);
      values = cat([values, this.biasV.expand(row)], 1);
      added++;
    }
    if (this.addZeroAttn) {
      keys = cat([keys, zeros(row, { dtype: k.dtype })], 1);
      values = cat([values, zeros(row, { dtype: v.dtype })], 1);
      added++;
    }
    return { keys, values, added };
  }

  /** All masks as one additive mask, [N or 1, heads or 1, L, S + added]; undefined if there is none. */
  #mask(
    { attnMask, keyPaddingMask, isCausal }: MultiheadInputs,
    [batch, length, sources, added]: readonly [batch: number, length: number, sources: number, added: number],
    dtype: DType,
  ): Tensor | undefined {
    const additive = (mask: Tensor): Tensor =>
      mask.dtype === "bool" ? where(mask, Number.NEGATIVE_INFINITY, zeros([], { dtype })) : mask.to(dtype);
    const parts: Tensor[] = [];
    if (isCausal) parts.push(additive(causal(length, sources).logicalNot()).reshape([1, 1, length, sources]));
    if (attnMask !== undefined) {
      const whole = attnMask.rank === 2;
      parts.push(additive(attnMask).reshape(whole ? [1, 1, length, sources] : [batch, this.numHeads, length, sources]));
    }
    if (keyPaddingMask !== undefined) parts.push(additive(keyPaddingMask).reshape([batch, 1, 1, sources]));
    const [first, ...rest] = parts;
    if (first === undefined) return undefined;
    const mask = rest.reduce((sum, part) => sum.add(part), first);
    const free: readonly (readonly [number, number])[] = [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, added],
    ];
    return added === 0 ? mask : mask.pad(free);
  }
}
