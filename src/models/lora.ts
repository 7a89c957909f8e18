// LoRA: a frozen layer with a learned low-rank product beside it (Hu et al. 2021).
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { Conv2d, functional, init, type Module as Layer, Linear, Module } from "../nn/index.ts";
import { Parameter, type Tensor, zeros } from "../tensor/index.ts";
import type { Pretrained } from "./pretrained.ts";
import { storedNames } from "./weights.ts";

export interface LoraOptions {
  /** Rank of the adapter matrices. Default 8. */
  readonly rank?: number;
  /** The product is scaled by alpha / rank. Default: twice the rank. */
  readonly alpha?: number;
  /** Dropout on the adapter's input, in training. Default 0. */
  readonly dropout?: number;
  /** Layer names as in the files, or their endings; a single text is a pattern for whole names. "all-linear": all except the head. */
  readonly targets?: string | readonly string[];
  /** Scale by alpha / √rank (Kalajdzievski 2023). Default false. */
  readonly rankStabilized?: boolean;
  /** Whether to train a classification head as well. Default true. */
  readonly head?: boolean;
}

const kinds: OptionKinds<LoraOptions> = {
  rank: kind.number,
  alpha: kind.number,
  dropout: kind.number,
  targets: kind.either(kind.string, kind.listOf(kind.string)),
  rankStabilized: kind.boolean,
  head: kind.boolean,
};

/** A layer with its adapter. */
abstract class Adapted<L extends Layer & { readonly weight: Parameter }> extends Module {
  readonly base: L;
  readonly loraA: Parameter;
  readonly loraB: Parameter;
  readonly scale: number;
  readonly dropout: number;
  #merged = false;

  constructor(base: L, [a, b]: readonly [Parameter, Parameter], { scale, dropout }: Adaption) {
    super();
    this.base = base;
    this.loraA = a;
    this.loraB = b;
    this.scale = scale;
    this.dropout = dropout;
  }

  /** The adapter's output. */
  protected abstract added(x: Tensor): Tensor;

