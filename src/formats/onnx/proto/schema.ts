// The field numbers of ONNX's messages, checked against their types.
import type {
  AttributeProto,
  DimensionProto,
  ElementTypeProto,
  FunctionProto,
  GraphProto,
  MapTypeProto,
  ModelProto,
  NodeProto,
  OpaqueTypeProto,
  OperatorSetIdProto,
  OptionalProto,
  Packed,
  QuantizationAnnotation,
  SegmentProto,
  SequenceProto,
  SparseTensorProto,
  StringStringEntryProto,
  TensorProto,
  TensorShapeProto,
  TensorTypeProto,
  TrainingInfoProto,
  TypeProto,
  ValueInfoProto,
} from "./messages.ts";

/** The storage of a value. "int" is an int64 that a number must represent exactly; "int64" may be any. */
export type Scalar = "int32" | "int" | "int64" | "float" | "string" | "bytes";
/** Numbers that stay in the file's form: of 4 bytes, of 8 bytes, or varints. */
export type PackedKind = "packed4" | "packed8" | "packedVarint";

export interface Field {
  readonly no: number;
  readonly kind: Scalar | PackedKind | (() => Message);
  readonly repeated: boolean;
}

/** A message: its fields by name. */
export interface Message<M extends object = object> {
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly byNumber: ReadonlyMap<number, readonly [name: string, field: Field]>;
  /** For types only: the result of decoding. */
  readonly decoded?: M;
}

type KindOf<T> = T extends string
  ? "string"
  : T extends bigint
    ? "int64"
    : T extends number
      ? "int32" | "int" | "float"
      : T extends Uint8Array
        ? "bytes"
        : T extends Packed
          ? PackedKind
          : T extends object
            ? () => Message<T>
            : never;

/** [number, kind] of each field; its type determines whether it repeats. */
type FieldsOf<M> = {
  readonly [K in keyof M]-?: Exclude<M[K], undefined> extends readonly (infer E)[]
    ? readonly [no: number, kind: KindOf<E>, repeated: "repeated"]
    : readonly [no: number, kind: KindOf<Exclude<M[K], undefined>>];
};

function message<M extends object>(name: string, fields: FieldsOf<M>): Message<M> {
  const rows = Object.entries<readonly [number, Field["kind"], "repeated"?]>(fields).map(
    ([field, [no, kind, repeated]]) => [field, { no, kind, repeated: repeated !== undefined }] as const,
  );
  return { name, fields: Object.fromEntries(rows), byNumber: new Map(rows.map((row) => [row[1].no, row])) };
}

const entry = message<StringStringEntryProto>("StringStringEntryProto", { key: [1, "string"], value: [2, "string"] });
const entries = (no: number): readonly [number, () => typeof entry, "repeated"] => [no, () => entry, "repeated"];

const operatorSet = message<OperatorSetIdProto>("OperatorSetIdProto", { domain: [1, "string"], version: [2, "int"] });

const segment = message<SegmentProto>("Segment", { begin: [1, "int64"], end: [2, "int64"] });

export const tensorMessage = message<TensorProto>("TensorProto", {
  dims: [1, "int", "repeated"],
  dataType: [2, "int32"],
  segment: [3, () => segment],
  floatData: [4, "packed4"],
  int32Data: [5, "packedVarint"],
  stringData: [6, "bytes", "repeated"],
  int64Data: [7, "packedVarint"],
  name: [8, "string"],
  rawData: [9, "bytes"],
  doubleData: [10, "packed8"],
  uint64Data: [11, "packedVarint"],
  docString: [12, "string"],
  externalData: entries(13),
  dataLocation: [14, "int32"],
  metadataProps: entries(16),
});

const sparseTensor = message<SparseTensorProto>("SparseTensorProto", {
  values: [1, () => tensorMessage],
  indices: [2, () => tensorMessage],
  dims: [3, "int", "repeated"],
});

const dimension = message<DimensionProto>("Dimension", {
  dimValue: [1, "int"],
  dimParam: [2, "string"],
  denotation: [3, "string"],
});
const shape = message<TensorShapeProto>("TensorShapeProto", { dim: [1, () => dimension, "repeated"] });
const tensorType = message<TensorTypeProto>("TypeProto.Tensor", { elemType: [1, "int32"], shape: [2, () => shape] });
const elementType = message<ElementTypeProto>("TypeProto.Sequence", { elemType: [1, () => typeMessage] });
const mapType = message<MapTypeProto>("TypeProto.Map", { keyType: [1, "int32"], valueType: [2, () => typeMessage] });
const opaqueType = message<OpaqueTypeProto>("TypeProto.Opaque", { domain: [1, "string"], name: [2, "string"] });

