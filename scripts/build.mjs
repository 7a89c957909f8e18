// Emits dist/: plain ESM and its types for bundlers, from the sources without their tests; chunks for Node; CommonJS for tools without ESM.
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildCommonJs } from "./commonJs.mjs";
import { buildNodeChunks } from "./nodeChunks.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-p", `${root}/tsconfig.build.json`], {
  stdio: "inherit",
});
const description = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
await buildNodeChunks(`${root}/dist`, description);
await buildCommonJs(`${root}/dist`, description);
for (const bin of Object.values(description.bin)) chmodSync(`${root}/${bin}`, 0o755);
