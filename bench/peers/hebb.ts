// Our side, through the public API only (hebb/tensor, hebb/nn, hebb/optim).   usage: hebb.mjs INPUTS_DIR WORKLOAD   (threads from HEBB_THREADS)
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { backendInfo, defaultDevice } from "../../src/runtime/index.ts";
import { compile, noGrad, type Parameter, type Tensor, tensor } from "../../src/tensor/index.ts";
import {
  chainInput,
  load,
  matrices,
  nextTokens,
  row,
  serve,
  type Transformer,
  transformers,
  type Values,
  type Work,
} from "./serve.mjs";

const [inputs = "", workload = ""] = process.argv.slice(2);
const F = nn.functional;
type Arrays = Record<string, Values>;

function get(arrays: Arrays, name: string): Values {
  const found = arrays[name];
  if (found === undefined) throw new Error(`no array "${name}"`);
  return found;
}
const floats = ({ data }: Values): Float32Array => Float32Array.from(data);
const integers = ({ data }: Values): Int32Array => Int32Array.from(data);
const rows = (values: Values, i: number): Float32Array => row({ shape: values.shape, data: floats(values) }, i);
const labels = (values: Values, i: number): Int32Array => row({ shape: values.shape, data: integers(values) }, i);

class Mlp extends nn.Module {
  readonly fc1: nn.Linear;
  readonly fc2: nn.Linear;
  readonly fc3: nn.Linear;
  readonly activation: (x: Tensor) => Tensor;
  constructor([a, b, c, d]: readonly [number, number, number, number], activation: (x: Tensor) => Tensor) {
    super();
    this.fc1 = new nn.Linear(a, b);
    this.fc2 = new nn.Linear(b, c);
    this.fc3 = new nn.Linear(c, d);
    this.activation = activation;
  }
  override forward(x: Tensor): Tensor {
    return this.fc3.forward(this.activation(this.fc2.forward(this.activation(this.fc1.forward(x)))));
  }
}

class Cnn extends nn.Module {
  readonly conv1 = new nn.Conv2d(1, 16, 3, { padding: 1 });
  readonly conv2 = new nn.Conv2d(16, 32, 3, { padding: 1 });
  readonly pool = new nn.MaxPool2d(2);
  readonly fc1 = new nn.Linear(1568, 128);
  readonly fc2 = new nn.Linear(128, 10);
  override forward(x: Tensor): Tensor {
    const h1 = this.pool.forward(this.conv1.forward(x).relu());
    const h2 = this.pool.forward(this.conv2.forward(h1).relu());
    return this.fc2.forward(this.fc1.forward(h2.flatten(1)).relu());
  }
}

/** 0 for earlier tokens and the token itself, -∞ for later ones. */
const causalMask = (context: number): Tensor =>
  tensor(
    Float32Array.from({ length: context ** 2 }, (_, i) =>
      i % context > Math.floor(i / context) ? Number.NEGATIVE_INFINITY : 0,
    ),
  ).reshape([context, context]);

class Block extends nn.Module {
  readonly ln1: nn.LayerNorm;
  readonly ln2: nn.LayerNorm;
  readonly qkv: nn.Linear;
  readonly proj: nn.Linear;
  readonly up: nn.Linear;
  readonly down: nn.Linear;
  readonly sizes: Transformer;
  readonly causal: () => Tensor;
  constructor(sizes: Transformer, causal: Tensor) {
    super();
    const { width } = sizes;
    this.ln1 = new nn.LayerNorm(width);
    this.ln2 = new nn.LayerNorm(width);
    this.qkv = new nn.Linear(width, 3 * width);
    this.proj = new nn.Linear(width, width);
    this.up = new nn.Linear(width, 4 * width);
    this.down = new nn.Linear(4 * width, width);
    this.sizes = sizes;
    this.causal = () => causal;
  }
  override forward(x: Tensor): Tensor {
    const { batch, context, heads, width } = this.sizes;
    const part = width / heads;
    const parts = this.qkv.forward(this.ln1.forward(x)).reshape([batch, context, 3, heads, part]);
    const [q, k, v] = [0, 1, 2].map((place) => parts.select(2, place).transpose(1, 2)) as [Tensor, Tensor, Tensor];
    const scores = q.matmul(k.transpose(-1, -2)).div(Math.sqrt(part)).add(this.causal()).softmax(-1);
    const joined = scores.matmul(v).transpose(1, 2).reshape([batch, context, width]);
    const attended = x.add(this.proj.forward(joined));
    const wide = F.gelu(this.up.forward(this.ln2.forward(attended)), "tanh");
    return attended.add(this.down.forward(wide));
  }
}

