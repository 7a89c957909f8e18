// The peer of bench/serve.ts: an exported run in onnxruntime-node behind Fastify, with one session run per request.
// usage: node ortServe.mjs MODEL CLASSES_JSON; packages from the folder in HEBB_PEERS
import { createRequire } from "node:module";
import { join } from "node:path";
import { fastify } from "fastify";

const [model, names] = process.argv.slice(2);
const { InferenceSession, Tensor } = createRequire(join(process.env.HEBB_PEERS, "ortnode/package.json"))(
  "onnxruntime-node",
);
const classes = JSON.parse(names);
const session = await InferenceSession.create(model);
const app = fastify();
app.post("/predict", async ({ body }) => {
  const given = session.inputNames.map((name) => [name, new Tensor("float32", [body[name] ?? Number.NaN], [1, 1])]);
  const results = await session.run(Object.fromEntries(given));
  const [place, shares] = session.outputNames.map((name) => results[name].data);
  return {
    prediction: classes[place[0]],
    probabilities: Object.fromEntries(classes.map((name, k) => [name, shares[k]])),
  };
});
console.log(JSON.stringify({ address: await app.listen({ host: "127.0.0.1", port: 0 }) }));
process.once("SIGTERM", () => app.close());
