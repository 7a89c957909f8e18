// Random tables of mixed cells: a table in memory and the same table read in parts lead to the same decisions, or to the same refusal.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fitPreprocessing, parseCsv, Random, type TablePreprocessing } from "../../src/data/index.ts";
import { streamTable } from "../../src/data/tableStream.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-random-tables-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Cells = (random: Random) => string;
const one = (random: Random, ...values: readonly string[]): string => values[random.integer(values.length)] ?? "";

const kinds: readonly Cells[] = [
  (random) => String(random.integer(12)),
  (random) => String(random.integer(100_000)),
  (random) => random.normal(0, 50).toFixed(2),
  (random) => `${1 + random.integer(99)},${100 + random.integer(900)}`,
  (random) => `${random.integer(99)},${random.integer(10)}`,
  (random) => `${1 + random.integer(9)}.${100 + random.integer(900)},5`,
  (random) => `${1 + random.integer(9)}.${100 + random.integer(900)}`,
  (random) => String(random.integer(99_999)).padStart(5, "0"),
  (random) => one(random, "True", "TRUE", "false", "1", "0"),
  (random) => one(random, "yes", "no", "Y"),
  (random) => `2024-0${1 + random.integer(9)}-${10 + random.integer(19)}`,
  (random) => `${1 + random.integer(28)}/${1 + random.integer(12)}/2024`,
  (random) => one(random, "EU", "AS", "US", "NA"),
  (random) => one(random, "red", "green", "blue"),
  (random) => `note ${random.integer(1_000_000)}`,
  (random) => one(random, "inf", "-Infinity", "1e999"),
  (random) => one(random, "", "NA", "None", "?", "null", "-"),
  (random) => one(random, "ERR", "12o", "n.v."),
  (random) => `161052160414369${random.integer(3)}812`,
];

/** A column mostly of one kind; other cells may first appear late. */
function column(random: Random, rows: number): string[] {
  const kind = (): Cells => kinds[random.integer(kinds.length)] ?? (() => "");
  const [main, other] = [kind(), kind()];
  const share = [0, 0.002, 0.03, 0.12, 0.4][random.integer(5)] ?? 0;
  const from = random.uniform() < 0.3 ? 0.8 * rows : 0;
  return Array.from({ length: rows }, (_, row) => (row >= from && random.uniform() < share ? other : main)(random));
}

function tableText(random: Random, rows: number): string {
  const delimiter = one(random, ",", ";", "\t");
  const columns = Array.from({ length: 4 }, () => column(random, rows));
  const field = (text: string): string => (text.includes(delimiter) ? `"${text}"` : text);
  const lines = Array.from({ length: rows }, (_, row) =>
    columns.map((cells) => field(cells[row] ?? "")).join(delimiter),
  );
  return `${["a", "b", "c", "y"].join(delimiter)}\n${lines.join("\n")}\n`;
}

/** The decisions without the statistics, which a stream rounds differently. */
const decisions = ({ inputs, target, dropped, notes, featureNames }: TablePreprocessing) => ({
  inputs: inputs.map((input) => (input.kind === "category" ? input : { ...input, mean: 0, scale: 0, median: 0 })),
  target: target.kind === "classes" ? target : { ...target, mean: 0, scale: 0 },
  dropped,
  notes,
  featureNames,
});

const outcome = async (decide: () => TablePreprocessing | Promise<TablePreprocessing>): Promise<unknown> => {
  try {
    return decisions(await decide());
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : error;
  }
};

test.each([
  ["short", 120, 90],
  ["longer than a block of the file", 4, 25_000],
])("%s", async (_, count, rows) => {
  for (let seed = 0; seed < count; seed++) {
    const random = new Random(seed, rows);
    const text = tableText(random, rows);
    const path = join(folder, "t.csv");
    writeFileSync(path, text);
    const task = ([undefined, "classification", "regression"] as const)[random.integer(3)];
    const missing = random.uniform() < 0.2 ? "drop" : "median";
    const options = { target: "y", missing, ...(task === undefined ? {} : { task }) } as const;
    const inMemory = await outcome(() => fitPreprocessing(parseCsv(text, { name: path }), options));
    const inParts = await outcome(async () => {
      const { preprocessing } = await streamTable(path, { ...options, validation: 0 });
      return { ...preprocessing, notes: preprocessing.notes.slice(1) };
    });
    expect([seed, inParts]).toEqual([seed, inMemory]);
  }
});
