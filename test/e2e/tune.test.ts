// Searches on the command line: the same seed draws the same trials, each has its run folder, and halving resumes paused trials.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeSampler } from "../../src/cli/tune/sampler.ts";
import { parseDimension } from "../../src/cli/tune/space.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb, start } = useHebb();
const read = (...names: string[]): string => readFileSync(join(folder(), ...names), "utf8");
interface Row {
  readonly trial: number;
  readonly lr: string;
  readonly value: number;
  readonly epochs: number;
  readonly folder: string;
  readonly failure: string;
  readonly pruned?: "true" | "false";
}
const trialsOf = (name: string): readonly Row[] => JSON.parse(read(name, "trials.json")).trials;
const model = (...names: string[]): Buffer => readFileSync(join(folder(), ...names, "model.safetensors"));

describe("tune", () => {
  test("a random search: a run for each trial, a table, a chart; the same seed draws the same trials", async () => {
    const args = ["tune", "iris", "--space", "lr=1e-4..1e-1:log", "--space", "hidden=8|8,8|none", "--trials", "4"];
    const { stdout, stderr, code } = await hebb(...args, "--epochs", "3", "--out", "first", "--seed", "5");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/trial +lr +hidden +loss +epochs/);
    const rows = trialsOf("first");
    expect(rows.length).toBe(4);
    expect([...rows].sort((a, b) => a.value - b.value)).toEqual(rows);
    for (const row of rows) {
      expect(Number(row.lr)).toBeGreaterThanOrEqual(1e-4);
      expect(Number(row.lr)).toBeLessThanOrEqual(1e-1);
      expect(row.epochs).toBe(3);
      expect(existsSync(join(folder(), row.folder, "model.safetensors"))).toBe(true);
    }
    expect(read("first", "trials.csv").split("\n")[0]).toBe("trial,lr,hidden,value,epochs,seconds,folder,failure");
    expect(read("first", "trials.svg").match(/<circle/g)?.length).toBe(8);
    await hebb(...args, "--epochs", "3", "--out", "second", "--seed", "5", "--parallel", "1");
    expect(trialsOf("second").map(({ trial, lr, value }) => [trial, lr, value])).toEqual(
      rows.map(({ trial, lr, value }) => [trial, lr, value]),
    );
  });

  test("a diverged trial says why", async () => {
    const args = ["--space", "lr=0.01|1e30", "--optimizer", "sgd", "--trials", "2", "--epochs", "2", "--parallel", "1"];
    const { stdout, code } = await hebb("tune", "iris", ...args, "--out", "diverged");
    expect(code).toBe(0);
    const failures = trialsOf("diverged").map(({ failure }) => failure);
    expect(failures[0]).toBe("");
    expect(failures[1]).toMatch(/not finite|no number|NaN|infinite/);
    expect(stdout).toContain(String(failures[1]));
  });

  test("unnamed searches that begin in the same second have separate folders", async () => {
    const search = [
      "tune",
      "and",
      "--space",
      "lr=0.1|0.2",
      "--trials",
      "1",
      "--epochs",
      "1",
      "--parallel",
      "1",
    ] as const;
    const both = await Promise.all([0, 1].map(() => hebb(...search)));
    expect(both.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual(["0 ", "0 "]);
  });

  test("successive halving: the better trials continue, and end as if they had never paused", async () => {
    const { code } = await hebb(
      ...["tune", "moons", "--space", "lr=1e-5..1e-1:log", "--trials", "9", "--epochs", "9", "--method", "halving"],
      ...["--schedule", "cosine", "--out", "halved"],
    );
    expect(code).toBe(0);
    const rows = trialsOf("halved");
    expect(rows.map(({ epochs }) => epochs).sort()).toEqual([1, 1, 1, 1, 1, 1, 3, 3, 9]);
    const [best] = rows;
    if (best === undefined) throw new Error("there is no trial");
    expect(best.epochs).toBe(9);
    await hebb("train", "moons", "--lr", best.lr, "--epochs", "9", "--schedule", "cosine", "--out", "plain");
    expect(model(best.folder).equals(model("plain"))).toBe(true);
  });

  test("names no best trial where it is interrupted before one has a figure", async () => {
    const options = ["--space", "lr=1e-4..1e-1:log", "--hidden", "512,512", "--epochs", "5000", "--trials", "2"];
    const tuned = start("tune", "moons", ...options, "--out", "cut");
    while (!existsSync(join(folder(), "cut", "trial-1", "events.jsonl"))) await new Promise((ok) => setTimeout(ok, 20));
    tuned.process.kill("SIGINT");
    const { code, stdout } = await tuned.finished;
    expect(code).toBe(130);
    expect(stdout).toContain("cut/trials.csv, trials.json, trials.svg\n");
    expect(stdout).not.toContain("the best");
  });

  test("Parzen estimators with a pruner: the same trials at any degree of parallelism, and the best is trained to the end", async () => {
    const args = [
      "tune",
      "moons",
      "--space",
      "lr=1e-5..1e-1:log",
      "--trials",
      "11",
      "--epochs",
      "3",
      "--pruner",
      "asha",
    ];
    const { code, stdout } = await hebb(...args, "--parallel", "2", "--out", "two");
    expect(code).toBe(0);
    expect(stdout).toMatch(/in 1 epoch, pruned/);
    const rows = trialsOf("two");
    expect(rows.length).toBe(11);
    expect(new Set(rows.map(({ lr }) => lr)).size).toBe(11);
    const pruned = rows.filter((row) => row.pruned === "true");
    expect(pruned.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row.epochs).toBe(row.pruned === "true" ? 1 : 3);
      expect(existsSync(join(folder(), row.folder, "model.safetensors"))).toBe(row.pruned === "false");
    }
    expect(rows[0]?.pruned).toBe("false");
    expect((await hebb(...args, "--parallel", "1", "--out", "one")).code).toBe(0);
    const key = ({ trial, lr, value, epochs, pruned }: Row) => [trial, lr, value, epochs, pruned];
    expect(trialsOf("one").map(key)).toEqual(rows.map(key));
    // The last was chosen from the results of the first ones.
    const sampler = makeSampler("random", { space: [parseDimension("lr=1e-5..1e-1:log")], seed: 0 });
    const random = Array.from({ length: 11 }, () => sampler.next([], [])?.["lr"]);
    const rates = [...rows].sort((a, b) => a.trial - b.trial).map(({ lr }) => lr);
    expect(rates.slice(0, 10)).toEqual(random.slice(0, 10));
    expect(rates[10]).not.toBe(random[10]);
  }, 300_000);

  test("a pruner finds the number of epochs by itself, and --help names methods and pruners", async () => {
    const { code } = await hebb(
      ...["tune", "and", "--space", "lr=0.1|0.2", "--trials", "5", "--pruner", "median", "--eta", "9", "--out", "open"],
    );
    expect(code).toBe(0);
    const rows = trialsOf("open");
    expect(rows.length).toBe(2);
    for (const { epochs } of rows) expect(epochs).toBeGreaterThan(1);
    const { stdout } = await hebb("tune", "--help");
    for (const name of ["tpe", "halving", "--pruner", "median", "asha"]) expect(stdout).toContain(name);
  }, 120_000);

  test.each([
    [
      ["--space", "lr=0.1..0.2", "--method", "halving", "--pruner", "median"],
      /--pruner median does not go with --method halving/,
    ],
    [["--space", "lr=1..2:cubic"], /:log or :whole/],
    [["--space", "lr=0..1:log"], /must start above 0/],
    [["--space", "lr"], /NAME=LOW\.\.HIGH/],
    [["--space", "epochs=1..5:whole"], /sets --epochs itself/],
    [["--space", "lr=0.1..0.2", "--space", "lr=0.3..0.4"], /lr twice/],
    [["--space", "activation=rellu|tanhh"], /activation|rellu|tanhh/],
    [
      ["--space", "lr=0.1..0.2", "--metric", "acuracy"],
      /acuracy is not a metric of a run; the metrics are loss, mae, .*accuracy/,
    ],
  ] as const)("%j is refused", async (options, says) => {
    const { code, stderr } = await hebb("tune", "iris", ...options, "--trials", "1", "--epochs", "1", "--out", "bad");
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).not.toBe(0);
    expect(existsSync(join(folder(), "bad"))).toBe(false);
  });
});

