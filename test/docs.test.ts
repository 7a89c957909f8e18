// The code in the pages of docs/ runs, and prints what the pages say.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { activations, optimizers } from "../src/train/names.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
let folder = "";
beforeAll(() => {
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "hebb-docs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The blocks of TypeScript of a page, in order, as they stand there: `hebb` is the package by its name. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(root, "docs", page), "utf8");
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code);
}

/** The run folder of which a page says how it was made. */
function trainedIris(): string {
  const out = join(folder, "iris");
  const command = ["scripts/run.mjs", "src/cli/main.ts", "train", "iris", "--epochs", "40", "--out", out];
  execFileSync(process.execPath, command, { cwd: root, stdio: "ignore", timeout: 60_000 });
  return out;
}

function run(code: string, name: string): Promise<string> {
  const file = join(folder, `${basename(name)}.ts`);
  writeFileSync(
    file,
    code.replace('"runs/iris"', () => JSON.stringify(trainedIris())),
  );
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["scripts/run.mjs", file], { cwd: root, timeout: 60_000 });
    let [out, complaints] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints += text;
    });
    child.on("error", reject);
    child.on("close", (status) =>
      status === 0 ? resolve(out) : reject(new Error(`${name} ended with ${status}\n${complaints}`)),
    );
  });
}

/** What each block prints, in order. */
const pages: Readonly<Record<string, readonly RegExp[]>> = {
  "../README.md": [/^\[\s+\[ 0\.0\d+ \],\s+\[ 0\.9\d+ \],\s+\[ 0\.9\d+ \],\s+\[ 0\.0\d+ \]\s+\]\n$/],
  "training.md": [
    /^(early|finished) \d+ (0\.9\d*|1)\n$/,
    /^loss mae rmse r2 worst\n$/,
    /^0\.105 0\.200 0\.19.* 0\.003 0\.000\n$/,
    /^true\n$/,
    /^40 5 true true\n$/,
    /^0\.\d+ 20\n$/,
    /^0\.weight 0\.bias 2\.weight 2\.bias true\n$/,
    /^true\n$/,
    /^\[ 3 \] Linear\(3 → 2\).* 3\n$/,
    /^5 true\n$/,
    /^true\n$/,
    /^setosa 3\nSequential\(\n {2}\(0\): Linear\(4 → 64\)[\s\S]*\), [\d,]+ parameters\n$/,
    /^not to be: t/,
  ],
  "layers.md": [
    /^\[ 4, 10 \]\nmodule[\s\S]*conv1 +Conv2d +\[4, 8, 28, 28\][\s\S]*186 parameters\nfc_out\.weight\n$/,
    /^\[ 3, 20, 32 \] \[ 4, 3, 16 \] \[ 4, 3, 16 \]\n$/,
    /^\[ 4 \] \[ 100, 4 \]\n$/,
    /^\[ 2, 10, 32 \]\n\[ 2, 10, 10 \]\n$/,
    /^body gives \[ 3, 4 \]\n0\.body\.weight frozen, 0\.body\.bias frozen, 2\.weight trained, 2\.bias trained\n$/,
    /^0\.\d{4}\nNaN\n$/,
  ],
  "testing.md": [
    /^tensors are not close: weight: 2 of 2 elements differ, most at \[0, \d\]: .*; bias: 1 of 1 element differs.*\n$/,
    /^true\n$/,
  ],
  "optimizers.md": [/^\[ true, true \] 1\ntrue\n$/, /^true\n$/, /^true 1\n$/],
  "data.md": [
    /^age: number, 1 missing; city: category, 0 missing; since: date, 0 missing; income: number, 0 missing\n120 30 4\n$/,
    /^category groupedComma boolean\ntrue\n$/,
    /^rooms, rooms \(missing\) true\n$/,
    /^\[ 2, 1, 4, 4 \] \[ 'dark', 'light' \] \[ 0, 1 \] -1 1\n$/,
    /^true false\n$/,
    /^\[ 14, 1 \] \[ 3 \] 74 14\n$/,
    /^20000 true\n$/,
  ],
  "doctor.md": [
    /softmaxBeforeCrossEntropy in 3: .*\n {2}seen the 2 outputs of every inspected row.*\n {2}why .*\n {2}fix .*\n$/,
  ],
};

describe.each(Object.entries(pages))("docs/%s", (page, prints) => {
  const blocks = blocksOf(page);
  test("has no block that is not run", () => expect(blocks.length).toBe(prints.length));
  test.each(prints.map((pattern, place) => [place + 1, pattern] as const))("block %i", async (number, pattern) => {
    expect(await run(blocks[number - 1] ?? "", `${page.replace(".md", "")}-${number}`)).toMatch(pattern);
  });
});

describe("docs name whatever can be chosen", () => {
  const text = (page: string): string => readFileSync(join(root, "docs", page), "utf8");
  test.each(Object.entries(activations))("activation %s", (_, { module }) =>
    expect(text("layers.md")).toContain(module),
  );
  test.each(Object.entries(optimizers))("optimizer %s", (_, row) =>
    expect(text("optimizers.md")).toContain(row.optimizer),
  );
});
