// Pretrained models against transformers: tiny ones of every family, with the outputs that test/golden/models/make.py wrote.
import { describe, expect, it } from "vitest";
import { Clip } from "../../src/models/clip.ts";
import { loadPretrained } from "../../src/models/node.ts";
import { close, folderOf, goldenOf, inputOf, named } from "../models/golden.ts";

const models = [
  "gpt2",
  "gpt2-classes",
  "gpt2-base",
  "llama",
  "llama3",
  "llama-linear",
  "mistral",
  "qwen2",
  "qwen3",
  "bert",
  "bert-classes",
  "bert-tokens",
  "bert-masked",
  "distilbert-classes",
  "distilbert-masked",
  "roberta-classes",
  "roberta-masked",
  "vit",
  "vit-base",
  "resnet",
  "resnet-bottleneck",
  "convnext",
  "whisper",
]; // prettier-ignore

describe("pretrained models give transformers' numbers", () => {
  it.each(models)("%s", async (name) => {
    const { model, initialized } = await loadPretrained(folderOf(name));
    expect(initialized).toEqual([]);
    if (model instanceof Clip) throw new Error("has a test of its own");
    const golden = goldenOf(name);
    const output = model.forward(inputOf(golden), {
      attentionMask: golden.get("input.attention_mask"),
      tokenTypes: golden.get("input.token_type_ids"),
    });
    close(output, named(golden, "output.logits", "output.last_hidden_state"));
    const pooled = golden.get("output.pooler_output");
    if (pooled !== undefined && "pooled" in model) close(model.pooled(output), pooled);
  });
  it("clip", async () => {
    const { model } = await loadPretrained(folderOf("clip"));
    if (!(model instanceof Clip)) throw new Error("not a Clip");
    const golden = goldenOf("clip");
    const pixels = named(golden, "input.pixel_values");
    const { logits, texts, images } = model.forward(inputOf(golden), pixels, {
      attentionMask: golden.get("input.attention_mask"),
    });
    close(texts, named(golden, "output.text_embeds"));
    close(images, named(golden, "output.image_embeds"));
    close(logits, named(golden, "output.logits_per_image"));
    close(logits.t(), named(golden, "output.logits_per_text"));
  });
});
