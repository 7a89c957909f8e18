// The raw data that a run is trained on or applied to: a table, streamed rows, images, or a text. Nothing is fitted yet.
import type { ImageRows } from "../data/images.ts";
import type { IdxArray, LabelArray, Table } from "../data/index.ts";
import type { SeenFile } from "../data/pieceReader.ts";
import type { RecordFile } from "../data/recordFile.ts";

/** The names of data. */
export interface Origin {
  /** The name in messages about contents: the name of the file. */
  readonly name: string;
  /** The path as given. */
  readonly path: string;
  /** The location for a later process: an absolute path, or the name of a built-in set. */
  readonly place: string;
}

/** A table in memory. */
export interface TableSource extends Origin {
  readonly kind: "table";
  readonly table: Table;
  /** The target column, if known. */
  readonly target: string | undefined;
  /** Whether every row is needed, so that none is held out: a logic gate consists of its four rows. */
  readonly whole: boolean;
}

/** A table that is read in parts, again for every epoch. */
export interface PartsSource extends Origin {
  readonly kind: "parts";
  readonly file: RecordFile;
  readonly target: string | undefined;
}

/** Images, with their labels if there are any. */
export interface ImageSource extends Origin {
  readonly kind: "images";
  readonly images: IdxArray | ImageRows;
  readonly labels: LabelArray | undefined;
  readonly names: { readonly images: string; readonly labels: string };
  /** The file of each image, if each has one. */
  readonly files?: readonly string[];
  readonly notes?: readonly string[];
}

export interface TextSource extends Origin {
  readonly kind: "text";
  readonly text: string;
  /** The file, if it holds the text unchanged, so that tokens can be read on demand. */
  readonly file?: SeenFile | undefined;
}

/** A new kind of data is a new member. Every stage from reading to deciding then fails to compile until it handles it. */
export type Source = TableSource | PartsSource | ImageSource | TextSource;

/** The origin of data with a name and no path: a built-in set, or rows from a program. */
export const named = (name: string): Origin => ({ name, path: name, place: name });

/** The name of a kind of data in sentences; texts with classes come in tables. */
export const kindNames: Readonly<Record<Source["kind"] | "texts", string>> = {
  table: "a table",
  parts: "a table",
  images: "images",
  text: "a text",
  texts: "a table of texts",
};
