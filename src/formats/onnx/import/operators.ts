// All supported operators, by domain and name.
import { activations } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import { attentions } from "./attention.ts";
import { casts } from "./casts.ts";
import { constants } from "./constants.ts";
import { control } from "./control.ts";
import { convolutions } from "./conv.ts";
import { indexing } from "./indexing.ts";
import { losses } from "./losses.ts";
import { matrices } from "./matrix.ts";
import { microsoft } from "./microsoft.ts";
import { normalisations } from "./norm.ts";
import { pools } from "./pool.ts";
import { quantisations } from "./quantize.ts";
import { recurrences } from "./recurrent.ts";
import { reductions } from "./reduce.ts";
import { resizes } from "./resize.ts";
import type { Operators, Rule, Versions } from "./rule.ts";
import { samples } from "./sample.ts";
import { shapes } from "./shape.ts";
import { signals } from "./signal.ts";
import { trainings } from "./training.ts";

/** The newest version of ai.onnx whose operators were tested against ONNX's own cases. */
export const newestOpset = 28;

/** Operators by domain, "" for ai.onnx. */
export const operators: Readonly<Record<string, Operators>> = {
  "": {
    ...activations,
    ...arithmetic,
    ...casts,
    ...constants,
    ...indexing,
    ...reductions,
    ...shapes,
    ...attentions,
    ...control,
    ...convolutions,
    ...losses,
    ...matrices,
    ...normalisations,
    ...pools,
    ...quantisations,
    ...recurrences,
    ...resizes,
    ...samples,
    ...signals,
  },
  "com.microsoft": microsoft,
  "ai.onnx.preview.training": trainings,
};

const isVersions = (entry: Rule | Versions): entry is Versions => "since" in entry;

/** The rule of an operator in a version of its domain's operator set, or undefined. */
export function ruleOf(domain: string, name: string, opset: number): Rule | undefined {
  const table = Object.hasOwn(operators, domain) ? operators[domain] : undefined;
  const entry = table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry === undefined || !isVersions(entry)) return entry;
  const since = Object.keys(entry.since)
    .map(Number)
    .filter((version) => version <= opset);
  return entry.since[Math.max(...since)];
}
