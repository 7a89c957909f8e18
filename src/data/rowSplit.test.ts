// Splits by group and by time: no held-out group is trained on, and no held-out row is earlier than a training row.
import { expect, test } from "vitest";
import { parseCsv, prepareTable } from "./index.ts";
import { splitRows } from "./rowSplit.ts";

const groups = Array.from({ length: 200 }, (_, row) => `g${(row * 7) % 23}`);
const times = Float64Array.from({ length: 200 }, (_, row) => Math.floor(((row * 37) % 200) / 3));

test("groups are held out as wholes, close to the requested number of rows", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { train, validation } = splitRows({ count: 200, groups }, { kind: "share", share: 0.2, seed });
    const learned = new Set(Array.from(train, (row) => groups[row]));
    expect(Array.from(validation).filter((row) => learned.has(groups[row] ?? ""))).toEqual([]);
    expect(train.length + validation.length).toBe(200);
    expect(Math.abs(validation.length - 40)).toBeLessThanOrEqual(5);
  }
});

test("folds of groups cover every row once", () => {
  const held = [1, 2, 3, 4].flatMap((number) => [
    ...splitRows({ count: 200, groups }, { kind: "fold", number, of: 4, seed: 1 }).validation,
  ]);
  expect(held.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, row) => row));
});

test("in time, the last rows are held out, and rows of the same time stay together", () => {
  const latest = (rows: Int32Array): number => Math.max(...Array.from(rows, (row) => times[row] ?? 0));
  const earliest = (rows: Int32Array): number => Math.min(...Array.from(rows, (row) => times[row] ?? 0));
  const { train, validation } = splitRows({ count: 200, times }, { kind: "share", share: 0.2, seed: 0 });
  expect(latest(train)).toBeLessThan(earliest(validation));
  expect(Math.abs(validation.length - 40)).toBeLessThanOrEqual(3);
  for (let number = 1; number <= 4; number++) {
    const fold = splitRows({ count: 200, times }, { kind: "fold", number, of: 4, seed: 0 });
    expect(latest(fold.train)).toBeLessThan(earliest(fold.validation));
  }
});

test("refuses too few groups, and a single time", () => {
  expect(() => splitRows({ count: 3, groups: ["a", "a", "a"] }, { kind: "share", share: 0.2, seed: 0 })).toThrow(
    /there is one group of rows/,
  );
  expect(() => splitRows({ count: 2, times: Float64Array.of(1, 1) }, { kind: "share", share: 0.5, seed: 0 })).toThrow(
    /all rows are of one time/,
  );
});

const rows = (count: number, line: (row: number) => string): string =>
  Array.from({ length: count }, (_, row) => line(row)).join("\n");

test("a table is split by a column, which is then not an input, and the split is reported", () => {
  const visits = parseCsv(
    `Patient ,x,y\n${rows(90, (i) => `p${i % 15},${(i * 7) % 11},${i % 3 === 0 ? "yes" : "no"}`)}`,
  );
  const { preprocessing, trainRows, validationRows } = prepareTable(visits, { target: "y", group: "patient" });
  const patient = (row: number): number => row % 15;
  const learned = new Set(Array.from(trainRows, patient));
  expect(Array.from(validationRows).filter((row) => learned.has(patient(row)))).toEqual([]);
  expect(preprocessing.inputs.map(({ column }) => column)).toEqual(["x"]);
  expect(preprocessing.notes.join("\n")).toMatch(/split by "Patient": 12 groups to learn from, 3 held out/);
});

test("in time, drift between training and held-out rows is reported", () => {
  const prices = parseCsv(
    `day,x,price\n${rows(200, (i) => `${new Date(Date.UTC(2021, 0, 1 + i)).toISOString().slice(0, 10)},${i < 165 ? (i * 7) % 11 : 40 + (i % 5)},${i * 1.5}`)}`,
  );
  const { preprocessing, validationRows } = prepareTable(prices, { target: "price", time: "Day" });
  expect([...validationRows]).toEqual(Array.from({ length: 40 }, (_, i) => 160 + i));
  expect(preprocessing.notes.join("\n")).toMatch(/split in time: 160 rows to learn from, then 40 held out, by "day"/);
  expect(preprocessing.notes.join("\n")).toMatch(
    /the rows held out are not like those before: .*"x" \(mean 4.99, then mean 37.4/,
  );
});

test("rows on both sides of a split are listed by number", () => {
  const table = parseCsv(`x,y\n${rows(100, (i) => `${(i % 50) * 1.25},${i % 50 < 25 ? "yes" : "no"}`)}`);
  const { preprocessing, trainRows, validationRows } = prepareTable(table, { target: "y" });
  const learned = new Set(Array.from(trainRows, (row) => row % 50));
  const across = Array.from(validationRows).filter((row) => learned.has(row % 50)).length;
  expect(preprocessing.notes.join("\n")).toContain(
    `${across} of 20 held-out rows are also among the training rows; for example, row `,
  );
});

test("refuses a group and a time together, and a target as either", () => {
  const table = parseCsv(`g,t,y\n${rows(40, (i) => `${i % 4},${i},${i % 2}`)}`);
  expect(() => prepareTable(table, { target: "y", group: "g", time: "t" })).toThrow(
    /by a group or by a time, not by both/,
  );
  expect(() => prepareTable(table, { target: "y", group: "y" })).toThrow(/cannot be both the target and the group/);
  expect(() => prepareTable(table, { target: "y", group: "h" })).toThrow(/has no column "h" to group rows by/);
});
