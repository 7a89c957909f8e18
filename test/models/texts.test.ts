// Tokenizers, chat templates, sentence embeddings and generated text of pretrained models, against transformers.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CausalLanguageModel } from "../../src/models/decoder.ts";
import {
  embed,
  filesOf,
  type Pretrained,
  pretrainedFiles,
  TextGenerator,
  TextTokenizer,
  writeText,
} from "../../src/models/index.ts";
import { folderFiles, loadPretrained, savePretrained } from "../../src/models/node.ts";
import { tensor } from "../../src/tensor/index.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { close, folderOf } from "./golden.ts";

const figures = JSON.parse(readFileSync(folderOf("texts.json"), "utf8"));
const texts: readonly string[] = figures.texts;

describe("TextTokenizer", () => {
  it("gives transformers' tokens, truncated to the model's length", async () => {
    const bert = await TextTokenizer.from(folderFiles(folderOf("bert")));
    expect(texts.map((text) => bert.encode(text).ids)).toEqual(figures.bert);
    const pair = bert.encode("the cat", { pair: "the dog ate" });
    expect(pair).toEqual({ ids: figures.pair.input_ids, types: figures.pair.token_type_ids });
    expect(texts.map((text) => bert.decode(bert.encode(text, { maxLength: 99 }).ids))).toEqual(figures.decoded);
    const byte = await TextTokenizer.from(folderFiles(folderOf("byte-level")));
    expect(texts.map((text) => byte.encode(text).ids)).toEqual(figures.byte);
    for (const text of texts) expect(byte.decode(byte.encode(text).ids)).toBe(text);
  });

  it("pads texts to one length, with a mask", async () => {
    const bert = await TextTokenizer.from(folderFiles(folderOf("bert")));
    const { ids, attentionMask } = bert.encodeBatch([texts[0] ?? "", texts[1] ?? ""], { multipleOf: 8 });
    expect(ids.shape).toEqual([2, 8 * Math.ceil(figures.bert[1].length / 8)]);
    expect(attentionMask.sum(1).toArraySync()).toEqual([figures.bert[0].length, figures.bert[1].length]);
  });

  it("formats conversations with the model's template", async () => {
    const byte = await TextTokenizer.from(folderFiles(folderOf("byte-level")));
    expect(await byte.chat(figures.messages)).toBe(figures.chat);
    const bert = await TextTokenizer.from(folderFiles(folderOf("bert")));
    await expect(bert.chat(figures.messages)).rejects.toThrow("no chat template");
    await expect(TextTokenizer.from(filesOf("nothing", {}))).rejects.toThrow("nothing has no tokenizer.json");
  });
});

describe("embed", () => {
  it("gives the mean of the states, normalised to length 1, whatever else is in the batch", async () => {
    const pretrained = await loadPretrained(folderOf("bert"));
    const tokenizer = await TextTokenizer.from(pretrained.files);
    close(await embed(pretrained, tokenizer, texts.slice(0, 3)), tensor(figures.embeddings));
    close(await embed(pretrained, tokenizer, texts.slice(0, 3), { batchSize: 1 }), tensor(figures.embeddings));
    const gpt2 = await loadPretrained(folderOf("gpt2"));
    await expect(embed(gpt2, tokenizer, ["x"])).rejects.toThrow("not an encoder of texts");
  });
});

describe("writeText", () => {
  it("yields pieces that join to the text of the tokens", async () => {
    const { model } = await loadPretrained(folderOf("gpt2"));
    if (!(model instanceof CausalLanguageModel)) throw new Error("no language model");
    const tokenizer = await TextTokenizer.from(folderFiles(folderOf("bert")));
    const generator = new TextGenerator(model, 40);
    const tokens: number[] = [];
    const options = { maxNewTokens: 12 };
    for await (const token of generator.tokens(tokenizer.encode("the cat").ids, options)) tokens.push(token);
    const pieces: string[] = [];
    for await (const piece of writeText(generator, tokenizer, "the cat", options)) pieces.push(piece);
    expect(pieces.join("")).toBe(tokenizer.decode(tokens));
    expect(pieces.length).toBeGreaterThan(3);
  });
});

