// The named data sets: the built-in problems, as tables that are treated like files, and the downloaded sets.
import { type CanonicalName, canonicalNames } from "../data/canonical.ts";
import * as data from "../data/index.ts";
import { builtInNames } from "./problemNames.ts";

export type BuiltInName = (typeof builtInNames)[number];

export const isProblem = (name: string): name is BuiltInName => (builtInNames as readonly string[]).includes(name);

/** "mnist" is the training part, "mnist-test" the other. */
export function canonicalPart(
  name: string,
): { readonly name: CanonicalName; readonly part: "train" | "test" } | undefined {
  const part = name.endsWith("-test") ? "test" : "train";
  const found = canonicalNames.find((each) => each === name.replace(/-test$/, ""));
  return found === undefined ? undefined : { name: found, part };
}

/** Whether a name is that of a built-in or downloaded set. */
export const isBuiltIn = (name: string): boolean => isProblem(name) || canonicalPart(name) !== undefined;

/** A generator's points as a table, so that they are treated like a file. */
function pointTable(dataset: data.Dataset, name: string, target: string): data.Table {
  const width = dataset.features.shape[0] ?? 1;
  const columns = width === 1 ? ["x"] : ["x", "y"];
  const cells = (pick: (row: number) => number): string[] =>
    Array.from({ length: dataset.length }, (_, row) => String(pick(row)));
  return new data.Table(
    [
      ...columns.map((column, place) => ({
        name: column,
        cells: cells((row) => dataset.features.data[row * width + place] as number),
      })),
      { name: target, cells: cells((row) => dataset.targets.data[row] as number) },
    ],
    name,
  );
}

/** A built-in problem, its target column, and whether every row is needed. */
export function builtIn(
  name: BuiltInName,
  seed: number,
): { readonly table: data.Table; readonly target: string; readonly whole: boolean } {
  const table = (value: data.Table, target: string) => ({ table: value, target, whole: false });
  switch (name) {
    case "loans":
      return table(data.loans({ seed }), "approved");
    case "iris": {
      const value = data.iris();
      return table(value, value.columnNames.at(-1) ?? "species");
    }
    case "moons":
      return table(pointTable(data.moons({ count: 1000, seed }), name, "class"), "class");
    case "circles":
      return table(pointTable(data.circles({ count: 1000, seed }), name, "class"), "class");
    case "spirals":
      return table(pointTable(data.spirals({ count: 1000, seed }), name, "class"), "class");
    case "blobs":
      return table(pointTable(data.blobs({ count: 1000, seed }), name, "class"), "class");
    case "curve":
      return table(pointTable(data.curve({ count: 512, seed }), name, "value"), "value");
    case "and":
    case "or":
    case "xor":
    case "nand":
      return { table: pointTable(data.gate(name), name, "output"), target: "output", whole: true };
  }
}
