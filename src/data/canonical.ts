// MNIST, Fashion-MNIST and CIFAR-10 (Node only): fetched once, checked, and kept in the user's cache folder.
import { join } from "node:path";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { cacheFolder, type DownloadOptions, download } from "./download.ts";
import { readBytes } from "./files.ts";
import { gunzip, type IdxArray, readIdx } from "./idx.ts";
import type { LabelArray } from "./images.ts";

export const canonicalNames = ["mnist", "fashion-mnist", "cifar-10"] as const;
export type CanonicalName = (typeof canonicalNames)[number];

interface Source {
  readonly file: string;
  readonly bytes: number;
  readonly md5: string;
}

interface Canonical {
  readonly address: string;
  readonly files: readonly Source[];
  readonly classes: readonly string[];
}

const digits = Array.from({ length: 10 }, (_, digit) => String(digit));

/** Sizes and checksums as published by the authors. */
const sets: Readonly<Record<CanonicalName, Canonical>> = {
  mnist: {
    address: "https://ossci-datasets.s3.amazonaws.com/mnist/",
    files: [
      { file: "train-images-idx3-ubyte.gz", bytes: 9_912_422, md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873" },
      { file: "train-labels-idx1-ubyte.gz", bytes: 28_881, md5: "d53e105ee54ea40749a09fcbcd1e9432" },
      { file: "t10k-images-idx3-ubyte.gz", bytes: 1_648_877, md5: "9fb629c4189551a2d022fa330f9573f3" },
      { file: "t10k-labels-idx1-ubyte.gz", bytes: 4_542, md5: "ec29112dd5afa0611ce80d1b7f02629c" },
    ],
    classes: digits,
  },
  "fashion-mnist": {
    address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    files: [
      { file: "train-images-idx3-ubyte.gz", bytes: 26_421_880, md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d" },
      { file: "train-labels-idx1-ubyte.gz", bytes: 29_515, md5: "25c81989df183df01b3e8a0aad5dffbe" },
      { file: "t10k-images-idx3-ubyte.gz", bytes: 4_422_102, md5: "bef4ecab320f06d8554ea6380940ec79" },
      { file: "t10k-labels-idx1-ubyte.gz", bytes: 5_148, md5: "bb300cfdad3c16e7a12a480ee83cd310" },
    ],
    classes: ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
  },
  "cifar-10": {
    address: "https://www.cs.toronto.edu/~kriz/",
    files: [{ file: "cifar-10-binary.tar.gz", bytes: 170_052_171, md5: "c32a1d4ab5d03f1284b67883e8d87530" }],
    classes: ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
  },
};

export interface CanonicalOptions {
  /** The folder for the files; default: one named after the data set in the cache folder (see cacheFolder). */
  readonly folder?: string;
  /** Another address with the same files, ending in a slash. */
  readonly mirror?: string;
  readonly onProgress?: (file: string, received: number, bytes: number) => void;
}

const canonicalKinds: OptionKinds<CanonicalOptions> = {
  folder: kind.string,
  mirror: kind.string,
  onProgress: kind.func(),
};

export interface Labelled {
  /** Bytes [count, rows, columns] or [count, channels, rows, columns]. */
  readonly images: IdxArray;
  readonly labels: LabelArray;
}

async function fetched(
  name: CanonicalName,
  pick: (file: string) => boolean,
  options: CanonicalOptions,
): Promise<string[]> {
  const { address, files } = sets[name];
  const folder = options.folder ?? join(cacheFolder(), name);
  const paths: string[] = [];
  for (const { file, bytes, md5 } of files.filter((each) => pick(each.file))) {
    const { onProgress } = options;
    const more: DownloadOptions = onProgress
      ? { md5, bytes, onProgress: (received) => onProgress(file, received, bytes) }
      : { md5, bytes };
    paths.push(await download((options.mirror ?? address) + file, join(folder, file), more));
  }
  return paths;
}

/** Names and contents of the files in a tar archive (the ustar format, as tar writes it). */
export function* tarFiles(
  bytes: Uint8Array,
  name: string,
): Generator<{ readonly name: string; readonly data: Uint8Array }> {
  const text = (from: number, length: number): string => {
    const part = bytes.subarray(from, from + length);
    const end = part.indexOf(0);
    return String.fromCharCode(...(end < 0 ? part : part.subarray(0, end)));
  };
  for (let at = 0; at + 512 <= bytes.byteLength; ) {
    const file = text(at, 100);
    if (file === "") return;
    const written = text(at + 124, 12).trim();
    const size = Number.parseInt(written, 8);
    if (!/^[0-7]+$/.test(written) || at + 512 + size > bytes.byteLength)
      throw new HebbError(`${name} is damaged: its part ${JSON.stringify(file)} does not fit into it; fetch it again`);
    const kind = text(at + 156, 1);
    if (kind === "" || kind === "0") yield { name: file, data: bytes.subarray(at + 512, at + 512 + size) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** A CIFAR-10 record: one label byte and 3 × 32 × 32 bytes of picture. */
const cifarRecord = 1 + 3 * 32 * 32;

export function parseCifar(parts: readonly Uint8Array[], classes: readonly string[], name: string): Labelled {
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
  if (total === 0 || parts.some((part) => part.byteLength % cifarRecord !== 0))
    throw new HebbError(
      `${name}: ${total} bytes are not a whole number of CIFAR-10 records of ${cifarRecord}; fetch the file again`,
    );
  const count = total / cifarRecord;
  const images = new Uint8Array(count * (cifarRecord - 1));
  const labels = new Int32Array(count);
  let row = 0;
  for (const part of parts) {
    for (let at = 0; at < part.byteLength; at += cifarRecord, row++) {
      const label = part[at] ?? 0;
      if (label >= classes.length)
        throw new HebbError(`${name}: picture ${row + 1} has the label ${label}, above 9; fetch the file again`);
      labels[row] = label;
      images.set(part.subarray(at + 1, at + cifarRecord), row * (cifarRecord - 1));
    }
  }
  return {
    images: { dtype: "uint8", shape: [count, 3, 32, 32], data: images },
    labels: { dtype: "int32", shape: [count], data: labels, classes },
  };
}

/**
 * The training or test part of a canonical data set. MNIST and Fashion-MNIST have 60,000 and 10,000 pictures of 28 × 28, CIFAR-10 has
 * 50,000 and 10,000 of 3 × 32 × 32. Files are downloaded once and kept; {@link download} lists the checks and the errors.
 */
export async function loadCanonical(
  name: CanonicalName,
  part: "train" | "test",
  options: CanonicalOptions = {},
): Promise<Labelled> {
  checkKind("loadCanonical", "name", name, kind.oneOf(...canonicalNames));
  checkKind("loadCanonical", "part", part, kind.oneOf("train", "test"));
  checkOptions("loadCanonical", options, canonicalKinds);
  const { classes } = sets[name];
  if (name === "cifar-10") {
    const [path = ""] = await fetched(name, () => true, options);
    const wanted = part === "train" ? /data_batch_\d+\.bin$/ : /test_batch\.bin$/;
    const files = [...tarFiles(await gunzip(await readBytes(path), { name: path }), path)]
      .filter((file) => wanted.test(file.name))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return parseCifar(
      files.map(({ data }) => data),
      classes,
      path,
    );
  }
  const prefix = part === "train" ? "train-" : "t10k-";
  const [imagePath = "", labelPath = ""] = await fetched(name, (file) => file.startsWith(prefix), options);
  const images = await readIdx(await readBytes(imagePath), { name: imagePath });
  const labels = await readIdx(await readBytes(labelPath), { name: labelPath });
  return { images, labels: { ...labels, classes } };
}
