// hebb import: turns a weights file into a run folder, using the description stored in it or a run with the same network.
import { realpathSync } from "node:fs";
import { basename } from "node:path";
import type { HostArray, OpenedFile } from "../formats/index.ts";
import { kinds } from "../formats/kinds.ts";
import { createRun, saveModel } from "../formats/node.ts";
import { withFile } from "../formats/openPath.ts";
import { widenNamed } from "../formats/stored/array.ts";
import { HebbError } from "../graph/errors.ts";
import { configToJson, makeModel } from "./config.ts";
import { type RunDescription, readDescription } from "./describe.ts";
import { isModelFolder, modelIsNoRun } from "./modelFolder.ts";
import { openModel } from "./saved.ts";

export interface ImportReport {
  readonly run: string;
  readonly from: string;
  readonly arrays: number;
  readonly parameters: number;
}

/** The description that the weights belong to. */
function descriptionFor(file: OpenedFile, like: string | undefined): RunDescription {
  if (like !== undefined) {
    const { config, preprocessing } = openModel(like);
    return { config, preprocessing };
  }
  const text = file.metadata.get("hebb.run");
  if (text !== undefined) return readDescription(text, `${file.name}: hebb.run`);
  if (file.kind === "onnx")
    throw new HebbError(
      `${file.name} was not exported by hebb, and does not say what its inputs mean; run it with hebb predict ${file.name} inputs.npz, or train it further in a program with importOnnxFile of hebb/onnx/node`,
    );
  throw new HebbError(
    `${file.name} holds ${file.arrays.size} arrays (${kinds[file.kind].title}), but not which network they belong to; name a run of the same network with --like RUN. To train a Hugging Face model further, use hebb train DATA --base FOLDER`,
  );
}

/** Makes a run folder from the weights in a file. `folder` creates or names it, after everything else has been checked. */
export async function importFile(
  path: string,
  options: { readonly like?: string | undefined; readonly folder: () => string },
): Promise<ImportReport> {
  if (await isModelFolder(path)) throw modelIsNoRun(path);
  return withFile(path, async (file) => {
    const { config, preprocessing } = descriptionFor(file, options.like);
    const model = makeModel(config);
    const tensors: Record<string, HostArray> = Object.create(null);
    // A graph has constants besides the weights: those of the preprocessing, sizes, axes.
    const wanted = file.kind === "onnx" ? new Set(Object.keys(model.stateDict())) : undefined;
    for (const [name, array] of file.arrays)
      if (wanted?.has(name) !== false)
        tensors[name] = widenNamed(await array.read(), `${path}: tensor ${JSON.stringify(name.slice(0, 200))}`);
    // Compares names, shapes and dtypes.
    model.loadStateDict(tensors);
    const run = createRun(options.folder(), { config: configToJson(config), preprocessing });
    saveModel(run, { tensors, json: { model: configToJson(config)["model"] ?? null, from: basename(path) } });
    const parameters = Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
    return { run: realpathSync(run.path), from: path, arrays: Object.keys(tensors).length, parameters };
  });
}
