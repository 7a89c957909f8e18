// The code in the pages of docs/ runs and prints what the pages say.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { activations, optimizers } from "../src/train/names.ts";
import { parseHash, printHash } from "../studio/shared/state.ts";
import { bundleInto } from "./suite/bundle.ts";
import { removeFolder } from "./suite/removeFolder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
let folder = "";
beforeAll(async () => {
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "hebb-docs-"));
  await bundleBlocks();
});
afterAll(() => removeFolder(folder));

/** The blocks of TypeScript of a page, in order and unchanged, with `hebb` as the package's name. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(root, "docs", page), "utf8");
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code);
}

/** The name of a block as a program. */
const programOf = (page: string, number: number): string =>
  `${page.replace(".md", "").replaceAll(/[./]+/g, "-")}-${number}`;

const runFolder = '"runs/iris"';

/** All blocks as programs, bundled together: a bundle of one block alone takes longer than the block. */
async function bundleBlocks(): Promise<void> {
  const { alias } = (await import(pathToFileURL(join(root, "scripts/alias.mjs")).href)) as {
    readonly alias: Readonly<Record<string, string>>;
  };
  const entries = Object.keys(pages).flatMap((page) =>
    blocksOf(page).map((code, place) => {
      const name = programOf(page, place + 1);
      const file = join(folder, `${name}.ts`);
      writeFileSync(
        file,
        code.replace(runFolder, () => JSON.stringify(join(folder, "iris"))),
      );
      return [name, file] as const;
    }),
  );
  await bundleInto(join(folder, "built"), Object.fromEntries(entries), alias);
}

/** Trains the run folder that a page tells the reader to make. */
function trainIris(): void {
  const out = join(folder, "iris");
  if (existsSync(out)) return;
  const command = ["scripts/run.mjs", "src/cli/main.ts", "train", "iris", "--epochs", "40", "--out", out];
  execFileSync(process.execPath, command, { cwd: root, stdio: "ignore", timeout: 60_000 });
}

function run(name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, "built", `${name}.mjs`)], { cwd: root, timeout: 60_000 });
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