describe("other ways to train", () => {
  test("the learning-rate finder suggests a rate and leaves no run behind", async () => {
    const { stdout, code } = await hebb("train", "circles", "--find-lr", "--json", "--out", "none");
    expect(code).toBe(0);
    const { rates, losses, suggested, highest } = JSON.parse(stdout);
    expect(rates.length).toBe(losses.length);
    expect(suggested).toBeGreaterThan(1e-4);
    expect(suggested).toBeLessThan(highest);
    expect(existsSync(join(folder(), "none"))).toBe(false);
    expect((await hebb("train", "circles", "--find-lr", "--out", "none")).stdout).toMatch(/try --lr/);
  });

  test("folds: a run for each, all rows held out once, and a mean", async () => {
    const { stdout, code } = await hebb(
      ...["train", "iris", "--folds", "3", "--epochs", "4", "--class-weights", "balanced", "--json", "--out", "folds"],
    );
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const { validation } = lines.at(-1);
    const held = lines.filter(({ type }) => type === "end").map(({ metrics }) => metrics.validation.accuracy);
    expect(held.length).toBe(3);
    expect(validation.accuracy.mean).toBeCloseTo(held.reduce((a, b) => a + b, 0) / 3, 12);
    // A fold resumes with its own rows.
    await hebb("train", "iris", "--folds", "3", "--epochs", "4", "--pause-after", "2", "--out", "paused");
    expect((await hebb("resume", "paused/fold-2")).code).toBe(0);
    await hebb("train", "iris", "--folds", "3", "--epochs", "4", "--out", "whole");
    expect(model("paused", "fold-2").equals(model("whole", "fold-2"))).toBe(true);
  });

  test("logs other than the events continue after a pause", async () => {
    await hebb("train", "moons", "--epochs", "4", "--pause-after", "2", "--histograms", "2", "--out", "logs");
    await hebb("resume", "logs");
    const lines = read("logs", "epochs.csv").trim().split("\n");
    expect(lines.map((line) => line.split(",")[0])).toEqual(["epoch", "1", "2", "3", "4"]);
    expect(read("logs", "events.jsonl")).toMatch(/"type":"histograms"/);
  });
});

test("the examples of --help can be pasted into a shell: the pipe character is quoted", async () => {
  for (const command of [
    "train",
    "tune",
    "resume",
    "evaluate",
    "predict",
    "explain",
    "generate",
    "inspect",
    "bench",
    "doctor",
  ]) {
    const { stdout } = await hebb(command, "--help");
    const examples = stdout.split("\n").filter((line) => line.startsWith("  hebb "));
    expect(examples.length, command).toBeGreaterThan(0);
    for (const example of examples) expect(example.replace(/"[^"]*"/g, "")).not.toMatch(/[|&;<>()$`]/);
  }
});
