// Every family of pretrained models, by model_type. To add one, add a file in families/ and a line here.
import { HebbError } from "../graph/errors.ts";
import { nearest } from "../graph/nearest.ts";
import { bert, roberta } from "./families/bert.ts";
import { clip } from "./families/clip.ts";
import { convnext } from "./families/convnext.ts";
import { distilbert } from "./families/distilbert.ts";
import { gpt2 } from "./families/gpt2.ts";
import { llama, mistral, qwen2, qwen3 } from "./families/llama.ts";
import { resnet } from "./families/resnet.ts";
import { vit } from "./families/vit.ts";
import { whisper } from "./families/whisper.ts";
import type { Family } from "./family.ts";

const families: readonly Family[] = [
  gpt2,
  llama,
  mistral,
  qwen2,
  qwen3,
  bert,
  roberta,
  distilbert,
  vit,
  resnet,
  convnext,
  whisper,
  clip,
];

export const familyNames: readonly string[] = families.map(({ type }) => type);

/** The family of config.json's model_type. Throws HebbError for an unsupported one. */
export function familyOf(type: unknown, place: string): Family {
  const found = families.find((family) => family.type === type);
  if (found !== undefined) return found;
  const near = typeof type === "string" ? nearest(type, familyNames) : undefined;
  throw new HebbError(
    `${place}: model_type is ${JSON.stringify(type) ?? "missing"}, which is not among ${familyNames.join(", ")}${near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`}`,
  );
}
