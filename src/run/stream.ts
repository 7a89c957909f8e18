// Tables larger than memory: what `train --stream` learns from, by streamTable of the data room.
import { statSync } from "node:fs";
import { basename } from "node:path";
import { sniffFile } from "../data/files.ts";
import type * as data from "../data/index.ts";
import { streamTable } from "../data/tableStream.ts";
import type { Preprocessing } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import { RowStream } from "../train/index.ts";
import type { Fitting } from "./tableChoices.ts";

/** Files from this size on are read in parts, where nothing else is asked for. */
const largeFile = 300 * 2 ** 20;

export const isLargeTable = (path: string): boolean => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size >= largeFile && !/\.(parquet|gz|npz?)$/i.test(path);
};

export interface StreamOptions {
  readonly target: string | undefined;
  readonly validation: number;
  readonly seed: number;
  readonly fitting: Fitting;
}

export interface StreamedData {
  readonly preprocessing: Preprocessing;
  readonly train: RowStream;
  readonly validation: data.Dataset | undefined;
}

/** Reads the file once: how many rows there are, what they mean, and which are held out. */
export async function prepareStream(
  path: string,
  { target, validation, seed, fitting }: StreamOptions,
): Promise<StreamedData> {
  if (target === undefined)
    throw new HebbError(`${basename(path)}: which column should be predicted? Name it with --target COLUMN`);
  const kind = await sniffFile(path);
  if (kind !== "table" && kind !== "text")
    throw new HebbError(`${path} is not a CSV table, and only CSV tables can be read in parts; leave --stream out`);
  const stream = await streamTable(path, { ...fitting, target, validation, seed });
  const { preprocessing, length, sample } = stream;
  const train = new RowStream({ length, sample, parts: (epoch) => stream.parts(epoch) });
  return { preprocessing, train, validation: stream.validation };
}
