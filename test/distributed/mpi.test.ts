// Collectives against their definitions, and shared training: the losses of one process.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { folderOf } from "../models/golden.ts";
import { launchers, missing, useRanks } from "./ranks.ts";

const patience = 300_000;

interface Learned {
  readonly losses: readonly number[];
  readonly weights: readonly number[];
}

const learned = (stdout: string): Learned =>
  JSON.parse(stdout.split("\n").find((line) => line.startsWith("{")) ?? "{}");

const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, place) => Math.max(most, Math.abs(value - (b[place] ?? Number.NaN)) / Math.abs(value)), 0);

describe.skipIf(launchers.length > 0)("MPI", () => {
  it.skip(missing.join("; "), () => {});
});

/** Red and blue pictures, and a tiny ResNet. */
function makePictures(folder: string): void {
  for (const name of ["blue", "red"]) {
    mkdirSync(join(folder, "pictures", name), { recursive: true });
    for (let number = 0; number < 14; number++) {
      const data = Uint8Array.from({ length: 18 * 18 * 3 }, (_, i) => {
        const strong = i % 3 === (name === "red" ? 0 : 2);
        return (strong ? 180 : 30) + ((i * 37 + number * 11) % 60);
      });
      const picture = encode({ width: 18, height: 18, channels: 3, depth: 8, data });
      writeFileSync(join(folder, "pictures", name, `${number}.png`), picture);
    }
  }
  mkdirSync(join(folder, "base"));
  for (const file of ["config.json", "model.safetensors"])
    copyFileSync(folderOf(`resnet/${file}`), join(folder, "base", file));
  const processor = { image_processor_type: "ConvNextImageProcessor", size: { shortest_edge: 16 }, crop_pct: 0.875 };
  writeFileSync(join(folder, "base", "preprocessor_config.json"), JSON.stringify(processor));
}

/** The losses of the epochs, from the events as JSON lines. */
const epochLosses = (stdout: string): number[] =>
  stdout
    .split("\n")
    .filter((line) => line.startsWith('{"type":"epoch"'))
    .map((line) => JSON.parse(line).train.loss);

/** The losses of one process, by its arguments: the same for every MPI. */
const byOne = new Map<string, Promise<Learned>>();

describe.each(launchers)("$name", (launcher) => {
  const { start, alone, folder } = useRanks();

  it("gives every collective's definition, in place and not, for every dtype", { timeout: patience }, async () => {
    const { stdout, stderr } = await start(launcher, 3, "collectives").finished;
    expect(stdout + stderr).toContain("3 ranks");
    expect(stdout).toContain(": 0 wrong");
  });

  // Rounding of sums in another order: 100 steps of float64 at 2⁻⁵³ each stay far below 1e-12.
  it.each([
    ["mlp", "float64", 4, 1e-12, "plain"],
    ["mlp", "float64", 3, 1e-12, "zero1 rewound"],
    ["mlp", "float64", 3, 1e-12, "zero2"],
    ["cnn", "float64", 2, 1e-12, "plain"],
    ["cnn", "float64", 3, 1e-12, "messages"],
    ["mlp", "float64", 2, 1e-12, "zero2 messages"],
    ["gpt", "float32", 2, 1e-6, "plain"],
    ["noise", "float64", 2, 1e-12, "plain"],
    ["noise", "float64", 3, 1e-12, "plain"],
    ["noise", "float64", 4, 1e-12, "zero2 rewound"],
    ["noise", "float32", 3, 1e-6, "plain"],
  ] as const)(
    "has the losses of one process: %s in %s on %i ranks, to %d %s",
    { timeout: patience },
    async (kind, dtype, ranks, tolerance, manner) => {
      const key = `${kind} ${dtype}`;
      const told =
        byOne.get(key) ?? alone("losses", [kind, dtype, "alone"]).finished.then(({ stdout }) => learned(stdout));
      byOne.set(key, told);
      const one = await told;
      const several = learned((await start(launcher, ranks, "losses", [kind, dtype, manner]).finished).stdout);
      expect(one.losses.length).toBe(100);
      expect(several.losses.length).toBe(100);
      expect(farthest(one.losses, several.losses)).toBeLessThan(tolerance);
    },
  );

  it("has the losses of one process with the network for tables, which has dropout", {
    timeout: patience,
  }, async () => {
    const args = ["train", "moons", "--epochs", "4", "--json", "--out"];
    const one = epochLosses((await alone("hebb", [...args, "table-one"]).finished).stdout);
    const three = epochLosses((await start(launcher, 3, "hebb", [...args, "table-three"]).finished).stdout);
    expect(one.length).toBe(4);
    expect(farthest(one, three)).toBeLessThan(1e-6);
  });

  it("gives the same bits on the same number of ranks", { timeout: patience }, async () => {
    const [first, second] = await Promise.all(
      [1, 2].map(() => start(launcher, 2, "losses", ["cnn", "float32"]).finished),
    );
    expect(learned(first?.stdout ?? "").weights.length).toBeGreaterThan(0);
    expect(first?.stdout).toBe(second?.stdout);
  });

  it("computes the statistics of BatchNorm over all ranks: a ResNet is fine-tuned as by one process", {
    timeout: patience,
  }, async () => {
    makePictures(folder());
    const args = [
      "train",
      "pictures",
      "--base",
      "base",
      "--epochs",
      "2",
      "--batch-size",
      "8",
      "--lr",
      "1e-3",
      "--json",
    ];
    const plain = [...args, "--optimizer", "sgd", "--no-doctor", "--out"];
    const one = epochLosses((await alone("hebb", [...plain, "one"]).finished).stdout);
    const two = epochLosses((await start(launcher, 2, "hebb", [...plain, "two"]).finished).stdout);
    expect(one.length).toBe(2);
    // Six steps of float32, each of which rounds by a few ulps.
    expect(farthest(one, two)).toBeLessThan(1e-5);
  });
});
