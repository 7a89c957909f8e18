// Byte pairs: the same text gives the same merges, every text survives a round trip, and repetition gets shorter.
import { describe, expect, test } from "vitest";
import { BytePairVocabulary } from "./bpe.ts";
import { CharacterVocabulary, TokenSequence } from "./text.ts";

const text = "the cat sat on the mat; the hat is that of the cat. ".repeat(20);

describe("byte pairs", () => {
  test("the first merges are the most frequent pairs, the lower one at a tie", () => {
    // Counted by hand in "aab aab ab": pieces "aab", " aab", " ab"; ab 3, aa 2, "␣a" 2.
    const { merges } = BytePairVocabulary.train("aab aab ab", 258);
    expect(merges).toEqual([
      [97, 98],
      [97, 256],
    ]);
  });

  test("training twice gives the same merges, and a pair that occurs once is not merged", () => {
    expect(BytePairVocabulary.train(text, 300).merges).toEqual(BytePairVocabulary.train(text, 300).merges);
    expect(BytePairVocabulary.train("abcdefg", 300).size).toBe(256);
  });

  test("every text survives a round trip, even an unseen one", () => {
    const vocabulary = BytePairVocabulary.train(text, 320);
    for (const sample of [text, "", "  \n\n x", "Grüße, 世界 👩‍🚀!", "don't we'll", "\u0000\u001f"])
      expect(vocabulary.decode(vocabulary.encode(sample))).toBe(sample);
    expect(vocabulary.encode(text).length).toBeLessThan(text.length / 3);
  });

  test("a vocabulary from elsewhere is checked", () => {
    expect(() => new BytePairVocabulary([[300, 1]])).toThrow(/merge 0 joins the tokens 300 and 1/);
    expect(() => BytePairVocabulary.train(text, 100)).toThrow(/256/);
    expect(() => new BytePairVocabulary([]).decode([256])).toThrow(/token 256/);
    const doubling = Array.from({ length: 40 }, (_, k) => (k === 0 ? [0, 0] : [255 + k, 255 + k]) as [number, number]);
    expect(() => new BytePairVocabulary(doubling)).toThrow(/damaged/);
  });
});

describe("windows of a text", () => {
  const tokens = Int32Array.from({ length: 103 }, (_, place) => place % 7);

  test("cover it once, start at another offset in each epoch, and stay inside", () => {
    const sequence = new TokenSequence(tokens, 10, 7);
    expect(sequence.length).toBe(10);
    expect([...sequence.starts([0, 1, 9])]).toEqual([0, 10, 90]);
    const offsets = Array.from({ length: 30 }, (_, epoch) => sequence.offset(3, epoch));
    expect(offsets[0]).toBe(0);
    expect(new Set(offsets).size).toBeGreaterThan(5);
    expect(offsets.every((offset) => offset >= 0 && offset < 10)).toBe(true);
    expect([...sequence.starts([9], 9)]).toEqual([92]);
  });

  test("name the error", () => {
    expect(() => new TokenSequence(tokens, 103, 7)).toThrow(/103 tokens are too few for a context of 103/);
    expect(() => new TokenSequence(tokens, 10, 6)).toThrow(/token 6/);
    expect(() => CharacterVocabulary.of("ab").encode("abc")).toThrow(/"c"/);
  });
});
