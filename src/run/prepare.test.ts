// Preparation: what is held out of each kind of data, and what is refused before anything is fitted.
import { expect, test } from "vitest";
import { Dataset, Table } from "../data/index.ts";
import { amountOf, applyTo } from "./apply.ts";
import type { TrainChoices } from "./choices.ts";
import { checkChoices, decide, tokenizingOf } from "./decide.ts";
import { prepare } from "./prepare.ts";
import { builtIn } from "./problems.ts";
import { named, type Source } from "./source.ts";

const rows = Array.from({ length: 30 }, (_, row) => ({ x: row, y: row % 3 === 0 ? "a" : "b" }));
const table: Source = { kind: "table", ...named("t"), table: Table.fromRows(rows, "t"), target: "y", whole: false };
const images: Source = {
  kind: "images",
  ...named("pictures"),
  images: { dtype: "uint8", shape: [30, 2, 2], data: Uint8Array.from({ length: 120 }, (_, i) => i) },
  labels: { dtype: "uint8", shape: [30], data: Uint8Array.from({ length: 30 }, (_, i) => i % 2) },
  names: { images: "pictures", labels: "labels" },
};
const text: Source = { kind: "text", ...named("song"), text: "la la la. ".repeat(200) };
const options = { validation: undefined, fold: null, seed: 1, columns: {}, text: tokenizingOf({ seed: 1 }) };

test.each<[string, Source, number]>([
  ["a table", table, 0.2],
  ["images", images, 0.2],
  ["a text", text, 0.1],
  ["a gate, of which no row can be spared", { kind: "table", ...named("xor"), ...builtIn("xor", 0) }, 0],
])("%s holds out its usual share, and another where that is asked for", async (_, source, share) => {
  const usual = await prepare(source, options);
  expect(usual.share).toBe(share);
  expect(usual.validation === undefined).toBe(share === 0);
  expect((await prepare(source, { ...options, validation: 0.4 })).share).toBe(share === 0 ? 0 : 0.4);
});

test.each([table, images])("the folds of $kind hold out every row once", async (source) => {
  const held: number[] = [];
  for (const number of [1, 2, 3]) {
    const prepared = await prepare(source, { ...options, fold: { number, of: 3 } });
    expect(prepared.share).toBe(1 / 3);
    if (!(prepared.validation instanceof Dataset) || !(prepared.train instanceof Dataset)) throw new Error("rows");
    expect(prepared.train.length + prepared.validation.length).toBe(30);
    // Features are scaled by the training rows of each fold, so rows are identified by their raw values.
    const { preprocessing } = prepared;
    const [mean, scale] =
      preprocessing.kind === "table" && preprocessing.inputs[0]?.kind === "number"
        ? [preprocessing.inputs[0].mean, preprocessing.inputs[0].scale]
        : preprocessing.kind === "images"
          ? [preprocessing.mean[0] ?? 0, preprocessing.scale[0] ?? 1]
          : [0, 1];
    const { features, length } = prepared.validation;
    const width = features.data.length / length;
    for (let row = 0; row < length; row++)
      held.push(Math.round(((features.data[row * width] ?? 0) * scale + mean) / (source === images ? 4 : 1)) + 0);
  }
  expect(held.sort((a, b) => a - b)).toEqual(rows.map(({ x }) => x));
});

test.each<[Source, Partial<TrainChoices>, string]>([
  [table, { layers: 2 }, "--layers is for text models, gpt and lstm"],
  [table, { augment: ["flip"] }, "--augment is for images, and t is a table"],
  [images, { ignore: ["a"] }, "--ignore is for the columns of a table, and pictures is not a table"],
  [text, { hidden: [3] }, "--hidden is for tables and images, not for a text"],
  [text, { folds: 3 }, "--folds is for tables and images, not for a text"],
  [text, { missing: ["mean"] }, "to read song as a table, name the column to predict with --target"],
])("choices that do not go with $kind are refused before it is prepared", (source, choices, message) => {
  expect(() => checkChoices(source, { seed: 0, ...choices })).toThrow(message);
});

test("a text in place of a table, and rows for a language model, are refused", async () => {
  await expect(prepare(text, { ...options, text: null })).rejects.toThrow("song is a text, not a table");
  const prepared = await prepare(table, options);
  expect(() => decide(table, { seed: 0, model: "gpt" }, prepared, null)).toThrow(
    'model "gpt" reads text, and t is not',
  );
});

test("rows that cannot be compared are left out, and counted", async () => {
  const { preprocessing } = await prepare(table, options);
  const over = (targets: readonly string[]) =>
    applyTo(preprocessing, {
      ...table,
      table: Table.fromRows(
        targets.map((y, x) => ({ x, y })),
        "t",
      ),
    });
  const some = over(["a", "", "b", ""]);
  expect([amountOf(some.dataset), some.notes]).toEqual([
    "2 rows",
    ['2 of 4 rows are left out: without a "y", or with missing values that were not to be filled'],
  ]);
  const one = over(["a", ""]);
  expect([amountOf(one.dataset), one.notes]).toEqual([
    "1 row",
    ['1 of 2 rows is left out: without a "y", or with missing values that were not to be filled'],
  ]);
  expect(over(["a", "b"]).notes).toEqual([]);
});
