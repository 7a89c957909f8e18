// Tables in JSON (Node only): a list of objects, or any number of lines with one object each.
import { HebbError } from "../graph/errors.ts";
import { type CellValue, isCellValue } from "./cells.ts";
import { filePieces } from "./filePieces.ts";
import { InputFile } from "./inputFile.ts";
import { flatRow, NestedColumns, parseJson } from "./nestedRows.ts";
import type { RowGroup, RowGroups } from "./rowGroups.ts";

type Row = Readonly<Record<string, unknown>>;

const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);

/** Lists become their JSON text. */
const cellValue = (value: unknown): CellValue => (isCellValue(value) ? value : (JSON.stringify(value) ?? undefined));

function groupOf(rows: readonly ReadonlyMap<string, unknown>[], names: readonly string[]): RowGroup {
  return { names, values: names.map((name) => rows.map((row) => cellValue(row.get(name)))) };
}

function columnsOf(rows: readonly ReadonlyMap<string, unknown>[]): readonly string[] {
  const columns = new NestedColumns();
  for (const row of rows) columns.add(row);
  return columns.names;
}

/** A list of objects, or one under a name: `{"rows": [...]}`. */
export const jsonGroups = (path: string): RowGroups => ({
  name: path,
  async *read() {
    const text = await InputFile.use(path, (file) => file.text());
    let value: unknown;
    try {
      value = parseJson(text);
    } catch (error) {
      throw new HebbError(
        `${path} is not JSON (${error instanceof Error ? error.message : String(error)}); give a list of objects, or one object in every line and the name .jsonl`,
      );
    }
    const lists = isRow(value) ? Object.values(value).filter(Array.isArray) : [];
    const rows: unknown = lists.length === 1 ? lists[0] : value;
    if (!Array.isArray(rows))
      throw new HebbError(`${path} does not hold a list of objects, one for each row; write it as [{"age": 41}, …]`);
    const odd = rows.findIndex((row) => !isRow(row));
    if (odd >= 0) throw new HebbError(`${path}: row ${odd + 1} is not an object, such as {"age": 41}`);
    const objects = rows.filter(isRow).map(flatRow);
    yield groupOf(objects, columnsOf(objects));
  },
});

const rowsOfGroup = 8192;
const pieceBytes = 1 << 18;

/** One object per line. The columns are the keys of all lines. If later lines have new keys, a first pass over the file finds them. */
export function jsonlGroups(path: string): RowGroups {
  let names: readonly string[] | undefined;
  return {
    name: path,
    async *read() {
      names ??= await namesOf(path);
      for await (const rows of lines(path)) yield groupOf(rows, names);
    },
  };
}

async function namesOf(path: string): Promise<readonly string[]> {
  const columns = new NestedColumns();
  for await (const rows of lines(path)) for (const row of rows) columns.add(row);
  return columns.names;
}

async function* lines(path: string): AsyncGenerator<ReadonlyMap<string, unknown>[], void, void> {
  const packing = await InputFile.use(path, (file) => file.packing());
  let [rows, number]: [ReadonlyMap<string, unknown>[], number] = [[], 0];
  for await (const text of textLines(filePieces(path, packing, pieceBytes))) {
    number++;
    if (text.trim() === "") continue;
    rows.push(flatRow(rowIn(text, path, number)));
    if (rows.length < rowsOfGroup) continue;
    yield rows;
    rows = [];
  }
  yield rows;
}

async function* textLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of pieces) {
    const found = `${rest}${decoder.decode(piece, { stream: true })}`.split("\n");
    rest = found.pop() ?? "";
    yield* found;
  }
  yield `${rest}${decoder.decode()}`;
}

function rowIn(text: string, path: string, line: number): Row {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new HebbError(
      `${path}, line ${line}: this is not JSON (${error instanceof Error ? error.message : String(error)}); every line is one object, such as {"age": 41}`,
    );
  }
  if (!isRow(value)) throw new HebbError(`${path}, line ${line}: this is not an object; write it as {"age": 41}`);
  return value;
}
