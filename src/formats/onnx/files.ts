// An ONNX file as messages: read without copying the weights, written in parts.
import { asBytes, type FileBytes } from "../../data/bytes.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { decode } from "./proto/decode.ts";
import { encode, joined } from "./proto/encode.ts";
import type { Draft, ModelProto } from "./proto/messages.ts";
import { modelMessage } from "./proto/schema.ts";

export interface ReadOnnxOptions {
  /** The name in messages; normally the file's. */
  readonly name?: string;
}

const kinds: OptionKinds<ReadOnnxOptions> = { name: kind.string };

/** The messages of an ONNX file. Weights are views of its bytes. Throws HebbError that gives the position of damage. */
export function readOnnx(source: FileBytes, options: ReadOnnxOptions = {}): ModelProto {
  const bytes = asBytes(source, "readOnnx");
  const { name = "the file" } = checkOptions("readOnnx", options, kinds);
  const model = decode(modelMessage, bytes, name);
  if (model.graph === undefined || model.irVersion === undefined)
    throw new HebbError(
      `${name} has no ${model.graph === undefined ? "graph" : "version"}; it is truncated or another kind of file than an ONNX model`,
    );
  return model;
}

/** The bytes of an ONNX file with these messages. */
export function writeOnnx(model: Draft<ModelProto>): Uint8Array {
  return joined(encode(modelMessage, model));
}

/** The bytes of an ONNX file in parts, so that the weights of large models are not copied. */
export function writeOnnxParts(model: Draft<ModelProto>): readonly Uint8Array[] {
  return encode(modelMessage, model).parts;
}
