// The formats of array files: the bytes that identify each one, and the module that reads or writes it, loaded on first use.
import { asBytes, type FileBytes } from "../data/bytes.ts";
import { HebbError } from "../graph/errors.ts";
import { visible } from "../graph/visible.ts";
import { looksLikeModel } from "./onnx/modelHead.ts";
import type { Contents } from "./opened.ts";
import { type ByteSource, blobSource, memorySource, type OpenSource } from "./source.ts";
import type { NamedStored } from "./stored/array.ts";
import type { StoredDType } from "./stored/types.ts";
import { type ArchiveKind, readDirectory } from "./zip/read.ts";

/** The order in which kinds are tried. */
export const fileKinds = [
  "npy",
  "gguf",
  "hdf5",
  "safetensors",
  "torch",
  "keras",
  "npz",
  "shards",
  "json",
  "onnx",
] as const;
export type FileKind = (typeof fileKinds)[number];

/** The evidence for recognising a file. */
export interface Probe {
  readonly source: ByteSource;
  /** Its first bytes, at most 4096. */
  readonly head: Uint8Array;
  /** Names in the directory of a zip archive; undefined for other files. */
  readonly members: readonly string[] | undefined;
}

export interface Kind {
  /** The display name. */
  readonly title: string;
  recognises(probe: Probe): boolean;
  open(source: OpenSource): Promise<Contents>;
  /** The bytes of a file; `run` describes the run that produced the arrays. Absent for a read-only kind. */
  readonly write?: (arrays: NamedStored, run?: string) => Promise<Uint8Array>;
  /** Element types that it does not support. */
  readonly lacks?: readonly StoredDType[];
  /** The file extension. */
  readonly extension: string;
}

const starts = (head: Uint8Array, ...bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte);
const textOf = (head: Uint8Array): string => new TextDecoder().decode(head).trimStart();

/** torch.save before version 1.6 wrote pickles without an archive. */
const isPickle = (head: Uint8Array): boolean => head[0] === 0x80 && (head[1] ?? 9) >= 2 && (head[1] ?? 9) <= 5;

