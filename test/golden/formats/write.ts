// Writes the arrays of figures.json as files of every kind, for check.py: node scripts/run.mjs test/golden/formats/write.ts FOLDER
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  type StoredArray,
  type StoredDType,
  writeNpz,
  writeSafetensors,
  writeTorch,
} from "../../../src/formats/index.ts";
import { kinds } from "../../../src/formats/kinds.ts";

const folder = process.argv[2] ?? "written";
// Relative to the project's folder, because a bundle of this file lies elsewhere.
const figures = JSON.parse(readFileSync("test/golden/formats/figures.json", "utf8")) as {
  all: Record<string, { dtype: StoredDType; shape: number[]; hex: string }>;
};
const all: Record<string, StoredArray> = {};
for (const [name, { dtype, shape, hex }] of Object.entries(figures.all))
  all[name] = { dtype, shape, bytes: Uint8Array.from(Buffer.from(hex, "hex")) };
const held = Object.entries(all).filter(([, { dtype }]) => !kinds.npz.lacks?.includes(dtype));
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/all.safetensors`, writeSafetensors(all));
writeFileSync(`${folder}/all.pt`, writeTorch(all));
writeFileSync(`${folder}/all.npz`, writeNpz(Object.fromEntries(held)));
