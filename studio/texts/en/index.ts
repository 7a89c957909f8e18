// English: the language that the others are measured by.
import type { Language } from "../language.ts";
import * as compare from "./compare.ts";
import * as course from "./course.ts";
import * as draw from "./draw.ts";
import * as engine from "./engine.ts";
import * as files from "./files.ts";
import * as film from "./film.ts";
import * as frame from "./frame.ts";
import * as lab from "./lab.ts";
import * as landscape from "./landscape.ts";
import * as lessons from "./lessons.ts";
import * as names from "./names.ts";
import * as onnx from "./onnx.ts";
import * as palette from "./palette.ts";
import * as results from "./results.ts";
import * as ship from "./ship.ts";
import * as step from "./step.ts";
import * as text from "./text.ts";
import * as training from "./training.ts";

export default {
  compare,
  course,
  draw,
  engine,
  files,
  film,
  frame,
  lab,
  landscape,
  lessons,
  names,
  onnx,
  palette,
  results,
  ship,
  step,
  text,
  training,
} satisfies Language;
