// hebb predict with an ONNX model: named arrays in, named arrays out.
import { basename, resolve } from "node:path";
import { entryAt } from "../data/inputFile.ts";
import { fileSource } from "../formats/fileSource.ts";
import { storedOf } from "../formats/host.ts";
import type { NamedStored, StoredArray } from "../formats/index.ts";
import { kinds, recognise } from "../formats/kinds.ts";
import { writeFileAtomic } from "../formats/node.ts";
import { dtypeOf } from "../formats/onnx/elementTypes.ts";
import type { Port } from "../formats/onnx/import/module.ts";
import { importOnnxFile } from "../formats/onnx/node.ts";
import { withFile } from "../formats/openPath.ts";
import { widen } from "../formats/stored/array.ts";
import { isFloat } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { formatShape } from "../graph/shape.ts";
import { type Tensor, tensor } from "../tensor/index.ts";

export interface OnnxPrediction {
  readonly path: string;
  readonly outputs: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[];
}

/** Whether a path is a file with an ONNX model. Throws for a file with the name of one that cannot be read. */
export async function isOnnxFile(path: string): Promise<boolean> {
  try {
    if ((await entryAt(path)).kind !== "file") return false;
    const source = await fileSource(path);
    try {
      return (await recognise(source)) === "onnx";
    } finally {
      await source.close();
    }
  } catch (error) {
    if (!(error instanceof HebbError) || path.endsWith(".onnx")) throw error;
    return false;
  }
}

/** The model's inputs from the arrays of a file, with floats in the model's precision. A single array is the input of a model with one input. */
const inputsOf = (path: string, ports: readonly Port[]): Promise<Record<string, Tensor>> =>
  withFile(path, async ({ arrays }) => {
    const inputs: Record<string, Tensor> = Object.create(null);
    const names = ports.map(({ name }) => name);
    const alone = names.length === 1 && arrays.size === 1 ? [...arrays.values()][0] : undefined;
    for (const { name, type } of ports) {
      const array = arrays.get(name) ?? alone;
      if (array === undefined)
        throw new HebbError(
          `${path} has no array ${JSON.stringify(name)}, which the model takes; it takes ${names.join(", ")}, and the file has ${[...arrays.keys()].join(", ")}`,
        );
      const { data, dtype, shape } = widen(await array.read());
      const wanted = type === undefined ? undefined : dtypeOf(type);
      const value = tensor(data, { dtype, shape });
      inputs[name] = wanted !== undefined && isFloat(wanted) && isFloat(dtype) ? value.to(wanted) : value;
    }
    return inputs;
  });

/** Runs the model on the arrays of a file (.npz, .safetensors, .npy …), and writes its outputs as .npz or .safetensors. */
export async function predictOnnx(model: string, from: string, output: string | undefined): Promise<OnnxPrediction> {
  const path = output ?? `${basename(from).replace(/\.[a-z]+$/i, "")}-outputs.npz`;
  if (resolve(path) === resolve(from) || resolve(path) === resolve(model))
    throw new HebbError(`${path} is read here, and would be overwritten; name another file with --out`);
  const module = await importOnnxFile(model);
  const outputs = module.forwardNamed(await inputsOf(from, module.inputs));
  const arrays: Record<string, StoredArray> = Object.create(null);
  for (const [name, value] of Object.entries(outputs))
    arrays[name] = storedOf({ data: await value.data(), dtype: value.dtype, shape: value.shape }, name);
  const { write } = kinds[path.endsWith(".safetensors") ? "safetensors" : "npz"];
  if (write === undefined) throw new HebbError(`${path}: outputs are written as .npz or .safetensors`);
  writeFileAtomic(path, await write(arrays satisfies NamedStored, undefined));
  return {
    path,
    outputs: Object.entries(outputs).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
  };
}

/** `y float32 [2, 10]` */
export const describeOutput = ({ name, dtype, shape }: OnnxPrediction["outputs"][number]): string =>
  `${name} ${dtype} ${formatShape(shape)}`;
