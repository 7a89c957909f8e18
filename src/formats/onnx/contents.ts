// The contents of an ONNX file: its initializers as arrays, and its graph in words. Values in other files are read on request.
import { HebbError } from "../../graph/errors.ts";
import type { Contents, FileArray } from "../opened.ts";
import type { OpenSource } from "../source.ts";
import { type StoredArray, store } from "../stored/array.ts";
import { type StoredDType, storedAs } from "../stored/types.ts";
import { bitsOf, dtypeOf, type ElementType, elementTypeOf } from "./elementTypes.ts";
import { readOnnx } from "./files.ts";
import { describeGraph } from "./outline.ts";
import type { TensorProto } from "./proto/messages.ts";
import { checkedSize, externalLocation, externalRange, readTensor, tensorBytes } from "./tensors.ts";

/** Types whose layout is the same in other files as here. */
const sameBytes: ReadonlyMap<ElementType, StoredDType> = new Map([
  ["float", "F32"],
  ["double", "F64"],
  ["float16", "F16"],
  ["bfloat16", "BF16"],
  ["float8e4m3fn", "F8_E4M3"],
  ["float8e5m2", "F8_E5M2"],
  ["float8e4m3fnuz", "F8_E4M3FNUZ"],
  ["float8e5m2fnuz", "F8_E5M2FNUZ"],
  ["float8e8m0", "F8_E8M0"],
  ["int64", "I64"],
  ["int32", "I32"],
  ["int16", "I16"],
  ["int8", "I8"],
  ["uint64", "U64"],
  ["uint32", "U32"],
  ["uint16", "U16"],
  ["uint8", "U8"],
  ["bool", "BOOL"],
  ["complex64", "C64"],
]);

/** Reads the part of another file that a tensor refers to; undefined if its values are in the model. */
async function fetched(
  source: OpenSource,
  tensor: TensorProto,
  bytes: number,
  where: string,
): Promise<Uint8Array | undefined> {
  if (tensor.dataLocation !== 1) return undefined;
  const location = externalLocation(tensor, where);
  if (source.beside === undefined)
    throw new HebbError(
      `${where}: its values are in the file ${JSON.stringify(location.slice(0, 200))}; open the model by its path`,
    );
  const file = await source.beside(location);
  try {
    const { offset, length } = externalRange(tensor, bytes, where, file.size);
    return await file.read(offset, length);
  } finally {
    await file.close();
  }
}

/** An initializer as an array; undefined for strings and complex128, which no array here supports. */
function arrayOf(source: OpenSource, tensor: TensorProto, where: string): FileArray | undefined {
  const type = elementTypeOf(tensor.dataType, where);
  const shape = tensor.dims;
  const size = checkedSize(shape, where);
  if (type === "string" || type === "complex128") return undefined;
  const dtype = sameBytes.get(type);
  const byteLength = Math.ceil((size * bitsOf[type]) / 8);
  const values = async (): Promise<TensorProto> => {
    const rawData = await fetched(source, tensor, byteLength, where);
    return rawData === undefined ? tensor : { ...tensor, dataLocation: 0, rawData };
  };
  if (dtype !== undefined)
    return {
      dtype,
      type: dtype,
      shape,
      byteLength,
      read: async () => ({ dtype, shape, bytes: tensorBytes(await values(), type, where) }),
    };
  // Fewer than 8 bits.
  return {
    dtype: storedAs[dtypeOf(type) ?? "float32"],
    type,
    shape,
    byteLength,
    read: async (): Promise<StoredArray> => {
      const { array } = readTensor(await values(), where);
      if (array === undefined) throw new HebbError(`${where} has the type ${type}, which no tensor has`);
      return store(array);
    },
  };
}

/** Opens an ONNX file. The computation is described, not run, so unknown operators are harmless. */
export async function openOnnx(source: OpenSource): Promise<Contents> {
  const { name } = source;
  const model = readOnnx(await source.read(0, source.size), { name });
  const arrays = new Map<string, FileArray>();
  const left: string[] = [];
  for (const tensor of model.graph?.initializer ?? []) {
    const title = JSON.stringify((tensor.name ?? "").slice(0, 200));
    const where = `${name}: the initializer ${title}`;
    if (arrays.has(tensor.name ?? "")) throw new HebbError(`${where} is there twice; the file is damaged`);
    const array = arrayOf(source, tensor, where);
    if (array === undefined) left.push(title);
    else arrays.set(tensor.name ?? "", array);
  }
  const { facts, graph, flops, notes } = describeGraph(model);
  const metadata = new Map(model.metadataProps.map(({ key = "", value = "" }) => [key, value]));
  return {
    arrays,
    metadata,
    facts,
    notes: left.length === 0 ? notes : [...notes, `without ${left.join(", ")}, which hold strings or complex numbers`],
    graph,
    ...(flops === undefined ? {} : { flops }),
    close: () => source.close(),
  };
}
