// Our side of bench/contractions.ts, through the public API only.   usage: shapes-hebb.mjs [cells]   (HEBB_BACKEND, HEBB_THREADS)
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { compile, grad, State, type Tensor, tensor, zeros } from "../../src/tensor/index.ts";
import type { Convolution, Layer, Network, Product, Shape } from "../shapes.ts";
import { serve, type Work } from "./serve.mjs";

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The same numbers in every peer. */
function fill(shape: readonly number[], salt: number, scale = 1): Float32Array {
  return Float32Array.from({ length: elements(shape) }, (_, i) => ((((i * 7919 + salt) % 1009) - 504) / 1009) * scale);
}
const filled = (shape: readonly number[], salt: number): Tensor => tensor(fill(shape, salt)).reshape([...shape]);

/** Results go to a cell, which reuses its memory like the values of a training step, instead of to new memory each. */
const intoCells = process.argv[2] === "cells";

/** A compiled function of existing tensors; the mean magnitude of its result is compared. */
function repeated<A extends Tensor[]>(run: (...args: A) => Tensor, ...args: A): Work {
  for (const arg of args) arg.dataSync();
  let last = run(...args);
  if (intoCells) {
    const cell = new State(zeros(last.shape, { dtype: last.dtype }));
    const assign = compile((...inputs: A) => {
      cell.assign(run(...inputs));
    });
    return {
      step() {
        assign(...args);
      },
      check() {
        assign(...args);
        return magnitude(cell);
      },
    };
  }
  const compiled = compile(run);
  return {
    step() {
      last = compiled(...args);
    },
    check() {
      last = compiled(...args);
      return magnitude(last);
    },
  };
}

function magnitude(out: Tensor): number {
  const values = Float64Array.from(out.dataSync());
  return values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
}

function product({ batch, m, k, n, layout, dtype }: Product): Work {
  const lead = batch > 1 ? [batch] : [];
  const [first, second] = layout;
  const integers = dtype === "int8";
  const side = (shape: readonly number[], salt: number): Tensor =>
    integers ? filled(shape, salt).mul(254).to(dtype) : filled(shape, salt).to(dtype);
  const a = side([...lead, ...(first === "t" ? [k, m] : [m, k])], 1);
  const b = side([...lead, ...(second === "t" ? [n, k] : [k, n])], 17);
  const of = (x: Tensor, t: string | undefined): Tensor => {
    const wide = integers ? x.to("int32") : x;
    return t === "t" ? wide.transpose(-1, -2) : wide;
  };
  return repeated((x: Tensor, y: Tensor) => of(x, first).matmul(of(y, second)), a, b);
}

function convolution({ x, w, stride, padding, dilation, groups, part }: Convolution): Work {
  const forward = (image: Tensor, weight: Tensor): Tensor =>
    nn.functional.conv2d(image, weight, undefined, { stride, padding, dilation, groups });
  const [image, weight] = [filled(x, 1), filled(w, 17)];
  if (part === "forward") return repeated(forward, image, weight);
  const gradient =
    part === "input gradient"
      ? (a: Tensor, b: Tensor, g: Tensor) => grad((v) => forward(v, b).mul(g).sum())(a)
      : (a: Tensor, b: Tensor, g: Tensor) => grad((v) => forward(a, v).mul(g).sum())(b);
  return repeated(gradient, image, weight, filled(forward(image, weight).shape, 29));
}

interface Plain {
  forward(x: Tensor): Tensor;
}

/** The outputs of a recurrent layer, without its state. */
class Output extends nn.Module {
  readonly layer: nn.RNN | nn.LSTM | nn.GRU;
  constructor(layer: nn.RNN | nn.LSTM | nn.GRU) {
    super();
    this.layer = layer;
  }
  override forward(x: Tensor): Tensor {
    return this.layer.forward(x)[0];
  }
}

/** A transformer encoder layer without options. */
class Encoder extends nn.Module {
  readonly layer: nn.TransformerEncoderLayer;
  constructor(width: number, heads: number, dimFeedforward: number) {
    super();
    this.layer = new nn.TransformerEncoderLayer(width, heads, { dimFeedforward, dropout: 0 });
  }
  override forward(x: Tensor): Tensor {
    return this.layer.forward(x);
  }
}

