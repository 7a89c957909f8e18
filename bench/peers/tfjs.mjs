// The TensorFlow.js side: its wasm backend through the core API and optimizer.minimize.
// usage: node tfjs.mjs PEERS_DIR INPUTS_DIR WORKLOAD THREADS   (THREADS "gpu": its WebGPU backend, on Dawn)
import { createRequire } from "node:module";
import { join } from "node:path";
import { provideWebgpu } from "./dawn.mjs";
import { chainInput, load, matrices, nextTokens, oneHot, row, serve, transformers, transposed } from "./serve.mjs";

const [peers, inputs, workload, threads] = process.argv.slice(2);
const require = createRequire(join(peers, "tfjs", "x.js"));
console.warn = () => {}; // it advertises its native package on every start
if (threads === "gpu") provideWebgpu();
const tf = require("@tensorflow/tfjs");
const gpu = threads === "gpu";
if (gpu) require("@tensorflow/tfjs-backend-webgpu");
else {
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(join(peers, "tfjs/node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
}
const backend = gpu ? "webgpu" : "wasm";
if (!(await tf.setBackend(backend))) throw new Error(`the ${backend} backend did not start`);
await tf.ready();

const float = (data, shape) => tf.tensor(data.slice(), shape, "float32");
const inOut = (arrays) =>
  Object.fromEntries(
    Object.entries(arrays).map(([k, v]) => [k, v.shape.length === 2 && /(^w\d|\.w$)/.test(k) ? transposed(v) : v]),
  );

/** NCHW kernels to HWIO; the first dense layer then sees height, width, channel. */
function channelsLast(arrays) {
  // Not with tfjs, whose webgpu backend cannot read synchronously without a canvas.
  const move = ({ data }, shape, order) => {
    const strides = shape.map((_, dim) => shape.slice(dim + 1).reduce((product, extent) => product * extent, 1));
    const moved = order.map((dim) => shape[dim]);
    const values = Float32Array.from({ length: data.length }, (_, place) => {
      let from = 0;
      for (let dim = moved.length - 1, rest = place; dim >= 0; rest = Math.floor(rest / moved[dim]), dim--)
        from += (rest % moved[dim]) * strides[order[dim]];
      return data[from];
    });
    return { shape: moved, data: values };
  };
  return {
    ...arrays,
    c1: move(arrays.c1, arrays.c1.shape, [2, 3, 1, 0]),
    c2: move(arrays.c2, arrays.c2.shape, [2, 3, 1, 0]),
    w1: { shape: [1568, 128], data: move(arrays.w1, [32, 7, 7, 128], [1, 2, 0, 3]).data },
  };
}

const affine = (x, w, b) => tf.add(tf.matMul(x, w), b);
const mlp = (activation) => (p, x) =>
  affine(activation(affine(activation(affine(x, p.w1, p.b1)), p.w2, p.b2)), p.w3, p.b3);
const convPool = (x, w, b) => tf.maxPool(tf.relu(tf.add(tf.conv2d(x, w, 1, "same"), b)), 2, 2, "valid");
const cnn = (p, x) => {
  const h = convPool(convPool(x, p.c1, p.cb1), p.c2, p.cb2);
  return affine(tf.relu(affine(tf.reshape(h, [x.shape[0], 1568]), p.w1, p.b1)), p.w2, p.b2);
};
const gelu = (x) => {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(tf.square(x), x))));
  return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(inner)));
};
const layerNorm = (x, gain, bias) => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5));
  return tf.add(tf.mul(tf.mul(centred, scale), gain), bias);
};
const masks = new Map();
/** 0 for earlier tokens and the token itself, very negative for later ones. */
function causal(context) {
  const known = masks.get(context);
  if (known) return known;
  const values = Float32Array.from({ length: context ** 2 }, (_, i) =>
    i % context > Math.floor(i / context) ? -1e9 : 0,
  );
  const mask = tf.keep(tf.tensor2d(values, [context, context]));
  masks.set(context, mask);
  return mask;
}
const gpt = (sizes) => (p, x) => {
  const { batch, context, heads, layers, width } = sizes;
  const rows = batch * context;
  const part = width / heads;
  let h = tf.reshape(tf.add(tf.reshape(tf.matMul(x, p.wte), [batch, context, width]), p.wpe), [rows, width]);
  for (let l = 0; l < layers; l++) {
    const w = (name) => p[`l${l}.${name}`];
    const qkv = affine(layerNorm(h, w("ln1.g"), w("ln1.b")), w("qkv.w"), w("qkv.b"));
    const [q, k, v] = tf
      .split(qkv, 3, 1)
      .map((t) => tf.transpose(tf.reshape(t, [batch, context, heads, part]), [0, 2, 1, 3]));
    const scores = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(part)), causal(context)));
    const joined = tf.reshape(tf.transpose(tf.matMul(scores, v), [0, 2, 1, 3]), [rows, width]);
    h = tf.add(h, affine(joined, w("proj.w"), w("proj.b")));
    h = tf.add(
      h,
      affine(gelu(affine(layerNorm(h, w("ln2.g"), w("ln2.b")), w("up.w"), w("up.b"))), w("down.w"), w("down.b")),
    );
  }
  return tf.matMul(layerNorm(h, p["lnf.g"], p["lnf.b"]), p["head.w"]);
};
const crossEntropy = (model) => (p, x, y) => tf.losses.softmaxCrossEntropy(y, model(p, x));
const bceWithLogits = (model) => (p, x, y) => tf.losses.sigmoidCrossEntropy(y, model(p, x));

