// The raw data that a run is trained on or applied to: a table, streamed rows, images, or a text. Nothing is fitted yet.
import type { ImageRows } from "../data/images.ts";
import type { IdxArray, LabelArray, Table } from "../data/index.ts";
import type { SeenFile } from "../data/pieceReader.ts";
import type { RecordFile } from "../data/recordFile.ts";

/** How data are called. */
export interface Origin {
  /** In messages about their content: the name of the file. */
  readonly name: string;
  /** As the path was given. */
  readonly path: string;
  /** Where a later process finds them: an absolute path, or the name of a built-in set. */
  readonly place: string;
}

/** A table in memory. */
export interface TableSource extends Origin {
  readonly kind: "table";
  readonly table: Table;
  /** The column to predict, where it is known. */
  readonly target: string | undefined;
  /** Whether every row is needed, so that none is held out: a logic gate is its four rows. */
  readonly whole: boolean;
}

/** A table that is read in parts, again for every epoch. */
export interface PartsSource extends Origin {
  readonly kind: "parts";
  readonly file: RecordFile;
  readonly target: string | undefined;
}

/** Images, with the labels that were found. */
export interface ImageSource extends Origin {
  readonly kind: "images";
  readonly images: IdxArray | ImageRows;
  readonly labels: LabelArray | undefined;
  readonly names: { readonly images: string; readonly labels: string };
  /** The file of each image, where each has one. */
  readonly files?: readonly string[];
  readonly notes?: readonly string[];
}

export interface TextSource extends Origin {
  readonly kind: "text";
  readonly text: string;
  /** The file, where it holds the text as it is, so that tokens can be read when they are needed. */
  readonly file?: SeenFile | undefined;
}

/** A new kind of data is a new member; every stage from reading to deciding then fails to compile until it handles it. */
export type Source = TableSource | PartsSource | ImageSource | TextSource;

/** What has a name and no path: a built-in set, the rows of a program. */
export const named = (name: string): Origin => ({ name, path: name, place: name });

/** A kind of data in a sentence; texts with classes come in tables. */
export const kindNames: Readonly<Record<Source["kind"] | "texts", string>> = {
  table: "a table",
  parts: "a table",
  images: "images",
  text: "a text",
  texts: "a table of texts",
};
