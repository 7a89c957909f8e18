// Reads an ONNX model as a module. Everything is checked before anything is computed.
import type { FileBytes } from "../../../data/bytes.ts";
import { HebbError } from "../../../graph/errors.ts";
import * as kind from "../../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../../graph/options.ts";
import { readOnnx } from "../files.ts";
import type { ExternalData } from "../tensors.ts";
import { OnnxModule, portOf } from "./module.ts";
import { opsetsOf, outermost, Preparation, prepareGraph } from "./prepare.ts";
import { readWeights, type Trainable } from "./weights.ts";

export interface ImportOnnxOptions {
  /** The name in messages; normally the file's. */
  readonly name?: string;
  /** Returns the bytes of the weight files beside the model. */
  readonly externalData?: ExternalData;
  /**
   * Which float initializers are parameters. Default: those that the graph computes with, except scalars, settings of an operator, masks
   * and running statistics.
   */
  readonly trainable?: Trainable;
}

const kinds: OptionKinds<ImportOnnxOptions> = { name: kind.string, externalData: kind.func(), trainable: kind.func() };

/**
 * The model of an ONNX file as a module, in eval mode. Throws HebbError, before computing anything, for a damaged file and for unknown
 * operators, with a list of all of them.
 */
export function importOnnx(source: FileBytes, options: ImportOnnxOptions = {}): OnnxModule {
  const { name = "the file", externalData, trainable } = checkOptions("importOnnx", options, kinds);
  const model = readOnnx(source, { name });
  const { graph } = model;
  if (graph === undefined) throw new HebbError(`${name} has no graph`);
  try {
    const preparation = new Preparation(model, externalData);
    const opsets = opsetsOf(model.opsetImport, name);
    const weights = readWeights(graph, preparation, opsets, trainable);
    const prepared = prepareGraph(preparation, graph, outermost(opsets), weights.values);
    preparation.missing.refuse(name);
    const inputs = graph.input.filter((info) => !weights.values.has(info.name ?? "")).map(portOf);
    return new OnnxModule({ graph: prepared, members: weights.members, inputs, outputs: graph.output.map(portOf) });
  } catch (error) {
    if (!(error instanceof HebbError) || error.message.startsWith(name)) throw error;
    throw new HebbError(`${name}: ${error.message}`, { cause: error });
  }
}
