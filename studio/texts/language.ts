// What a language is: a folder with these files, in which every text of the English ones has its counterpart.
import type * as compare from "./en/compare.ts";
import type * as course from "./en/course.ts";
import type * as draw from "./en/draw.ts";
import type * as engine from "./en/engine.ts";
import type * as files from "./en/files.ts";
import type * as film from "./en/film.ts";
import type * as frame from "./en/frame.ts";
import type * as lab from "./en/lab.ts";
import type * as landscape from "./en/landscape.ts";
import type * as lessons from "./en/lessons.ts";
import type * as names from "./en/names.ts";
import type * as onnx from "./en/onnx.ts";
import type * as palette from "./en/palette.ts";
import type * as results from "./en/results.ts";
import type * as ship from "./en/ship.ts";
import type * as step from "./en/step.ts";
import type * as text from "./en/text.ts";
import type * as training from "./en/training.ts";

/** A text is a text, and one with gaps has the same gaps, in whatever order its sentence wants them. */
type Counterpart<Texts> = { readonly [Name in keyof Texts]: Texts[Name] extends string ? string : Texts[Name] };

/**
 * The folder of a language has an index.ts that says `satisfies Language`, so that the type check names what is missing.
 * `node scripts/studio.mjs FOLDER LANGUAGE` builds the page with it.
 */
export interface Language {
  readonly compare: Counterpart<typeof compare>;
  readonly course: Counterpart<typeof course>;
  readonly draw: Counterpart<typeof draw>;
  readonly engine: Counterpart<typeof engine>;
  readonly files: Counterpart<typeof files>;
  readonly film: Counterpart<typeof film>;
  readonly frame: Counterpart<typeof frame>;
  readonly lab: Counterpart<typeof lab>;
  readonly landscape: Counterpart<typeof landscape>;
  readonly lessons: Counterpart<typeof lessons>;
  readonly names: Counterpart<typeof names>;
  readonly onnx: Counterpart<typeof onnx>;
  readonly palette: Counterpart<typeof palette>;
  readonly results: Counterpart<typeof results>;
  readonly ship: Counterpart<typeof ship>;
  readonly step: Counterpart<typeof step>;
  readonly text: Counterpart<typeof text>;
  readonly training: Counterpart<typeof training>;
}
