// The brain.js side. It updates after every sample, with squared errors and one activation everywhere: the same amount of work,
// not the same mathematics, so there is no value to compare.   usage: node brain.mjs PEERS_DIR INPUTS_DIR WORKLOAD
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { load, oneHot, row, serve } from "./serve.mjs";

const [peers, inputs, workload] = process.argv.slice(2);
const require = createRequire(join(peers, "brain", "x.js"));
const { NeuralNetwork } = require("brain.js");
const { version } = JSON.parse(readFileSync(join(peers, "brain/node_modules/brain.js/package.json"), "utf8"));

/** The samples of one batch in its trainer's format. */
function samples(x, y, inputSize, outputSize) {
  return Array.from({ length: x.length / inputSize }, (_, i) => ({
    input: Float32Array.from(x.slice(i * inputSize, (i + 1) * inputSize)),
    output: Float32Array.from(y.slice(i * outputSize, (i + 1) * outputSize)),
  }));
}

function network(hiddenLayers, activation, first) {
  const net = new NeuralNetwork({ hiddenLayers, activation });
  net.train([{ input: [...first.input], output: [...first.output] }], { iterations: 1, errorThresh: 1e-9 });
  net.trainOpts.learningRate = 0.1;
  net.trainOpts.momentum = 0;
  return net;
}

await serve(
  () => {
    if (workload === "tiny") {
      const { x, y } = load(inputs, "tiny");
      const batch = samples(x.data, y.data, 2, 1);
      const net = network([8, 8], "tanh", batch[0]);
      return {
        step: () => {
          for (const sample of batch) net.trainPattern(sample, false);
        },
        check: () => null,
      };
    }
    const { x, y } = load(inputs, "mlp");
    const batches = Array.from({ length: x.shape[0] }, (_, i) => samples(row(x, i), oneHot(row(y, i), 10), 784, 10));
    const net = network([128, 64], "relu", batches[0][0]);
    if (workload === "infer-mlp") {
      const input = [...batches[0][0].input];
      return {
        step: () => {
          net.run(input);
        },
        check: () => null,
      };
    }
    return {
      step: (i) => {
        for (const sample of batches[i % batches.length]) net.trainPattern(sample, false);
      },
      check: () => null,
    };
  },
  { version },
);
