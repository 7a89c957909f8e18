// The programs of graphs of realistic size, in figures: kernels, memory, and the code of the backends. A change here is a change of the code that
// runs.
import { expect, it } from "vitest";
import { figuresOf, lineOf, programOf } from "./programFigures.ts";
import { graphs } from "./programGraphs.ts";

it("graphs as large as those in use", async () => {
  const lines = Object.entries(graphs).map(([name, build]) =>
    lineOf(name, figuresOf(programOf(build()), ["avx512", "portable"])),
  );
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("programs/graphs.txt");
});
