// Tokens read from a file equal those of the whole text, for every vocabulary whose text can be cut.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { removeFolder } from "../../test/suite/removeFolder.ts";
import { BytePairVocabulary } from "./bpe.ts";
import { InputFile } from "./inputFile.ts";
import { Random } from "./random.ts";
import { CharacterVocabulary } from "./text.ts";
import { cutsOf, tokensOfFile } from "./textParts.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-text-parts-"));
afterAll(() => removeFolder(folder));

const random = new Random(5);
const words = ["der Baum", "größer", "  ", "\n", "🌳🌳", "數學", "it's", "12"];
const spaced = Array.from({ length: 3000 }, () => words[random.integer(words.length)]).join(" ");
// Without spaces between words: cut between characters of four bytes.
const dense = "🌳數".repeat(4000);

it.each([
  ["characters", spaced, CharacterVocabulary.of(spaced)],
  ["byte pairs", spaced, BytePairVocabulary.train(spaced, 320)],
  ["characters without spaces", dense, CharacterVocabulary.of(dense)],
])("%s", async (name, text, vocabulary) => {
  const path = join(folder, `${name}.txt`);
  writeFileSync(path, `\uFEFF${text}`);
  const tokens = vocabulary.encode(text);
  const cuts = cutsOf(text, tokens, vocabulary, 3);
  expect(cuts?.tokens.length).toBeGreaterThan(2);
  const reader = await InputFile.use(path, (file) => cuts && tokensOfFile(file, cuts, vocabulary));
  expect(reader?.length).toBe(tokens.length);
  const starts = [0, tokens.length - 700, ...Array.from({ length: 20 }, () => random.integer(tokens.length - 700))];
  const wanted = starts.flatMap((start) => [...tokens.subarray(start, start + 700)]);
  expect([...(reader?.read(starts, 700) ?? [])]).toEqual(wanted);
  writeFileSync(path, text);
  expect(() => reader?.read([0], 1)).toThrow(`${path} has changed while it was read in parts`);
});

it("a text whose tokens depend on distant earlier text is not cut", () => {
  // Each piece begins with an extra token.
  const encode = (text: string): Int32Array => Int32Array.of(-1, ...Array.from(text, (one) => one.charCodeAt(0)));
  expect(cutsOf(spaced, encode(spaced), { encode }, 0)).toBeUndefined();
});
