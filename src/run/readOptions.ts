// How data are read, and where notices go.

import type { ColumnExplanation } from "../data/index.ts";
import type { PictureSteps } from "../data/pictureSteps.ts";
import type { TablePart } from "../data/tableFile.ts";
import type { Preprocessing } from "../formats/index.ts";

/** The receivers of notices besides the result. */
export interface Notices {
  /** Progress of a download. */
  progress(line: string): void;
  /** Problems that do not stop the work. */
  warn(notes: readonly string[]): void;
  /** Information for people. */
  note(line: string): void;
  /** What was decided about each column of a table, before any training. */
  columns?(columns: readonly ColumnExplanation[]): void;
}

export interface ReadOptions extends TablePart {
  readonly target?: string | undefined;
  readonly labels?: string | undefined;
  /** Seed of built-in problems. */
  readonly seed?: number;
  /** Whether labels are required. */
  readonly needLabels: boolean;
  /** How to read a file: as a text, as a table in parts or whole; "auto": by its contents and size. */
  readonly form: "auto" | "text" | "parts" | "whole";
  /** The preprocessing of a run, whose image size is used. */
  readonly like?: Preprocessing;
  /** The image preprocessing of a pretrained model. */
  readonly steps?: PictureSteps | undefined;
  /** Images and texts are read on demand and not kept; each rank reads its own share. */
  readonly asNeeded?: boolean | undefined;
  readonly notices?: Notices | undefined;
}
