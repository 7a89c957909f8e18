// Runs exported files: with onnxruntime-node from the folder in HEBB_PEERS, or else with onnxruntime-web, which is a dev dependency.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-web";
import { storedAs, type TypedArray } from "../../src/graph/dtype.ts";
import { numbersOf } from "../../src/graph/halves.ts";
import { type Tensor, tensor } from "../../src/tensor/index.ts";

interface Runtime {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof OrtTensor;
  readonly env: { logLevel?: string | undefined; wasm?: { numThreads?: number | undefined } };
}

async function load(): Promise<Runtime> {
  const peers = process.env["HEBB_PEERS"];
  if (peers !== undefined) {
    try {
      return createRequire(join(peers, "ortnode/package.json"))("onnxruntime-node") as Runtime;
    } catch {
      // Not installed there.
    }
  }
  return (await import("onnxruntime-web")) as Runtime;
}

let loaded: Promise<Runtime> | undefined;
const runtime = async (): Promise<Runtime> => {
  loaded ??= load().then((found) => {
    found.env.logLevel = "error";
    if (found.env.wasm !== undefined) found.env.wasm.numThreads = 1;
    return found;
  });
  return loaded;
};

let written = 0;

/** Keeps a file for test/golden/onnx/check.py, in the folder that HEBB_ONNX_OUT names. */
function keep(bytes: Uint8Array): void {
  const folder = process.env["HEBB_ONNX_OUT"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${process.pid}-${written++}.onnx`), bytes);
}

/** The results by name. */
export async function runOnnx(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<Readonly<Record<string, Tensor>>> {
  keep(bytes);
  const ort = await runtime();
  const session = await ort.InferenceSession.create(bytes);
  const feeds = Object.fromEntries(
    Object.entries(inputs)
      .filter(([name]) => session.inputNames.includes(name))
      .map(([name, input]) => [name, new ort.Tensor(storedAs(input.dtype), input.dataSync(), input.shape)]),
  );
  const results = await session.run(feeds);
  const found = Object.entries(results).map(([name, { data, dims, type }]): [string, Tensor] => [
    name,
    // The runtime returns floats of 16 bits as their bits.
    tensor(numbersOf(type as Tensor["dtype"], data as TypedArray), { shape: dims, dtype: type as Tensor["dtype"] }),
  ]);
  await session.release();
  return Object.fromEntries(found);
}

/** The largest difference, relative to the largest number. Infinities and NaN must be at the same positions in both. */
export function difference(actual: Tensor, expected: Tensor): number {
  if (actual.shape.join() !== expected.shape.join())
    throw new Error(`the shape is [${actual.shape}] and must be [${expected.shape}]`);
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  let largest = 0;
  let scale = 0;
  for (let place = 0; place < b.length; place++) {
    const [x, y] = [Number(a[place]), Number(b[place])];
    if (Object.is(x, y)) continue;
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      if (x !== y) return Number.POSITIVE_INFINITY;
      continue;
    }
    largest = Math.max(largest, Math.abs(x - y));
    scale = Math.max(scale, Math.abs(y));
  }
  for (const value of b) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  return largest === 0 ? 0 : largest / scale;
}
