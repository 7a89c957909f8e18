// Harmful files: each is refused with a message, within a second and 256 MB, and none of them ends the process.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HebbError } from "../../src/graph/errors.ts";
import { bundleInto } from "../suite/bundle.ts";
import type { Hostile } from "./file.ts";
import { type Outcome, readAll } from "./open.ts";
import { hostileFiles } from "./table.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder = "";
beforeAll(() => {
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "hebb-hostile-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const places = new Map<Hostile, string>();

/** The path of the file; its folder is made at the first call. */
function placeOf(file: Hostile): string {
  const known = places.get(file);
  if (known !== undefined) return known;
  const inside = join(folder, String(places.size));
  mkdirSync(inside);
  for (const [name, bytes] of Object.entries(file.files)) writeFileSync(join(inside, name), bytes);
  for (const [name, target] of Object.entries(file.links ?? {})) symlinkSync(target, join(inside, name));
  const place = join(inside, file.open ?? "");
  places.set(file, place);
  return place;
}

const all = Object.values(hostileFiles).flat();

test("there are at least 150, and their names are unique", () => {
  expect(all.length).toBeGreaterThanOrEqual(150);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

describe.each(Object.entries(hostileFiles))("%s", (_, files) => {
  test.each(files.map((file) => [file.name, file] as const))("%s", async (_name, file) => {
    let thrown: unknown;
    try {
      await readAll(placeOf(file));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(HebbError);
    expect(String(thrown)).toMatch(file.says);
  });
});

test("together, in a process with little memory: each within a second of CPU time, all within 256 MB", async () => {
  const script = join(folder, "open.mjs");
  await bundleInto(folder, fileURLToPath(new URL("./open.ts", import.meta.url)));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      // Small enough that the measurement shows the memory that files need, not garbage that is not yet freed.
      "--max-old-space-size=80",
      script,
      "--open",
      fileURLToPath(new URL("../golden/formats/files/model.weights.h5", import.meta.url)),
      ...all.map(placeOf),
    ],
    { encoding: "utf8", timeout: 60_000, maxBuffer: 2 ** 26 },
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const [good, ...outcomes] = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Outcome);
  expect(good?.message).toBe("4 arrays");
  expect(outcomes.length).toBe(all.length);
  expect(outcomes.filter(({ error }) => error !== "HebbError")).toEqual([]);
  expect(outcomes.filter(({ ms }) => ms > 1000)).toEqual([]);
  expect(outcomes.at(-1)?.memory).toBeLessThan(256e6);
});
