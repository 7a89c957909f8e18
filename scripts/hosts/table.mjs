// Where the library must work: for each host the packages to install, the files of a small project, and commands with their expected output.

/** Learns XOR and prints the result. */
const learn = `
seed(1);
const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1));
const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
const y = tensor([[0], [1], [1], [0]]);
const step = compile((x, y) => {
  const loss = nn.functional.bceWithLogits(model.forward(x), y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});
let loss = await step(x, y).item();
for (let i = 0; i < 200; i++) loss = await step(x, y).item();
const said = (loss < 0.05 ? "XOR is learned" : "XOR is not learned: " + loss) + " on " + backendInfo().description;
`;
const names = "backendInfo, compile, nn, optim, seed, tensor";
const esm = `import { ${names} } from "hebb";\n${learn}`;
const cjs = `const { ${names} } = require("hebb");\nconst { Linear } = require("hebb/nn");
if (nn.Linear !== Linear) throw new Error("hebb/nn holds other classes than hebb");\n`;
const learned = /XOR is learned on (c|wasm|reference)/;
const onWasm = /XOR is learned on wasm/;
/** Every entry that browsers support, so that bundlers meet all optional packages. */
const everything = `import * as hebb from "hebb";
import * as formats from "hebb/formats";
import * as models from "hebb/models";
import * as onnx from "hebb/onnx";
console.log([hebb, formats, models, onnx].map((entry) => Object.keys(entry).length > 0));
`;
const main = { "main.mjs": `${esm}\nconsole.log(said);\n`, "all.mjs": everything };

/** Strict, with the library's own types checked too. */
const typed = `import { nn, tensor, type Tensor } from "hebb";
import { Adam } from "hebb/optim";
import { readSafetensors } from "hebb/formats";
export const model = new nn.Linear(2, 1);
export const optimizer = new Adam(model.parameters());
export const out: Tensor = model.forward(tensor([[1, 2]]));
// @ts-expect-error A layer takes whole numbers.
export const wrong = new nn.Linear("2", 1);
export const read: typeof readSafetensors = readSafetensors;
`;
const typesHost = (module, moduleResolution, file, more = {}) => ({
  name: `types: ${moduleResolution}, ${file}`,
  packages: ["typescript@5.9.3"],
  files: {
    [file]: typed,
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        target: "es2022",
        lib: ["es2023", "dom", "esnext.disposable"],
        strict: true,
        noEmit: true,
        types: [],
        module,
        moduleResolution,
        ...more,
      },
      files: [file],
    }),
  },
  commands: [{ run: ["tsc"] }],
});

