// hebb export: writes the weights of a run, or the arrays of a file, in another format, reads them back and compares.
import { basename, resolve } from "node:path";
import { entryAt } from "../data/inputFile.ts";
import { storedOf } from "../formats/host.ts";
import type { NamedStored, StoredArray } from "../formats/index.ts";
import { kinds } from "../formats/kinds.ts";
import { openFile, writeFileAtomic } from "../formats/node.ts";
import { withFile } from "../formats/openPath.ts";
import { store, widen } from "../formats/stored/array.ts";
import { largestDifference } from "../formats/stored/values.ts";
import { HebbError } from "../graph/errors.ts";
import { sizeOf } from "../graph/shape.ts";
import { makeModel } from "./config.ts";
import { describeRun } from "./describe.ts";
import type { ArrayName, ExportName, ExportReport } from "./exportNames.ts";
import { isRunFolder } from "./isRun.ts";
import { sampleBatch } from "./sample.ts";
import { type OpenedRun, openModel } from "./saved.ts";

/** The arrays to export. */
interface Subject {
  readonly arrays: NamedStored;
  readonly description: string | undefined;
  /** The run whose model is run again for comparison. */
  readonly run: OpenedRun | undefined;
}

const named = (entries: Iterable<readonly [string, StoredArray]>): NamedStored => {
  const arrays: Record<string, StoredArray> = Object.create(null);
  for (const [name, array] of entries) arrays[name] = array;
  return arrays;
};

function subjectOfRun(folder: string): Subject {
  const run = openModel(folder);
  const state = run.model.stateDict();
  const arrays = Object.entries(state).map(([name, value]) => [name, storedOf(value, name)] as const);
  return { arrays: named(arrays), description: describeRun(run), run };
}

const subjectOfFile = (path: string): Promise<Subject> =>
  withFile(path, async ({ arrays, metadata }) => {
    const read: [string, StoredArray][] = [];
    for (const [name, array] of arrays) read.push([name, await array.read()]);
    return { arrays: named(read), description: metadata.get("hebb.run"), run: undefined };
  });

/** Writes `from`, a run folder or a file, as another kind of file, named after `from` if `output` is not given. */
export async function exportTo(from: string, to: ExportName, output?: string): Promise<ExportReport> {
  if ((await entryAt(from)).kind === "nothing")
    throw new HebbError(`there is no run folder or file ${from}; check the name`);
  const isRun = await isRunFolder(from);
  const extension = to === "onnx" ? ".onnx" : to === "module" ? ".ts" : kinds[to].extension;
  const path =
    output ??
    `${basename(resolve(from)).replace(/\.(safetensors|npz|npy|pth?|json|gguf|h5|keras|onnx)$/, "")}${extension}`;
  if (resolve(path) === resolve(from))
    throw new HebbError(`${path} is the file to export; name another with --out FILE`);
  if ((await entryAt(path)).kind === "folder") throw new HebbError(`${path} is a folder; name a file in it with --out`);
  if (to === "onnx" || to === "module") {
    if (!isRun)
      throw new HebbError(
        `${from} holds arrays and no network, which ${to === "onnx" ? "an ONNX file" : "a module"} needs; export a run folder, or make one of it by hebb import`,
      );
    return to === "onnx"
      ? (await import("./exportOnnxRun.ts")).exportOnnxRun(from, path)
      : (await import("./exportModuleRun.ts")).exportModuleRun(from, path);
  }
  const subject = isRun ? subjectOfRun(from) : await subjectOfFile(from);
  const { write } = kinds[to];
  if (write === undefined) throw new HebbError(`${kinds[to].title} files can be read, but not written`);
  const { arrays, notes } = adapted(subject.arrays, to);
  const bytes = await write(arrays, subject.description);
  writeFileAtomic(path, bytes);
  const back = await readBack(path);
  const values = Object.values(arrays);
  return {
    path,
    to,
    bytes: bytes.byteLength,
    arrays: values.length,
    parameters: values.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    difference: compared(arrays, back, path),
    outputs: subject.run === undefined ? null : outputDifference(subject.run, back),
    notes,
  };
}

async function readBack(path: string): Promise<NamedStored> {
  const file = await openFile(path);
  try {
    const read: [string, StoredArray][] = [];
    for (const [name, array] of file.arrays) read.push([name, await array.read()]);
    return named(read);
  } finally {
    await file.close();
  }
}

function compared(written: NamedStored, back: NamedStored, path: string): number {
  let difference = 0;
  if (Object.keys(written).length !== Object.keys(back).length)
    throw new HebbError(`${path} reads back with different arrays than were written; report this`);
  for (const [name, array] of Object.entries(written)) {
    const read = back[name];
    if (read === undefined || read.dtype !== array.dtype || String(read.shape) !== String(array.shape))
      throw new HebbError(`${path}: ${JSON.stringify(name)} reads back differently from what was written; report this`);
    difference = Math.max(difference, largestDifference(array, read));
  }
  return difference;
}

/** Converts element types that the kind of file lacks to wider ones; values stay the same. */
function adapted(arrays: NamedStored, to: ArrayName): { arrays: NamedStored; notes: string[] } {
  const { lacks = [] } = kinds[to];
  const types = new Set<string>();
  const kept = Object.entries(arrays).map(([name, array]): [string, StoredArray] => {
    if (!lacks.includes(array.dtype)) return [name, array];
    types.add(array.dtype);
    return [name, store(widen(array))];
  });
  return {
    arrays: named(kept),
    notes:
      types.size === 0
        ? []
        : [`${[...types].join(", ")} became F32, as ${kinds[to].title} files do not have that type`],
  };
}

/** The largest difference between the outputs of the run's model and of one with these weights. */
function outputDifference({ config, model }: OpenedRun, weights: NamedStored): number {
  const other = makeModel(config);
  other.loadStateDict(Object.fromEntries(Object.entries(weights).map(([name, array]) => [name, widen(array)])));
  other.eval();
  const batch = sampleBatch(config);
  return largestDifference(storedOf(model.forward(batch), "outputs"), storedOf(other.forward(batch), "outputs"));
}
