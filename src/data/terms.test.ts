// Texts as features: words of every script, weights, lengths, gaps, and equality with a table in parts.
import { describe, expect, test } from "vitest";
import { applyPreprocessing, fitPreprocessing, parseCsv, Table } from "./index.ts";
import { TextScan, termsOf, weighTerms, wordsOf } from "./terms.ts";

test("words are runs of lowercased letters and digits, and single signs in scripts without spaces", () => {
  expect(wordsOf("Don't PANIC: 42 times!")).toEqual(["don", "t", "panic", "42", "times"]);
  expect(wordsOf("Ærø, naïve ﬁne Straße")).toEqual(["ærø", "naïve", "fine", "straße"]);
  expect(wordsOf("नमस्ते दुनिया")).toEqual(["नमस्ते", "दुनिया"]);
  expect(wordsOf("東京タワー2024")).toEqual(["東", "京", "タ", "ワ", "ー", "2024"]);
  expect(wordsOf("iPhone手机2024年ABCไทย")).toEqual(["iphone", "手", "机", "2024", "年", "abc", "ไ", "ท", "ย"]);
  expect(wordsOf(" –… ")).toEqual([]);
});

test("piles of marks above a letter take no time", () => {
  expect(wordsOf(`a${"\u0301\u0323".repeat(200_000)} b`).length).toBe(2);
});

test("texts of one length have no spread, and terms whose count is only an upper bound are left out", () => {
  const same = new TextScan();
  for (let k = 0; k < 300; k++) same.add(`car red blue id${k}`);
  expect(same.facts().deviation).toBe(0);
  const many = new TextScan();
  for (let k = 0; k < 12_000; k++) many.add(Array.from({ length: 20 }, (_, place) => `w${k * 20 + place}`).join(" "));
  expect(many.facts().uncertain).toBeGreaterThan(0);
  expect(weighTerms(many.facts(), 5, 2000)).toEqual([]);
});

test("terms are words and pairs of neighbours", () => {
  expect([...termsOf(["a", "b", "a", "b"])]).toEqual([
    ["a", 2],
    ["b", 2],
    ["a b", 2],
    ["b a", 1],
  ]);
});

test("terms in few texts, or in all, get no feature; the weight is the inverse frequency", () => {
  const scan = new TextScan();
  for (const text of ["the red car", "the red bus", "the bus", undefined]) scan.add(text);
  const facts = scan.facts();
  expect(facts.rows).toBe(4);
  expect(facts.mean).toBeCloseTo((2 * Math.log(4) + Math.log(3) + Math.log(1)) / 4, 12);
  expect(weighTerms(facts, 2, 10)).toEqual([
    { term: "the", weight: Math.log(5 / 4) + 1 },
    { term: "bus", weight: Math.log(5 / 3) + 1 },
    { term: "red", weight: Math.log(5 / 3) + 1 },
    { term: "the red", weight: Math.log(5 / 3) + 1 },
  ]);
  expect(weighTerms(facts, 2, 1).length).toBe(1);
  const same = new TextScan();
  for (const text of ["the car", "the bus"]) same.add(text);
  expect(weighTerms(same.facts(), 1, 10).map(({ term }) => term)).not.toContain("the");
});

const opinions = ["a fine soup", "a cold soup", "fine, fine fine view", "cold and loud"];
const table = parseCsv(
  `note,x,y\n${Array.from({ length: 80 }, (_, i) => `"${opinions[i % 4]} ${i}",${i % 7},${i % 4 === 0 || i % 4 === 2 ? "good" : "bad"}`).join("\n")}`,
);

describe("a column of texts", () => {
  const pre = fitPreprocessing(table, { target: "y" });
  const of = (note: unknown): Float32Array =>
    applyPreprocessing(pre, Table.fromRows([{ note, x: 0 }]), { targets: "none" }).features;
  const text = pre.inputs.find((input) => input.kind === "text");
  if (text?.kind !== "text") throw new Error("the note is not text");
  const { terms, weights, norm, mean, scale } = text;

  test("becomes a feature for each term, and its length", () => {
    expect(terms).toContain("fine");
    expect(terms).toContain("cold and");
    expect(terms).not.toContain("17");
    expect(pre.featureNames.slice(0, terms.length + 1)).toEqual([
      ...terms.map((term) => `note has "${term}"`),
      "note (length)",
    ]);
    const weight = (term: string): number => weights[terms.indexOf(term)] ?? Number.NaN;
    const [fine, view] = [weight("fine") * (1 + Math.log(2)), weight("view")];
    const pair = weight("fine fine");
    const own = of("Fine, FINE! unheard view");
    const length = Math.hypot(fine, view, pair);
    expect(own[terms.indexOf("fine")]).toBeCloseTo((norm * fine) / length, 5);
    expect(own[terms.indexOf("view")]).toBeCloseTo((norm * view) / length, 5);
    expect(own[terms.indexOf("cold")]).toBe(0);
    expect(own[terms.length]).toBeCloseTo((Math.log(5) - mean) / scale, 5);
  });

  test("has no words if missing, or those of the fill", () => {
    expect([...of(null).subarray(0, terms.length)].every((value) => value === 0)).toBe(true);
    expect(of("unheard")[terms.length]).toBeGreaterThan(of(null)[terms.length] ?? 0);
    const filled = fitPreprocessing(table, { target: "y", missingOf: { note: { constant: "fine view" } } });
    const apply = (note: string | null): string =>
      String(applyPreprocessing(filled, Table.fromRows([{ note, x: 0 }]), { targets: "none" }).features);
    expect(apply(null)).toBe(apply("fine view"));
  });

  test("drops the row for a gap on request", () => {
    const gaps = parseCsv(
      `note,x,y\n${Array.from({ length: 80 }, (_, i) => `${i % 5 ? `"${opinions[i % 4]} ${i}"` : ""},${i % 7},${i % 2}`).join("\n")}`,
    );
    const dropping = fitPreprocessing(gaps, { target: "y", missingOf: { note: "drop" } });
    expect(applyPreprocessing(dropping, gaps).rows.length).toBe(64);
  });
});
