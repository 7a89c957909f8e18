// hebb export --to onnx: a run with its preprocessing as an ONNX file, read back as a module and compared on sample rows.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { storedOf } from "../formats/host.ts";
import { writeFileAtomic } from "../formats/node.ts";
import { exportOnnx, importOnnx, type OnnxExport } from "../formats/onnx/index.ts";
import { largestDifference } from "../formats/stored/values.ts";
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { sizeOf } from "../graph/shape.ts";
import { rand, randint, seed, type Tensor } from "../tensor/index.ts";
import type { ExportReport } from "./exportNames.ts";
import { type RunGraph, type RunInput, runGraph } from "./runGraph.ts";
import { openModel } from "./saved.ts";

/** The number of rows to compare. */
const rows = 16;

export async function exportOnnxRun(folder: string, path: string): Promise<ExportReport> {
  const opened = openModel(folder);
  const graph = runGraph(opened);
  const { model } = opened;
  const exported = await exportOnnx(graph.fn, Object.fromEntries(graph.inputs.map((input) => [input.name, input])), {
    dynamic: Object.fromEntries(graph.inputs.map(({ name }) => [name, { 0: "rows" }])),
    outputs: graph.outputs,
    metadata: graph.metadata,
    name: basename(path).replace(/\.onnx$/, ""),
  });
  const bytes = write(exported, path);
  const values = Object.values(model.stateDict());
  return {
    path,
    to: "onnx",
    bytes,
    arrays: values.length,
    parameters: values.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    difference: 0,
    outputs: difference(exported.bytes, path, graph),
    notes: [...graph.notes, ...exported.notes],
  };
}

function write({ bytes, external }: OnnxExport, path: string): number {
  const beside = join(dirname(path), external?.name ?? "");
  if (external !== undefined && existsSync(beside))
    throw new HebbError(`${beside} exists already, and the weights of ${path} belong there; move it away`);
  writeFileAtomic(path, bytes);
  if (external === undefined) return bytes.byteLength;
  const size = external.parts.reduce((sum, part) => sum + part.byteLength, 0);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of external.parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  writeFileAtomic(beside, whole);
  return bytes.byteLength + size;
}

/** The same rows at every call: numbers near 0, counts of terms, categories and tokens that exist. */
function sample(input: RunInput): Tensor {
  const shape = [rows, ...input.shape.slice(1)];
  if (input.dtype === "int32") return randint(0, input.categories?.length ?? 2, shape);
  if (input.terms !== undefined) return randint(0, 4, shape).to(input.dtype);
  return rand(shape).sub(0.5).mul(4).to(input.dtype);
}

/** The largest difference between an output of the file, as a module, and of the run. */
function difference(bytes: Uint8Array, path: string, { inputs, outputs, fn }: RunGraph): number {
  const externalData = (location: string): Uint8Array => readFileSync(join(dirname(path), location));
  const back = importOnnx(bytes, { name: path, externalData });
  seed(0);
  const given = inputs.map(sample);
  for (const one of given) one.dataSync();
  const results = back.forwardNamed(Object.fromEntries(inputs.map(({ name }, place) => [name, at(given, place)])));
  return Math.max(
    ...fn(...given).map((expected, place) => {
      const other = results[at(outputs, place)];
      if (other === undefined) throw new HebbError(`${path} gives no output ${at(outputs, place)}; report this`);
      return largestDifference(storedOf(expected, "outputs"), storedOf(other, "outputs"));
    }),
  );
}
