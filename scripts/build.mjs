// Emits dist/: plain ESM and its types, from the sources without their tests, and a CommonJS form for those who cannot take ESM.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildCommonJs } from "./commonJs.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-p", `${root}/tsconfig.build.json`], {
  stdio: "inherit",
});
const bin = `${root}/dist/cli/main.js`;
if (existsSync(bin)) chmodSync(bin, 0o755);
await buildCommonJs(`${root}/dist`, JSON.parse(readFileSync(`${root}/package.json`, "utf8")));