export const kinds: Readonly<Record<FileKind, Kind>> = {
  npy: {
    title: "NumPy array",
    extension: ".npy",
    recognises: ({ head }) => starts(head, 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59),
    open: async (source) => (await import("./npyFile.ts")).openNpy(source),
  },
  torch: {
    title: "PyTorch",
    lacks: ["F6_E2M3", "F6_E3M2", "F4"],
    extension: ".pt",
    recognises: ({ head, members }) =>
      isPickle(head) || members?.some((name) => /(^|\/)data\.pkl$/.test(name)) === true,
    open: async (source) => (await import("./torch/file.ts")).openTorch(source),
    write: async (arrays, run) => (await import("./torch/write.ts")).writeTorchFile(arrays, run),
  },
  npz: {
    title: "NumPy archive",
    lacks: ["BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4"],
    extension: ".npz",
    recognises: ({ members }) => members?.every((name) => name.endsWith(".npy")) === true,
    open: async (source) => (await import("./npyFile.ts")).openNpz(source),
    write: async (arrays, run) => (await import("./npyFile.ts")).writeNpzFile(arrays, run),
  },
  gguf: {
    title: "GGUF",
    extension: ".gguf",
    recognises: ({ head }) => starts(head, 0x47, 0x47, 0x55, 0x46),
    open: async (source) => (await import("./gguf/file.ts")).openGguf(source),
  },
  hdf5: {
    title: "HDF5",
    extension: ".h5",
    recognises: ({ head }) => starts(head, 0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a),
    open: async (source) => (await import("./hdf5.ts")).openHdf5(source),
  },
  keras: {
    title: "Keras",
    extension: ".keras",
    recognises: ({ members }) => members?.includes("model.weights.h5") === true,
    open: async (source) => (await import("./hdf5.ts")).openKeras(source),
  },
  shards: {
    title: "safetensors in several files",
    extension: ".safetensors.index.json",
    recognises: ({ head }) => /^\{[\s\S]*"weight_map"|^\{\s*"metadata"\s*:\s*\{/.test(textOf(head)),
    open: async (source) => (await import("./safetensorsFile.ts")).openSharded(source),
  },
  json: {
    title: "JSON",
    extension: ".json",
    recognises: ({ head }) => /^\{\s*"format"\s*:\s*"hebb-arrays"/.test(textOf(head)),
    open: async (source) => (await import("./jsonArrays.ts")).openJsonArrays(source),
    write: async (arrays, run) => (await import("./jsonArrays.ts")).writeJsonArrays(arrays, run),
  },
  onnx: {
    title: "ONNX",
    extension: ".onnx",
    recognises: ({ head, source }) => looksLikeModel(head, source.size),
    open: async (source) => (await import("./onnx/contents.ts")).openOnnx(source),
  },
  safetensors: {
    title: "safetensors",
    extension: ".safetensors",
    // The length of the header, whose upper bytes are 0, and the start of its JSON object.
    recognises: ({ head }) => head.length >= 9 && starts(head.subarray(4), 0, 0, 0, 0) && head[8] === 0x7b,
    open: async (source) => (await import("./safetensorsFile.ts")).openSafetensors(source),
    write: async (arrays, run) => (await import("./safetensorsFile.ts")).writeSafetensorsFile(arrays, run),
  },
};

const anArchive: ArchiveKind = { archive: "a zip archive", member: "entry" };

async function probe(source: ByteSource): Promise<Probe> {
  const head = await source.read(0, Math.min(4096, source.size));
  const isZip = starts(head, 0x50, 0x4b, 3, 4) || starts(head, 0x50, 0x4b, 5, 6);
  const members = isZip ? await readDirectory(source, Number.POSITIVE_INFINITY, anArchive) : undefined;
  return { source, head, members: members?.map(({ label }) => label) };
}

/** The kind of a file, from its content. Throws HebbError for an unknown one. */
export async function recognise(source: ByteSource): Promise<FileKind> {
  const found = await probe(source);
  const kind = fileKinds.find((name) => kinds[name].recognises(found));
  if (kind !== undefined) return kind;
  if (source.size === 0) throw new HebbError(`${source.name} is empty; copy it again`);
  const seen =
    found.members === undefined
      ? `starts with ${visible(JSON.stringify(new TextDecoder("latin1").decode(found.head.subarray(0, 12))))}`
      : `is a zip archive of ${found.members.length} files, the first ${JSON.stringify(found.members[0]?.slice(0, 80) ?? "")}`;
  throw new HebbError(
    `${source.name} ${seen}, and is none of ${fileKinds.map((name) => kinds[name].title).join(", ")}; check that it is the right file, and whole`,
  );
}

/** An open file and its kind. */
export interface OpenedFile extends Contents {
  readonly kind: FileKind;
  readonly name: string;
  readonly size: number;
}

const isSource = (value: FileBytes | Blob | OpenSource): value is OpenSource =>
  typeof value === "object" && value !== null && "read" in value && "beside" in value;

/**
 * Opens bytes in memory, a Blob or File of a page, or any byte source. Supports safetensors, .npy, .npz, PyTorch, GGUF, Keras (with
 * h5wasm), ONNX and JSON. The directory is read now; `array.read()` reads an array. If opening fails, the source is closed.
 */
export async function openSource(from: FileBytes | Blob | OpenSource, name?: string): Promise<OpenedFile> {
  const source = isSource(from)
    ? from
    : from instanceof Blob
      ? blobSource(from, name)
      : memorySource(asBytes(from, "openSource"), name);
  try {
    const kind = await recognise(source);
    return { ...(await kinds[kind].open(source)), kind, name: source.name, size: source.size };
  } catch (error) {
    await source.close();
    throw error;
  }
}
