// The onnxruntime side, for the web or native: inference and matmul through session.run, inputs copied in and results out.
// usage: node ort.mjs PEERS_DIR INPUTS_DIR WORKLOAD THREADS [node]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cnnFile, matmulFile, mlpFile } from "./onnx.mjs";
import { load, matrices, serve } from "./serve.mjs";

const [peers, inputs, workload, threads, flavour = "web"] = process.argv.slice(2);
const folder = flavour === "node" ? "ortnode" : "ortweb";
const name = `onnxruntime-${flavour}`;
const require = createRequire(join(peers, folder, "x.js"));
const ort = require(name);
if (flavour === "web") ort.env.wasm.numThreads = Number(threads);
const options = {
  executionProviders: [flavour === "web" ? "wasm" : "cpu"],
  intraOpNumThreads: Number(threads),
  graphOptimizationLevel: "all",
};
const { version } = JSON.parse(readFileSync(join(peers, folder, "node_modules", name, "package.json"), "utf8"));

async function session(file, feeds, check) {
  const loaded = await ort.InferenceSession.create(new Uint8Array(file), options);
  let out;
  const step = async () => {
    out = (await loaded.run(feeds)).y.data;
  };
  return {
    step,
    async check() {
      await step();
      return check(out);
    },
  };
}
const total = (values) => values.reduce((a, b) => a + Math.abs(b), 0);

await serve(
  () => {
    const [kind, size, layout] = workload.split("-");
    if (kind === "matmul") {
      const n = Number(size);
      const { a, b } = matrices(n);
      const feeds = { a: new ort.Tensor("float32", a, [n, n]), b: new ort.Tensor("float32", b, [n, n]) };
      return session(matmulFile(n, layout), feeds, (c) => c[n + 1]);
    }
    const arrays = load(inputs, workload === "infer-mlp" ? "mlp" : "cnn");
    const shape = workload === "infer-mlp" ? [1, 784] : [1, 1, 28, 28];
    const feeds = { x: new ort.Tensor("float32", arrays.x.data.slice(0, 784), shape) };
    return session(workload === "infer-mlp" ? mlpFile(arrays) : cnnFile(arrays), feeds, total);
  },
  { version },
);
