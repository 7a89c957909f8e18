// Images and texts across ranks: each reads only the rows of its share, and the losses are those of one process.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { beforeAll, describe, expect, it } from "vitest";
import { formatIdx, Random } from "../../src/data/index.ts";
import { launchers, useRanks } from "./ranks.ts";

const patience = 300_000;

interface Told {
  readonly losses: readonly number[];
  readonly held: readonly number[];
  readonly rows: { readonly train: number; readonly validation: number };
  /** The number of rows that each rank read in two epochs. */
  readonly read: readonly number[];
}

const told = (stdout: string): Told => JSON.parse(stdout.split("\n").find((line) => line.startsWith("{")) ?? "{}");

const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, place) => Math.max(most, Math.abs(value - (b[place] ?? Number.NaN)) / Math.abs(value)), 0);

const [pictures, side] = [211, 6];
/** A text with characters of one to four bytes, and words that a byte-pair vocabulary merges. */
const words = ["der Baum", "größer", "und", "naïve", "🌳", "tree,", "数学", "12345", "\n"];

function writeData(folder: string): void {
  const random = new Random(4);
  const labels = Int32Array.from({ length: pictures }, () => random.integer(3));
  const pixels = Uint8Array.from({ length: pictures * side * side }, (_, place) => {
    const label = labels[Math.floor(place / side ** 2)] ?? 0;
    return Math.min(255, 40 * label + random.integer(120));
  });
  const images = { dtype: "uint8", shape: [pictures, side, side], data: pixels } as const;
  writeFileSync(join(folder, "images.idx"), formatIdx(images));
  writeFileSync(join(folder, "labels.idx"), formatIdx({ dtype: "int32", shape: [pictures], data: labels }));
  for (let row = 0; row < pictures; row++) {
    const place = join(folder, "pictures", `class-${labels[row]}`);
    mkdirSync(place, { recursive: true });
    const data = pixels.slice(row * side ** 2, (row + 1) * side ** 2);
    writeFileSync(join(place, `${row}.png`), encode({ width: side, height: side, channels: 1, depth: 8, data }));
  }
  const text = Array.from({ length: 4000 }, () => words[random.integer(words.length)]).join(" ");
  writeFileSync(join(folder, "text.txt"), text);
  writeFileSync(join(folder, "short.txt"), text.slice(0, 9000));
}

const kinds = [
  ["idx", "images.idx"],
  ["folder", "pictures"],
  ["text", "text.txt"],
] as const;

describe.each(launchers)("$name", (launcher) => {
  const { start, alone, folder } = useRanks();
  beforeAll(() => writeData(folder()));

  it.each(kinds.flatMap(([kind, path]) => [[kind, 2, path] as const, [kind, 3, path] as const]))(
    "trains on %s as one process does, %i ranks",
    { timeout: patience },
    async (kind, ranks, path) => {
      const args = [kind, path, "32"];
      const one = told((await alone("inParts", [...args, "alone"]).finished).stdout);
      const { stdout, stderr } = await start(launcher, ranks, "inParts", args).finished;
      const several = told(stdout);
      expect(several.losses?.length, stderr).toBe(one.losses.length);
      // Sums of float64 in another order, over at most a few hundred steps.
      expect(farthest(one.losses, several.losses)).toBeLessThan(1e-12);
      expect(farthest(one.held, several.held)).toBeLessThan(1e-12);
      // In each epoch a rank reads its share of every batch and of the held-out rows, each rounded up, and at first up to 64 rows of both for the
      // comparison between ranks.
      const { train, validation } = one.rows;
      const share = 2 * (train / ranks + train / 32 + 2 * ranks + validation / ranks + 1);
      const compared = Math.min(64, train) + Math.min(64, validation);
      expect(several.read).toHaveLength(ranks);
      for (const read of several.read) {
        expect(read).toBeLessThan(share + compared);
        expect(read).toBeGreaterThan(0);
      }
      const all = several.read.reduce((sum, read) => sum + read, 0);
      expect(all - ranks * compared).toBeGreaterThanOrEqual(2 * (train + validation));
    },
  );

  it.each([
    ["images", ["images.idx", "--labels", "labels.idx", "--test-data", "images.idx", "--test-labels", "labels.idx"]],
    ["a folder", ["pictures"]],
    [
      "a text",
      ["short.txt", "--model", "gpt", "--context", "16", "--batch-size", "64", "--layers", "1", "--width", "16"],
    ],
  ])("gives the same from the command line: %s", { timeout: patience }, async (name, data) => {
    const args = ["train", ...data, "--epochs", "2", "--no-doctor", "--json"];
    const losses = (stdout: string): number[] =>
      stdout
        .split("\n")
        .filter((line) => line.startsWith('{"type":"epoch"') || line.startsWith('{"type":"end"'))
        .map((line) => JSON.parse(line))
        .flatMap(({ train, validation, metrics }) =>
          metrics === undefined ? [train.loss, validation.loss] : [metrics.validation.loss, metrics.test?.loss ?? 1],
        );
    const one = losses((await alone("hebb", [...args, "--out", `${name}-1`]).finished).stdout);
    const { stdout, stderr } = await start(launcher, 2, "hebb", [...args, "--out", `${name}-2`]).finished;
    expect(one.length).toBe(6);
    // Steps in float32, each of which adds its rounding.
    expect(farthest(one, losses(stdout)), stderr).toBeLessThan(1e-4);
  });
});