export const typeMessage: Message<TypeProto> = message<TypeProto>("TypeProto", {
  tensorType: [1, () => tensorType],
  sequenceType: [4, () => elementType],
  mapType: [5, () => mapType],
  denotation: [6, "string"],
  opaqueType: [7, () => opaqueType],
  sparseTensorType: [8, () => tensorType],
  optionalType: [9, () => elementType],
});

const valueInfo = message<ValueInfoProto>("ValueInfoProto", {
  name: [1, "string"],
  type: [2, () => typeMessage],
  docString: [3, "string"],
  metadataProps: entries(4),
});

const attribute: Message<AttributeProto> = message<AttributeProto>("AttributeProto", {
  name: [1, "string"],
  f: [2, "float"],
  i: [3, "int64"],
  s: [4, "bytes"],
  t: [5, () => tensorMessage],
  g: [6, () => graphMessage],
  floats: [7, "float", "repeated"],
  ints: [8, "int64", "repeated"],
  strings: [9, "bytes", "repeated"],
  tensors: [10, () => tensorMessage, "repeated"],
  graphs: [11, () => graphMessage, "repeated"],
  docString: [13, "string"],
  tp: [14, () => typeMessage],
  typeProtos: [15, () => typeMessage, "repeated"],
  type: [20, "int32"],
  refAttrName: [21, "string"],
  sparseTensor: [22, () => sparseTensor],
  sparseTensors: [23, () => sparseTensor, "repeated"],
});

const node = message<NodeProto>("NodeProto", {
  input: [1, "string", "repeated"],
  output: [2, "string", "repeated"],
  name: [3, "string"],
  opType: [4, "string"],
  attribute: [5, () => attribute, "repeated"],
  docString: [6, "string"],
  domain: [7, "string"],
  overload: [8, "string"],
  metadataProps: entries(9),
});

const annotation = message<QuantizationAnnotation>("TensorAnnotation", {
  tensorName: [1, "string"],
  quantParameterTensorNames: entries(2),
});

export const graphMessage: Message<GraphProto> = message<GraphProto>("GraphProto", {
  node: [1, () => node, "repeated"],
  name: [2, "string"],
  initializer: [5, () => tensorMessage, "repeated"],
  docString: [10, "string"],
  input: [11, () => valueInfo, "repeated"],
  output: [12, () => valueInfo, "repeated"],
  valueInfo: [13, () => valueInfo, "repeated"],
  quantizationAnnotation: [14, () => annotation, "repeated"],
  sparseInitializer: [15, () => sparseTensor, "repeated"],
  metadataProps: entries(16),
});

const functionMessage = message<FunctionProto>("FunctionProto", {
  name: [1, "string"],
  input: [4, "string", "repeated"],
  output: [5, "string", "repeated"],
  attribute: [6, "string", "repeated"],
  node: [7, () => node, "repeated"],
  docString: [8, "string"],
  opsetImport: [9, () => operatorSet, "repeated"],
  domain: [10, "string"],
  attributeProto: [11, () => attribute, "repeated"],
  valueInfo: [12, () => valueInfo, "repeated"],
  overload: [13, "string"],
  metadataProps: entries(14),
});

const trainingInfo = message<TrainingInfoProto>("TrainingInfoProto", {
  initialization: [1, () => graphMessage],
  algorithm: [2, () => graphMessage],
  initializationBinding: entries(3),
  updateBinding: entries(4),
});

export const modelMessage = message<ModelProto>("ModelProto", {
  irVersion: [1, "int"],
  producerName: [2, "string"],
  producerVersion: [3, "string"],
  domain: [4, "string"],
  modelVersion: [5, "int64"],
  docString: [6, "string"],
  graph: [7, () => graphMessage],
  opsetImport: [8, () => operatorSet, "repeated"],
  metadataProps: entries(14),
  trainingInfo: [20, () => trainingInfo, "repeated"],
  functions: [25, () => functionMessage, "repeated"],
});

export const sequenceMessage: Message<SequenceProto> = message<SequenceProto>("SequenceProto", {
  name: [1, "string"],
  elemType: [2, "int32"],
  tensorValues: [3, () => tensorMessage, "repeated"],
  sequenceValues: [5, () => sequenceMessage, "repeated"],
  optionalValues: [7, () => optionalMessage, "repeated"],
});

export const optionalMessage: Message<OptionalProto> = message<OptionalProto>("OptionalProto", {
  name: [1, "string"],
  elemType: [2, "int32"],
  tensorValue: [3, () => tensorMessage],
  sequenceValue: [5, () => sequenceMessage],
  optionalValue: [7, () => optionalMessage],
});
