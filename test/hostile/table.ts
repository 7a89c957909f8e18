// Every hostile file, by the format it pretends to be. A new format adds its own list here.
import type { Hostile } from "./file.ts";
import { ggufFiles } from "./gguf.ts";
import { hdf5Files } from "./hdf5.ts";
import { numpyFiles } from "./numpy.ts";
import { safetensorsFiles } from "./safetensors.ts";
import { torchFiles } from "./torch.ts";

const others: readonly Hostile[] = [
  { name: "an empty file", open: "file", files: { file: new Uint8Array(0) }, says: /is empty/ },
  { name: "a text", open: "file", files: { file: new TextEncoder().encode("hello") }, says: /is none of/ },
  { name: "zeros", open: "file", files: { file: new Uint8Array(4096) }, says: /is none of/ },
  { name: "a missing file", open: "gone", files: {}, says: /no file/ },
  { name: "a folder with nothing in it", open: "", files: {}, says: /holds neither/ },
  { name: "a link to a device", open: "zero", files: {}, links: { zero: "/dev/zero" }, says: /not a regular file/ },
  { name: "a link to itself", open: "loop", files: {}, links: { loop: "loop" }, says: /link/ },
];

export const hostileFiles: Readonly<Record<string, readonly Hostile[]>> = {
  safetensors: safetensorsFiles,
  numpy: numpyFiles,
  torch: torchFiles,
  gguf: ggufFiles,
  hdf5: hdf5Files,
  others,
};
