// GGUF (github.com/ggml-org/ggml, docs/gguf.md), versions 2 and 3: metadata and tensors of a model in one file. Opening reads the
// header. A tensor is read, and converted to float32 if it is quantised, on request.
import { HebbError } from "../../graph/errors.ts";
import { formatShape, sizeOf } from "../../graph/shape.ts";
import { type Contents, type FileArray, fileArray } from "../opened.ts";
import type { OpenSource } from "../source.ts";
import { bytesOf } from "../stored/array.ts";
import { type StoredDType, storedBytes } from "../stored/types.ts";
import { blocks, dequantize } from "./blocks.ts";
import { Ended, HeaderReader } from "./header.ts";

/** Unquantized types, by their code in a file. */
const plain: ReadonlyMap<number, StoredDType> = new Map([
  [0, "F32"],
  [1, "F16"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [30, "BF16"],
]);

/** ggml's names of all known types, supported or not. */
const typeNames: ReadonlyMap<number, string> = new Map([
  [2, "Q4_0"],
  [3, "Q4_1"],
  [6, "Q5_0"],
  [7, "Q5_1"],
  [8, "Q8_0"],
  [9, "Q8_1"],
  [10, "Q2_K"],
  [11, "Q3_K"],
  [12, "Q4_K"],
  [13, "Q5_K"],
  [14, "Q6_K"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [20, "IQ4_NL"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
]);

interface Info {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  readonly offset: number;
}

interface Header {
  readonly metadata: Map<string, string>;
  readonly infos: readonly Info[];
  /** The offset of the data. */
  readonly start: number;
  readonly alignment: number;
}

const maxHeaderBytes = 2 ** 28;
const maxTensors = 1_000_000;
const maxMetadata = 1_000_000;

function readInfo(reader: HeaderReader, file: string): Info {
  const name = reader.text();
  const rank = reader.u32();
  if (rank > 8)
    throw new HebbError(
      `${file}: tensor ${JSON.stringify(name.slice(0, 200))} has ${rank} dims, more than 8; it is damaged`,
    );
  // The file lists the fastest dim first.
  const shape = Array.from({ length: rank }, () => reader.u64()).reverse();
  return { name, shape, type: reader.u32(), offset: reader.u64() };
}

function readHeader(bytes: Uint8Array, file: string): Header {
  const reader = new HeaderReader(bytes, file);
  const version = reader.start();
  if (version !== 2 && version !== 3)
    throw new HebbError(`${file} is GGUF version ${version}; versions 2 and 3 can be read`);
  const [tensors, entries] = [reader.u64(), reader.u64()];
  if (tensors > maxTensors || entries > maxMetadata)
    throw new HebbError(
      `${file} declares ${tensors} tensors and ${entries} entries of metadata, more than ${maxTensors}; it is damaged`,
    );
  const metadata = new Map<string, string>();
  for (let i = 0; i < entries; i++) {
    const key = reader.text();
    if (metadata.has(key))
      throw new HebbError(`${file} has the metadata ${JSON.stringify(key.slice(0, 200))} twice; it is damaged`);
    metadata.set(key, reader.value());
  }
  const infos: Info[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensors; i++) {
    const info = readInfo(reader, file);
    if (names.has(info.name))
      throw new HebbError(`${file} has the tensor ${JSON.stringify(info.name.slice(0, 200))} twice; it is damaged`);
    names.add(info.name);
    infos.push(info);
  }
  const alignment = Number(metadata.get("general.alignment") ?? 32);
  if (!Number.isInteger(Math.log2(alignment)) || alignment > 2 ** 20)
    throw new HebbError(`${file} has the alignment ${alignment}, which is not a power of two; it is damaged`);
  return { metadata, infos, start: Math.ceil(reader.at / alignment) * alignment, alignment };
}

/** Reads the header. Its length is not known in advance, so ever longer parts of the file are read until one suffices. */
async function growing(source: OpenSource): Promise<Header> {
  const { name, size } = source;
  for (let length = Math.min(size, 2 ** 20); ; length = Math.min(size, 8 * length)) {
    try {
      return readHeader(await source.read(0, length), name);
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      if (length === size) throw new HebbError(`${name} ends within its header; it is truncated or damaged`);
      if (length >= maxHeaderBytes)
        throw new HebbError(`${name} has a header of more than ${maxHeaderBytes} bytes; it is damaged`);
    }
  }
}

function arrayOf({ name, shape, type, offset }: Info, start: number, source: OpenSource): FileArray & { end: number } {
  const place = `${source.name}: tensor ${JSON.stringify(name.slice(0, 200))}`;
  const [dtype, block] = [plain.get(type), blocks.get(type)];
  const title = dtype ?? typeNames.get(type);
  if (title === undefined) throw new HebbError(`${place} has the unknown type ${type}; the file is damaged, or newer`);
  if (dtype === undefined && block === undefined)
    throw new HebbError(
      `${place} is quantised as ${title}; ${[...blocks.keys()].map((key) => typeNames.get(key)).join(", ")} can be read`,
    );
  const row = shape.at(-1) ?? 1;
  if (block !== undefined && row % block.values !== 0)
    throw new HebbError(
      `${place} has rows of ${row}, no multiple of the ${block.values} values of a block; it is damaged`,
    );
  const byteLength =
    dtype === undefined ? (sizeOf(shape) / (block?.values ?? 1)) * (block?.bytes ?? 1) : storedBytes(dtype, shape);
  const end = offset + byteLength;
  if (!(start + end <= source.size))
    throw new HebbError(
      `${place} of shape ${formatShape(shape)} ends at byte ${start + end} of a file of ${source.size}; it is truncated or damaged`,
    );
  if (block === undefined || dtype !== undefined)
    return { ...fileArray(source, { dtype: dtype ?? "F32", shape, start: start + offset, byteLength }), end };
  return {
    dtype: "F32",
    type: title,
    shape,
    byteLength,
    end,
    read: async () => ({
      dtype: "F32",
      shape,
      bytes: bytesOf(dequantize(block, await source.read(start + offset, byteLength))),
    }),
  };
}

/**
 * Opens a GGUF file. F32, F16, BF16, F64 and integers keep their type; Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K become float32. Shapes
 * are row-major, as in PyTorch. Throws HebbError for other quantisations and for any damage.
 */
export async function openGguf(source: OpenSource): Promise<Contents> {
  const { name } = source;
  const { metadata, infos, start, alignment } = await growing(source);
  const arrays = new Map<string, FileArray>();
  const ranges: { readonly begin: number; readonly end: number; readonly name: string }[] = [];
  for (const info of infos) {
    if (info.offset % alignment !== 0)
      throw new HebbError(
        `${name}: tensor ${JSON.stringify(info.name.slice(0, 200))} begins at byte ${info.offset} of the data, no multiple of ${alignment}; it is damaged`,
      );
    const { end, ...array } = arrayOf(info, start, source);
    arrays.set(info.name, array);
    if (array.byteLength > 0) ranges.push({ begin: info.offset, end, name: info.name });
  }
  ranges.sort((a, b) => a.begin - b.begin);
  let covered = 0;
  for (const range of ranges) {
    if (range.begin < covered)
      throw new HebbError(
        `${name}: tensor ${JSON.stringify(range.name.slice(0, 200))} overlaps another; it is damaged`,
      );
    covered = range.end;
  }
  return { arrays, metadata, notes: [], close: () => source.close() };
}
