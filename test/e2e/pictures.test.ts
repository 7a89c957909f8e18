// Pictures in folders from the command line: trained with augmentation, resumed, evaluated, and recognised one by one; Parquet too.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { parquetWriteBuffer } from "hyparquet-writer";
import jpeg from "jpeg-js";
import { beforeAll, expect, test } from "vitest";
import { Random } from "../../src/data/index.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();

/** A bar across or a bar down, somewhere, in noise; some as photographs of another size. */
function draw(path: string, across: boolean, seed: number): void {
  const random = new Random(seed);
  const side = seed % 3 === 0 ? 24 : 16;
  const place = 3 + random.integer(side - 6);
  const shade = Uint8Array.from({ length: side * side }, (_, i) =>
    Math.abs((across ? Math.floor(i / side) : i % side) - place) < 2 ? 200 + random.integer(50) : random.integer(60),
  );
  if (seed % 3 === 0) {
    const data = Uint8Array.from({ length: 4 * shade.length }, (_, i) => (i % 4 === 3 ? 255 : (shade[i >> 2] ?? 0)));
    writeFileSync(`${path}.jpg`, jpeg.encode({ width: side, height: side, data }, 90).data);
  } else writeFileSync(`${path}.png`, encode({ width: side, height: side, channels: 1, depth: 8, data: shade }));
}

beforeAll(() => {
  for (const [part, count] of [
    ["bars", 90],
    ["more", 15],
  ] as const) {
    for (const name of ["across", "down"]) {
      mkdirSync(join(folder(), part, name), { recursive: true });
      for (let i = 0; i < count; i++)
        draw(
          join(folder(), part, name, `${i}`),
          name === "across",
          i + (part === "more" ? 1000 : 0) + (name === "down" ? 500 : 0),
        );
    }
  }
});

test("a folder is learned with augmentation, the rest of the way runs on it", async () => {
  const args = [
    "train",
    "bars",
    "--model",
    "cnn",
    "--augment",
    "crop,flip",
    "--epochs",
    "4",
    "--threads",
    "1",
    "--out",
  ];
  const trained = await hebb(...args, "run", "--test-data", "more", "--json");
  expect(trained.stderr).toBe("");
  const end = JSON.parse(trained.stdout.trim().split("\n").at(-1) ?? "{}");
  expect(end.metrics.test.accuracy).toBeGreaterThan(0.9);

  await hebb(...args, "paused", "--pause-after", "2");
  expect((await hebb("resume", "paused", "--threads", "1")).code).toBe(0);

  const evaluated = await hebb("evaluate", "run", "more", "--json");
  expect(JSON.parse(evaluated.stdout).accuracy).toBe(end.metrics.test.accuracy);

  const one = await hebb("predict", "run", "more/down/1.png");
  expect(one.stdout).toMatch(/^file,prediction,probability across,probability down\nmore\/down\/1\.png,(down|across),/);
  const all = await hebb("predict", "run", "more", "--json");
  const rows = JSON.parse(all.stdout);
  expect(rows.length).toBe(30);
  expect(rows[0].file).toBe("across/0.png");

  mkdirSync(join(folder(), "other", "slanted"), { recursive: true });
  mkdirSync(join(folder(), "other", "down"), { recursive: true });
  draw(join(folder(), "other", "slanted", "1"), true, 1);
  draw(join(folder(), "other", "down", "1"), false, 1);
  const wrong = await hebb("evaluate", "run", "other");
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringMatching(/the folder "slanted" is a class the model does not know/),
  ]);
});

test("a Parquet table is learned and predicted like any other", async () => {
  const x = Float64Array.from({ length: 400 }, (_, i) => Math.sin(i));
  const columnData = [
    { name: "x", data: x, type: "DOUBLE" as const },
    { name: "y", data: Array.from(x, (value) => (value > 0 ? "up" : "down")), type: "STRING" as const },
  ];
  writeFileSync(join(folder(), "waves.parquet"), Buffer.from(parquetWriteBuffer({ columnData })));
  const trained = await hebb(
    "train",
    "waves.parquet",
    "--target",
    "y",
    "--epochs",
    "20",
    "--threads",
    "1",
    "--out",
    "waves",
  );
  expect(trained.stderr).toMatch(/^warning: "x" alone decides "y" in 100 % of the rows[^\n]*\n$/);
  const evaluated = await hebb("evaluate", "waves", "waves.parquet", "--json");
  expect(JSON.parse(evaluated.stdout).accuracy).toBeGreaterThan(0.95);
  expect((await hebb("predict", "waves", "waves.parquet")).stdout).toMatch(
    /^prediction,probability down,probability up\n/,
  );
});
