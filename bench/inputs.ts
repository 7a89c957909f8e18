// Writes the inputs and initial weights of every workload to a folder, so that all peers train the same network.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Transformer, transformers } from "./peers/serve.mjs";

interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}
type Arrays = Record<string, Values>;

/** A small seeded generator (xorshift32 multiplied by an odd constant). The inputs only have to be the same everywhere. */
function generator(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (Math.imul(state, 0x9e3779b1) >>> 0) / 2 ** 32;
  };
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

class Draw {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = generator(seed);
  }
  gauss(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#next())) * Math.cos(2 * Math.PI * this.#next());
  }
  normal(shape: readonly number[], std: number): Values {
    return { shape, data: Float32Array.from({ length: count(shape) }, () => this.gauss() * std) };
  }
  uniform(shape: readonly number[], low: number, high: number): Values {
    return { shape, data: Float32Array.from({ length: count(shape) }, () => low + (high - low) * this.#next()) };
  }
  integers(shape: readonly number[], below: number): Values {
    return { shape, data: Int32Array.from({ length: count(shape) }, () => Math.floor(this.#next() * below)) };
  }
}
const full = (shape: readonly number[], value: number): Values => ({
  shape,
  data: new Float32Array(count(shape)).fill(value),
});

/** Weights [out, in] and zero biases of a chain of dense layers: w1 b1 w2 b2 … */
function dense(draw: Draw, sizes: readonly number[], std = (inputs: number) => Math.sqrt(2 / inputs)): Arrays {
  const out: Arrays = {};
  for (const [i, inputs] of sizes.slice(0, -1).entries()) {
    const outputs = sizes[i + 1] ?? 0;
    out[`w${i + 1}`] = draw.normal([outputs, inputs], std(inputs));
    out[`b${i + 1}`] = full([outputs], 0);
  }
  return out;
}

function spiral(draw: Draw): Arrays {
  const x = new Float32Array(64);
  const y = new Float32Array(32);
  for (let i = 0; i < 32; i++) {
    const arm = i % 2;
    const radius = Math.floor(i / 2) / 16;
    const angle = 4 * radius + arm * Math.PI + 0.1 * draw.gauss();
    x.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * i);
    y[i] = arm;
  }
  return { x: { shape: [32, 2], data: x }, y: { shape: [32, 1], data: y } };
}

function gpt(draw: Draw, { layers, width, context, vocabulary, batch }: Transformer, batches: number): Arrays {
  const std = 0.02;
  const out: Arrays = {
    tokens: draw.integers([batches, batch, context + 1], vocabulary),
    wte: draw.normal([vocabulary, width], std),
    wpe: draw.normal([context, width], std),
  };
  for (let layer = 0; layer < layers; layer++) {
    const add = (name: string, value: Values): void => {
      out[`l${layer}.${name}`] = value;
    };
    add("ln1.g", full([width], 1));
    add("ln1.b", full([width], 0));
    add("qkv.w", draw.normal([3 * width, width], std));
    add("qkv.b", full([3 * width], 0));
    add("proj.w", draw.normal([width, width], std));
    add("proj.b", full([width], 0));
    add("ln2.g", full([width], 1));
    add("ln2.b", full([width], 0));
    add("up.w", draw.normal([4 * width, width], std));
    add("up.b", full([4 * width], 0));
    add("down.w", draw.normal([width, 4 * width], std));
    add("down.b", full([width], 0));
  }
  out["lnf.g"] = full([width], 1);
  out["lnf.b"] = full([width], 0);
  out["head.w"] = draw.normal([vocabulary, width], std);
  return out;
}

/** The arrays of all workloads. Weights are [out, in] and images NCHW; a peer with another layout transposes on load. */
export function makeInputs(seed: number): Record<string, Arrays> {
  const draw = new Draw(seed);
  return {
    tiny: { ...spiral(draw), ...dense(draw, [2, 8, 8, 1], (inputs) => (inputs === 2 ? 0.7 : 0.35)) },
    mlp: {
      x: draw.uniform([16, 64, 784], 0, 1),
      y: draw.integers([16, 64], 10),
      ...dense(draw, [784, 128, 64, 10]),
    },
    cnn: {
      x: draw.uniform([8, 64, 1, 28, 28], 0, 1),
      y: draw.integers([8, 64], 10),
      c1: draw.normal([16, 1, 3, 3], Math.sqrt(2 / 9)),
      cb1: full([16], 0),
      c2: draw.normal([32, 16, 3, 3], Math.sqrt(2 / 144)),
      cb2: full([32], 0),
      ...dense(draw, [1568, 128, 10]),
    },
    wide: {
      x: draw.normal([2, 256, 1024], 1),
      y: draw.integers([2, 256], 1000),
      ...dense(draw, [1024, 2048, 2048, 1000]),
    },
    gpt: gpt(draw, transformers.gpt, 4),
  };
}

/** Writes NAME.bin (raw little-endian arrays) and NAME.json (shape, dtype and offset of each) for every workload. */
export function writeInputs(directory: string, seed = 20_261): void {
  writeArrays(directory, makeInputs(seed));
}

/** The weights of the small GPT-2: 500 MB, written only on request. */
export function writeLargeInputs(directory: string, seed = 20_261): void {
  writeArrays(directory, { gpt2: gpt(new Draw(seed), transformers.gpt2, 2) });
}

function writeArrays(directory: string, all: Record<string, Arrays>): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, arrays] of Object.entries(all)) {
    const manifest: Record<string, { shape: readonly number[]; dtype: string; offset: number }> = {};
    const parts: Buffer[] = [];
    let offset = 0;
    for (const [key, { shape, data }] of Object.entries(arrays)) {
      manifest[key] = { shape, dtype: data instanceof Int32Array ? "int32" : "float32", offset };
      parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
      offset += data.byteLength;
    }
    writeFileSync(join(directory, `${name}.bin`), Buffer.concat(parts));
    writeFileSync(join(directory, `${name}.json`), JSON.stringify(manifest));
  }
}
