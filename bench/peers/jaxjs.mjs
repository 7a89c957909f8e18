// The jax-js side: the whole training step in one jit, waiting for the parameters after each step (it is lazy).
// usage: node jaxjs.mjs PEERS_DIR INPUTS_DIR WORKLOAD THREADS   (THREADS "gpu": its WebGPU backend, on Dawn)
import { resolveObjectURL } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker as NodeWorker } from "node:worker_threads";
import { provideWebgpu } from "./dawn.mjs";
import { chainInput, load, matrices, nextTokens, oneHot, row, serve, transformers, transposed } from "./serve.mjs";

const [peers, inputs, workload, threads] = process.argv.slice(2);

// Its threads need the browser's Worker. This replacement over worker_threads gives what an isolated page would get.
if (Number(threads) > 1) {
  const prelude = `const port = require("node:worker_threads").parentPort;
    globalThis.self = globalThis;
    globalThis.postMessage = (message) => port.postMessage(message);
    port.on("message", (data) => globalThis.onmessage({ data }));\n`;
  globalThis.Worker = class {
    #waiting = [];
    #worker;
    constructor(url) {
      resolveObjectURL(String(url))
        .text()
        .then((source) => {
          this.#worker = new NodeWorker(prelude + source, { eval: true });
          this.#worker.unref();
          this.#worker.on("message", (data) => this.onmessage?.({ data }));
          this.#worker.on("error", (error) => this.onerror?.(error));
          for (const message of this.#waiting) this.#worker.postMessage(message);
        });
    }
    postMessage(message) {
      if (this.#worker) this.#worker.postMessage(message);
      else this.#waiting.push(message);
    }
  };
}

if (threads === "gpu") provideWebgpu();
const home = join(peers, "jax/node_modules/@jax-js/jax");
const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const entry =
  manifest.exports?.["."]?.import?.default ?? manifest.exports?.["."]?.import ?? manifest.module ?? manifest.main;
const jax = await import(pathToFileURL(join(home, typeof entry === "string" ? entry : entry.default)).href);
const { init, defaultDevice, jit, valueAndGrad, numpy: np, nn, lax, tree, blockUntilReady } = jax;
const backend = threads === "gpu" ? "webgpu" : "wasm";
await init(backend);
defaultDevice(backend);
setInterval(() => {}, 1000); // its workers do not keep the process alive

const float = (data, shape) => np.array(data.slice(), { shape, dtype: np.float32 });
const tensors = (arrays, keys) => Object.fromEntries(keys.map((k) => [k, float(arrays[k].data, arrays[k].shape)]));
/** jax multiplies x @ w: dense weights are stored [in, out]. */
const inOut = (arrays) =>
  Object.fromEntries(
    Object.entries(arrays).map(([k, v]) => [k, v.shape.length === 2 && /(^w\d|\.w$)/.test(k) ? transposed(v) : v]),
  );

// ---- optimizers, written out ----
const zerosOf = (params) => tree.map((p) => np.zerosLike(p), tree.ref(params));
const sgd = (lr, momentum) => ({
  init: (params) => (momentum ? zerosOf(params) : {}),
  update(params, grads, velocity) {
    if (!momentum) return [tree.map((p, g) => p.sub(g.mul(lr)), params, grads), velocity];
    const next = tree.map((v, g) => v.mul(momentum).add(g), velocity, grads);
    return [tree.map((p, v) => p.sub(v.mul(lr)), params, tree.ref(next)), next];
  },
});
const adam = (lr, decay = 0, [beta1, beta2] = [0.9, 0.999]) => ({
  init: (params) => ({ m: zerosOf(params), v: zerosOf(params), power1: np.array(1), power2: np.array(1) }),
  update(params, grads, s) {
    const power1 = s.power1.mul(beta1);
    const power2 = s.power2.mul(beta2);
    const m = tree.map((a, g) => a.mul(beta1).add(g.mul(1 - beta1)), s.m, tree.ref(grads));
    const v = tree.map((a, g) => a.mul(beta2).add(g.ref.mul(g).mul(1 - beta2)), s.v, grads);
    const rate = np.array(lr).div(np.array(1).sub(power1.ref));
    const scale = np.reciprocal(np.array(1).sub(power2.ref));
    const next = tree.map(
      (p, a, b) => (decay ? p.mul(1 - lr * decay) : p).sub(rate.ref.mul(a).div(np.sqrt(b.mul(scale.ref)).add(1e-8))),
      params,
      tree.ref(m),
      tree.ref(v),
    );
    rate.dispose();
    scale.dispose();
    return [next, { m, v, power1, power2 }];
  },
});

// ---- networks ----
const mlp = (activation) => (p, x) => {
  const h1 = activation(np.dot(x, p.w1).add(p.b1));
  const h2 = activation(np.dot(h1, p.w2).add(p.b2));
  return np.dot(h2, p.w3).add(p.b3);
};
const halve = (x) => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
const cnn = (p, x) => {
  const batch = x.shape[0];
  const h1 = halve(nn.relu(lax.convGeneralDilated(x, p.c1, [1, 1], "SAME").add(p.cb1.reshape([16, 1, 1]))));
  const h2 = halve(nn.relu(lax.convGeneralDilated(h1, p.c2, [1, 1], "SAME").add(p.cb2.reshape([32, 1, 1]))));
  const h3 = nn.relu(np.dot(h2.reshape([batch, 1568]), p.w1).add(p.b1));
  return np.dot(h3, p.w2).add(p.b2);
};
const layerNorm = (x, gain, bias) => nn.standardize(x, -1).mul(gain).add(bias);
const gpt = (sizes) => (p, x) => {
  const { batch, context, heads, layers, width } = sizes;
  let h = np.dot(x, p.wte).add(p.wpe);
  for (let l = 0; l < layers; l++) {
    const w = (name) => p[`l${l}.${name}`];
    const qkv = np
      .dot(layerNorm(h.ref, w("ln1.g"), w("ln1.b")), w("qkv.w"))
      .add(w("qkv.b"))
      .reshape([batch, context, 3, heads, width / heads]);
    const q = qkv.ref.slice([], [], 0);
    const k = qkv.ref.slice([], [], 1);
    const v = qkv.slice([], [], 2);
    const attended = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([batch, context, width]);
    h = h.add(np.dot(attended, w("proj.w")).add(w("proj.b")));
    const wide = nn.gelu(np.dot(layerNorm(h.ref, w("ln2.g"), w("ln2.b")), w("up.w")).add(w("up.b")), {
      approximate: true,
    });
    h = h.add(np.dot(wide, w("down.w")).add(w("down.b")));
  }
  return np.dot(layerNorm(h, p["lnf.g"], p["lnf.b"]), p["head.w"]);
};
const crossEntropy = (model, rows) => (p, x, y) =>
  nn
    .logSoftmax(model(p, x))
    .mul(y)
    .sum()
    .mul(-1 / rows);
const bceWithLogits = (model) => (p, x, y) => {
  const z = model(p, x);
  return nn.softplus(z.ref).sub(y.mul(z)).mean();
};

function training(arrays, keys, lossOf, optimizer, batches) {
  let params;
  let state;
  let loss;
  const update = jit((p, s, x, y) => {
    const [value, grads] = valueAndGrad(lossOf)(tree.ref(p), x, y);
    return [...optimizer.update(p, grads, s), value];
  });
  const work = {
    async reset() {
      if (params) {
        tree.dispose(params);
        tree.dispose(state);
        loss?.dispose();
        loss = undefined;
      }
      params = tensors(arrays, keys);
      state = optimizer.init(params);
      await blockUntilReady(params);
    },
    async step(i) {
      const [x, y] = batches[i % batches.length];
      loss?.dispose();
      [params, state, loss] = update(params, state, x.ref, y.ref);
      await blockUntilReady(params);
      if (i % 100 === 99) await loss.ref.data();
    },
    async check() {
      await work.reset();
      for (let i = 0; i < 10; i++) await work.step(i);
      return (await loss.ref.data())[0];
    },
  };
  return work;
}

const dense3 = ["w1", "b1", "w2", "b2", "w3", "b3"];
const conv = ["c1", "cb1", "c2", "cb2", "w1", "b1", "w2", "b2"];
const batchesOf = ({ x, y }, shape, classes) =>
  Array.from({ length: x.shape[0] }, (_, i) => [
    float(row(x, i), shape),
    float(oneHot(row(y, i), classes), [shape[0], classes]),
  ]);

function inference(model, arrays, keys, shape) {
  const params = tensors(arrays, keys);
  const x = float(arrays.x.data.slice(0, 784), shape);
  const run = jit(model);
  let out;
  const step =
    Number(threads) > 1
      ? async () => {
          out = await run(tree.ref(params), x.ref).data();
        }
      : () => {
          out = run(tree.ref(params), x.ref).dataSync();
        };
  return {
    step,
    async check() {
      await step();
      return out.reduce((a, b) => a + Math.abs(b), 0);
    },
  };
}

function transformer(name) {
  const sizes = transformers[name];
  const { batch, context, vocabulary } = sizes;
  const d = inOut(load(inputs, name));
  const shape = [batch, context, vocabulary];
  const batches = Array.from({ length: d.tokens.shape[0] }, (_, i) => {
    const { x, y } = nextTokens(row(d.tokens, i), context);
    return [float(oneHot(x, vocabulary), shape), float(oneHot(y, vocabulary), shape)];
  });
  const keys = Object.keys(d).filter((k) => k !== "tokens");
  return training(d, keys, crossEntropy(gpt(sizes), batch * context), adam(3e-4, 0.01), batches);
}

const makers = {
  tiny() {
    const d = inOut(load(inputs, "tiny"));
    return training(d, dense3, bceWithLogits(mlp(np.tanh)), sgd(0.1), [
      [float(d.x.data, [32, 2]), float(d.y.data, [32, 1])],
    ]);
  },
  mlp() {
    const d = inOut(load(inputs, "mlp"));
    return training(d, dense3, crossEntropy(mlp(nn.relu), 64), adam(1e-3), batchesOf(d, [64, 784], 10));
  },
  cnn() {
    const d = inOut(load(inputs, "cnn"));
    return training(d, conv, crossEntropy(cnn, 64), adam(1e-3), batchesOf(d, [64, 1, 28, 28], 10));
  },
  wide() {
    const d = inOut(load(inputs, "wide"));
    return training(d, dense3, crossEntropy(mlp(nn.relu), 256), sgd(0.01, 0.9), batchesOf(d, [256, 1024], 1000));
  },
  gpt: () => transformer("gpt"),
  gpt2: () => transformer("gpt2"),
  "infer-mlp": () => inference(mlp(nn.relu), inOut(load(inputs, "mlp")), dense3, [1, 784]),
  "infer-cnn": () => inference(cnn, inOut(load(inputs, "cnn")), conv, [1, 1, 28, 28]),
  chain() {
    const x = float(chainInput(), [chainInput().length]);
    const run = jit((v) => np.tanh(v.ref.mul(1.5).add(0.25)).mul(nn.sigmoid(v)).sum());
    let out;
    const step = async () => {
      const result = run(x.ref);
      out = Number(threads) > 1 ? await result.data() : result.dataSync();
    };
    return {
      step,
      async check() {
        await step();
        return out[0];
      },
    };
  },
};

function matmul(n, layout) {
  const operands = matrices(n);
  const a = float(operands.a, [n, n]);
  const b = float(operands.b, [n, n]);
  const run = jit((x, y) => np.matmul(layout === "tn" ? np.transpose(x) : x, layout === "nt" ? np.transpose(y) : y));
  let c;
  const step = async () => {
    c?.dispose();
    c = run(a.ref, b.ref);
    await c.blockUntilReady();
  };
  return {
    step,
    async check() {
      await step();
      return (await c.ref.data())[n + 1];
    },
  };
}

const [kind, size, layout] = workload.split("-");
await serve(() => (kind === "matmul" ? matmul(Number(size), layout) : makers[workload]()), {
  version: manifest.version,
});