class Gpt extends nn.Module {
  readonly wte: nn.Embedding;
  readonly wpe: nn.Embedding;
  readonly blocks: nn.Sequential;
  readonly norm: nn.LayerNorm;
  readonly head: nn.Linear;
  constructor(sizes: Transformer) {
    super();
    const { layers, width, context, vocabulary } = sizes;
    const causal = causalMask(context);
    this.wte = new nn.Embedding(vocabulary, width);
    this.wpe = new nn.Embedding(context, width);
    this.blocks = new nn.Sequential(...Array.from({ length: layers }, () => new Block(sizes, causal)));
    this.norm = new nn.LayerNorm(width);
    this.head = new nn.Linear(width, vocabulary, { bias: false });
  }
  override forward(tokens: Tensor): Tensor {
    const x = this.wte.forward(tokens).add(this.wpe.weight);
    return this.head.forward(this.norm.forward(this.blocks.forward(x)));
  }
}

/** The initial weights in the order in which the network declares its parameters. */
function assign(parameters: readonly Parameter[], arrays: Arrays, names: readonly string[]): void {
  if (parameters.length !== names.length) throw new Error(`${parameters.length} parameters, ${names.length} arrays`);
  for (const [i, parameter] of parameters.entries()) parameter.assign(floats(get(arrays, names[i] ?? "")));
}

interface Plan {
  readonly model: nn.Module & { forward(x: Tensor): Tensor };
  readonly names: readonly string[];
  readonly arrays: Arrays;
  readonly optimizer: (parameters: Parameter[]) => optim.Optimizer;
  readonly loss: (output: Tensor, y: Tensor) => Tensor;
  readonly batches: readonly (readonly [Tensor, Tensor])[];
}

