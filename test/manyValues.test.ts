// More values than a call can take as arguments: regions of a pool, epochs of a run.
import { expect, it } from "vitest";
import { plot } from "../src/cli/report.ts";
import { arange, nn } from "../src/index.ts";

const many = 150_000;

it("pools into many regions", () => {
  const extent = many + 1234;
  const means = nn.functional.adaptiveAvgPool1d(arange(extent).to("float64").reshape([1, 1, extent]), many).dataSync();
  const wrong = Array.from({ length: many }, (_, k) => {
    const [first, last] = [Math.floor((k * extent) / many), Math.ceil(((k + 1) * extent) / many) - 1];
    return Math.abs((means[k] ?? Number.NaN) - (first + last) / 2);
  });
  expect(wrong.findIndex((apart) => !(apart < 1e-6))).toBe(-1);
});

it("draws curves of many epochs", () => {
  const curve = Array.from({ length: many }, (_, epoch) => 1 / (1 + epoch));
  expect(plot([curve], ["loss"]).join("\n")).toContain(String(many));
});
