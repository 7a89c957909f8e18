// How data are read, and where notices about them go.
import type { PictureSteps } from "../data/pictureSteps.ts";
import type { TablePart } from "../data/tableFile.ts";
import type { Preprocessing } from "../formats/index.ts";

/** Who hears what there is to say beside the result. */
export interface Notices {
  /** How a download goes. */
  progress(line: string): void;
  /** What could not be read and does not stop the work. */
  warn(notes: readonly string[]): void;
  /** What a person should know. */
  note(line: string): void;
}

export interface ReadOptions extends TablePart {
  readonly target?: string | undefined;
  readonly labels?: string | undefined;
  /** Seed of built-in problems. */
  readonly seed?: number;
  /** Whether labels must be there. */
  readonly needLabels: boolean;
  /** How a file is taken: as a text, as a table in parts or at once; "auto": by what it holds and by its size. */
  readonly form: "auto" | "text" | "parts" | "whole";
  /** The preprocessing of a run: pictures in files are brought to its size. */
  readonly like?: Preprocessing;
  /** How a pretrained model takes pictures. */
  readonly steps?: PictureSteps | undefined;
  /** Images and texts are read when they are needed, by each of several ranks those of its share, and not held. */
  readonly asNeeded?: boolean | undefined;
  readonly notices?: Notices | undefined;
}
