// Folders in Hugging Face's layout: older weights, and the output of the commands for them.
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CausalLanguageModel, filesOf } from "../../src/models/index.ts";
import { loadPretrained, savePretrained } from "../../src/models/node.ts";
import { importFile } from "../../src/run/import.ts";
import { inspectModel, isModelFolder } from "../../src/run/modelFolder.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { close, folderOf, goldenOf, inputOf, named } from "./golden.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hebb-folders-"));
  copyFileSync(folderOf("gpt2/config.json"), join(folder, "config.json"));
  copyFileSync(folderOf("gpt2-bin/pytorch_model.bin"), join(folder, "pytorch_model.bin"));
});
afterAll(() => removeFolder(folder));

describe("pytorch_model.bin", () => {
  it("gives the same logits as model.safetensors, and is saved as that", async () => {
    const pretrained = await loadPretrained(folder);
    // The last layer is tied to the embedding of tokens, and has its own name.
    expect([pretrained.initialized, pretrained.unused]).toEqual([[], ["lm_head.weight"]]);
    if (!(pretrained.model instanceof CausalLanguageModel)) throw new Error("no language model");
    const golden = goldenOf("gpt2");
    const logits = pretrained.model.forward(inputOf(golden));
    close(logits, named(golden, "output.logits"));
    const written = join(folder, "written");
    await savePretrained(pretrained, written);
    expect(readFileSync(join(written, "model.safetensors")).byteLength).toBeGreaterThan(1e4);
    const again = (await loadPretrained(written)).model;
    if (!(again instanceof CausalLanguageModel)) throw new Error("no language model");
    expect(again.forward(inputOf(golden)).dataSync()).toEqual(logits.dataSync());
  });

  it("is refused if it is damaged", async () => {
    const { loadPretrainedFiles } = await import("../../src/models/index.ts");
    const bytes = new Uint8Array(readFileSync(join(folder, "pytorch_model.bin")));
    const config = new Uint8Array(readFileSync(join(folder, "config.json")));
    const cut = filesOf("half", { "config.json": config, "pytorch_model.bin": bytes.slice(0, bytes.length / 2) });
    await expect(loadPretrainedFiles(cut)).rejects.toThrow("half/pytorch_model.bin");
  });
});

describe("hebb inspect and hebb import", () => {
  it("name the family of a model, its heads, classes and parameters", async () => {
    const bert = await inspectModel(folderOf("bert-classes"));
    expect(bert).toMatchObject({
      family: "bert",
      architecture: "BertForSequenceClassification",
      head: "sequence",
      heads: ["none", "tokens", "sequence", "masked"],
      classes: ["no", "yes", "perhaps"],
      tokenizer: false,
    });
    const { model } = await loadPretrained(folderOf("bert-classes"));
    const counted = model.parameters().reduce((sum, { size }) => sum + size, 0);
    expect(bert.weights.parameters).toBe(counted);
    expect(await inspectModel(folder)).toMatchObject({ family: "gpt2", head: "causal", classes: null });
    expect([await isModelFolder(folder), await isModelFolder(tmpdir())]).toEqual([true, false]);
  });

  it("explain what to do where there is no run to make, and no weights", async () => {
    const make = importFile(folder, { folder: () => join(folder, "run") });
    await expect(make).rejects.toThrow("hebb train DATA --base");
    const empty = mkdtempSync(join(folder, "empty-"));
    writeFileSync(join(empty, "config.json"), '{ "model_type": "vit" }');
    await expect(inspectModel(empty)).rejects.toThrow("has no weights");
    writeFileSync(join(empty, "config.json"), '{ "model_type": "vitt" }');
    await expect(inspectModel(empty)).rejects.toThrow('did you mean "vit"?');
  });
});
