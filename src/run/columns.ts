// columns.json of a run folder: the decisions about each column of its table, with reasons.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { columnTypeNames } from "../data/columnType.ts";
import { columnRoles } from "../data/explain.ts";
import type { ColumnExplanation } from "../data/index.ts";
import { aCount, aString, type Check, listOf, objectOf, oneOf, parseJson } from "../formats/json.ts";
import { type Run, writeFileAtomic } from "../formats/node.ts";

const fileName = "columns.json";

const checkColumns: Check<readonly ColumnExplanation[]> = listOf(
  objectOf<ColumnExplanation>({
    column: aString,
    role: oneOf(...columnRoles),
    type: oneOf(...columnTypeNames),
    why: aString,
    gaps: aCount,
    encoding: aString,
    features: aCount,
  }),
);

export function writeColumns(run: Run, columns: readonly ColumnExplanation[]): void {
  writeFileAtomic(join(run.path, fileName), new TextEncoder().encode(`${JSON.stringify(columns, null, 1)}\n`));
}

/** The column decisions of a run; undefined if it has none, as in earlier versions. */
export function readColumns(run: Run): readonly ColumnExplanation[] | undefined {
  const path = join(run.path, fileName);
  if (!existsSync(path)) return undefined;
  return checkColumns(parseJson(readFileSync(path, "utf8"), path), `${fileName}:`);
}
