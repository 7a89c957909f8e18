// The rows of an IDX file, read on demand (Node only): each rank reads those of its share.
import { allocate, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { idxHeader, idxValues } from "./idx.ts";
import { type ImageRows, rowsOfArray } from "./images.ts";
import type { InputFile } from "./inputFile.ts";
import { PieceReader } from "./pieceReader.ts";

const mostHeader = 2048;

/** The images of an IDX file. A compressed file has no random access, so it is unpacked and held as bytes. */
export async function idxRows(file: InputFile): Promise<ImageRows> {
  if ((await file.packing()) !== undefined) return rowsOfArray(await file.idx());
  const { code, dtype, shape, start, bytesEach } = idxHeader(await file.read(0, mostHeader), file.size, file.path);
  const [count = 0, ...rest] = shape;
  const values = rest.reduce((product, extent) => product * extent, 1);
  const pieces = new PieceReader(file);
  const read = (rows: ArrayLike<number>): TypedArray => {
    const out = allocate(dtype, rows.length * values);
    const places = Array.from(rows, (row): [number, number] => {
      if (!(Number.isInteger(row) && row >= 0 && row < count))
        throw new HebbError(`${file.path}: there is no image ${row}; it has ${count}, counted from 0`);
      return [start + row * values * bytesEach, values * bytesEach];
    });
    let at = 0;
    pieces.read(places, (bytes) => {
      out.set(idxValues(new DataView(bytes.buffer, bytes.byteOffset), 0, values, code), at);
      at += values;
    });
    return out;
  };
  return { dtype, shape, read };
}