function training({ model, names, arrays, optimizer: make, loss: lossOf, batches }: Plan): Work {
  const parameters = model.parameters();
  assign(parameters, arrays, names);
  const optimizer = make(parameters);
  const fresh = optimizer.stateDict();
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = lossOf(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  let loss: Tensor | undefined;
  const work: Work & { reset(): void; step(i: number): void } = {
    reset() {
      assign(parameters, arrays, names);
      optimizer.loadStateDict(fresh);
    },
    step(i) {
      const batch = batches[i % batches.length];
      if (batch === undefined) return;
      loss = step(batch[0], batch[1]);
      if (i % 100 === 99 && !later) loss.itemSync();
    },
    async check() {
      work.reset();
      for (let i = 0; i < 10; i++) work.step(i);
      return (await loss?.item()) ?? Number.NaN;
    },
    ...(later ? { sync: () => loss?.item() } : {}),
  };
  return work;
}

/** Whether the device is asynchronous: a repetition then ends when its last loss is available. */
const later = process.env["HEBB_BACKEND"] === "webgpu";

const dense3 = ["w1", "b1", "w2", "b2", "w3", "b3"];
const conv = ["c1", "cb1", "c2", "cb2", "w1", "b1", "w2", "b2"];
const blockNames = (l: number): string[] =>
  ["ln1.g", "ln1.b", "ln2.g", "ln2.b", "qkv.w", "qkv.b", "proj.w", "proj.b", "up.w", "up.b", "down.w", "down.b"].map(
    (name) => `l${l}.${name}`,
  );

const batchesOf = (arrays: Arrays, shape: readonly number[]): (readonly [Tensor, Tensor])[] => {
  const [x, y] = [get(arrays, "x"), get(arrays, "y")];
  return Array.from(
    { length: x.shape[0] ?? 0 },
    (_, i) => [tensor(rows(x, i)).reshape([...shape]), tensor(labels(y, i))] as const,
  );
};

const adam = (parameters: Parameter[]): optim.Optimizer => new optim.Adam(parameters, { lr: 1e-3 });

function trainingWork(name: string): Work | undefined {
  if (!["tiny", "mlp", "cnn", "wide", "gpt", "gpt2"].includes(name)) return undefined;
  const arrays = load(inputs, name);
  if (name === "tiny") {
    const x = tensor(floats(get(arrays, "x"))).reshape([32, 2]);
    const y = tensor(floats(get(arrays, "y"))).reshape([32, 1]);
    return training({
      model: new Mlp([2, 8, 8, 1], (h) => h.tanh()),
      names: dense3,
      arrays,
      optimizer: (parameters) => new optim.SGD(parameters, { lr: 0.1 }),
      loss: (output, target) => F.bceWithLogits(output, target),
      batches: [[x, y]],
    });
  }
  const loss = (output: Tensor, y: Tensor): Tensor => F.crossEntropy(output, y);
  if (name === "mlp") {
    const model = new Mlp([784, 128, 64, 10], (h) => h.relu());
    return training({ model, names: dense3, arrays, optimizer: adam, loss, batches: batchesOf(arrays, [64, 784]) });
  }
  if (name === "cnn") {
    const batches = batchesOf(arrays, [64, 1, 28, 28]);
    return training({ model: new Cnn(), names: conv, arrays, optimizer: adam, loss, batches });
  }
  if (name === "wide") {
    const optimizer = (parameters: Parameter[]): optim.Optimizer =>
      new optim.SGD(parameters, { lr: 0.01, momentum: 0.9 });
    const model = new Mlp([1024, 2048, 2048, 1000], (h) => h.relu());
    return training({ model, names: dense3, arrays, optimizer, loss, batches: batchesOf(arrays, [256, 1024]) });
  }
  const sizes = name === "gpt2" ? transformers.gpt2 : transformers.gpt;
  const { batch, context, layers, vocabulary } = sizes;
  const tokens = get(arrays, "tokens");
  const batches = Array.from({ length: tokens.shape[0] ?? 0 }, (_, i) => {
    const { x, y } = nextTokens(labels(tokens, i), context);
    return [tensor(x).reshape([batch, context]), tensor(y).reshape([batch, context])] as const;
  });
  return training({
    model: new Gpt(sizes),
    names: [
      "wte",
      "wpe",
      ...Array.from({ length: layers }, (_, l) => blockNames(l)).flat(),
      "lnf.g",
      "lnf.b",
      "head.w",
    ],
    arrays,
    optimizer: (parameters) => new optim.AdamW(parameters, { lr: 3e-4, weightDecay: 0.01 }),
    loss: (output, y) => F.crossEntropy(output.reshape([-1, vocabulary]), y.reshape([-1])),
    batches,
  });
}

/** A compiled function without inputs, whose result is read after every call. */
function repeated(run: () => Float32Array, check: (out: Float32Array) => number): Work {
  let out = new Float32Array();
  return {
    step() {
      out = run() as typeof out;
    },
    check: () => check(run()),
  };
}
const read = (t: Tensor): Float32Array => Float32Array.from(t.dataSync());

function inference(name: string): Work {
  const arrays = load(inputs, name);
  const model = name === "mlp" ? new Mlp([784, 128, 64, 10], (h) => h.relu()) : new Cnn();
  assign(model.parameters(), arrays, name === "mlp" ? dense3 : conv);
  model.eval();
  const x = tensor(floats(get(arrays, "x")).slice(0, 784)).reshape(name === "mlp" ? [1, 784] : [1, 1, 28, 28]);
  const forward = compile((input: Tensor) => noGrad(() => model.forward(input)));
  return repeated(
    () => read(forward(x)),
    (out) => out.reduce((a, b) => a + Math.abs(b), 0),
  );
}

function matmul(n: number, layout: string): Work {
  const operands = matrices(n);
  const [a, b] = [tensor(operands.a).reshape([n, n]), tensor(operands.b).reshape([n, n])];
  const product = compile((x: Tensor, y: Tensor) => (layout === "tn" ? x.t() : x).matmul(layout === "nt" ? y.t() : y));
  let c = product(a, b);
  return {
    step() {
      c = product(a, b);
    },
    check: () => c.select(0, 1).select(0, 1).item(),
    // Work is done in order, so the value requested last is available when everything is done.
    ...(later ? { sync: () => tensor([1]).add(1).data() } : {}),
  };
}

function chain(): Work {
  const x = tensor(chainInput());
  const run = compile((v: Tensor) => v.mul(1.5).add(0.25).tanh().mul(v.sigmoid()).sum());
  return repeated(
    () => read(run(x)),
    (out) => out[0] ?? Number.NaN,
  );
}

if (later) await defaultDevice.ready();
await serve(
  () => {
    const [kind, size, layout = "nn"] = workload.split("-");
    if (kind === "matmul") return matmul(Number(size), layout);
    if (workload === "infer-mlp") return inference("mlp");
    if (workload === "infer-cnn") return inference("cnn");
    if (workload === "chain") return chain();
    const work = trainingWork(workload);
    if (work === undefined) throw new Error(`unknown workload "${workload}"`);
    return work;
  },
  { version: later ? backendInfo().description : "source" },
);
