// Resolves the package's name to its sources, for programs that are bundled here without a build.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { name, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

export const alias = Object.fromEntries(
  Object.entries(exports).flatMap(([path, { import: built }]) =>
    built === undefined
      ? []
      : [[join(name, path), join(root, built.default.replace("dist", "src").replace(/\.js$/, ".ts"))]],
  ),
);
