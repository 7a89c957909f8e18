// Weights in a separate file beside the model, which an ONNX file above 2 GB needs.
import type { Draft, GraphProto, ModelProto, TensorProto } from "./proto/messages.ts";

/** Alignment of a part, for memory mapping. */
const alignment = 4096;
const smallBytes = 1024;

/** A model whose large weights are in another file, and the parts of that file. */
export interface ExternalModel {
  readonly model: Draft<ModelProto>;
  /** The other file as consecutive parts; the weights are the caller's own bytes. */
  readonly parts: readonly Uint8Array[];
  readonly byteLength: number;
}

/** Moves raw initializer data of at least `minBytes` to a file at `location`, relative to the model. */
export function externalise(model: Draft<ModelProto>, location: string, minBytes = smallBytes): ExternalModel {
  const parts: Uint8Array[] = [];
  let byteLength = 0;
  const add = (bytes: Uint8Array): number => {
    const blank = (alignment - (byteLength % alignment)) % alignment;
    if (blank > 0) parts.push(new Uint8Array(blank));
    const offset = byteLength + blank;
    parts.push(bytes);
    byteLength = offset + bytes.byteLength;
    return offset;
  };
  const moved = (tensor: Draft<TensorProto>): Draft<TensorProto> => {
    const { rawData, ...rest } = tensor;
    if (rawData === undefined || rawData.byteLength < minBytes) return tensor;
    const entries = { location, offset: String(add(rawData)), length: String(rawData.byteLength) };
    return {
      ...rest,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    };
  };
  const graph: Draft<GraphProto> = {
    ...model.graph,
    initializer: (model.graph?.initializer ?? []).map(moved),
  };
  return { model: { ...model, graph }, parts, byteLength };
}
