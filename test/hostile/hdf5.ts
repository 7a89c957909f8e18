// Hostile HDF5 files and Keras archives.
import { readFileSync } from "node:fs";
import { writeZip } from "../../src/formats/zip/write.ts";
import { type Hostile, one, patched, text, truncated, u64 } from "./file.ts";

const good = new Uint8Array(readFileSync(new URL("../golden/formats/files/model.weights.h5", import.meta.url)));
const keras = new Uint8Array(readFileSync(new URL("../golden/formats/files/model.keras", import.meta.url)));
const signature = good.subarray(0, 8);
const garbage = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 13);

export const hdf5Files: readonly Hostile[] = [
  ...truncated("HDF5", good, 8, 40, 100, 1000, 5000, good.length - 100),
  one("HDF5 of garbage", patched(patched(garbage(5000), 0, signature), 8, Uint8Array.of(0, 0, 0, 0)), /HDF5/),
  one("HDF5 of version 200", patched(good, 8, Uint8Array.of(200)), /HDF5/),
  one("HDF5 that ends at 2^63", patched(good, 40, u64(2n ** 63n)), /HDF5/),
  one("HDF5 whose groups are garbage", patched(good, 96, garbage(200)), /HDF5/),
  ...truncated("Keras", keras, 100, 1000, keras.length - 22),
  one("Keras without weights in HDF5", writeZip([["model.weights.h5", text("no weights")]]), /HDF5/),
  one(
    "Keras with weights twice",
    writeZip([
      ["model.weights.h5", good],
      ["model.weights.h5", good],
    ]),
    /twice/,
  ),
];