export const hosts = [
  {
    name: "node",
    packages: [],
    files: {
      ...main,
      "main.cjs": `${cjs}(async () => {${learn}console.log(said);})();`,
      "same.mjs": `import { createRequire } from "node:module";
import { nn } from "hebb";
if (createRequire(import.meta.url)("hebb").nn !== nn) throw new Error("import and require hold two libraries");
console.log("one library");\n`,
    },
    commands: [
      { run: ["node", "main.mjs"], says: learned },
      { run: ["node", "main.cjs"], says: learned },
      { run: ["node", "all.mjs"], says: /true, true, true, true/ },
      { run: ["node", "same.mjs"], says: /one library/ },
    ],
  },
  typesHost("node16", "node16", "main.mts"),
  typesHost("node16", "node16", "main.cts"),
  typesHost("nodenext", "nodenext", "main.cts"),
  typesHost("esnext", "bundler", "main.ts"),
  typesHost("commonjs", "node10", "main.ts"),
  {
    name: "publint and attw",
    packages: ["publint", "@arethetypeswrong/cli"],
    files: {
      "pack.mjs": `import { execFileSync } from "node:child_process";
execFileSync("npm", ["pack", "--silent", "../node_modules/hebb", "--ignore-scripts"], { stdio: "inherit" });\n`,
    },
    commands: [
      { run: ["node", "pack.mjs"] },
      { run: ["sh", "-c", "publint ./hebb-*.tgz --strict"] },
      { run: ["sh", "-c", "attw ./hebb-*.tgz"] },
    ],
  },
  {
    name: "jest",
    packages: ["jest"],
    files: {
      "xor.test.js": `${cjs}test("XOR", async () => {${learn}expect(said).toMatch(/XOR is learned/); }, 60000);`,
    },
    commands: [{ run: ["jest", "xor"], says: /1 passed/ }],
  },
  {
    name: "vitest",
    packages: ["vitest"],
    files: {
      "xor.test.mjs": `import { expect, test } from "vitest";\nimport { ${names} } from "hebb";
test("XOR", async () => {${learn}expect(said).toMatch(/XOR is learned/); }, 60000);`,
    },
    commands: [{ run: ["vitest", "run"], says: /1 passed/ }],
  },
  {
    name: "esbuild",
    packages: ["esbuild"],
    files: {
      ...main,
      "firstBytes.mjs": `import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
const { outputs } = JSON.parse(readFileSync("parts.json", "utf8"));
const first = new Set(["parts/main.js"]);
for (const file of first) for (const { path, kind } of outputs[file].imports) if (kind === "import-statement") first.add(path);
const bytes = [...first].reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
console.log((bytes / 1024).toFixed(1), "KB gzip at first");
process.exit(bytes > 200 * 1024 ? 1 : 0);\n`,
    },
    commands: [
      { run: ["esbuild", "main.mjs", "--bundle", "--format=esm", "--minify", "--outfile=out/main.mjs"] },
      { run: ["node", "out/main.mjs"], says: onWasm },
      { run: ["esbuild", "main.mjs", "--bundle", "--format=esm", "--platform=node", "--outfile=out/node.mjs"] },
      { run: ["node", "out/node.mjs"], says: learned },
      { run: ["esbuild", "all.mjs", "--bundle", "--format=esm", "--outfile=out/all.mjs"] },
      { run: ["node", "out/all.mjs"], says: /true, true, true, true/ },
      // The engine, layers and optimizers in a browser, as a page loads them at first: at most 200 KB.
      {
        run: [
          "esbuild",
          "main.mjs",
          "--bundle",
          "--format=esm",
          "--minify",
          "--splitting",
          "--outdir=parts",
          "--metafile=parts.json",
        ],
      },
      { run: ["node", "firstBytes.mjs"], says: /KB gzip at first/ },
    ],
  },
  {
    name: "rollup",
    packages: ["rollup", "@rollup/plugin-node-resolve"],
    files: main,
    commands: [
      { run: ["rollup", "main.mjs", "-p", "node-resolve", "-d", "out"] },
      { run: ["node", "out/main.js"], says: learned },
    ],
    package: { type: "module" },
  },
  {
    name: "vite",
    packages: ["vite"],
    files: {
      ...main,
      "index.html":
        '<!doctype html><script type="module" src="/main.mjs"></script><script type="module" src="/all.mjs"></script>',
    },
    commands: [{ run: ["vite", "build"], says: /built in/ }],
  },
  {
    name: "webpack",
    packages: ["webpack", "webpack-cli"],
    files: {
      ...main,
      "webpack.config.cjs": `module.exports = ["web", "node"].map((target) => ({
  mode: "production", target, entry: { main: "./main.mjs", all: "./all.mjs" }, performance: { hints: false }, optimization: { minimize: false },
  output: { path: __dirname + "/out-" + target, publicPath: "" } }));\n`,
    },
    commands: [
      { run: ["webpack"], says: /compiled/ },
      { run: ["node", "out-node/main.js"], says: learned },
      { run: ["node", "out-node/all.js"], says: /true, true, true, true/ },
    ],
  },
  {
    name: "next",
    packages: ["next", "react", "react-dom"],
    files: {
      "app/layout.js": 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;\n',
      "app/page.js": `import { ${names} } from "hebb";\nimport Client from "./client.js";
export default async function Page() {${learn}return <main>{said}<Client /></main>; }\n`,
      "app/client.js": `"use client";\nimport { nn, tensor } from "hebb";
export default () => <b>{new nn.Linear(2, 1).forward(tensor([[1, 2]])).shape.join("x")}</b>;\n`,
      "next.config.mjs": 'export default { output: "export" };\n',
    },
    environment: { NEXT_TELEMETRY_DISABLED: "1" },
    commands: [{ run: ["next", "build"] }, { run: ["cat", "out/index.html"], says: learned }],
  },
  {
    name: "deno",
    packages: ["deno"],
    files: main,
    commands: [
      { run: ["deno", "run", "main.mjs"], says: onWasm },
      { run: ["deno", "run", "--allow-all", "main.mjs"], says: learned },
    ],
  },
  {
    name: "bun",
    packages: ["bun"],
    files: { ...main, "main.cjs": `${cjs}(async () => {${learn}console.log(said);})();` },
    commands: [
      { run: ["bun", "main.mjs"], says: learned },
      { run: ["bun", "main.cjs"], says: learned },
    ],
  },
  {
    // A worker under Cloudflare's restrictions: no threads, no eval, no WebAssembly from bytes.
    name: "workerd",
    packages: ["miniflare", "esbuild"],
    files: {
      "worker.mjs": `import { ${names} } from "hebb";
export default { async fetch() {${learn}return new Response(said); } };\n`,
      "serve.mjs": `import { Miniflare } from "miniflare";
const server = new Miniflare({ modules: true, scriptPath: "out/worker.mjs", compatibilityDate: "2026-01-01" });
console.log(await (await server.dispatchFetch("http://localhost/")).text());
await server.dispose();\n`,
    },
    commands: [
      { run: ["esbuild", "worker.mjs", "--bundle", "--format=esm", "--outfile=out/worker.mjs"] },
      { run: ["node", "serve.mjs"], says: learned },
    ],
  },
];