describe("a folder", () => {
  it("is written in transformers' layout, and read back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hebb-models-"));
    try {
      for (const name of ["gpt2", "bert", "vit", "resnet", "clip"]) {
        const pretrained = await loadPretrained(folderOf(name));
        await savePretrained(pretrained, folder);
        const again = await loadPretrained(folder);
        const [before, after] = [await pretrainedFiles(pretrained), await pretrainedFiles(again)];
        expect(after).toEqual(before);
        // transformers distinguishes 1.0 from 1.
        const written = readFileSync(join(folder, "config.json"), "utf8").match(/"\w+": \d+\.0\b/g);
        expect(written).toEqual(readFileSync(folderOf(`${name}/config.json`), "utf8").match(/"\w+": \d+\.0\b/g));
      }
    } finally {
      removeFolder(folder);
    }
  });

  it("keeps the files that belong to the model, subfolders included", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hebb-models-"));
    const pooling = '{"pooling_mode_cls_token": true}';
    const beside = filesOf("vectors", { "1_Pooling/config.json": new TextEncoder().encode(pooling) });
    try {
      const pretrained = await loadPretrained(folderOf("bert"));
      await savePretrained({ ...pretrained, files: beside }, folder);
      expect(readFileSync(join(folder, "1_Pooling/config.json"), "utf8")).toBe(pooling);
    } finally {
      removeFolder(folder);
    }
  });

  it("is refused by name if its configuration or weights do not fit", async () => {
    const config = JSON.parse(readFileSync(folderOf("llama/config.json"), "utf8"));
    const weights = new Uint8Array(readFileSync(folderOf("llama/model.safetensors")));
    const folder = mkdtempSync(join(tmpdir(), "hebb-models-"));
    const load = (more: object) => {
      writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, ...more }));
      writeFileSync(join(folder, "model.safetensors"), weights);
      return loadPretrained(folder);
    };
    try {
      const cases: readonly (readonly [object, string])[] = [
        [{ rope_parameters: { rope_type: "yarn", rope_theta: 1, factor: 2 } }, 'rope_type is "yarn"'],
        [{ hidden_act: "gelu_10" }, 'hidden_act is "gelu_10"'],
        [{ model_type: "lama" }, 'model_type is "lama"'],
        [{ new_trick: 3 }, "new_trick = 3 is not known"],
        [{ num_hidden_layers: 3 }, "missing model.layers.2."],
        [{ num_hidden_layers: 1 }, "unknown model.layers.1."],
        [
          { intermediate_size: 33 },
          "shapes differ: model.layers.0.mlp.gate_proj.weight is [32, 16] and must be [33, 16]",
        ],
        [{ architectures: ["LlamaForTricks"] }, '"LlamaForTricks" is not among'],
        [{ hidden_size: null }, "hidden_size is missing"],
      ];
      for (const [more, message] of cases) await expect(load(more), message).rejects.toThrow(message);
      const old = { rope_parameters: undefined, rope_theta: 10000, rope_scaling: null };
      await expect(load(old)).resolves.toBeDefined();
      const bert = await loadPretrained(folderOf("bert-masked"), { head: "sequence", labels: ["a", "b", "c", "d"] });
      expect(bert.initialized).toEqual([
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
        "classifier.bias",
      ]);
      expect(bert.unused.length).toBe(5);
      expect(bert.labels).toEqual(["a", "b", "c", "d"]);
      // Only what the files lack is new: here the layer with another number of classes.
      const [known, other] = [
        await loadPretrained(folderOf("roberta-classes")),
        await loadPretrained(folderOf("roberta-classes"), { labels: ["a", "b", "c", "d", "e"] }),
      ];
      expect(other.initialized).toEqual(["classifier.out_proj.weight", "classifier.out_proj.bias"]);
      const dense = ({ model }: Pretrained) => model.stateDict()["head.dense.weight"]?.dataSync();
      expect(dense(other)).toEqual(dense(known));
      await expect(loadPretrained(folderOf("vit"), { head: "causal" })).rejects.toThrow("its heads are none, image");
      await expect(loadPretrained(join(folder, "none"))).rejects.toThrow("is not a folder");
    } finally {
      removeFolder(folder);
    }
  });
});
