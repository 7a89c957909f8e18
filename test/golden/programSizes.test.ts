// The programs of small graphs at every size, in figures summed over the sizes: if a choice moves to another size, a sum changes.
import { expect, it } from "vitest";
import { added, figuresOf, lineOf, programOf } from "./programFigures.ts";
import { families, sizes } from "./programGraphs.ts";

it("graphs of every size, of all sizes together", async () => {
  const lines = families.map(([name, most, build]) => {
    const own = sizes.filter((size) => size <= most);
    const all = own.map((size) => figuresOf(programOf(build(size)))).reduce(added);
    return lineOf(`${name} up to ${most}`, all);
  });
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("programs/sizes.txt");
});