class Apply extends nn.Module {
  readonly fn: (x: Tensor) => Tensor;
  constructor(fn: (x: Tensor) => Tensor) {
    super();
    this.fn = fn;
  }
  override forward(x: Tensor): Tensor {
    return this.fn(x);
  }
}

function layerOf(layer: Layer): nn.Module & Plain {
  switch (layer[0]) {
    case "linear":
      return new nn.Linear(layer[1], layer[2]);
    case "norm":
      return new nn.LayerNorm(layer[1]);
    case "batchNorm1d":
      return new nn.BatchNorm1d(layer[1]);
    case "batchNorm2d":
      return new nn.BatchNorm2d(layer[1]);
    case "maxPool":
      return new nn.MaxPool2d(layer[1]);
    case "conv1d":
    case "conv2d": {
      const [kind, inputs, outputs, kernel, stride, padding, groups] = layer;
      const make = kind === "conv1d" ? nn.Conv1d : nn.Conv2d;
      return new make(inputs, outputs, kernel, { stride, padding, groups });
    }
    case "rnn":
      return new Output(new nn.RNN(layer[1], layer[2]));
    case "lstm":
      return new Output(new nn.LSTM(layer[1], layer[2]));
    case "gru":
      return new Output(new nn.GRU(layer[1], layer[2]));
    case "encoder":
      return new Encoder(layer[1], layer[2], layer[3]);
    case "relu":
      return new nn.ReLU();
    case "tanh":
      return new nn.Tanh();
    case "gelu":
      return new nn.GELU();
    case "flatten":
      return new nn.Flatten();
    case "last":
      return new Apply((x) => x.select(0, -1));
    case "meanTime":
      return new Apply((x) => x.mean(0));
  }
}

/** Layers whose input is [time, batch, features]. */
const timeFirst: readonly string[] = ["rnn", "lstm", "gru", "encoder"];
/** Layers whose weight is initialised to ones. */
const norms = [nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d] as const;

function network({ x: shape, classes, layers, optimizer: kind }: Network): Work {
  const parts = layers.map(layerOf);
  const model = new nn.Sequential(...parts);
  const ones = new Set(
    model
      .modules()
      .flatMap((part) => (norms.some((norm) => part instanceof norm) ? part.parameters().slice(0, 1) : [])),
  );
  const parameters = model.parameters();
  const optimizer =
    kind === "sgd"
      ? new optim.SGD(parameters, { lr: 0.01 })
      : kind === "adam"
        ? new optim.Adam(parameters, { lr: 1e-3 })
        : new optim.AdamW(parameters, { lr: 1e-3, weightDecay: 0.01 });
  const fresh = optimizer.stateDict();
  const x = filled(shape, 1);
  const batch = shape[timeFirst.includes(layers[0]?.[0] ?? "") ? 1 : 0] ?? 0;
  const y = tensor(Int32Array.from({ length: batch }, (_, i) => ((7919 * i + 5) % 1009) % classes));
  const step = compile((input: Tensor, target: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(input), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  let loss: Tensor | undefined;
  const work = {
    reset() {
      for (const [place, parameter] of parameters.entries()) {
        const fanIn = elements(parameter.shape.slice(1));
        parameter.assign(
          parameter.shape.length > 1
            ? fill(parameter.shape, 31 * place + 3, 2 / Math.sqrt(fanIn))
            : new Float32Array(elements(parameter.shape)).fill(ones.has(parameter) ? 1 : 0),
        );
      }
      optimizer.loadStateDict(fresh);
    },
    step(i: number) {
      loss = step(x, y);
      if (i % 100 === 99) loss.itemSync();
    },
    check() {
      work.reset();
      for (let i = 0; i < 5; i++) work.step(i);
      return loss?.itemSync() ?? Number.NaN;
    },
  };
  return work;
}

await serve(
  (asked) => {
    const shape = asked as Shape;
    switch (shape.kind) {
      case "product":
        return product(shape);
      case "conv":
        return convolution(shape);
      case "network":
        return network(shape);
    }
  },
  { version: "source" },
);
