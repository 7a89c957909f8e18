// hebb export --to onnx as users call it: tables with categories, gaps and dates, pictures and texts, run by onnxruntime.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readOnnx } from "../../src/formats/onnx/index.ts";
import { loadRun } from "../../src/run/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { runOnnx } from "../onnx/session.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();

async function exported(run: string): Promise<{ bytes: Uint8Array; outputs: number; notes: string }> {
  const file = `${run}.onnx`;
  const { code, stdout, stderr } = await hebb("export", run, "--to", "onnx", "--out", file, "--json");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const { outputs, notes } = JSON.parse(stdout) as { outputs: number; notes: string[] };
  return { bytes: readFileSync(join(folder(), file)), outputs, notes: notes.join(" ") };
}

describe("hebb export --to onnx", () => {
  test("puts a table's scaling, gaps, dates and categories into the graph, and the rest into metadata", async () => {
    const lines = Array.from({ length: 60 }, (_, k) => {
      const [age, city, day] = [20 + (k % 30), ["Oslo", "Bergen", "Tromsø"][k % 3], 1 + (k % 28)];
      return `${k % 11 === 0 ? "" : age},${city},2024-03-${String(day).padStart(2, "0")},${age > 34 ? "yes" : "no"}`;
    });
    writeFileSync(join(folder(), "people.csv"), `age,city,since,buys\n${lines.join("\n")}\n`);
    const trained = await hebb("train", "people.csv", "--target", "buys", "--epochs", "3", "--out", "people");
    expect(trained.code).toBe(0);
    const { bytes, outputs, notes } = await exported("people");
    expect(outputs).toBeLessThan(1e-5);
    expect(notes).toContain("hebb.classes");
    const { graph, metadataProps } = readOnnx(bytes);
    expect(graph?.input.map(({ name }) => name)).toEqual(["age", "city", "since"]);
    expect(graph?.output.map(({ name }) => name)).toEqual(["buys", "probabilities"]);
    const facts = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]));
    const described: readonly { readonly categories?: readonly string[] }[] = JSON.parse(facts["hebb.inputs"] ?? "[]");
    const categories: readonly string[] = described[1]?.categories ?? [];
    const classes = JSON.parse(facts["hebb.classes"] ?? "[]") as string[];
    // The same rows, as text for hebb and as numbers for the runtime.
    const rows = [
      ["41", "Bergen", "2024-03-05"],
      ["", "Oslo", "2024-03-20"],
      ["22", "Paris", "2024-03-28"],
    ] as const;
    const run = await loadRun(join(folder(), "people"));
    const wanted = await run.predict(rows.map(([age, city, since]) => ({ age, city, since })));
    const place = (city: string): number => (categories.includes(city) ? categories.indexOf(city) : categories.length);
    const results = await runOnnx(bytes, {
      age: tensor(
        Float32Array.from(rows, ([age]) => (age === "" ? Number.NaN : Number(age))),
        { shape: [3, 1] },
      ),
      city: tensor(
        Int32Array.from(rows, ([, city]) => place(city)),
        { shape: [3, 1] },
      ),
      since: tensor(
        Float64Array.from(rows, ([, , day]) => Date.parse(day) / 864e5),
        { shape: [3, 1] },
      ),
    });
    const probabilities = Array.from(results["probabilities"]?.dataSync() ?? []);
    const expected = wanted.flatMap(({ probabilities: own }) => classes.map((name) => own?.[name] ?? Number.NaN));
    expect(probabilities.length).toBe(expected.length);
    probabilities.forEach((value, k) => {
      expect(Math.abs(value - (expected[k] ?? Number.NaN))).toBeLessThan(1e-5);
    });
  });

  test("takes and gives numbers far from zero in float64, which float32 could not tell apart", async () => {
    const begin = 1_700_000_000;
    const lines = Array.from({ length: 80 }, (_, k) => `${begin + ((k * 37) % 100)},${k % 7},${begin + 50 * (k % 7)}`);
    writeFileSync(join(folder(), "seconds.csv"), `at,x,until\n${lines.join("\n")}\n`);
    const options = ["--target", "until", "--numeric", "at,until", "--epochs", "3", "--out", "seconds"];
    expect((await hebb("train", "seconds.csv", ...options)).code).toBe(0);
    const { bytes, notes } = await exported("seconds");
    expect(notes).toContain('"at", "until": float64, as these numbers lie closer together than float32 can tell apart');
    const rows = [
      [begin + 3, 1],
      [begin + 50, 6],
      [begin + 97, 3],
    ] as const;
    const run = await loadRun(join(folder(), "seconds"));
    const wanted = await run.predict(rows.map(([at, x]) => ({ at, x })));
    const results = await runOnnx(bytes, {
      at: tensor(
        Float64Array.from(rows, ([at]) => at),
        { shape: [3, 1] },
      ),
      x: tensor(
        Float32Array.from(rows, ([, x]) => x),
        { shape: [3, 1] },
      ),
    });
    const found = Array.from(results["until"]?.dataSync() ?? []);
    expect(new Set(found).size).toBe(3);
    found.forEach((value, k) => {
      expect(Math.abs(value - Number(wanted[k]?.prediction))).toBeLessThan(1e-3);
    });
  });

  test("takes the count of each term of a text", async () => {
    const opinions = ["a fine soup", "a cold soup", "fine, fine view", "cold and loud"];
    const lines = Array.from({ length: 80 }, (_, k) => `"${opinions[k % 4]} ${k}",${k % 7},${k % 4 ? "good" : "bad"}`);
    writeFileSync(join(folder(), "opinions.csv"), `note,x,y\n${lines.join("\n")}\n`);
    const trained = await hebb("train", "opinions.csv", "--target", "y", "--epochs", "3", "--out", "opinions");
    expect(trained.code).toBe(0);
    const { bytes, outputs, notes } = await exported("opinions");
    expect(outputs).toBeLessThan(1e-5);
    expect(notes).toContain("how often each term occurs");
    const facts = Object.fromEntries(readOnnx(bytes).metadataProps.map(({ key, value }) => [key, value]));
    const described: readonly { readonly terms?: readonly string[] }[] = JSON.parse(facts["hebb.inputs"] ?? "[]");
    const classes = JSON.parse(facts["hebb.classes"] ?? "[]") as string[];
    const terms = described[0]?.terms ?? [];
    const words = [["fine", "fine", "soup"], ["unheard", "loud"], []];
    const counts = words.flatMap((own) => [
      ...terms.map((term) => own.filter((word, k) => word === term || `${own[k - 1]} ${word}` === term).length),
      own.length,
    ]);
    const results = await runOnnx(bytes, {
      note: tensor(Float32Array.from(counts), { shape: [words.length, terms.length + 1] }),
      x: tensor(Float32Array.of(1, 2, 3), { shape: [3, 1] }),
    });
    const run = await loadRun(join(folder(), "opinions"));
    const wanted = await run.predict(words.map((own, k) => ({ note: own.join(" "), x: k + 1 })));
    const probabilities = Array.from(results["probabilities"]?.dataSync() ?? []);
    wanted.forEach(({ probabilities: own }, row) => {
      classes.forEach((name, k) => {
        expect(
          Math.abs((own?.[name] ?? Number.NaN) - (probabilities[row * classes.length + k] ?? Number.NaN)),
        ).toBeLessThan(1e-5);
      });
    });
  });

  test("keeps the text's tokenizer, and refuses inputs that are not networks", async () => {
    writeFileSync(join(folder(), "text.txt"), "to be or not to be, that is the question. ".repeat(60));
    const trained = await hebb(
      "train",
      "text.txt",
      "--epochs",
      "1",
      "--model",
      "gpt",
      "--layers",
      "1",
      "--width",
      "8",
      "--context",
      "8",
      "--out",
      "text",
    );
    expect(trained.code).toBe(0);
    const { bytes, outputs, notes } = await exported("text");
    expect(outputs).toBeLessThan(1e-4);
    expect(notes).toContain("hebb.tokenizer");
    expect(readOnnx(bytes).graph?.input.map(({ name }) => name)).toEqual(["tokens"]);
    await hebb("export", "text", "--to", "npz", "--out", "arrays.npz");
    const refused = await hebb("export", "arrays.npz", "--to", "onnx");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("holds arrays and no network");
  });
});