  forward(x: Tensor): Tensor {
    const given = this.base.forward(x);
    if (this.#merged) return given;
    return given.add(this.added(functional.dropout(x, this.dropout, this.training)).mul(this.scale));
  }

  /** Adds the product to the weight, or subtracts it again. */
  merge(merged = true): void {
    if (merged === this.#merged) return;
    const { weight } = this.base;
    const rank = at(this.loraB.shape, 1);
    const product = this.loraB.reshape([at(this.loraB.shape, 0), rank]).matmul(this.loraA.reshape([rank, -1]));
    const change = product.reshape(weight.shape).mul(merged ? this.scale : -this.scale);
    weight.assign(weight.add(change).detach());
    this.#merged = merged;
  }
}

interface Adaption {
  readonly scale: number;
  readonly dropout: number;
}

class LoraLinear extends Adapted<Linear> {
  constructor(base: Linear, rank: number, adaption: Adaption) {
    super(base, pair([rank, base.inFeatures], [base.outFeatures, rank]), adaption);
  }

  protected added(x: Tensor): Tensor {
    return functional.linear(functional.linear(x, this.loraA), this.loraB);
  }
}

class LoraConv2d extends Adapted<Conv2d> {
  constructor(base: Conv2d, rank: number, adaption: Adaption) {
    const [outputs = 1, ...rest] = base.weight.shape;
    super(base, pair([rank, ...rest], [outputs, rank, 1, 1]), adaption);
  }

  protected added(x: Tensor): Tensor {
    return functional.conv2d(functional.conv2d(x, this.loraA, undefined, this.base.options), this.loraB);
  }
}

/** The first matrix starts like a layer's, the second at 0, so the model's output is unchanged at first. */
function pair(first: readonly number[], second: readonly number[]): readonly [Parameter, Parameter] {
  const a = new Parameter(zeros(first));
  const inputs = first.slice(1).reduce((product, extent) => product * extent, 1);
  init.uniform(a, -1 / Math.sqrt(inputs), 1 / Math.sqrt(inputs));
  return [a, new Parameter(zeros(second))];
}

export type LoraLayer = LoraLinear | LoraConv2d;

/** One adapted layer. */
export interface LoraEntry {
  /** Its name in files, such as "transformer.h.0.attn.c_attn". */
  readonly name: string;
  readonly layer: LoraLayer;
  readonly restore: () => void;
}

/** An adapted model: its adapters and the operations on them. */
export class Lora {
  readonly pretrained: Pretrained;
  readonly entries: readonly LoraEntry[];
  readonly settings: Required<LoraOptions>;

  constructor(pretrained: Pretrained, entries: readonly LoraEntry[], settings: Required<LoraOptions>) {
    this.pretrained = pretrained;
    this.entries = entries;
    this.settings = settings;
  }

  /** Merges the adapters into the weights, so that they cost nothing; `unmerge` reverts this. */
  merge(): this {
    for (const { layer } of this.entries) layer.merge();
    return this;
  }
  unmerge(): this {
    for (const { layer } of this.entries) layer.merge(false);
    return this;
  }

  /** Removes the adapters from the model. Merged ones stay in the weights. */
  remove(): Pretrained {
    for (const { restore } of this.entries) restore();
    this.pretrained.model.unfreeze();
    return this.pretrained;
  }
}

/** Whether a layer's name matches the targets: a pattern for the whole name, or a list of endings. */
function isTarget(name: string, targets: string | readonly string[]): boolean {
  if (typeof targets === "string") return targets !== allLinear && new RegExp(`^(?:${targets})$`).test(name);
  return targets.some((target) => name === target || name.endsWith(`.${target}`));
}

const allLinear = "all-linear";

/** Freezes a model and adds adapters to the target layers. Training changes only them and the head. */
export function addLora(pretrained: Pretrained, options: LoraOptions = {}): Lora {
  const { model, family, head } = pretrained;
  const checked = checkOptions("addLora", options, kinds);
  const { rank = 8, dropout = 0, targets = family.loraTargets, rankStabilized = false } = checked;
  const { alpha = 2 * rank } = checked;
  if (!(Number.isInteger(rank) && rank >= 1))
    throw new HebbError(`addLora: the rank must be a whole number of at least 1, got ${rank}`);
  if (!(dropout >= 0 && dropout < 1))
    throw new HebbError(`addLora: dropout must be at least 0 and below 1, got ${dropout}`);
  const scale = alpha / (rankStabilized ? Math.sqrt(rank) : rank);
  const trainHead = checked.head ?? (head === "sequence" || head === "tokens" || head === "image");
  const settings: Required<LoraOptions> = { rank, alpha, dropout, targets, rankStabilized, head: trainHead };
  const places = layersOf(pretrained);
  const chosen = places.flatMap(({ names, path, layer, replace }) => {
    // The newest name first, because adapters use the names in memory.
    const name = [...names]
      .reverse()
      .find((one) => (targets === allLinear ? layer instanceof Linear && !isHead(path) : isTarget(one, targets)));
    return name === undefined ? [] : [{ name, layer, replace }];
  });
  if (chosen.length === 0)
    throw new HebbError(
      `addLora: no layer of this ${family.type} is called ${JSON.stringify(targets)}; its layers are ${[...new Set(places.flatMap(({ names }) => names).map((name) => name.replace(/\.\d+(?=\.|$)/g, ".*")))].join(", ")}`,
    );
  model.freeze();
  const entries = chosen.map(({ name, layer, replace }): LoraEntry => {
    const adapted = adapt(name, layer, rank, { scale, dropout });
    if (model.training) adapted.train();
    else adapted.eval();
    replace(adapted);
    return { name, layer: adapted, restore: () => replace(layer) };
  });
  if (trainHead)
    for (const [path, parameter] of model.namedParameters()) if (isHead(path)) parameter.requiresGrad = true;
  return new Lora(pretrained, entries, settings);
}

const isHead = (path: string): boolean => path === "head" || path.startsWith("head.");

function adapt(name: string, layer: Linear | Conv2d, rank: number, adaption: Adaption): LoraLayer {
  if (layer instanceof Linear) return new LoraLinear(layer, rank, adaption);
  if ((layer.options.groups ?? 1) === 1) return new LoraConv2d(layer, rank, adaption);
  throw new HebbError(
    `addLora: ${name} is a convolution in ${layer.options.groups} groups, which LoRA cannot adapt; leave it out`,
  );
}

interface Place {
  readonly names: readonly string[];
  readonly path: string;
  readonly layer: Linear | Conv2d;
  readonly replace: (by: Layer) => void;
}

/** All linear layers and convolutions of a model, with their names in files. */
function layersOf({ model, family, head }: Pretrained): Place[] {
  const places: Place[] = [];
  for (const [, parent] of model.namedModules())
    for (const [key, layer] of parent.namedChildren()) {
      if (!(layer instanceof Linear || layer instanceof Conv2d)) continue;
      const path = model.namedParameters().find(([, parameter]) => parameter === layer.weight)?.[0];
      if (path === undefined) continue;
      const owner = path.replace(/\.weight$/, "");
      const names = storedNames(family, head, path).map((name) => name.replace(/\.weight$/, ""));
      places.push({ names, path: owner, layer, replace: (by) => Reflect.set(parent, key, by) });
    }
  return places;
}

/** Freezes everything except the head, which then trains on fixed features. */
export function trainHeadOnly({ model, head, name }: Pretrained): void {
  if (head === "none")
    throw new HebbError(`${name} has no head to train; load it with one, such as { head: "sequence" }`);
  model.freeze();
  let found = 0;
  for (const [path, parameter] of model.namedParameters())
    if (isHead(path)) {
      parameter.requiresGrad = true;
      found++;
    }
  if (found === 0)
    throw new HebbError(`${name} shares its last layer with the table of tokens; train all of it, or use LoRA`);
}
