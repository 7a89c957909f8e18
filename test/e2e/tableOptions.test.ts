// The flags of `train` for the columns of a table: each reaches the preprocessing, the run stores it, and mistakes are reported.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();

beforeAll(() => {
  const rows = Array.from({ length: 80 }, (_, row) => {
    const age = row % 9 === 0 ? "" : 20 + (row % 30);
    const price = Math.round(100 * 1.06 ** (row % 40));
    return `${row},${age},${row % 2 === 0 ? "Rome" : "Oslo"},${row % 5 === 0 ? 0 : 2},${price}`;
  });
  writeFileSync(join(folder(), "houses.csv"), `id,age,city,count,price\n${rows.join("\n")}\n`);
});

const common = ["train", "houses.csv", "--target", "price", "--backend", "wasm", "--threads", "1", "--epochs", "2"];
const chosen = [
  ...["--ignore", "id", "--row-weights", "count", "--missing", "mean", "--missing", "city=constant:Rome"],
  ...["--missing-indicator", "always", "--target-transform", "log", "--task", "regression"],
];

interface Stored {
  readonly inputs: readonly { readonly column: string; readonly missingIndicator?: boolean; readonly fill?: string }[];
  readonly target: { readonly kind: string; readonly transform?: string };
  readonly weights: { readonly column: string } | null;
}

function stored(run: string): Stored {
  const file: { readonly preprocessing: Stored } = JSON.parse(
    readFileSync(join(folder(), run, "preprocessing.json"), "utf8"),
  );
  return file.preprocessing;
}

describe("choices about columns", () => {
  test("reach the preprocessing, in memory, in folds and in parts", async () => {
    const ways = [
      { run: "whole", args: [] as string[] },
      { run: "parts", args: ["--stream"] },
      { run: "folds", args: ["--folds", "2"] },
    ];
    for (const { run, args } of ways) {
      const { code, stderr } = await hebb(...common, ...chosen, ...args, "--out", run);
      expect(stderr).toBe("");
      expect(code).toBe(0);
      const { inputs, target, weights } = stored(run === "folds" ? "folds/fold-2" : run);
      expect(inputs.map(({ column }) => column)).toEqual(["age", "city"]);
      expect(inputs[0]?.missingIndicator).toBe(true);
      expect(inputs[1]?.fill).toBe("Rome");
      expect(target).toMatchObject({ kind: "number", transform: "log" });
      expect(weights?.column).toBe("count");
    }
  });

  test("are stored: a resumed run ends like an uninterrupted one", async () => {
    expect((await hebb(...common, ...chosen, "--out", "once")).code).toBe(0);
    expect((await hebb(...common, ...chosen, "--out", "twice", "--pause-after", "1")).code).toBe(0);
    expect((await hebb("resume", "twice", "--backend", "wasm", "--threads", "1")).code).toBe(0);
    const weights = (run: string): Buffer => readFileSync(join(folder(), run, "model.safetensors"));
    expect(weights("twice").equals(weights("once"))).toBe(true);
    const again = await hebb("resume", "twice", "--epochs", "1", "--backend", "wasm", "--threads", "1");
    expect(again.stdout).toMatch(
      /all 2 epochs are already trained; for more: hebb resume twice --epochs N, with N above 2\n/,
    );
    expect(again.stdout).toMatch(/ parameters, up to 2 epochs /);
  });

  test.each([
    [["--ignore", "idd"], 1, /no column "idd" to ignore/],
    [["--missing", "agee=mean"], 1, /no column "agee" to fill gaps of/],
    [["--missing", "average"], 2, /median, mean, mode, drop or constant:VALUE/],
    [["--row-weights", "city"], 1, /weight "city" must be a number/],
    [["--task", "classification", "--target-transform", "log"], 1, /no logarithm/],
    [["--max-categories", "0"], 2, /at least 1/],
  ] as const)("%s", async (args, code, says) => {
    const result = await hebb(...common, ...args, "--out", "none");
    expect(result.stderr).toMatch(says);
    expect(result.code).toBe(code);
  });

  test("are refused for unknown columns, and for texts", async () => {
    const { code, stderr } = await hebb("train", "moons", "--ignore", "z");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/moons has no column "z" to ignore; the columns are x, y/),
    ]);
    writeFileSync(join(folder(), "text.txt"), "to be or not to be ".repeat(40));
    const text = await hebb("train", "text.txt", "--missing", "mean");
    expect(text.stderr).toMatch(/--missing is for the columns of a table/);
  });
});
