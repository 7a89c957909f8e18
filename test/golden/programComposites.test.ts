// The programs of every composite with its gradients, as sums: if a formula is written differently, a sum changes.
import { expect, it } from "vitest";
import { allOps } from "../../src/graph/ops/all.ts";
import { inputNode } from "../conformance/run.ts";
import { hasGradientCheck, isDifferentiable, valueCases } from "../conformance/suite.ts";
import { problem } from "../gradients/problem.ts";
import { added, type Figures, lineOf, listingFigures, programOf } from "./programFigures.ts";

const registered = new Set(allOps.map(({ name }) => name));

it("every composite with its gradients, of all its cases together", async () => {
  const sums = new Map<string, Figures>();
  for (const entry of valueCases.filter(({ op }) => !registered.has(op))) {
    const learned = isDifferentiable(entry) && hasGradientCheck(entry) ? problem(entry, "float32", 1) : undefined;
    const inputs = entry.inputs.map(({ shape, dtype = entry.dtypes[0] ?? "float32" }) => inputNode({ shape, dtype }));
    const outputs = learned === undefined ? [entry.build(...inputs)] : [learned.loss, ...learned.grads];
    sums.set(entry.op, added(sums.get(entry.op) ?? {}, listingFigures(programOf(outputs))));
  }
  const lines = [...sums].map(([op, figures]) => lineOf(op, figures));
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("programs/composites.txt");
});