function training(arrays, keys, lossOf, makeOptimizer, batches, { decay = 0, checkSteps = 10 } = {}) {
  let params;
  let optimizer;
  let last = 0;
  /** The last loss, where reads are asynchronous. */
  let pending;
  const step = (i, read) => {
    const [x, y] = batches[i % batches.length];
    const variables = Object.values(params);
    if (decay) {
      tf.tidy(() => {
        for (const v of variables) v.assign(tf.mul(v, 1 - decay));
      });
    }
    const loss = optimizer.minimize(() => lossOf(params, x, y), read || gpu, variables);
    if (gpu) {
      pending?.dispose();
      pending = loss;
    } else if (read) {
      last = loss.dataSync()[0];
      loss.dispose();
    }
  };
  const work = {
    reset() {
      if (params) {
        for (const v of Object.values(params)) v.dispose();
        optimizer.dispose?.();
      }
      params = Object.fromEntries(keys.map((k) => [k, tf.variable(float(arrays[k].data, arrays[k].shape))]));
      optimizer = makeOptimizer();
    },
    step: (i) => step(i, i % 100 === 99),
    ...(gpu ? { sync: () => pending.data() } : {}),
    async check() {
      work.reset();
      for (let i = 0; i < checkSteps; i++) step(i, i === checkSteps - 1);
      if (gpu) [last] = await pending.data();
      return checkSteps === 10 ? last : Number.NaN; // ten steps would take a minute: speed only
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
  const params = Object.fromEntries(keys.map((k) => [k, float(arrays[k].data, arrays[k].shape)]));
  const x = float(arrays.x.data.slice(0, 784), shape);
  let out;
  const step = () => {
    out = tf.tidy(() => model(params, x).dataSync());
  };
  return {
    step,
    check() {
      step();
      return out.reduce((a, b) => a + Math.abs(b), 0);
    },
  };
}

const adam = (lr) => () => tf.train.adam(lr, 0.9, 0.999, 1e-8);
function transformer(name) {
  const sizes = transformers[name];
  const { batch, context, vocabulary } = sizes;
  const d = inOut(load(inputs, name));
  const shape = [batch * context, vocabulary];
  const batches = Array.from({ length: d.tokens.shape[0] }, (_, i) => {
    const { x, y } = nextTokens(row(d.tokens, i), context);
    return [float(oneHot(x, vocabulary), shape), float(oneHot(y, vocabulary), shape)];
  });
  const keys = Object.keys(d).filter((k) => k !== "tokens");
  return training(d, keys, crossEntropy(gpt(sizes)), adam(3e-4), batches, { decay: 3e-4 * 0.01 });
}
const makers = {
  tiny() {
    const d = inOut(load(inputs, "tiny"));
    const batches = [[float(d.x.data, [32, 2]), float(d.y.data, [32, 1])]];
    return training(d, dense3, bceWithLogits(mlp(tf.tanh)), () => tf.train.sgd(0.1), batches);
  },
  mlp() {
    const d = inOut(load(inputs, "mlp"));
    return training(d, dense3, crossEntropy(mlp(tf.relu)), adam(1e-3), batchesOf(d, [64, 784], 10));
  },
  cnn() {
    const d = channelsLast(inOut(load(inputs, "cnn")));
    return training(d, conv, crossEntropy(cnn), adam(1e-3), batchesOf(d, [64, 28, 28, 1], 10));
  },
  wide() {
    const d = inOut(load(inputs, "wide"));
    const optimizer = () => tf.train.momentum(0.01, 0.9);
    return training(d, dense3, crossEntropy(mlp(tf.relu)), optimizer, batchesOf(d, [256, 1024], 1000), {
      checkSteps: 1,
    });
  },
  gpt: () => transformer("gpt"),
  gpt2: () => transformer("gpt2"),
  "infer-mlp": () => inference(mlp(tf.relu), inOut(load(inputs, "mlp")), dense3, [1, 784]),
  "infer-cnn": () => inference(cnn, channelsLast(inOut(load(inputs, "cnn"))), conv, [1, 28, 28, 1]),
  chain() {
    const x = float(chainInput(), [chainInput().length]);
    let out;
    const step = () => {
      out = tf.tidy(() => tf.sum(tf.mul(tf.tanh(tf.add(tf.mul(x, 1.5), 0.25)), tf.sigmoid(x))).dataSync()[0]);
    };
    return {
      step,
      check() {
        step();
        return out;
      },
    };
  },
};

function matmul(n, layout) {
  const operands = matrices(n);
  const a = float(operands.a, [n, n]);
  const b = float(operands.b, [n, n]);
  const run = () => tf.matMul(a, b, layout === "tn", layout === "nt");
  if (!gpu) return { step: () => run().dispose(), check: () => run().dataSync()[n + 1] };
  let c;
  const element = () => tf.slice(c, [1, 1], [1, 1]).data();
  return {
    step() {
      c?.dispose();
      c = run();
    },
    sync: element,
    async check() {
      c = run();
      return (await element())[0];
    },
  };
}

const [kind, size, layout] = workload.split("-");
await serve(() => (kind === "matmul" ? matmul(Number(size), layout) : makers[workload]()), {
  version: tf.version.tfjs,
});
