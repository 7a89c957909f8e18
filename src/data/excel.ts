// Sheets of Excel files (Node only), read by the package read-excel-file: .xlsx, with typed cells.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { quoted } from "../graph/visible.ts";
import type { CellValue } from "./cells.ts";
import { isCellValue } from "./cells.ts";
import { InputFile } from "./inputFile.ts";
import { type FirstRecord, leadInRemark, recordsBefore } from "./leadIn.ts";
import { missingPackage } from "./missingPackage.ts";
import type { RowGroups } from "./rowGroups.ts";

async function loadReader(): Promise<typeof import("read-excel-file/node")> {
  try {
    return await import("read-excel-file/node");
  } catch (cause) {
    throw missingPackage("read-excel-file", "reading Excel files", cause);
  }
}

type Rows = readonly (readonly unknown[])[];

const isEmptyRow = (row: readonly unknown[]): boolean =>
  row.every((cell) => cell === null || cell === undefined || cell === "");

/** The requested sheet, by name or number; by default the first with a table. */
function chosen(
  path: string,
  sheets: readonly { readonly name: string; readonly rows: Rows }[],
  wanted?: string,
): Rows {
  const listed = sheets.map(({ name }) => quoted(name)).join(", ");
  if (wanted !== undefined) {
    const found = sheets.find(({ name }) => name === wanted) ?? sheets[Number(wanted) - 1];
    if (found === undefined) throw new HebbError(`${path} has no sheet ${quoted(wanted)}; the sheets are ${listed}`);
    return found.rows;
  }
  const filled = sheets.filter(({ rows }) => rows.some((row) => !isEmptyRow(row)));
  const [first, second] = filled;
  if (first === undefined) throw new HebbError(`${path} has no sheet with cells; fill one in`);
  if (second !== undefined)
    throw new HebbError(
      `${path} has several sheets with cells; name one with --sheet: ${filled.map(({ name }) => quoted(name)).join(", ")}`,
    );
  return first.rows;
}

const cellValue = (value: unknown): CellValue => (isCellValue(value) ? value : undefined);

function textOf(cell: unknown): string {
  const value = cellValue(cell);
  return value instanceof Date ? value.toISOString().slice(0, 10) : String(value ?? "").trim();
}

/** The number of rows to search for titles. */
const firstRows = 50;

/** The table of a sheet. Its column names are in the first row that is not empty, or in the first below the titles. */
export const excelGroups = (path: string, sheet?: string): RowGroups => ({
  name: path,
  async *read() {
    const { default: readSheets } = await loadReader();
    const bytes = await InputFile.use(path, (file) => file.bytes());
    const sheets = await readSheets(Buffer.from(bytes)).catch((error: unknown) => {
      throw new HebbError(
        `${path} is damaged, or not an Excel file that can be read here: ${error instanceof Error ? error.message : String(error)}; save it again as .xlsx`,
      );
    });
    const sheetRows = chosen(
      path,
      sheets.map(({ sheet: name, data }) => ({ name, rows: data })),
      sheet,
    );
    const filled = sheetRows.flatMap((row, place) => (isEmptyRow(row) ? [] : [{ row, place }]));
    const first = filled.slice(0, firstRows).map(
      ({ row, place }): FirstRecord => ({
        fields: row.map(textOf),
        apart: place > 0 && isEmptyRow(at(sheetRows, place - 1)),
      }),
    );
    const before = recordsBefore(first);
    const rows = filled.slice(before).map(({ row }) => row);
    const [header = [], ...body] = rows;
    // Cells beyond the last name are notes beside the table if nothing else is in their column.
    const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
    const names = Array.from({ length: width }, (_, place) => textOf(header[place]));
    yield {
      names,
      values: names.map((_, place) => body.map((row) => cellValue(row[place]))),
      remarks: before === 0 ? [] : [leadInRemark(first.slice(0, before))],
    };
  },
});
