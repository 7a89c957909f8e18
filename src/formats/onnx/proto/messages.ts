// The messages of an ONNX file as types. Repeated fields are always lists; other fields are absent if the file omits them.

/** Packed numbers as stored: views of the file, decoded when the tensor is read. */
export interface Packed {
  readonly chunks: readonly Uint8Array[];
}

/** A key and its value: metadata, and the location of external data. */
export interface StringStringEntryProto {
  readonly key?: string;
  readonly value?: string;
}

/** A set of operators that the model uses. The domain "" is ai.onnx. */
export interface OperatorSetIdProto {
  readonly domain?: string;
  readonly version?: number;
}

/** Part of a tensor; obsolete, and refused when read. */
export interface SegmentProto {
  readonly begin?: bigint;
  readonly end?: bigint;
}

/** An array with its values, or their location in another file. */
export interface TensorProto {
  readonly dims: readonly number[];
  /** A code from `elementTypes`. */
  readonly dataType?: number;
  readonly segment?: SegmentProto;
  readonly floatData?: Packed;
  readonly int32Data?: Packed;
  readonly stringData: readonly Uint8Array[];
  readonly int64Data?: Packed;
  readonly name?: string;
  readonly docString?: string;
  /** Little-endian values: a view of the file. */
  readonly rawData?: Uint8Array;
  readonly externalData: readonly StringStringEntryProto[];
  /** 1: the values are in another file. */
  readonly dataLocation?: number;
  readonly doubleData?: Packed;
  readonly uint64Data?: Packed;
  readonly metadataProps: readonly StringStringEntryProto[];
}

/** Nonzero values and their positions. */
export interface SparseTensorProto {
  readonly values?: TensorProto;
  readonly indices?: TensorProto;
  readonly dims: readonly number[];
}

/** A fixed size, a name, or neither if unknown. */
export interface DimensionProto {
  readonly dimValue?: number;
  readonly dimParam?: string;
  readonly denotation?: string;
}

export interface TensorShapeProto {
  readonly dim: readonly DimensionProto[];
}

export interface TensorTypeProto {
  readonly elemType?: number;
  readonly shape?: TensorShapeProto;
}

/** The element of a sequence or of an optional. */
export interface ElementTypeProto {
  readonly elemType?: TypeProto;
}

export interface MapTypeProto {
  readonly keyType?: number;
  readonly valueType?: TypeProto;
}

export interface OpaqueTypeProto {
  readonly domain?: string;
  readonly name?: string;
}

/** One of tensor, sequence, map, optional, sparse tensor and opaque. */
export interface TypeProto {
  readonly tensorType?: TensorTypeProto;
  readonly sequenceType?: ElementTypeProto;
  readonly mapType?: MapTypeProto;
  readonly denotation?: string;
  readonly opaqueType?: OpaqueTypeProto;
  readonly sparseTensorType?: TensorTypeProto;
  readonly optionalType?: ElementTypeProto;
}

/** The name and type of an input, an output or an intermediate value. */
export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: TypeProto;
  readonly docString?: string;
  readonly metadataProps: readonly StringStringEntryProto[];
}

/** A named constant of a node; `type` (a code from `attributeTypes`) tells which field holds it. */
export interface AttributeProto {
  readonly name?: string;
  readonly f?: number;
  readonly i?: bigint;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly floats: readonly number[];
  readonly ints: readonly bigint[];
  readonly strings: readonly Uint8Array[];
  readonly tensors: readonly TensorProto[];
  readonly graphs: readonly GraphProto[];
  readonly docString?: string;
  readonly tp?: TypeProto;
  readonly typeProtos: readonly TypeProto[];
  readonly type?: number;
  /** In a function body: the attribute of the call that supplies the value. */
  readonly refAttrName?: string;
  readonly sparseTensor?: SparseTensorProto;
  readonly sparseTensors: readonly SparseTensorProto[];
}

/** One application of an operator or a function. An input named "" is omitted. */
export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly attribute: readonly AttributeProto[];
  readonly docString?: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly metadataProps: readonly StringStringEntryProto[];
}

/** The scale and zero point of a quantized value, by name. */
export interface QuantizationAnnotation {
  readonly tensorName?: string;
  readonly quantParameterTensorNames: readonly StringStringEntryProto[];
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name?: string;
  readonly initializer: readonly TensorProto[];
  readonly docString?: string;
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
  readonly valueInfo: readonly ValueInfoProto[];
  readonly quantizationAnnotation: readonly QuantizationAnnotation[];
  readonly sparseInitializer: readonly SparseTensorProto[];
  readonly metadataProps: readonly StringStringEntryProto[];
}

/** An operator that the model defines as a graph of others. */
export interface FunctionProto {
  readonly name?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly string[];
  readonly node: readonly NodeProto[];
  readonly docString?: string;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly domain?: string;
  readonly attributeProto: readonly AttributeProto[];
  readonly valueInfo: readonly ValueInfoProto[];
  readonly overload?: string;
  readonly metadataProps: readonly StringStringEntryProto[];
}

/** Graphs that initialise and train, with the names that they update. */
export interface TrainingInfoProto {
  readonly initialization?: GraphProto;
  readonly algorithm?: GraphProto;
  readonly initializationBinding: readonly StringStringEntryProto[];
  readonly updateBinding: readonly StringStringEntryProto[];
}

/** The whole file. */
export interface ModelProto {
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly domain?: string;
  readonly modelVersion?: bigint;
  readonly docString?: string;
  readonly graph?: GraphProto;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly metadataProps: readonly StringStringEntryProto[];
  readonly trainingInfo: readonly TrainingInfoProto[];
  readonly functions: readonly FunctionProto[];
}

/** Values of a sequence or an optional, as ONNX's test data stores them. */
export interface SequenceProto {
  readonly name?: string;
  readonly elemType?: number;
  readonly tensorValues: readonly TensorProto[];
  readonly sequenceValues: readonly SequenceProto[];
  readonly optionalValues: readonly OptionalProto[];
}

export interface OptionalProto {
  readonly name?: string;
  readonly elemType?: number;
  readonly tensorValue?: TensorProto;
  readonly sequenceValue?: SequenceProto;
  readonly optionalValue?: OptionalProto;
}

/** Drafts may omit every field. Integers are numbers or bigints. */
export type Draft<M> = {
  readonly [K in keyof M]?: DraftOf<Exclude<M[K], undefined>>;
};
type DraftOf<T> = T extends string | Uint8Array | Packed
  ? T
  : T extends number
    ? number
    : T extends bigint
      ? bigint | number
      : T extends readonly (infer E)[]
        ? readonly DraftOf<E>[]
        : Draft<T>;
