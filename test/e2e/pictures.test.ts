// Pictures in folders on the command line: trained with augmentation, resumed, evaluated, and classified one by one; Parquet too.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { parquetWriteBuffer } from "hyparquet-writer";
import jpeg from "jpeg-js";
import { beforeAll, expect, test } from "vitest";
import { Random } from "../../src/data/index.ts";
import { serveRun } from "../../src/run/serve/server.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();

/** A horizontal or a vertical bar at a random position, in noise; some as photographs of another size. */
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

test("a folder is trained with augmentation, and the other commands use the run", async () => {
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

test("a run of pictures is served: the same answers as predict, and messages for bodies that are not pictures", async () => {
  const service = await serveRun(join(folder(), "run"), { port: 0, drainTime: 0 });
  const post = async (body: Uint8Array<ArrayBuffer> | string, type: string) => {
    const answer = await fetch(`${service.address}/predict`, {
      method: "POST",
      body,
      headers: { "content-type": type },
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const names = ["more/across/1.png", "more/across/2.jpg", "more/down/0.jpg", "more/down/1.png"];
  for (const name of names) {
    const type = name.endsWith(".png") ? "image/png" : "image/jpeg";
    const served = await post(Uint8Array.from(readFileSync(join(folder(), name))), type);
    const [line] = (await hebb("predict", "run", name, "--json")).stdout.trim().split("\n");
    const [{ prediction, ...told }] = JSON.parse(line ?? "") as [Record<string, unknown>];
    expect(served).toEqual({ status: 200, body: expect.objectContaining({ prediction }) });
    const shares = served.body["probabilities"] as Record<string, number>;
    // predict rounds to six decimals.
    for (const [name, share] of Object.entries(shares))
      expect(share).toBeCloseTo(Number(told[`probability ${name}`]), 5);
  }
  expect(await post("{}", "application/json")).toEqual({
    status: 400,
    body: { error: "the body must be the bytes of a picture, with the content-type image/png or image/jpeg" },
  });
  expect(await post("no picture", "image/png")).toEqual({
    status: 400,
    body: { error: expect.stringContaining("the picture is neither PNG nor JPEG") },
  });
  expect((await post("a", "text/html")).body).toEqual({
    error: "the content type is missing or not supported; set the header content-type: image/png or image/jpeg",
  });
  const schema = (await (await fetch(`${service.address}/openapi.json`)).json()) as { paths: Record<string, unknown> };
  expect(JSON.stringify(schema.paths["/predict"])).toContain(
    '"image/png":{"schema":{"type":"string","format":"binary"',
  );
  await service.close();
});

test("a Parquet table is trained and predicted like any other", async () => {
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
