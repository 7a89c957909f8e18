// A table's network is evaluated on held-out rows, then retrained on all rows: which network is used where, and how an interrupted run resumes.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Dataset } from "../../src/data/index.ts";
import { readSafetensors } from "../../src/formats/index.ts";
import { joined } from "../../src/run/refit.ts";
import { understand } from "../../src/run/understanding/understanding.ts";
import { useHebb } from "./hebb.ts";

const { folder, start, hebb } = useHebb();
const at = (...parts: string[]): string => join(folder(), ...parts);
const silent = { progress: () => {}, warn: () => {}, note: () => {} };

/** A numeric target by a rule with noise. */
function table(rows: number, from: number): string {
  const lines = Array.from({ length: rows }, (_, place) => {
    const row = place + from;
    const [a, b] = [(row * 37) % 101, (row * 53) % 89];
    return `${a},${b},${(a / 20 - (b > 40 ? 3 : 0) + ((row * 29) % 31) / 10).toFixed(2)}`;
  });
  return `a,b,y\n${lines.join("\n")}\n`;
}

const how = ["train", "rows.csv", "--target", "y", "--preset", "fast", "--refit", "--epochs", "6", "--backend", "wasm"];

beforeAll(async () => {
  writeFileSync(at("rows.csv"), table(300, 0));
  writeFileSync(at("unseen.csv"), table(100, 1000));
  expect(await hebb(...how, "--test-data", "unseen.csv", "--out", "whole")).toMatchObject({ code: 0 });
});

const model = (run: string, name = "model"): Buffer => readFileSync(at(run, `${name}.safetensors`));
const events = (run: string): Record<string, unknown>[] =>
  readFileSync(at(run, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
function ended(run: string): Record<"train" | "validation" | "test", Record<string, number>> {
  const end = events(run).findLast(({ type }) => type === "end");
  return JSON.parse(JSON.stringify(end?.["metrics"]));
}

test("a metric of the held-out rows chooses the epoch, and the refit works without it", async () => {
  const given = [...how, "--monitor", "r2", "--out", "watched"];
  expect(await hebb(...given)).toMatchObject({ code: 0 });
  expect(existsSync(at("watched", "model.safetensors"))).toBe(true);
});

describe("the two networks of a run", () => {
  test("one learned from 240 rows, the other from all 300, and each has its own quantiles", () => {
    expect(events("whole").filter(({ type }) => type === "refit")).toEqual([
      expect.objectContaining({ rows: 300, epochs: expect.any(Number) }),
    ]);
    const [before, after] = ["validated", "model"].map((name) => readSafetensors(model("whole", name)).tensors);
    expect(Object.keys(after ?? {})).toEqual(Object.keys(before ?? {}));
    expect(model("whole").equals(model("whole", "validated"))).toBe(false);
  });

  test("the test metrics belong to the last network, those of the held-out rows to the first", async () => {
    const { stdout } = await hebb("evaluate", "whole", "unseen.csv", "--json");
    const { test: tested, validation } = ended("whole");
    expect(JSON.parse(stdout)["rmse"]).toBeCloseTo(tested["rmse"] ?? Number.NaN, 6);
    const seen = await understand(at("whole"), silent);
    expect(seen.rows?.part).toBe("test");
    expect(seen.metrics?.["rmse"]).toBeCloseTo(tested["rmse"] ?? Number.NaN, 6);
    expect(await hebb(...how, "--out", "untested")).toMatchObject({ code: 0 });
    const held = await understand(at("untested"), silent);
    expect(held.rows).toMatchObject({ part: "validation", count: 60 });
    expect(held.metrics?.["rmse"]).toBeCloseTo(validation["rmse"] ?? Number.NaN, 6);
  });

  test("--no-refit leaves one network", async () => {
    const plain = how.map((each) => (each === "--refit" ? "--no-refit" : each));
    expect(await hebb(...plain, "--out", "plain")).toMatchObject({ code: 0 });
    expect(existsSync(at("plain", "validated.safetensors"))).toBe(false);
    expect(ended("plain").validation).toEqual(ended("whole").validation);
    expect(events("plain").some(({ type }) => type === "refit")).toBe(false);
  });
});

describe("an interrupted run", () => {
  test("resumes before or during the second training, to the same bits", async () => {
    expect((await hebb(...how, "--out", "paused", "--pause-after", "2")).code).toBe(0);
    expect(existsSync(at("paused", "validated.safetensors"))).toBe(false);
    expect((await hebb("resume", "paused", "--backend", "wasm")).code).toBe(0);
    expect(model("paused").equals(model("whole"))).toBe(true);

    const long = [...how, "--batch-size", "1"];
    expect((await hebb(...long, "--out", "slow")).code).toBe(0);
    const stopped = start(...long, "--out", "stopped");
    for (let count = 0; count < 20_000 && !existsSync(at("stopped", "validated.safetensors")); count++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    stopped.process.kill("SIGINT");
    expect((await stopped.finished).code).toBe(130);
    expect(existsSync(at("stopped", "model.safetensors"))).toBe(false);
    // Meanwhile the existing network predicts.
    expect((await hebb("evaluate", "stopped", "unseen.csv")).code).toBe(0);
    expect((await hebb("resume", "stopped", "--backend", "wasm")).code).toBe(0);
    expect(model("stopped").equals(model("slow"))).toBe(true);
  });

  test("is evaluated again with its own networks once it is done", async () => {
    const before = [model("whole"), model("whole", "validated")];
    const figures = ended("whole");
    expect((await hebb("resume", "whole", "--backend", "wasm")).code).toBe(0);
    expect([model("whole"), model("whole", "validated")]).toEqual(before);
    expect(ended("whole")).toEqual(figures);
    expect(events("whole").some(({ type }) => type === "refit")).toBe(false);
    // A model that exists but was not fitted to these rows: an earlier interruption left it.
    writeFileSync(at("whole", "model.safetensors"), model("whole", "validated"));
    expect((await hebb("resume", "whole", "--backend", "wasm")).code).toBe(0);
    expect(model("whole").equals(before[0] as Buffer)).toBe(true);
    expect(events("whole").some(({ type }) => type === "refit")).toBe(true);
  });
});

test("the weights of a large number of rows are joined too", async () => {
  const [few, many] = [1000, 200_000].map((length) => {
    const features = new Float32Array(length).fill(1);
    return new Dataset({ features, featureShape: [1], targets: new Float32Array(length), weights: features });
  }) as [Dataset, Dataset];
  const { length, weights } = joined(many, few);
  expect([length, weights?.length, weights?.at(-1)]).toEqual([201_000, 201_000, 1]);
});

test.each([
  [["rows.csv", "--target", "y", "--validation", "0"], "--validation 0 holds none out"],
  [["rows.csv", "--target", "y", "--folds", "3"], "with --folds each run is trained only for its figures"],
  [["rows.csv", "--target", "y", "--stream"], "rows.csv is streamed"],
  [["rows.csv", "--model", "gpt"], "rows.csv is a text"],
])("refused: %j --refit", async (args, why) => {
  const { code, stderr } = await hebb("train", ...args, "--refit", "--out", "refused");
  expect(code).toBe(1);
  expect(stderr).toContain(`--refit trains once more on held-out rows of a table or of images, and ${why}`);
  expect(existsSync(at("refused"))).toBe(false);
});
