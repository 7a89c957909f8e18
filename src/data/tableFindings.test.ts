// Findings about a table before training: each fault alone, with its figures, and none for a sound table.
import { describe, expect, it } from "vitest";
import { iris, loans, parseCsv, type TableFinding, tableFindings } from "./index.ts";

const rows = (count: number, row: (k: number) => readonly (string | number)[]): string =>
  Array.from({ length: count }, (_, k) => row(k).join(",")).join("\n");
const noise = (k: number, by = 7919): number => ((k * by) % 1009) / 1009;
const see = (text: string, target: string): TableFinding[] =>
  tableFindings(parseCsv(text, { name: "t.csv" }), { target });
const codes = (found: readonly TableFinding[]): string[] => found.map(({ code }) => code);
/** Two classes that two numbers separate roughly. */
const label = (k: number): string => (noise(k) + 0.4 * noise(k, 104729) > 0.7 ? "yes" : "no");

describe("no finding", () => {
  it("for sound tables", () => {
    expect(tableFindings(iris(), { target: "species" })).toEqual([]);
    expect(tableFindings(loans({ count: 400, noise: 0.4, seed: 1 }), { target: "approved" })).toEqual([]);
    expect(
      see(`a,b,y\n${rows(200, (k) => [noise(k).toFixed(3), noise(k, 104729).toFixed(3), label(k)])}`, "y"),
    ).toEqual([]);
  });
});

describe("leaks", () => {
  it("alive beside survived: one column gives the other away", () => {
    const found = see(
      `age,alive,survived\n${rows(120, (k) => [20 + Math.round(40 * noise(k)), label(k) === "yes" ? "y" : "n", label(k)])}`,
      "survived",
    );
    expect(found).toHaveLength(1);
    expect(found[0]?.text).toBe(
      '"alive" alone decides "survived" in 100 % of the rows; leave it out if it is not known before "survived" is.',
    );
  });
  it("a score above a limit, and a column that has values for one class only", () => {
    const text = `a,score,boat,y\n${rows(200, (k) => [noise(k, 31).toFixed(3), (label(k) === "yes" ? 5 + noise(k) : noise(k)).toFixed(3), label(k) === "yes" ? (k % 9) + 1 : "", label(k)])}`;
    const found = see(text, "y");
    expect(codes(found)).toEqual(["leak", "leak"]);
    expect(found[0]?.text).toContain("by whether it is above a limit");
    expect(found[1]?.text).toContain('Whether "boat" is filled in tells "y" in 100 % of the rows');
  });
  it("the price in another currency, but not a good predictor", () => {
    const price = (k: number): number => 1000 + 900 * noise(k);
    const text = `rooms,euro,near,dollar\n${rows(150, (k) => [1 + (k % 5), price(k).toFixed(2), (price(k) + 60 * noise(k, 31)).toFixed(2), (1.1 * price(k) + 3).toFixed(2)])}`;
    const found = see(text, "dollar");
    expect(found.map(({ columns }) => columns)).toEqual([["euro", "dollar"]]);
    expect(found[0]?.text).toContain("in other units");
  });
  it("says nothing of numbers whose squares are infinite", () => {
    const text = `a,b,y\n${rows(120, (k) => [`${noise(k)}e300`, k % 2 ? "u" : "v", `${noise(k)}e300`])}`;
    for (const { text: said } of see(text, "y")) expect(said).not.toMatch(/NaN|Infinity/);
    expect(see(text, "y")).toEqual([]);
  });
});

describe("classes", () => {
  it("a rare one, with its share", () => {
    const found = see(`a,fraud\n${rows(400, (k) => [noise(k).toFixed(3), k % 40 === 3 ? "yes" : "no"])}`, "fraud");
    expect(found).toHaveLength(1);
    expect(found[0]?.text).toContain('97.5 % of the rows have the "fraud" no');
  });
  it("a class of a few rows among several", () => {
    const found = see(`a,y\n${rows(202, (k) => [noise(k).toFixed(3), k > 199 ? "odd" : k % 2 ? "b" : "c"])}`, "y");
    expect(found[0]?.text).toContain("The class odd has 2 of 202 rows");
  });
  it("a constant target cannot be learned, for the same reason that training gives", () => {
    const found = see(`a,y\n${rows(30, (k) => [noise(k).toFixed(3), "same"])}`, "y");
    expect(codes(found)).toEqual(["target"]);
    expect(found[0]?.text).toContain("in every row, so there is nothing to learn");
  });
});

describe("the file", () => {
  it("damaged letters, in names and in cells", () => {
    const found = see(
      `groÃŸe,stadt,y\n${rows(60, (k) => [noise(k).toFixed(3), k % 3 ? "MÃ¼nchen" : "K�ln", label(k)])}`,
      "y",
    );
    expect(codes(found)).toEqual(["encoding"]);
    expect(found[0]?.text).toContain('"groÃŸe" is the name of a column');
    expect(found[0]?.text).toContain("UTF-8");
    expect(
      see(`a,stadt,y\n${rows(60, (k) => [noise(k).toFixed(3), k % 3 ? "München" : "Âme", label(k)])}`, "y"),
    ).toEqual([]);
  });
  it("a header line that is data", () => {
    const text = `5.1,3.5,setosa\n${rows(60, (k) => [(4 + 3 * noise(k)).toFixed(1), (2 + 2 * noise(k, 31)).toFixed(1), k % 2 ? "setosa" : "virginica"])}`;
    expect(codes(see(text, "setosa"))).toEqual(["header"]);
    expect(codes(see(`1,2,3\n${rows(60, (k) => [noise(k), noise(k, 31), noise(k, 37)])}`, "3"))).toEqual(["header"]);
    expect(codes(see(`2019,2020,y\n${rows(60, (k) => [noise(k), noise(k, 31), label(k)])}`, "y"))).toEqual(["header"]);
  });
  it("cells that are not numbers, by row", () => {
    const found = see(
      `a,b,y\n${rows(100, (k) => [k === 17 ? "about 3" : noise(k).toFixed(3), noise(k, 31).toFixed(3), label(k)])}`,
      "y",
    );
    expect(codes(found)).toEqual(["cells"]);
    expect(found[0]?.text).toContain('"about 3" in row 18');
  });
});
