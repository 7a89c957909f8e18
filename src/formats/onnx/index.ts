// The public names of hebb/onnx: the messages of ONNX files, read and written, and the export of modules and functions.
export { attributeTypes } from "./attributeTypes.ts";
export { type ElementType, elementTypes } from "./elementTypes.ts";
export {
  type ExportOnnxOptions,
  exportOnnx,
  type OnnxExport,
  type OnnxInput,
  type OnnxValue,
  opsets,
} from "./export/exportOnnx.ts";
export { type ExternalModel, externalise } from "./external.ts";
export { type ReadOnnxOptions, readOnnx, writeOnnx, writeOnnxParts } from "./files.ts";
export { type ImportOnnxOptions, importOnnx } from "./import/import.ts";
export type { OnnxModule, Port } from "./import/module.ts";
export {
  type Host,
  type NothingValue,
  nothing,
  type SequenceValue,
  sequence,
  TensorValue,
  type TextValue,
  type Value,
  valueOf,
} from "./import/values.ts";
export type * from "./proto/messages.ts";
export { type ExternalData, type ExternalFile, type OnnxArray, readTensor, tensorProto } from "./tensors.ts";
