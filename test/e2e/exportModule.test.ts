// hebb export --to module as users call it: checked by the TypeScript compiler, compiled, and compared with the run.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { describe, expect, test } from "vitest";
import { formatIdx } from "../../src/data/index.ts";
import { loadRun } from "../../src/run/index.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));

interface Predicted {
  readonly prediction: string | number;
  readonly probabilities?: Readonly<Record<string, number>>;
}

async function exported(
  run: string,
): Promise<{ predict: (rows: readonly unknown[]) => Predicted[]; outputs: number; text: string }> {
  const { code, stdout, stderr } = await hebb("export", run, "--to", "module", "--out", `${run}.ts`, "--json");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const { outputs } = JSON.parse(stdout) as { outputs: number };
  const text = readFileSync(join(folder(), `${run}.ts`), "utf8");
  expect(text).not.toMatch(/^import /m);
  const options = ["--strict", "--noUncheckedIndexedAccess", "--noEmit", "--ignoreConfig", "--types", ""];
  execFileSync(
    process.execPath,
    [tsc, ...options, "--target", "es2022", "--module", "es2022", "--lib", "es2022,dom", join(folder(), `${run}.ts`)],
    { stdio: "pipe" },
  );
  // A project without "type": "module" compiles it to a script.
  await transform(text, { loader: "ts", target: "es2022", format: "cjs" });
  const { code: script } = await transform(text, { loader: "ts", target: "es2022", format: "esm" });
  const file = join(folder(), `${run}.mjs`);
  writeFileSync(file, script);
  const module = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
    predict: (rows: readonly unknown[]) => Predicted[];
  };
  return { predict: module.predict, outputs, text };
}

const lines = Array.from({ length: 90 }, (_, k) => {
  const age = 20 + ((k * 7) % 30);
  const city = ["Oslo", "Bergen", "Tromsø */"][k % 3];
  const day = String(1 + (k % 28)).padStart(2, "0");
  return `${k % 11 === 0 ? "" : age},${city},${k % 2 ? "yes" : "no"},2024-03-${day},${age > 34 ? "yes" : "no"},${age * 1000 + k}`;
});
const header = "age,city,member,since,buys,pays";

describe("hebb export --to module", () => {
  test.each(["buys", "pays"])(
    "predicts %s from raw rows as the run does: gaps, dates, unknown categories",
    async (target) => {
      writeFileSync(join(folder(), "people.csv"), `${header}\n${lines.join("\n")}\n`);
      const trained = await hebb("train", "people.csv", "--target", target, "--epochs", "3", "--out", target);
      expect(trained.code).toBe(0);
      const { predict, outputs, text } = await exported(target);
      const scale = target === "pays" ? 1e5 : 1;
      expect(outputs).toBeLessThan(1e-5 * scale);
      expect(text).toContain('readonly "age": number');
      const some = [
        { age: 41, city: "Bergen", member: "yes", since: "2024-03-05", buys: "yes", pays: 1 },
        { age: null, city: "Oslo", member: "TRUE", since: "2024-03-20T12:30:00+02:00", buys: "no", pays: 30000 },
        { age: 22, city: "Paris", member: "no", since: null, buys: "unknown", pays: -5 },
        { age: 1e9, city: null, member: "no", since: new Date("2031-01-01T05:00:00Z"), buys: null, pays: null },
      ];
      const rows = Array.from({ length: 70 }, (_, row) => some[row % some.length] ?? {});
      const wanted = await (await loadRun(join(folder(), target))).predict(rows);
      const got = predict(rows);
      expect(got.length).toBe(rows.length);
      wanted.forEach(({ prediction, probabilities }, row) => {
        const own = got[row];
        if (typeof prediction === "number")
          expect(Math.abs(prediction - Number(own?.prediction))).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(prediction)));
        else expect(own?.prediction).toBe(prediction);
        for (const [name, value] of Object.entries(probabilities ?? {}))
          expect(Math.abs(value - (own?.probabilities?.[name] ?? Number.NaN))).toBeLessThan(1e-5);
      });
      expect(predict([])).toEqual([]);
      expect(() => predict([{ age: 41 }])).toThrow('no column "city"');
      expect(() => predict([{ ...some[0], age: "41" }])).toThrow("where a number belongs");
      expect(() => predict([{ ...some[0], since: "5.3.2024" }])).toThrow("not a date such as");
    },
  );

  test("counts the words of a text as the run does", async () => {
    const opinions = ["a fine soup", "cold soup", "Straße: fine, fine view", "東京 and loud"];
    const rows = Array.from({ length: 90 }, (_, k) => `"${opinions[k % 4]} ${k}",${k % 7},${k % 4 ? "good" : "bad"}`);
    writeFileSync(join(folder(), "opinions.csv"), `note,x,y\n${rows.join("\n")}\n`);
    const trained = await hebb("train", "opinions.csv", "--target", "y", "--epochs", "3", "--out", "opinions");
    expect(trained.code).toBe(0);
    const { predict, outputs } = await exported("opinions");
    expect(outputs).toBeLessThan(1e-5);
    const given = ["A FINE soup", "东京 東京", "STRASSE straße", "", null, "NA", "fine fine fine"].map((note) => ({
      note,
      x: 3,
    }));
    const wanted = await (await loadRun(join(folder(), "opinions"))).predict(given);
    predict(given).forEach(({ probabilities }, row) => {
      for (const [name, value] of Object.entries(wanted[row]?.probabilities ?? {}))
        expect(Math.abs(value - (probabilities?.[name] ?? Number.NaN))).toBeLessThan(1e-5);
    });
  });

  test("predicts pictures with a convolutional network", async () => {
    const count = 40;
    const data = Uint8Array.from({ length: count * 64 }, (_, k) =>
      ((k >> 6) % 2 ? k % 8 : (k >> 3) % 8) === 3 ? 220 : k % 40,
    );
    writeFileSync(join(folder(), "bars.idx"), formatIdx({ dtype: "uint8", shape: [count, 8, 8], data }));
    const labels = Uint8Array.from({ length: count }, (_, k) => k % 2);
    writeFileSync(join(folder(), "bars-labels.idx"), formatIdx({ dtype: "uint8", shape: [count], data: labels }));
    const args = ["--labels", "bars-labels.idx", "--model", "cnn", "--epochs", "1", "--out", "bars"];
    const trained = await hebb("train", "bars.idx", ...args);
    expect(trained.stderr).toBe("");
    expect(trained.code).toBe(0);
    const { predict, outputs } = await exported("bars");
    expect(outputs).toBeLessThan(1e-5);
    const wanted = await (await loadRun(join(folder(), "bars"))).predict({
      dtype: "uint8",
      shape: [count, 8, 8],
      data,
    });
    const got = predict(Array.from({ length: count }, (_, k) => data.subarray(64 * k, 64 * (k + 1))));
    expect(got.map(({ prediction }) => prediction)).toEqual(wanted.map(({ prediction }) => prediction));
    expect(() => predict([[1, 2]])).toThrow("the network takes 64");
  });

  test("refuses arrays without a network, and writes JavaScript on request", async () => {
    await hebb("export", "buys", "--to", "npz", "--out", "arrays.npz");
    const refused = await hebb("export", "arrays.npz", "--to", "module");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("holds arrays and no network");
    const script = await hebb("export", "buys", "--to", "module", "--out", "plain.mjs");
    expect(script.code).toBe(0);
    const module = (await import(/* @vite-ignore */ pathToFileURL(join(folder(), "plain.mjs")).href)) as object;
    expect(Object.keys(module)).toEqual(["predict"]);
  });
});
