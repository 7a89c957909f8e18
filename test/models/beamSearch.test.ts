// Beam search: the texts and scores of transformers, and the results of exhaustive search where that is possible.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type BeamOptions, BeamSearch, CausalLanguageModel, TextGenerator } from "../../src/models/index.ts";
import { loadPretrained } from "../../src/models/node.ts";
import { noGrad, tensor } from "../../src/tensor/index.ts";
import { folderOf } from "./golden.ts";

interface Case {
  readonly model: string;
  readonly options: BeamOptions & { readonly numBeams: number };
  readonly sequences: readonly (readonly number[])[];
  readonly scores: readonly number[] | null;
}

const golden: { readonly prompt: readonly number[]; readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(folderOf("adapters/beams.json"), "utf8"),
);

async function languageModel(name: string): Promise<CausalLanguageModel> {
  const { model } = await loadPretrained(folderOf(name));
  if (!(model instanceof CausalLanguageModel)) throw new Error("no language model");
  return model;
}

describe("BeamSearch", () => {
  it.each(golden.cases.map((one) => ({ ...one, title: `${one.model} ${JSON.stringify(one.options)}`.slice(0, 110) })))(
    "$title: as transformers",
    async ({ model, options: { numBeams, ...options }, sequences, scores }) => {
      const found = await new BeamSearch(await languageModel(model), 40, numBeams).search(golden.prompt, options);
      expect(found.map(({ tokens }) => tokens)).toEqual(sequences);
      // transformers adds up to twenty logarithms in float32, and logits differ by 1e-5 of the largest.
      for (const [place, score] of (scores ?? []).entries()) {
        const { [place]: beam } = found;
        expect(Math.abs((beam?.score ?? Number.NaN) / score - 1)).toBeLessThan(1e-5);
      }
    },
  );

  it("with one beam writes the same as greedy decoding, from a prompt of several pieces too", async () => {
    const model = await languageModel("llama");
    const prompt = Array.from({ length: 37 }, (_, place) => 5 + ((place * 37) % 90));
    const greedy: number[] = [];
    for await (const token of new TextGenerator(model, 60).tokens(prompt, { maxNewTokens: 9 })) greedy.push(token);
    const [beam] = await new BeamSearch(model, 60, 1).search(prompt, { maxNewTokens: 9 });
    expect(beam?.tokens).toEqual(greedy);
  });

  it("finds the likeliest pair of tokens when there are as many beams as tokens", async () => {
    const model = await languageModel("gpt2");
    const prompt = [7, 8, 9];
    const { vocabulary } = model.body.spec.embeddings;
    const logShares = (tokens: readonly number[]): ArrayLike<number> => {
      const logits = noGrad(() => model.forward(tensor(Int32Array.from(tokens)).reshape([1, tokens.length])));
      return logits
        .select(0, 0)
        .select(0, tokens.length - 1)
        .logSoftmax(0)
        .dataSync();
    };
    const first = logShares(prompt);
    let best = { tokens: [0, 0], sum: Number.NEGATIVE_INFINITY };
    for (let a = 0; a < vocabulary; a++) {
      const second = logShares([...prompt, a]);
      for (let b = 0; b < vocabulary; b++) {
        const sum = Number(first[a]) + Number(second[b]);
        if (sum > best.sum) best = { tokens: [a, b], sum };
      }
    }
    const [beam] = await new BeamSearch(model, 8, vocabulary).search(prompt, { maxNewTokens: 2, lengthPenalty: 0 });
    expect(beam?.tokens).toEqual(best.tokens);
    expect(Math.abs((beam?.score ?? Number.NaN) - best.sum)).toBeLessThan(1e-4);
  });

  it("runs searches one after the other, even when they are started together", async () => {
    const search = new BeamSearch(await languageModel("llama"), 16, 3);
    const prompts = [
      [7, 8, 9],
      [1, 2, 3, 4],
    ];
    const together = await Promise.all(prompts.map((prompt) => search.search(prompt, { maxNewTokens: 6 })));
    for (const [place, prompt] of prompts.entries())
      expect(await search.search(prompt, { maxNewTokens: 6 })).toEqual(together[place]);
  });

  it("refuses invalid arguments", async () => {
    const model = await languageModel("gpt2");
    const search = new BeamSearch(model, 16, 2);
    expect(() => new BeamSearch(model, 16, 0)).toThrow("numBeams must be a whole number of at least 1, got 0");
    await expect(search.search([99])).rejects.toThrow("BeamSearch: the prompt has the token 99");
    await expect(search.search([7], { lengthPenalty: Number.POSITIVE_INFINITY })).rejects.toThrow(
      "lengthPenalty must be a finite number, got Infinity",
    );
    await expect(search.search([7], { repetitionPenalty: 0 })).rejects.toThrow("repetitionPenalty must be above 0");
    await expect(search.search([7], { maxNewTokens: 2.5 })).rejects.toThrow("maxNewTokens must be a whole number");
    expect(await search.search([7], { maxNewTokens: 0 })).toEqual([]);
    expect(model.training).toBe(false);
  });
});
