// A table with only a target chosen: the findings before training, the report, and that the run pauses, resumes and exports.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const at = (...parts: string[]): string => join(folder(), ...parts);

/** Rows by a rule with a jump, a category and noise; `told` leaks the target. */
function table(rows: number, told: boolean): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const [a, b] = [(row * 37) % 101, (row * 53) % 89];
    const kind = ["x", "y", "z"][(row * 7) % 3] ?? "";
    const answer = a > 60 !== (kind === "y" && b > 40) ? "yes" : "no";
    return [a, (b / 10).toFixed(1), kind, answer, ...(told ? [answer === "yes" ? "1" : "0"] : [])].join(",");
  });
  return `a,b,kind,answer${told ? ",alive" : ""}\n${lines.join("\n")}\n`;
}

beforeAll(() => {
  writeFileSync(at("rule.csv"), table(320, false));
  writeFileSync(at("told.csv"), table(120, true));
});

describe("with defaults", () => {
  test("trials are scored on training rows, the result is compared with simple baselines, and the run exports to other files", async () => {
    const { code, stdout, stderr } = await hebb(
      "train",
      "rule.csv",
      "--target",
      "answer",
      "--out",
      "run",
      "--seed",
      "1",
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/trial 1: dropout 0\.1/);
    expect(stdout).toMatch(/chosen by \d trials on the training rows: .*\d+ epochs/);
    expect(stdout).toMatch(/compare {5}linear model: accuracy \d+\.\d %, .*constant prediction: accuracy \d+\.\d %/);
    const { config } = JSON.parse(readFileSync(at("run", "config.json"), "utf8"));
    expect(config).toMatchObject({
      model: { kind: "tabular", members: 8, numbers: [0, 1] },
      keep: "last",
      patience: null,
    });
    expect(config.chosen).toMatch(/^chosen by/);
    expect((await hebb("evaluate", "run", "rule.csv")).stdout).toMatch(/accuracy (9[5-9]|100)\.\d %/);
    expect((await hebb("predict", "run", "rule.csv", "--out", "named.csv")).code).toBe(0);
    for (const to of ["onnx", "module"])
      expect((await hebb("export", "run", "--to", to, "--out", `run.${to === "onnx" ? "onnx" : "ts"}`)).code).toBe(0);
    // A dozen trainings before the final one.
  }, 300_000);

  test("a run that pauses and resumes has the bits of an uninterrupted one", async () => {
    const how = ["train", "rule.csv", "--target", "answer", "--preset", "good", "--epochs", "12", "--backend", "wasm"];
    expect((await hebb(...how, "--out", "whole")).code).toBe(0);
    expect((await hebb(...how, "--out", "paused", "--pause-after", "3")).code).toBe(0);
    expect((await hebb("resume", "paused", "--backend", "wasm")).code).toBe(0);
    expect(readFileSync(at("paused", "model.safetensors")).equals(readFileSync(at("whole", "model.safetensors")))).toBe(
      true,
    );
  });

  test("a column that leaks the target is reported, before training and by the doctor", async () => {
    const { stderr } = await hebb("train", "told.csv", "--target", "answer", "--out", "told", "--epochs", "3");
    expect(stderr).toMatch(/warning: "alive" alone decides "answer"/);
    const { stdout } = await hebb("doctor", "told");
    expect(stdout).toMatch(/"alive" alone decides "answer"/);
    expect(stdout).not.toMatch(/nothing suspicious/);
  });

  test("a metric that still improves at the end is reported", async () => {
    const { stdout } = await hebb("train", "rule.csv", "--target", "answer", "--out", "short", "--epochs", "2");
    expect(stdout).toMatch(/still improving in the last epochs/);
  });
});
