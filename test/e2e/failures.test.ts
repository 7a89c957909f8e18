// The output of a failing command: no control characters for the terminal, and JSON where JSON was requested.
import { closeSync, existsSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Finished, useHebb } from "./hebb.ts";

const { folder, hebb, hebbInto, start } = useHebb();

/** Characters that must not reach a terminal: controls except the line break, marks of direction, zero-width characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;

const hostile = "e\u001b[31mvil\u202e.csv";
const target = "y\u0007\u200b";

beforeAll(async () => {
  const lines = Array.from({ length: 60 }, (_, row) =>
    row % 2 === 0 ? `${row},a\u001b]0;owned\u0007,no\u2066` : `${row},b,yes\u009b31m`,
  );
  writeFileSync(join(folder(), hostile), [`\u001b[2Jage,"na\nme",${target}`, ...lines].join("\n"));
  writeFileSync(join(folder(), "numbers.csv"), `x,y\n${lines.map((_, row) => `${row},${row % 2}\n`).join("")}`);
  mkdirSync(join(folder(), "no run"));
  const trained = await hebb("train", hostile, "--target", target, "--epochs", "2", "--out", "run\u009b");
  // The second column alone decides the target, which is reported.
  expect([trained.code, trained.stderr.replaceAll(/^warning: .*alone decides.*\n/gm, "")]).toEqual([0, ""]);
});

describe("names of columns, classes and files are escaped for the terminal", () => {
  test.each<[string, readonly string[]]>([
    ["training", ["train", hostile, "--target", target, "--epochs", "1", "--out", "again\u001b[2J"]],
    ["folds", ["train", hostile, "--target", target, "--epochs", "1", "--folds", "2", "--out", "folds\u001b[2J"]],
    ["resuming", ["resume", "run\u009b"]],
    ["a table of classes", ["evaluate", "run\u009b", hostile, "--confusion"]],
    ["inspecting", ["inspect", "run\u009b"]],
    ["the doctor", ["doctor", "run\u009b"]],
    ["a target that is not a column", ["train", hostile, "--target", "z\u001b[2J"]],
    ["a missing file", ["train", "\u001b[2Jabsent\u202e.csv"]],
    ["a missing run", ["predict", "\u001b[2Jabsent", hostile]],
    ["columns that are missing", ["predict", "run\u009b", "numbers.csv"]],
    ["a prompt", ["generate", "run\u009b", "--prompt", "\u001b[2J"]],
    ["an option", ["train", hostile, "--\u001b[2J"]],
    ["a value of an option", ["train", hostile, "--model", "\u001b[2J"]],
    ["JSON", ["predict", "run\u009b", hostile, "--json"]],
  ])("%s", async (_, args) => {
    const { stdout, stderr } = await hebb(...args);
    expect(stdout + stderr).not.toBe("");
    expect(stdout.match(obeyed)?.[0].codePointAt(0)?.toString(16)).toBeUndefined();
    expect(stderr.match(obeyed)?.[0].codePointAt(0)?.toString(16)).toBeUndefined();
  });

  test("predictions into a pipe are raw data", async () => {
    const { stdout } = await hebb("predict", "run\u009b", hostile);
    expect(stdout).toContain("no\u2066");
    expect(stdout).toContain("yes\u009b31m");
  });
});

const commands = [
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
  "studio",
];

/** The failure in the last line of the output. */
function failure({ stdout }: Finished): { readonly message: string; readonly exitCode: number } {
  const { type, message, exitCode } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  expect([type, typeof message]).toEqual(["error", "string"]);
  return { message, exitCode };
}

describe("failures with --json are JSON", () => {
  test.each<readonly string[]>([
    ...commands.map((command) => [command, "--backend", "cuda"]),
    ...commands.filter((command) => command !== "tune").map((command) => [command, "--nothing"]),
    ["tran"],
    ["train"],
    ["train", "absent.csv"],
    ["train", "numbers.csv", "--target", "z"],
    ["train", "numbers.csv", "--target", "y", "--out", "."],
    ["train", "moons", "--epochs", "none"],
    ["tune", "moons", "--space", "lr"],
    ["tune", "moons", "--space", "nothing=1|2", "--trials", "1"],
    ["resume", "absent"],
    ["resume", "no run"],
    ["evaluate", "run\u009b", "numbers.csv"],
    ["predict", "run\u009b", "numbers.csv"],
    ["generate", "run\u009b"],
    ["inspect", "no run"],
    ["doctor", "no run"],
    ["studio", "absent.csv"],
    ["studio", "--port", "-1"],
  ])("%s %s %s %s %s", async (...args) => {
    const finished = await hebb(...args, "--json");
    const { message, exitCode } = failure(finished);
    expect(exitCode).toBe(finished.code);
    expect([1, 2]).toContain(exitCode);
    expect(message).not.toMatch(/^error: |^hebb: /);
    expect(finished.stderr).not.toMatch(/\n {4}at /);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s, where nothing is saved", async (signal, code) => {
    const served = start("studio", "--json", "--no-open");
    await new Promise((resolve) => served.process.stdout?.once("data", resolve));
    served.process.kill(signal);
    const finished = await served.finished;
    expect(finished.code).toBe(code);
    expect(failure(finished)).toEqual({ message: "interrupted", exitCode: code });
  });

  test("an interrupted training reports it as an event", async () => {
    const trained = start("train", "moons", "--hidden", "512,512", "--epochs", "1000", "--out", "long", "--json");
    let seen = "";
    await new Promise<void>((resolve) =>
      trained.process.stdout?.on("data", (text: string) => {
        seen += text;
        if (seen.includes('"epoch"')) resolve();
      }),
    );
    trained.process.kill("SIGINT");
    const { code, stdout } = await trained.finished;
    expect(code).toBe(130);
    expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "").type).toBe("interrupted");
  });
});

describe.skipIf(!existsSync("/dev/full"))("a full disk", () => {
  test("an output that can no longer be written to is reported in a message", async () => {
    const full = openSync("/dev/full", "w");
    try {
      for (const args of [
        ["predict", "run\u009b", hostile],
        ["predict", "run\u009b", hostile, "--json"],
        ["train", "--help"],
        ["train", "moons", "--epochs", "1", "--out", "told to nobody"],
      ]) {
        const { code, stderr } = await hebbInto(full, ...args);
        expect([code, stderr]).toEqual([
          1,
          "hebb: the output could not be written completely: the disk is full; free some space\n",
        ]);
      }
    } finally {
      closeSync(full);
    }
    // Training went on, and its result is kept.
    expect((await hebb("predict", "told to nobody", "moons")).code).toBe(0);
  });

  test("a device file is not replaced", async () => {
    const { code, stderr } = await hebb("predict", "run\u009b", hostile, "--out", "/dev/full");
    expect([code, stderr]).toEqual([1, "hebb: /dev/full is a device or a pipe, not a file; choose another name\n"]);
    expect(statSync("/dev/full").isCharacterDevice()).toBe(true);
  });
});
