// Text generation with a cache of keys and values: the tokens of full recomputation, of transformers, and of the same seed.
import { describe, expect, it } from "vitest";
import { CausalLanguageModel, TextGenerator } from "../../src/models/index.ts";
import { loadPretrained } from "../../src/models/node.ts";
import { chooseToken } from "../../src/models/sampling.ts";
import { Generator, noGrad, tensor } from "../../src/tensor/index.ts";
import { folderOf, named, tensorsIn } from "./golden.ts";

async function languageModel(name: string): Promise<CausalLanguageModel> {
  const { model } = await loadPretrained(folderOf(name));
  if (!(model instanceof CausalLanguageModel)) throw new Error("no language model");
  return model;
}

async function written(tokens: AsyncIterable<number>): Promise<number[]> {
  const list: number[] = [];
  for await (const token of tokens) list.push(token);
  return list;
}

const prompt = [7, 8, 9, 10, 11];

describe("TextGenerator", () => {
  it.each(["gpt2", "llama", "mistral", "qwen3"])(
    "%s writes what transformers writes, with two programs",
    async (name) => {
      const expected = Array.from(named(tensorsIn("adapters/continuations.safetensors"), name).dataSync());
      const text = new TextGenerator(await languageModel(name), 48);
      expect([...prompt, ...(await written(text.tokens(prompt, { maxNewTokens: 40 })))]).toEqual(expected);
      expect(text.signatures).toBe(2);
    },
  );

  it.each(["gpt2", "llama"])("%s writes what full recomputation writes, from prompts of every length", async (name) => {
    const model = await languageModel(name);
    const text = new TextGenerator(model, 60);
    for (const length of [1, 5, 31, 32, 33, 50]) {
      const seen = Array.from({ length }, (_, place) => 5 + ((place * 37) % 90));
      const tokens = await written(text.tokens(seen, { maxNewTokens: 6 }));
      for (const token of tokens) {
        const logits = noGrad(() => model.forward(tensor(Int32Array.from(seen)).reshape([1, seen.length])));
        expect(token).toBe(
          logits
            .select(0, 0)
            .select(0, seen.length - 1)
            .argmax()
            .itemSync(),
        );
        seen.push(token);
      }
    }
    expect(text.signatures).toBe(2);
  });

  it("draws the same tokens from the same seed, and others from another", async () => {
    const text = new TextGenerator(await languageModel("gpt2"), 60);
    const draw = (seed: number): Promise<number[]> =>
      written(text.tokens(prompt, { maxNewTokens: 30, temperature: 3, topK: 50, generator: new Generator(seed) }));
    const first = await draw(1);
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
  });

  it("writes one text at a time", async () => {
    const text = new TextGenerator(await languageModel("gpt2"), 20);
    const first = text.tokens(prompt)[Symbol.asyncIterator]();
    await first.next();
    expect((await written(text.tokens([1, 2]))).length).toBe(18);
    await expect(first.next()).rejects.toThrow("another text was begun with the same generator");
  });

  it("stops after a stop token and at the end of the cache, and reports the cache's size", async () => {
    const text = new TextGenerator(await languageModel("llama"), 16);
    expect(text.cacheBytes).toBe(2 * 4 * 2 * 2 * 16 * 4);
    const all = await written(text.tokens(prompt));
    expect(all.length).toBe(11);
    const stop = all[3] ?? 0;
    expect(await written(text.tokens(prompt, { stop: [stop] }))).toEqual(all.slice(0, all.indexOf(stop) + 1));
    expect(() => text.tokens(Array.from({ length: 16 }, () => 5))).toThrow("must have 1 to 15");
    expect(() => text.tokens([99])).toThrow("outside the vocabulary of 99");
    expect(() => text.tokens(prompt, { topP: 2 })).toThrow("topP must be above 0");
  });
});

describe("chooseToken", () => {
  const base = { temperature: 1, topK: undefined, topP: undefined, repetitionPenalty: 1 };
  const logits = [0, Math.log(2), Math.log(4), Math.log(1)]; // shares 1/8, 2/8, 4/8, 1/8
  it("goes through the tokens from the likeliest one down", () => {
    expect([0, 0.49, 0.51, 0.74, 0.76, 0.99].map((u) => chooseToken(logits, [], u, base))).toEqual([2, 2, 1, 1, 0, 3]);
  });
  it("keeps the k likeliest, or those with a total share of p", () => {
    expect(chooseToken(logits, [], 0.99, { ...base, topK: 2 })).toBe(1);
    expect(chooseToken(logits, [], 0.99, { ...base, topP: 0.5 })).toBe(2);
    expect(chooseToken(logits, [], 0.99, { ...base, topP: 0.6 })).toBe(1);
  });
  it("makes earlier tokens less likely", () => {
    expect(chooseToken([1, 1.5, -1], [1], 0, { ...base, temperature: 0, repetitionPenalty: 2 })).toBe(0);
    expect(chooseToken([-3, -2], [1], 0, { ...base, temperature: 0, repetitionPenalty: 2 })).toBe(0);
  });
});
