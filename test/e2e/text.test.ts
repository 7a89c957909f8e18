// Text on the command line: trained, killed and resumed to the bit, evaluated, continued; and the messages for bad input.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { useHebb } from "./hebb.ts";

const { folder, start, hebb } = useHebb();

const verse = "The king is dead, long live the king.\nWho goes there? A friend of the king, my lord.\n";
const model = (run: string): Buffer => readFileSync(join(folder(), run, "model.safetensors"));
const epochs = (run: string): unknown[] =>
  readFileSync(join(folder(), run, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === "epoch")
    .map(({ epoch, train, validation }) => ({ epoch, train, validation }));
const checkpoints = (run: string): string[] => {
  try {
    return readdirSync(join(folder(), run, "checkpoints")).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
};

const small = [
  "--layers",
  "1",
  "--width",
  "32",
  "--heads",
  "2",
  "--context",
  "16",
  "--threads",
  "1",
  "--backend",
  "wasm",
];

beforeAll(() => {
  writeFileSync(join(folder(), "verse.txt"), verse.repeat(60));
  writeFileSync(join(folder(), "more.txt"), verse.repeat(3));
  writeFileSync(join(folder(), "short.txt"), "Hi.");
  writeFileSync(join(folder(), "blank.txt"), " \n\n ");
});

describe("a model of text", () => {
  test.each([
    ["gpt", ["--tokenizer", "bpe", "--vocabulary", "280", "--dropout", "0.1"]],
    ["lstm", ["--dropout", "0.1", "--accumulate", "2"]],
  ] as const)(
    "%s, killed at any moment and resumed: the same bits; it reproduces its training text",
    async (kind, options) => {
      const args = [
        "train",
        "verse.txt",
        "--model",
        kind,
        ...small.filter((_, k) => kind === "gpt" || (k !== 4 && k !== 5)),
      ];
      const all = [...args, ...options, "--epochs", "12", "--seed", "2"];
      const whole = await hebb(...all, "--out", `${kind}-whole`);
      expect(whole.stderr).toBe("");
      expect(whole.code).toBe(0);
      const killed = start(...all, "--out", `${kind}-killed`);
      for (let count = 0; count < 4000 && checkpoints(`${kind}-killed`).length === 0; count++)
        await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 600 * Math.random()));
      killed.process.kill("SIGKILL");
      await killed.finished;
      const { code, stderr } = await hebb("resume", `${kind}-killed`, "--threads", "2", "--backend", "wasm");
      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(model(`${kind}-killed`).equals(model(`${kind}-whole`))).toBe(true);
      expect(epochs(`${kind}-killed`)).toEqual(epochs(`${kind}-whole`));

      const figures = JSON.parse((await hebb("evaluate", `${kind}-whole`, "more.txt", "--json")).stdout);
      expect(figures.perplexity).toBeCloseTo(Math.exp(figures.loss), 6);
      expect(figures.loss).toBeLessThan(2.5);
      const write = (seed: string): Promise<string> =>
        hebb("generate", `${kind}-whole`, "--prompt", "The ", "--tokens", "40", "--seed", seed, "--json").then(
          ({ stdout }) => JSON.parse(stdout).text,
        );
      const first = await write("1");
      expect(first.length).toBeGreaterThan(20);
      expect(await write("1")).toBe(first);
      expect(await write("2")).not.toBe(first);
      const likeliest = await hebb(
        "generate",
        `${kind}-whole`,
        "--prompt",
        "The ki",
        "--tokens",
        "4",
        "--temperature",
        "0",
      );
      expect(likeliest.stdout).toMatch(/^The ki/);
    },
    120_000,
  );
});

describe("messages", () => {
  test.each([
    ["a text that is too short", ["train", "short.txt"], 1, [/short\.txt/, /context/]],
    ["a text without words", ["train", "blank.txt"], 1, [/blank\.txt/, /no text/]],
    ["a text that is absent", ["train", "gone.txt"], 1, [/gone\.txt/, /does not exist/]],
    ["hidden layers for a text", ["train", "verse.txt", "--hidden", "8"], 1, [/--hidden/, /text/]],
    ["a context for a table", ["train", "moons", "--context", "8"], 1, [/--context/, /text/]],
    ["a table's model for a text", ["train", "verse.txt", "--model", "mlp", "--target", "x"], 1, [/verse\.txt/]],
    ["a width that heads do not divide", ["train", "verse.txt", "--width", "30", "--heads", "4"], 1, [/30/, /4 heads/]],
    [
      "a schedule that takes no warm-up",
      ["train", "moons", "--schedule", "plateau", "--warmup", "5"],
      1,
      [/plateau/, /warm-up/],
    ],
    [
      "a figure that does not exist",
      ["train", "moons", "--monitor", "acuracy", "--epochs", "1"],
      1,
      [/"acuracy"/, /accuracy/],
    ],
    ["writing with a run of a table", ["generate", "table"], 1, [/table/, /predict/]],
    ["predicting with a run of text", ["predict", "lstm-whole", "more.txt"], 1, [/generate/]],
    ["a prompt of other characters", ["generate", "lstm-whole", "--prompt", "日"], 1, [/prompt/, /日/]],
    ["a temperature below 0", ["generate", "lstm-whole", "--temperature", "-1"], 2, [/--temperature/, /0 or more/]],
  ] as const)("%s", async (_, args, code, says) => {
    if (args[1] === "table" && !readdirSync(folder()).includes("table"))
      expect((await hebb("train", "moons", "--epochs", "1", "--out", "table")).code).toBe(0);
    const got = await hebb(...args);
    for (const pattern of says) expect(got.stderr).toMatch(pattern);
    expect(got.stderr).not.toMatch(/\n\s+at |TypeError|RangeError/);
    expect(got.code).toBe(code);
  });
});
