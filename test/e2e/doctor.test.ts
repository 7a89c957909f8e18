// The doctor on the command line: during training and on a finished run.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Random } from "../../src/data/index.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();

/** Rows of two numbers, labelled by whether their sum is above 0. */
function rows(count: number, seed: number, wrong = 0): string[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const [a, b] = [random.normal(), random.normal()];
    return `${a},${b},${a + b > 0 !== random.uniform() < wrong ? "yes" : "no"}`;
  });
}

async function diagnosis(run: string): Promise<{ findings: { code: string; evidence: string }[]; notes: unknown[] }> {
  const { stdout, code } = await hebb("doctor", run, "--json");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

const faults: readonly [code: string, args: readonly string[]][] = [
  ["noActivation", ["moons", "--activation", "identity", "--epochs", "2"]],
  ["distanceOnClasses", ["moons", "--loss", "mse", "--epochs", "2"]],
  ["learningRateTooLow", ["moons", "--lr", "1e-7", "--epochs", "6"]],
  ["learningRateTooHigh", ["moons", "--lr", "1", "--optimizer", "momentum", "--epochs", "20", "--seed", "1"]],
  ["vanishingGradients", ["moons", "--activation", "sigmoid", "--hidden", "16,16,16,16,16,16,16,16", "--epochs", "2"]],
  ["notANumber", ["curve", "--lr", "1e30", "--optimizer", "sgd", "--epochs", "2"]],
  ["leak", ["twice.csv", "--target", "y", "--epochs", "2"]],
  [
    "overfitting",
    [
      "noise.csv",
      "--target",
      "y",
      "--epochs",
      "250",
      "--patience",
      "250",
      "--weight-decay",
      "0",
      "--hidden",
      "256,256",
      "--lr",
      "0.01",
    ],
  ],
];

describe("the doctor", () => {
  test.each(faults)("%s is reported during training, and again for the finished run", async (code, args) => {
    const once = rows(200, 1);
    writeFileSync(join(folder(), "twice.csv"), `${["a,b,y", ...once, ...once].join("\n")}\n`);
    writeFileSync(join(folder(), "noise.csv"), `${["a,b,y", ...rows(60, 2, 0.35)].join("\n")}\n`);
    const { stderr } = await hebb("train", ...args, "--out", code);
    // For some tables, findings about their rows are reported before training too.
    expect(stderr.replace(/^warning: .*\n/gm, "")).toBe("");
    const events = readFileSync(join(folder(), code, "events.jsonl"), "utf8")
      .trim()
      .split("\n");
    const told = events.map((line) => JSON.parse(line)).filter(({ type }) => type === "finding");
    expect(told.map(({ finding }) => finding.code)).toContain(code);
    const { findings } = await diagnosis(code);
    expect(findings.map((finding) => finding.code)).toContain(code);
    const { stdout } = await hebb("doctor", code);
    expect(stdout).toMatch(/! .*\n {4}seen .*\n {4}why .*\n {4}fix /);
  });

  test("a healthy run has no findings, even after its data are gone", async () => {
    // Without any wrong label, two columns would determine the target.
    writeFileSync(join(folder(), "fine.csv"), `${["a,b,y", ...rows(300, 3, 0.1)].join("\n")}\n`);
    await hebb("train", "fine.csv", "--target", "y", "--epochs", "30", "--out", "fine");
    expect((await hebb("doctor", "fine")).stdout).toMatch(/✓ .*nothing suspicious/);
    writeFileSync(join(folder(), "fine.csv"), "");
    const { findings, notes } = await diagnosis("fine");
    expect(findings).toEqual([]);
    expect(JSON.stringify(notes)).toMatch(/could not be inspected again/);
  });

  test("--no-doctor trains without findings, and the run can be examined later", async () => {
    const { stdout } = await hebb("train", "moons", "--loss", "mse", "--epochs", "2", "--no-doctor", "--out", "silent");
    expect(stdout).not.toMatch(/seen/);
    expect((await diagnosis("silent")).findings.map(({ code }) => code)).toEqual(["distanceOnClasses"]);
  });

  test("reports which classes are confused", async () => {
    await hebb("train", "iris", "--epochs", "30", "--out", "iris");
    writeFileSync(
      join(folder(), "three.csv"),
      "sepal_length,sepal_width,petal_length,petal_width,species\n5.1,3.5,1.4,0.2,setosa\n7,3.2,4.7,1.4,versicolor\n6.3,3.3,6,2.5,virginica\n",
    );
    const { stdout } = await hebb("evaluate", "iris", "three.csv", "--confusion", "--json");
    const { confusion, classes } = JSON.parse(stdout);
    expect(classes.length).toBe(3);
    expect(confusion).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect((await hebb("evaluate", "iris", "three.csv", "--confusion")).stdout).toMatch(/true ↓ {2}predicted →/);
  });
});

test("on a machine without a usable GPU, the line about it has no check mark", async () => {
  const { stdout, code } = await hebb("doctor");
  expect(code).toBe(0);
  const line = stdout.split("\n").find((each) => each.includes(" webgpu: ")) ?? "";
  // It names the GPU and how to use it, or says why there is none.
  expect(line).toMatch(
    /^(✓ webgpu: .*(--backend webgpu takes it|computes on the processor)|– webgpu: .*(needs|cannot|no ))/,
  );
});
