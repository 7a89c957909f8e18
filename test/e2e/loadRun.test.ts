// A run folder in a program: the same predictions as the command's, from rows, tables, files and pixels.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatIdx, iris, Table } from "../../src/data/index.ts";
import { HebbError } from "../../src/graph/errors.ts";
import { loadRun } from "../../src/run/loadRun.ts";
import { useHebb } from "./hebb.ts";

describe("loadRun", () => {
  const { hebb, folder } = useHebb();

  test("classes: objects, a table and a file give the predictions of hebb predict", async () => {
    expect((await hebb("train", "iris", "--epochs", "8", "--seed", "1", "--out", "flowers")).code).toBe(0);
    const table = iris();
    const rows = Array.from({ length: 5 }, (_, row) =>
      Object.fromEntries(table.columns.map(({ name, cells }) => [name, cells[row * 30]])),
    );
    const run = await loadRun(join(folder(), "flowers"));
    expect(run.model.training).toBe(false);
    expect(run.config.optimizer).toBe("adamw");
    const predicted = await run.predict(rows);
    expect(predicted).toHaveLength(5);
    for (const { prediction, probabilities = {} } of predicted) {
      const shares = Object.values(probabilities);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      expect(probabilities[prediction]).toBe(Math.max(...shares));
    }
    expect(await run.predict(Table.fromRows(rows))).toEqual(predicted);
    const columns = Object.keys(rows[0] ?? {});
    const file = join(folder(), "some.csv");
    writeFileSync(file, [columns, ...rows.map((row) => Object.values(row))].map((line) => line.join(",")).join("\n"));
    expect(await run.predictFile(file)).toEqual(predicted);
    const told = JSON.parse((await hebb("predict", "flowers", "some.csv", "--json")).stdout);
    expect(told.map(({ prediction }: { prediction: string }) => prediction)).toEqual(
      predicted.map(({ prediction }) => prediction),
    );
    expect(told[0][`probability ${predicted[0]?.prediction}`]).toBeCloseTo(
      predicted[0]?.probabilities?.[predicted[0].prediction] ?? 0,
      5,
    );
    expect(await run.predict([])).toEqual([]);
    await expect(run.predict([{ petal: 1 }])).rejects.toThrow(
      /the list of rows: columns .* are missing, which the model was trained on/,
    );
    await expect(run.predict({ dtype: "uint8", shape: [1, 2, 2], data: new Uint8Array(4) })).rejects.toThrow(
      "this run was trained on a table, not on images",
    );
  });

  test("predict never opens a file, and says what to pass instead", async () => {
    expect((await hebb("train", "iris", "--epochs", "1", "--out", "closed")).code).toBe(0);
    const run = await loadRun(join(folder(), "closed"));
    const secret = join(folder(), "secret.csv");
    writeFileSync(secret, "sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n");
    // As a server may pass on a request.
    const told = (value: unknown): Promise<unknown> => Reflect.apply(run.predict, run, [value]);
    for (const path of [secret, "iris", "mnist", ""])
      await expect(told(path), path).rejects.toThrow(
        /it does not open files; for the rows of a file use run\.predictFile\(path\)/,
      );
    await expect(told([secret])).rejects.toThrow("run.predict: row 0 is a text, not an object by column");
    await expect(told([{ sepal_length: 1 }, null])).rejects.toThrow("row 1 is null");
    await expect(told({ sepal_length: 1 })).rejects.toThrow(
      "got an object with sepal_length; for one row use run.predict([row])",
    );
    for (const value of [
      undefined,
      null,
      7,
      true,
      new Map(),
      { dtype: "uint8", shape: [1, 9, 9], data: new Uint8Array(4) },
    ])
      await expect(told(value)).rejects.toBeInstanceOf(HebbError);
    await expect(run.predictFile(join(folder(), "absent.csv"))).rejects.toThrow(/absent\.csv does not exist/);
    expect(await told([])).toEqual([]);
  });

  test("numbers in their own units, and pixels", async () => {
    const lines = Array.from({ length: 60 }, (_, x) => `${x},${1000 + 10 * x}`);
    writeFileSync(join(folder(), "line.csv"), ["x,price", ...lines].join("\n"));
    expect((await hebb("train", "line.csv", "--target", "price", "--epochs", "60", "--out", "line")).code).toBe(0);
    const [{ prediction, probabilities } = { prediction: 0 }] = await (await loadRun(join(folder(), "line"))).predict([
      { x: 30 },
    ]);
    expect(Math.abs(Number(prediction) - 1300)).toBeLessThan(200);
    expect(probabilities).toBeUndefined();

    const pixels = Uint8Array.from({ length: 40 * 16 }, (_, at) =>
      Math.floor(at / 16) % 2 === 0 ? at % 20 : 255 - (at % 20),
    );
    const images = { dtype: "uint8", shape: [40, 4, 4], data: pixels } as const;
    const labels = { dtype: "uint8", shape: [40], data: Uint8Array.from({ length: 40 }, (_, row) => row % 2) } as const;
    writeFileSync(join(folder(), "images.idx3"), formatIdx(images));
    writeFileSync(join(folder(), "labels.idx1"), formatIdx(labels));
    const trained = await hebb("train", "images.idx3", "--labels", "labels.idx1", "--epochs", "20", "--out", "shades");
    expect(trained.stderr).toBe("");
    const shades = await (await loadRun(join(folder(), "shades"))).predict({
      ...images,
      shape: [2, 4, 4],
      data: pixels.slice(0, 32),
    });
    expect(shades.map(({ prediction: shade }) => shade)).toEqual(["0", "1"]);
  });

  test("refuses folders that are not runs, and runs that write text instead of predicting", async () => {
    await expect(loadRun(join(folder(), "nowhere"))).rejects.toThrow("there is no run folder");
    writeFileSync(join(folder(), "song.txt"), "row, row, row your boat, gently down the stream. ".repeat(30));
    const options = ["--model", "lstm", "--epochs", "1", "--out", "song"];
    expect((await hebb("train", "song.txt", ...options)).code).toBe(0);
    const song = await loadRun(join(folder(), "song"));
    await expect(song.predict([{ a: 1 }])).rejects.toThrow(
      "it generates text instead of predicting rows; use generate(run.model, …)",
    );
  });
});
