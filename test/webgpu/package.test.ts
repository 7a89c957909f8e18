// The package webgpu, which Node needs, is missing or does not support this machine: one message says what to do.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleInto } from "../suite/bundle.ts";
import { removeFolder } from "../suite/removeFolder.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "hebb-no-webgpu-"));

/** Reads values, continues afterwards, and prints the description of the card. */
const program = `
import { tensor, useBackend } from "./library.mjs";
import { describeCard } from "./card.mjs";
useBackend({ backend: "webgpu" });
const said = async (value) => value.then(String, (error) => error.name + ": " + error.message);
const x = tensor([1, 2]).mul(2);
console.log(JSON.stringify([await said(x.data()), await said(x.add(1).sum().item()), (await describeCard()).text, (await describeCard()).usable]));
`;

async function sentences(): Promise<readonly unknown[]> {
  const { NODE_PATH: _, HEBB_BACKEND: __, ...env } = process.env;
  const { stdout } = await run(process.execPath, [join(folder, "program.mjs")], { env });
  return JSON.parse(stdout) as readonly unknown[];
}

beforeAll(async () => {
  const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));
  // Outside the project, where nothing is installed.
  await bundleInto(folder, { library: source("index.ts"), card: source("backends/webgpu/index.ts") });
  writeFileSync(join(folder, "program.mjs"), program);
}, 240_000);
afterAll(() => removeFolder(folder));

it("says that the package is missing, and how to install it", { timeout: 240_000 }, async () => {
  const sentence = "the backend webgpu needs the package webgpu in Node; install it with npm install webgpu";
  expect(await sentences()).toEqual([`HebbError: ${sentence}`, `HebbError: ${sentence}`, sentence, false]);
});

it("says that the package does not support this machine, and not to reinstall it", {
  timeout: 240_000,
}, async () => {
  const inside = join(folder, "node_modules", "webgpu");
  mkdirSync(inside, { recursive: true });
  writeFileSync(join(inside, "index.js"), 'module.exports = require("./dist/none.dawn.node");\n');
  const sentence =
    "the package webgpu cannot be loaded (Cannot find module './dist/none.dawn.node'); use another backend";
  expect(await sentences()).toEqual([`HebbError: ${sentence}`, `HebbError: ${sentence}`, sentence, false]);
});
