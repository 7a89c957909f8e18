// A killed or interrupted run resumes to the same bits as an uninterrupted one; and the commands that use a run.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatCsv, loans } from "../../src/data/index.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { useHebb } from "./hebb.ts";

const { folder, start, hebb } = useHebb();

const model = (run: string): Buffer => readFileSync(join(folder(), run, "model.safetensors"));
const events = (run: string): { type: string; epoch?: number; train?: unknown; validation?: unknown }[] =>
  readFileSync(join(folder(), run, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const epochs = (run: string): unknown[] =>
  events(run)
    .filter(({ type }) => type === "epoch")
    .map(({ epoch, train, validation }) => ({ epoch, train, validation }));

/** Takes a few seconds, so that a checkpoint every second falls within epochs. */
const long = [
  "train",
  "moons",
  "--hidden",
  "384,384",
  "--batch-size",
  "1",
  "--dropout",
  "0.2",
  "--epochs",
  "10",
  "--threads",
  "1",
  "--seed",
  "5",
] as const;

async function until(condition: () => boolean): Promise<void> {
  for (let count = 0; count < 2000 && !condition(); count++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}

const checkpoints = (run: string): string[] => {
  try {
    return readdirSync(join(folder(), run, "checkpoints")).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
};

describe("an interrupted run", () => {
  test("is killed and interrupted in the middle, then resumes: the same bits", async () => {
    const whole = await hebb(...long, "--out", "whole");
    expect(whole.code).toBe(0);

    const killed = start(...long, "--out", "killed");
    await until(() => checkpoints("killed").some((name) => Number(name.slice(0, 8)) >= 2));
    await new Promise((resolve) => setTimeout(resolve, 400 * Math.random()));
    killed.process.kill("SIGKILL");
    expect((await killed.finished).signal).toBe("SIGKILL");
    expect((await hebb("resume", "killed", "--threads", "1")).code).toBe(0);
    expect(model("killed").equals(model("whole"))).toBe(true);
    expect(epochs("killed")).toEqual(epochs("whole"));

    const interrupted = start(...long, "--out", "interrupted");
    await until(() => checkpoints("interrupted").some((name) => Number(name.slice(0, 8)) >= 2));
    interrupted.process.kill("SIGINT");
    const { code, stdout } = await interrupted.finished;
    expect(code).toBe(130);
    expect(stdout).toMatch(/hebb resume .*interrupted/);
    expect((await hebb("resume", "interrupted", "--threads", "2")).code).toBe(0);
    expect(model("interrupted").equals(model("whole"))).toBe(true);
    expect(epochs("interrupted")).toEqual(epochs("whole"));
  });
});

describe("one process at a time", () => {
  test("a second process is told which one holds the folder; a killed one holds nothing", async () => {
    const first = start(...long, "--out", "held");
    await until(() => checkpoints("held").length > 0);
    const { pid } = first.process;
    const told = new RegExp(
      `^hebb: \\S*held is in use by process ${pid}, since 2\\d{3}-\\S+; wait until it ends, or end it`,
    );
    for (const args of [
      ["resume", "held"],
      [...long, "--out", "held"],
      ["train", "moons", "--out", "held"],
    ]) {
      const { code, stderr } = await hebb(...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(told);
    }
    // Reading is always allowed.
    expect((await hebb("inspect", "held")).code).toBe(0);
    first.process.kill("SIGKILL");
    await first.finished;
    expect((await hebb("resume", "held", "--pause-after", "1")).code).toBe(0);
    expect(readdirSync(join(folder(), "held")).filter((name) => name.startsWith("lock"))).toEqual([]);
  });

  test("a new number of epochs is stored: stopped again, the run resumes to the same end", async () => {
    const planned = (): unknown => JSON.parse(readFileSync(join(folder(), "longer", "config.json"), "utf8"));
    expect((await hebb("train", "and", "--model", "mlp", "--epochs", "4", "--out", "longer")).code).toBe(0);
    expect((await hebb("resume", "longer", "--epochs", "10", "--pause-after", "6")).code).toBe(0);
    expect(epochs("longer")).toHaveLength(6);
    expect((await hebb("resume", "longer")).code).toBe(0);
    expect(epochs("longer")).toHaveLength(10);
    // An end in the past does not change the plan.
    expect((await hebb("resume", "longer", "--epochs", "5")).code).toBe(0);
    expect(planned()).toMatchObject({ config: { epochs: 10 } });
    const whole = await hebb("train", "and", "--model", "mlp", "--epochs", "10", "--out", "whole10");
    expect(whole.code).toBe(0);
    expect(epochs("longer")).toEqual(epochs("whole10"));
  });

  test("a run that stopped early reports how long it had not improved, and keeps its plan", async () => {
    const plan = ["--epochs", "60", "--patience", "2", "--lr", "0.1"];
    expect((await hebb("train", "moons", ...plan, "--out", "early")).code).toBe(0);
    const { stdout } = await hebb("resume", "early", "--epochs", "40");
    expect(stdout).toMatch(/^training stopped after \d+ epochs, the last 2 without improvement; for more, retrain /);
    expect(stdout).toMatch(/ parameters, up to 60 epochs /);
  });

  test("when two start at once in one folder, one of them trains", async () => {
    const both = await Promise.all([0, 1].map(() => hebb("train", "iris", "--epochs", "2", "--out", "both")));
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(both.map(({ stderr }) => stderr).join("")).toMatch(/both is in use by process|both already exists/);
    // Without a name each has its own folder.
    const own = await Promise.all([0, 1, 2].map(() => hebb("train", "and", "--epochs", "2", "--json")));
    const runs = own.map(({ stdout }) => JSON.parse(stdout.split("\n")[0] ?? "").run);
    expect(new Set(runs).size).toBe(3);
  });
});

describe("links in a run folder", () => {
  test("are not followed for writing", async () => {
    const paused = await hebb("train", "iris", "--epochs", "4", "--pause-after", "2", "--out", "linked");
    expect(paused.code).toBe(0);
    expect(paused.stdout).toMatch(/^paused at step \d+; everything is saved\. Continue with: hebb resume /m);
    const outside = join(folder(), "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "precious.txt"), "precious");
    const run = join(folder(), "linked");
    const tree = (): string[] => readdirSync(outside, { recursive: true, encoding: "utf8" }).sort();
    for (const [name, code] of [
      ["epochs.csv", 0],
      ["tensorboard", 0],
      ["events.jsonl", 1],
      ["model.safetensors", 1],
      ["model.json", 1],
      ["checkpoints", 1],
    ] as const) {
      const kept = join(folder(), `kept-${name}`);
      if (existsSync(join(run, name))) renameSync(join(run, name), kept);
      for (const target of ["../outside/precious.txt", "../outside", "../outside/new"]) {
        symlinkSync(target, join(run, name));
        const { code: ended, stdout, stderr } = await hebb("resume", "linked");
        expect([ended, `${stdout}${stderr}`]).toEqual([code, expect.stringMatching(`${name} is a symbolic link`)]);
        expect(stderr).not.toMatch(/\n {4}at /);
        rmSync(join(run, name));
        rmSync(join(run, "model.safetensors"), { force: true });
      }
      removeFolder(join(run, name));
      if (existsSync(kept)) renameSync(kept, join(run, name));
      expect(tree()).toEqual(["precious.txt"]);
      expect(readFileSync(join(outside, "precious.txt"), "utf8")).toBe("precious");
    }
  });
});

describe("every optimizer", () => {
  test.each(["momentum", "rmsprop"])("%s, interrupted and resumed: the same bits", async (optimizer) => {
    const args = [
      "train",
      "loans",
      "--optimizer",
      optimizer,
      "--hidden",
      "256,256",
      "--batch-size",
      "2",
      "--dropout",
      "0.3",
      "--epochs",
      "10",
    ];
    expect((await hebb(...args, "--out", `${optimizer}-whole`, "--threads", "1")).code).toBe(0);
    const stopped = start(...args, "--out", `${optimizer}-stopped`, "--threads", "2");
    await until(() => checkpoints(`${optimizer}-stopped`).length > 0);
    await new Promise((resolve) => setTimeout(resolve, 250));
    stopped.process.kill("SIGINT");
    expect((await stopped.finished).code).toBe(130);
    expect((await hebb("resume", `${optimizer}-stopped`)).code).toBe(0);
    expect(model(`${optimizer}-stopped`).equals(model(`${optimizer}-whole`))).toBe(true);
    expect(epochs(`${optimizer}-stopped`)).toEqual(epochs(`${optimizer}-whole`));
  });
});

describe("the life of a run", () => {
  test("train, evaluate, predict raw rows without a target, inspect, doctor", async () => {
    const table = loans({ count: 300, seed: 1 });
    const cells = (row: number, columns: readonly string[]): (string | undefined)[] =>
      columns.map((name) => table.column(name).cells[row]);
    const write = (name: string, columns: readonly string[], from: number, to: number): void =>
      writeFileSync(
        join(folder(), name),
        formatCsv(
          columns,
          Array.from({ length: to - from }, (_, k) => cells(from + k, columns)),
        ),
      );
    const inputs = table.columnNames.filter((name) => name !== "approved");
    write("loans.csv", table.columnNames, 0, 250);
    write("more.csv", table.columnNames, 250, 300);
    write("raw.csv", inputs, 250, 300);

    const trained = await hebb(
      "train",
      "loans.csv",
      "--target",
      "approved",
      "--test-data",
      "more.csv",
      "--out",
      "loans",
      "--epochs",
      "40",
      "--json",
    );
    expect(trained.stderr).toBe("");
    const lines = trained.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0].type).toBe("start");
    const end = lines[lines.length - 1];
    expect(end.type).toBe("end");
    for (const part of ["train", "validation", "test"]) expect(end.metrics[part].accuracy).toBeGreaterThan(0.75);

    // The training data are gone: the run folder is enough.
    writeFileSync(join(folder(), "loans.csv"), "");
    const evaluated = JSON.parse((await hebb("evaluate", "loans", "more.csv", "--json")).stdout);
    const { positiveClass, report, ...figures } = evaluated;
    expect(figures).toEqual(end.metrics.test);
    expect(positiveClass).toBe("yes");
    expect(report).toEqual(end.classes.test);
    expect(report.map(({ name }: { readonly name: string }) => name)).toEqual(["no", "yes"]);
    expect(report[1]).toMatchObject({ precision: figures.precision, recall: figures.recall, f1: figures.f1 });
    const told = await hebb("evaluate", "loans", "more.csv", "--report");
    expect(told.stdout).toMatch(/precision, recall, f1 and prAuc are for the class "yes"/);
    expect(told.stdout).toMatch(/^yes +\d+\.\d % +\d+\.\d % +\d+\.\d % +\d+$/m);

    expect((await hebb("predict", "loans", "raw.csv", "--out", "decided.csv")).code).toBe(0);
    const [header, ...rows] = readFileSync(join(folder(), "decided.csv"), "utf8").trim().split("\n");
    expect(header).toBe("prediction,probability no,probability yes");
    expect(rows.length).toBe(50);
    const wanted = table.column("approved").cells.slice(250);
    const right = rows.filter((row, k) => row.split(",")[0] === wanted[k]).length / 50;
    expect(right).toBeCloseTo(evaluated.accuracy, 6);

    const inspected = await hebb("inspect", "loans");
    expect(inspected.code).toBe(0);
    expect(inspected.stdout).toMatch(/Linear|0\.weight/);
    expect((await hebb("doctor", "loans")).code).toBe(0);
    expect((await hebb("train", "--help")).stdout).toMatch(/Examples:/);
  });

  test("a perceptron, and the same seed twice", async () => {
    const first = await hebb("train", "and", "--model", "perceptron", "--out", "and1", "--json");
    const end = JSON.parse(first.stdout.trim().split("\n").at(-1) ?? "");
    expect(end.metrics.train.accuracy).toBe(1);
    for (const out of ["twice1", "twice2"]) {
      expect(
        (
          await hebb(
            "train",
            "circles",
            "--epochs",
            "2",
            "--seed",
            "9",
            "--out",
            out,
            "--threads",
            out === "twice1" ? "1" : "2",
          )
        ).code,
      ).toBe(0);
    }
    expect(model("twice1").equals(model("twice2"))).toBe(true);
  });
});
