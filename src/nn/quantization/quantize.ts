// Quantises the layers of a model for inference: dynamically for each input, or with ranges from calibration data.
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { nextGeneration } from "../../runtime/index.ts";
import { Conv1d, Conv2d } from "../conv.ts";
import { Embedding } from "../embedding.ts";
import type { HookHandle } from "../hooks.ts";
import { Linear } from "../linear.ts";
import { type AnyModule, Module } from "../module.ts";
import type { Affine } from "./affine.ts";
import { QuantizedConv1d, QuantizedConv2d, QuantizedEmbedding, QuantizedLinear } from "./layers.ts";
import { MinMaxObserver, type Observer } from "./observers.ts";
import { replaceChild } from "./replace.ts";

export interface QuantizeOptions {
  /** Paths from `namedModules()` to leave unchanged, with all modules below them. Default none. */
  readonly skip?: readonly string[];
}

export interface PrepareOptions extends QuantizeOptions {
  /** Makes the observer of one layer. Default `() => new MinMaxObserver()`. */
  readonly observer?: () => Observer;
}

export interface ConvertOptions {
  /** Whether every layer must have seen data. False for a model whose values are loaded afterwards. Default true. */
  readonly strict?: boolean;
}

const quantizeKinds: OptionKinds<QuantizeOptions> = { skip: kind.listOf(kind.string) };
const prepareKinds: OptionKinds<PrepareOptions> = { ...quantizeKinds, observer: kind.func<() => Observer>() };
const convertKinds: OptionKinds<ConvertOptions> = { strict: kind.boolean };

type Layer = Linear | Conv1d | Conv2d | Embedding;

/** Exact layers only: a class that extends one may compute something else. */
const isLayer = (module: unknown): module is Layer =>
  module instanceof Module && [Linear, Conv1d, Conv2d, Embedding].some((made) => module.constructor === made);

function quantizedLayer(layer: Layer, input?: Affine): AnyModule {
  if (layer instanceof Linear) return new QuantizedLinear(layer, input);
  if (layer instanceof Conv1d) return new QuantizedConv1d(layer, input);
  if (layer instanceof Conv2d) return new QuantizedConv2d(layer, input);
  return new QuantizedEmbedding(layer);
}

interface Place {
  readonly owner: AnyModule;
  readonly name: string;
  readonly path: string;
  readonly layer: Layer;
}

/** All positions of layers to quantise; a shared layer has several. */
function placesOf(where: string, model: AnyModule, skip: readonly string[]): Place[] {
  if (!(model instanceof Module)) throw new HebbError(`${where}: takes a model, got ${kind.describe(model)}`);
  if (isLayer(model))
    throw new HebbError(
      `${where}: a layer cannot be replaced without an owner; put it into a Sequential: new nn.Sequential(layer)`,
    );
  const modules = model.namedModules();
  const missing = skip.find((path) => !modules.some(([one]) => one === path));
  if (missing !== undefined)
    throw new HebbError(
      `${where}: there is no module "${missing}" to skip; there are ${modules
        .map(([path]) => path)
        .filter((path) => path !== "")
        .join(", ")}`,
    );
  const isSkipped = (path: string): boolean => skip.some((one) => path === one || path.startsWith(`${one}.`));
  const places = modules.flatMap(([above, owner]) =>
    owner.namedChildren().flatMap(([name, layer]): Place[] => {
      const path = above === "" ? name : `${above}.${name}`;
      return isLayer(layer) && !isSkipped(path) ? [{ owner, name, path, layer }] : [];
    }),
  );
  if (places.length === 0) throw new HebbError(`${where}: the model has no Linear, Conv1d, Conv2d or Embedding layer`);
  return places;
}

/** Replaces each layer; a shared one is replaced by a shared one. Compiled functions are traced again. */
function replaceLayers(places: readonly Place[], make: (layer: Layer) => AnyModule): void {
  const made = new Map<Layer, AnyModule>();
  for (const { owner, name, layer } of places) {
    const by = made.get(layer) ?? make(layer).train(layer.training);
    made.set(layer, by);
    replaceChild(owner, name, by);
  }
  nextGeneration();
}

/**
 * Quantises the Linear, Conv1d, Conv2d and Embedding layers of a model in place, and returns it: weights become int8 with a scale for each output (or
 * row of a table), a quarter of the memory. Inputs become uint8 with a scale and zero point for each call. The layers are for inference: they pass no
 * gradients, and hooks of the replaced layers are lost. Throws HebbError if there is nothing to quantise. Source:
 * torch.ao.quantization.quantize_dynamic, which omits convolutions and tables.
 */
export function quantizeDynamic<M extends AnyModule>(model: M, options: QuantizeOptions = {}): M {
  const { skip = [] } = checkOptions("quantizeDynamic", options, quantizeKinds);
  replaceLayers(placesOf("quantizeDynamic", model, skip), (layer) => quantizedLayer(layer));
  return model;
}

interface Watched {
  readonly observer: Observer;
  readonly handle: HookHandle;
  seen: boolean;
}
const watchedLayers = new WeakMap<Layer, Watched>();

/**
 * Attaches observers to the inputs of all Linear, Conv1d, Conv2d and Embedding layers, until `convert`, and returns the model. In between, call the
 * model in eval mode with some hundred representative samples. Source: torch.ao.quantization.prepare.
 */
export function prepare<M extends AnyModule>(model: M, options: PrepareOptions = {}): M {
  const { skip = [], observer: make = () => new MinMaxObserver() } = checkOptions("prepare", options, prepareKinds);
  for (const { layer } of placesOf("prepare", model, skip)) {
    if (watchedLayers.has(layer)) continue;
    const observer = make();
    const watched: Watched = {
      observer,
      // The inputs of a table are indices, which must not be quantised.
      seen: layer instanceof Embedding,
      handle: layer.registerForwardPreHook(([x]) => {
        if (x === undefined || layer instanceof Embedding) return;
        watched.seen = true;
        observer.observe(x);
      }),
    };
    watchedLayers.set(layer, watched);
  }
  return model;
}

/**
 * Quantises the layers that `prepare` observes, in place, and returns the model. Unlike with quantizeDynamic, the inputs of each layer have one fixed
 * scale and zero point, from its observer; values outside are clipped. Throws HebbError if a layer saw no input, unless `strict` is false. Source:
 * torch.ao.quantization.convert.
 */
export function convert<M extends AnyModule>(model: M, options: ConvertOptions = {}): M {
  const { strict = true } = checkOptions("convert", options, convertKinds);
  const places = placesOf("convert", model, []).filter(({ layer }) => watchedLayers.has(layer));
  if (places.length === 0) throw new HebbError("convert: no layer of the model is watched; call prepare(model) first");
  const blind = places.find(({ layer }) => watchedLayers.get(layer)?.seen === false);
  if (strict && blind !== undefined)
    throw new HebbError(
      `convert: the layer "${blind.path}" has seen no data; call the model with calibration data after prepare(model)`,
    );
  replaceLayers(places, (layer) => {
    const watched = watchedLayers.get(layer);
    watched?.handle.remove();
    watchedLayers.delete(layer);
    return quantizedLayer(layer, watched?.observer.affine());
  });
  return model;
}