/** The output of each block, in order. */
const pages: Readonly<Record<string, readonly RegExp[]>> = {
  "../README.md": [/^\[\s+\[ 0\.0\d+ \],\s+\[ 0\.9\d+ \],\s+\[ 0\.9\d+ \],\s+\[ 0\.0\d+ \]\s+\]\n$/],
  "start.md": [/^(0\.9\d*|1)\n\[ 0, 1 \]\n$/],
  "library.md": [
    /^\[ \[ 1 \], \[ 2 \] \] \[ 5, 10 \] \[ 3, 2 \]\n$/,
    /^5\n$/,
    /^wasm 6\n$/,
    /^\[ 0\.0999755859375, Infinity \] float32\nfloat32 float32 bfloat16\n$/,
    /^0\.2[67]\d* 0\.0\d*\n$/,
  ],
  "performance.md": [/^true true 1\n$/],
  "errors.md": [
    /^matmul: inner .*\nadd: shapes .*\nLinear "1": .*\ncrossEntropy: .*\na value was read .*\nbackward: .*\nSGD: .*\nloadStateDict: .*\niris has no column .*\nfit: there is no option bachSize; did you mean batchSize\? It\n$/,
  ],
  "guides/tables.md": [/^true\n\[ 0 \] classes\n$/],
  "guides/pictures.md": [/^1\n$/],
  "guides/text.md": [/^three four\n$/, /^\[ 3, 3 \] 1\n$/],
  "guides/loop.md": [/^true 1\n$/, /^true \[ 64, 2 \]\n$/, /^\[ 3, 12 \] \[ 6, 12 \]\n$/],
  "guides/exporting.md": [/^true 532 true\n$/],
  "from/pytorch.md": [/^1\n$/, /^weight bias\n$/],
  "from/keras.md": [/^true\n$/],
  "from/tensorflowjs.md": [/^true\n$/],
  "from/scikit-learn.md": [/^true\n$/],
  "training.md": [
    /^(early|finished) \d+ (0\.9\d*|1)\n$/,
    /^loss mae rmse r2 worst\n$/,
    /^0\.105 0\.200 0\.19.* 0\.003 0\.000\n$/,
    /^true\n$/,
    /^40 5 true true\n$/,
    /^0\.\d+ 20\n$/,
    /^device 1 \(wasm\)\n6\n$/,
    /^0\.weight 0\.bias 2\.weight 2\.bias true\n$/,
    /^true\n$/,
    /^\[ 3 \] Linear\(3 → 2\).* 3\n$/,
    /^5 true\n$/,
    /^true\n$/,
    /^setosa 3\nSequential\(\n {2}\(0\): Linear\(4 → 64\)[\s\S]*\), [\d,]+ parameters\n$/,
    /^not to be: t/,
    /^true 4\n$/,
  ],
  "onnx.md": [/^26 \[ 'batch', 3 \]\nGemm,Relu\n$/],
  "layers.md": [
    /^\[ 4, 10 \]\nmodule[\s\S]*conv1 +Conv2d +\[4, 8, 28, 28\][\s\S]*186 parameters\nfc_out\.weight\n$/,
    /^\[ 3, 20, 32 \] \[ 4, 3, 16 \] \[ 4, 3, 16 \]\n$/,
    /^\[ 4 \] \[ 100, 4 \]\n$/,
    /^\[ 2, 10, 32 \]\n\[ 2, 10, 10 \]\n$/,
    /^body gives \[ 3, 4 \]\n0\.body\.weight frozen, 0\.body\.bias frozen, 2\.weight trained, 2\.bias trained\n$/,
    /^0\.\d{4}\nNaN\n$/,
  ],
  "models.md": [
    /^bert none \[ 3, 16 \]\n.*\n$/,
    /^12 \d+ 2\n$/,
    /^\[\s+66,\s+6,\s+67,[\d\s,]+\] -2\.0485\d+\n$/,
    /^true\nadapter_config\.json adapter_model\.safetensors 4\n$/,
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
    /^mode: number, chosen as numeric\nwait: duration, how long something takes\nsold: number, numbers\n$/,
    /^false 0\n$/,
    /^age,city 2\n$/,
    /^\[ 2, 1, 4, 4 \] \[ 'dark', 'light' \] \[ 0, 1 \] -1 1\n$/,
    /^true false\n$/,
    /^\[ 14, 1 \] \[ 3 \] 74 14\n$/,
    /^20000 true\n$/,
  ],
  "distributed.md": [/^1: 1\.0 ×, 8: 8\.0 ×, 64: 64\.0 ×, 1024: 169\.3 ×\n$/],
  "formats.md": [/^F16 12 float32\n$/, /^torch layer\.weight F32 \[ 2, 2 \]\n16\n$/],
  "doctor.md": [
    /softmaxBeforeCrossEntropy in 3: .*\n {2}seen the 2 outputs of every inspected row.*\n {2}why .*\n {2}fix .*\n$/,
  ],
};

describe.each(Object.entries(pages))("docs/%s", (page, prints) => {
  const blocks = blocksOf(page);
  test("runs every block", () => expect(blocks.length).toBe(prints.length));
  test.each(prints.map((pattern, place) => [place + 1, pattern] as const))("block %i", async (number, pattern) => {
    if (blocks[number - 1]?.includes(runFolder)) trainIris();
    expect(await run(programOf(page, number))).toMatch(pattern);
  });
});

test("every page with code is run", () => {
  const found = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .map((page) => page.replaceAll("\\", "/"))
    .filter((page) => page.endsWith(".md") && blocksOf(page).length > 0);
  expect(Object.keys(pages)).toEqual(expect.arrayContaining(found));
});

test("the Studio's states that pages show are valid", () => {
  const shown = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((page) => page.endsWith(".md"))
    .flatMap((page) => [...readFileSync(join(root, "docs", page), "utf8").matchAll(/^<!-- studio: (\S+) \| .+ -->$/gm)])
    .map(([, state = ""]) => state);
  expect(shown.length).toBeGreaterThan(10);
  expect(shown.map((state) => printHash(parseHash(state)))).toEqual(shown);
});

describe("docs name every choice", () => {
  const text = (page: string): string => readFileSync(join(root, "docs", page), "utf8");
  test.each(Object.entries(activations))("activation %s", (_, { module }) =>
    expect(text("layers.md")).toContain(module),
  );
  test.each(Object.entries(optimizers))("optimizer %s", (_, row) =>
    expect(text("optimizers.md")).toContain(row.optimizer),
  );
});
