// hebb explain: the contributions of a row's columns add up to the prediction of hebb predict, and the important columns come first.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../src/data/index.ts";
import { loadRun } from "../../src/run/index.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const path = (...names: string[]): string => join(folder(), ...names);

/** The price depends on rooms and town, not on the noise. */
function houses(rows: number, seed: number): string {
  const random = new Random(seed);
  const lines = Array.from({ length: rows }, () => {
    const rooms = 1 + random.integer(8);
    const town = ["Oslo", "Bergen", "Bod\u00f8"][random.integer(3)] ?? "";
    const price = 50 * rooms + (town === "Oslo" ? 200 : 0) + random.normal(0, 5);
    return `${rooms},${town},${random.normal().toFixed(3)},${price.toFixed(2)},${price > 300 ? "dear" : "cheap"}`;
  });
  return `rooms,town,noise,price,kind\n${lines.join("\n")}\n`;
}

beforeAll(async () => {
  writeFileSync(path("houses.csv"), houses(400, 1));
  writeFileSync(path("new.csv"), "rooms,town,noise\n2,Bergen,0.1\n8,Oslo,-0.4\n3,Trondheim,\n");
  const quick = ["--hidden", "16", "--lr", "0.02", "--epochs", "30"];
  for (const [out, target, other] of [
    ["prices", "price", "kind"],
    ["kinds", "kind", "price"],
  ] as const)
    expect(
      await hebb("train", "houses.csv", "--target", target, "--ignore", other, ...quick, "--out", out),
    ).toMatchObject({ code: 0 });
}, 120_000);

interface Explained {
  readonly class?: string;
  readonly base: number;
  readonly prediction: number;
  readonly contributions: readonly { readonly column: string; readonly value: string; readonly contribution: number }[];
}
async function explained(...args: string[]): Promise<Explained> {
  const { stdout, code } = await hebb("explain", ...args, "--json");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}
const sumOf = ({ base, contributions }: Explained): number =>
  contributions.reduce((sum, { contribution }) => sum + contribution, base);

describe("explain", () => {
  test("numbers: the sum is the prediction, and the important columns come first", async () => {
    const rows = JSON.parse((await hebb("predict", "prices", "new.csv", "--json")).stdout);
    for (const row of [1, 2, 3]) {
      const found = await explained("prices", "new.csv", "--row", String(row));
      const { prediction } = rows[row - 1];
      // Sums of float32 over different numbers of rows round differently.
      expect(Math.abs(sumOf(found) - prediction)).toBeLessThan(1e-5 * Math.abs(prediction));
    }
    const { contributions, base } = await explained("prices", "new.csv", "--row", "2");
    expect(base).toBeGreaterThan(200);
    expect(base).toBeLessThan(400);
    expect(contributions.map(({ column }) => column).sort()).toEqual(["noise", "rooms", "town"]);
    const of = (column: string) => contributions.find((each) => each.column === column);
    expect(of("rooms")).toMatchObject({ value: "8" });
    // 8 rooms are 3.5 above the mean, at 50 each; Oslo is 200 above the others, and a third of the rows has it.
    expect(Math.abs((of("rooms")?.contribution ?? 0) - 175)).toBeLessThan(40);
    expect(Math.abs((of("town")?.contribution ?? 0) - 133)).toBeLessThan(40);
    expect(contributions.at(-1)?.column).toBe("noise");
  }, 120_000);

  test("classes: the contributions explain the predicted class's probability, or that of a class given by name", async () => {
    const [, row] = JSON.parse((await hebb("predict", "kinds", "new.csv", "--json")).stdout);
    const found = await explained("kinds", "new.csv", "--row", "2");
    expect(found.class).toBe("dear");
    expect(Math.abs(sumOf(found) - row["probability dear"])).toBeLessThan(1e-5);
    const other = await explained("kinds", "new.csv", "--row", "2", "--class", "cheap");
    expect(Math.abs(sumOf(other) - row["probability cheap"])).toBeLessThan(1e-5);
  }, 120_000);

  test("a program gets the same explanation of a row", async () => {
    const run = await loadRun(path("kinds"));
    const row = { rooms: 8, town: "Oslo", noise: -0.4 };
    const found = await run.explain(row, { class: "cheap", samples: 50 });
    const told = await explained("kinds", "new.csv", "--row", "2", "--class", "cheap", "--samples", "50");
    expect(found).toEqual(JSON.parse(JSON.stringify({ ...told, row: undefined })));
    expect((await run.explain(row, { samples: 20 })).class).toBe("dear");
    expect((await run.explain({ ...row, town: "Trondheim" }, { samples: 20 })).notes).toEqual([
      '"town": "Trondheim" is a value that was not in the training data',
    ]);
    await expect(run.explain({ ...row, noise: "loud" })).rejects.toThrow(/"noise" must hold numbers/);
    await expect(run.explain(row, { class: "deer" })).rejects.toThrow(/"deer" is not a class/);
    await expect(run.explain(row, { samples: 0 })).rejects.toThrow(/samples must be a whole number of at least 1/);
    await expect(run.explain({ rooms: 8 })).rejects.toThrow(/columns .* are missing/);
  }, 120_000);

  test("in the terminal: a sum from the mean to the prediction", async () => {
    const { stdout } = await hebb("explain", "prices", "new.csv", "--row", "2");
    expect(stdout).toMatch(/^row 2: price [\d.]+\n\n/);
    expect(stdout).toMatch(/mean over training rows\n/);
    expect(stdout).toMatch(/\+[\d.]+ +± [\d.]+ +rooms = 8\n/);
  }, 120_000);

  test("rows and runs that cannot be explained are refused with a message", async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { stderr, code } = await hebb("explain", ...args);
      expect(code).not.toBe(0);
      expect(stderr).not.toMatch(/\n\s+at /);
      return stderr;
    };
    expect(await refused("prices", "new.csv", "--row", "4")).toMatch(/no row 4: it has 3 rows, counted from 1/);
    expect(await refused("prices", "new.csv", "--class", "dear")).toMatch(/this run predicts a number/);
    expect(await refused("kinds", "new.csv", "--class", "deer")).toMatch(
      /"deer" is not a class .*"cheap", "dear"|"dear", "cheap"/,
    );
    await hebb("train", "and", "--model", "perceptron", "--epochs", "2", "--out", "line");
    writeFileSync(path("and.csv"), "x,y\n1,1\n");
    expect(await refused("line", "and.csv")).toMatch(/a perceptron says only yes or no/);
    rmSync(path("houses.csv"));
    expect(await refused("prices", "new.csv")).toMatch(/houses\.csv/);
  }, 120_000);
});
