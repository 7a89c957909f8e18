// A fresh process: import a JavaScript peer, build a network, do one training step, print STEP.
// usage: node start.mjs PEERS_DIR jax-js|tfjs-wasm tiny|mlp
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [peers, peer, network] = process.argv.slice(2);
const tiny = network === "tiny";
const [batch, input, hidden1, hidden2, output] = tiny ? [32, 2, 8, 8, 1] : [64, 784, 128, 64, 10];
const shapes = {
  w1: [input, hidden1],
  b1: [hidden1],
  w2: [hidden1, hidden2],
  b2: [hidden2],
  w3: [hidden2, output],
  b3: [output],
};
const random = (shape) => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.1 * Math.random());
const labels = Float32Array.from({ length: batch * output }, (_, i) => (i % output === 0 ? 1 : 0));

if (peer === "jax-js") {
  const home = join(peers, "jax/node_modules/@jax-js/jax");
  const { exports: map } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const entry = map["."].import?.default ?? map["."].import ?? map["."].default;
  const {
    init,
    defaultDevice,
    jit,
    valueAndGrad,
    numpy: np,
    nn,
    tree,
  } = await import(pathToFileURL(join(home, entry)).href);
  await init("wasm");
  defaultDevice("wasm");
  const array = (shape) => np.array(random(shape), { shape });
  const act = tiny ? np.tanh : nn.relu;
  const params = Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [key, array(shape)]));
  const model = (p, x) => np.dot(act(np.dot(act(np.dot(x, p.w1).add(p.b1)), p.w2).add(p.b2)), p.w3).add(p.b3);
  const loss = (p, x, y) => {
    const z = model(p, x);
    return tiny
      ? nn.softplus(z.ref).sub(y.mul(z)).mean()
      : nn
          .logSoftmax(z)
          .mul(y)
          .sum()
          .mul(-1 / batch);
  };
  const zeros = () => tree.map((p) => np.zerosLike(p), tree.ref(params));
  const step = jit((p, m, v, x, y) => {
    const [value, g] = valueAndGrad(loss)(tree.ref(p), x, y);
    if (tiny) return [tree.map((a, b) => a.sub(b.mul(0.1)), p, g), m, v, value];
    const m2 = tree.map((a, b) => a.mul(0.9).add(b.mul(0.1)), m, tree.ref(g));
    const v2 = tree.map((a, b) => a.mul(0.999).add(b.ref.mul(b).mul(0.001)), v, g);
    const move = (a, b, c) => a.sub(b.mul(0.01).div(np.sqrt(c.mul(1000)).add(1e-8)));
    return [tree.map(move, p, tree.ref(m2), tree.ref(v2)), m2, v2, value];
  });
  const [next, , , value] = step(
    params,
    zeros(),
    zeros(),
    array([batch, input]),
    np.array(labels, { shape: [batch, output] }),
  );
  await value.data();
  await next.w1.ref.data();
} else {
  console.warn = () => {};
  const require = createRequire(join(peers, "tfjs", "x.js"));
  const tf = require("@tensorflow/tfjs");
  require("@tensorflow/tfjs-backend-wasm").setWasmPaths(
    join(peers, "tfjs/node_modules/@tensorflow/tfjs-backend-wasm/dist/"),
  );
  await tf.setBackend("wasm");
  await tf.ready();
  const act = tiny ? tf.tanh : tf.relu;
  const p = Object.fromEntries(
    Object.entries(shapes).map(([key, shape]) => [key, tf.variable(tf.tensor(random(shape), shape))]),
  );
  const x = tf.tensor(random([batch, input]), [batch, input]);
  const y = tf.tensor(labels, [batch, output]);
  const affine = (h, w, b) => tf.add(tf.matMul(h, w), b);
  const value = (tiny ? tf.train.sgd(0.1) : tf.train.adam(1e-3)).minimize(
    () => {
      const z = affine(act(affine(act(affine(x, p.w1, p.b1)), p.w2, p.b2)), p.w3, p.b3);
      return tiny ? tf.losses.sigmoidCrossEntropy(y, z) : tf.losses.softmaxCrossEntropy(y, z);
    },
    true,
    Object.values(p),
  );
  value.dataSync();
}
console.log("STEP");
process.exit(0);
