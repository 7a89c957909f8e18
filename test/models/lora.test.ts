// LoRA on pretrained models: PEFT's adapters read and written, merged and unmerged, and losses that fall.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeSafetensors } from "../../src/formats/index.ts";
import {
  adapterFiles,
  addLora,
  Clip,
  filesOf,
  loadAdapter,
  type Pretrained,
  trainHeadOnly,
} from "../../src/models/index.ts";
import { folderFiles, loadPretrained } from "../../src/models/node.ts";
import { functional } from "../../src/nn/index.ts";
import { Adam } from "../../src/optim/index.ts";
import { arange, compile, noGrad, seed, type Tensor } from "../../src/tensor/index.ts";
import { close, folderOf, goldenOf, inputOf, named, tensorsIn } from "./golden.ts";

function output({ model }: Pretrained, golden: ReadonlyMap<string, Tensor>): Tensor {
  if (model instanceof Clip) throw new Error("has no single output");
  return model.forward(inputOf(golden), { attentionMask: golden.get("input.attention_mask") });
}

/** Losses of some steps on the golden inputs, with made-up targets. */
function losses(pretrained: Pretrained, golden: ReadonlyMap<string, Tensor>, steps = 12): number[] {
  const { model } = pretrained;
  const optimizer = new Adam(
    model.parameters().filter((parameter) => parameter.requiresGrad),
    { lr: 0.02 },
  );
  const step = compile(() => {
    const logits = output(pretrained, golden);
    const classes = logits.shape.at(-1) ?? 1;
    const rows = logits.reshape([-1, classes]);
    const loss = functional.crossEntropy(
      rows,
      arange(rows.shape[0] ?? 0)
        .remainder(classes)
        .to("int32"),
    );
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  model.train();
  const list = Array.from({ length: steps }, () => step().itemSync());
  model.eval();
  return list;
}

const families = [
  "gpt2",
  "llama",
  "qwen3",
  "bert-classes",
  "distilbert-classes",
  "roberta-classes",
  "bert-tokens",
  "vit",
  "resnet",
  "convnext",
]; // prettier-ignore

describe("LoRA", () => {
  it.each(["gpt2", "llama", "bert-classes", "vit", "resnet"])("%s reads PEFT's adapters", async (name) => {
    const pretrained = await loadPretrained(folderOf(name));
    const golden = goldenOf(name);
    const before = output(pretrained, golden);
    const lora = await loadAdapter(pretrained, folderFiles(folderOf(`adapters/${name}`)));
    const expected = named(tensorsIn(`adapters/${name}/logits.safetensors`), "logits");
    close(output(pretrained, golden), expected);
    lora.merge();
    close(output(pretrained, golden), expected);
    lora.unmerge();
    close(output(pretrained, golden), expected);
    lora.remove();
    if (name !== "bert-classes" && name !== "resnet") close(output(pretrained, golden), before);
  });

  it.each(families)("%s: starts as the base, learns without changing it, and is read back", async (name) => {
    seed(1);
    const golden = goldenOf(name);
    const pretrained = await loadPretrained(folderOf(name));
    const before = output(pretrained, golden);
    const lora = addLora(pretrained, { rank: 4 });
    close(output(pretrained, golden), before, 1e-6);
    const list = losses(pretrained, golden);
    expect(list.at(-1)).toBeLessThan((list[0] ?? 0) * 0.99);
    const after = output(pretrained, golden);
    const files = adapterFiles(lora);
    const folder = process.env["HEBB_ADAPTERS"];
    // For adapters.py, which reads them with PEFT.
    if (folder !== undefined && name !== "bert-tokens" && name !== "qwen3") {
      mkdirSync(join(folder, name), { recursive: true });
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, name, file), bytes);
      writeFileSync(join(folder, name, "logits.safetensors"), writeSafetensors({ logits: after }));
    }
    const again = await loadPretrained(folderOf(name));
    await loadAdapter(again, filesOf("adapter", files));
    close(output(again, golden), after, 1e-6);
  });

  it("trains all weights, or the head alone", async () => {
    const golden = goldenOf("bert-classes");
    const all = losses(await loadPretrained(folderOf("bert-classes")), golden);
    expect(all.at(-1)).toBeLessThan((all[0] ?? 0) * 0.5);
    const pretrained = await loadPretrained(folderOf("bert-classes"));
    const body = pretrained.model.stateDict()["body.pooler.weight"]?.dataSync();
    trainHeadOnly(pretrained);
    const head = losses(pretrained, golden);
    expect(head.at(-1)).toBeLessThan((head[0] ?? 0) * 0.98);
    expect(pretrained.model.stateDict()["body.pooler.weight"]?.dataSync()).toEqual(body);
  });

  it("refuses unknown targets by listing the known ones, and adapters of another kind", async () => {
    const pretrained = await loadPretrained(folderOf("gpt2"));
    expect(() => addLora(pretrained, { targets: ["q_proj"] })).toThrow("transformer.h.*.attn.c_attn");
    expect(() => addLora(pretrained, { rank: 0 })).toThrow("the rank must be a whole number of at least 1");
    const files = adapterFiles(addLora(pretrained));
    const config = JSON.parse(new TextDecoder().decode(files["adapter_config.json"]));
    const changed = (more: object) =>
      filesOf("adapter", {
        ...files,
        "adapter_config.json": new TextEncoder().encode(JSON.stringify({ ...config, ...more })),
      });
    const fresh = await loadPretrained(folderOf("gpt2"));
    await expect(loadAdapter(fresh, changed({ use_dora: true }))).rejects.toThrow("use_dora is true");
    await expect(loadAdapter(fresh, changed({ peft_type: "IA3" }))).rejects.toThrow('peft_type is "IA3"');
    await expect(loadAdapter(fresh, changed({ target_modules: ["c_fc"] }))).rejects.toThrow("the adapter has no");
    expect(noGrad(() => fresh.model.namedParameters().some(([path]) => path.includes("lora")))).toBe(false);
  });
});
