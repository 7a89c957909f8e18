// Lines before a table's header: titles, remarks, and headers of reports.
import { at } from "../graph/at.ts";
import { quoted } from "../graph/visible.ts";
import type { TableRemark } from "./tableRemarks.ts";

/** One of the first records of a file, split without checking its form. */
export interface FirstRecord {
  readonly fields: readonly string[];
  /** Whether an empty line precedes it. */
  readonly apart: boolean;
}

/** Maximum records before the table, and minimum records of the table that must agree below its header. */
const [mostBefore, fewestAfter] = [20, 2] as const;

const isFilled = (field: string): boolean => field.trim() !== "";
/** The number of fields up to the last non-empty one. */
const widthOf = ({ fields }: FirstRecord): number => fields.findLastIndex(isFilled) + 1;
const isComment = ({ fields }: FirstRecord): boolean => fields[0]?.startsWith("#") === true;

/** Whether the fields are distinct words: a number among them means a row of data. */
function namesColumns({ fields }: FirstRecord): boolean {
  const filled = fields.filter(isFilled);
  return (
    filled.length >= 2 &&
    fields.slice(0, filled.length).every(isFilled) &&
    new Set(filled).size === filled.length &&
    filled.every((field) => /\p{L}/u.test(field))
  );
}

/**
 * The number of records before the one that names the columns; 0 if unclear. Earlier records are comments, or fill at most half of the
 * columns; all later ones have the same number of fields.
 */
export function recordsBefore(records: readonly FirstRecord[]): number {
  for (let before = 0; before <= mostBefore && before + fewestAfter < records.length; before++) {
    const header = at(records, before);
    if (isComment(header) || !namesColumns(header)) continue;
    const width = widthOf(header);
    const fits = records.slice(before + 1).every(({ fields }) => fields.length === header.fields.length);
    const shorter = records.slice(0, before).every((one) => isComment(one) || 2 * widthOf(one) <= width);
    if (!fits || !shorter) continue;
    // R writes one name fewer than columns: its row names have no header.
    const [first] = records;
    const rowNames =
      before === 1 && first !== undefined && widthOf(first) === width - 1 && !isComment(first) && !header.apart;
    return rowNames ? 0 : before;
  }
  return 0;
}

/** The remark about the skipped records. */
export function leadInRemark(skipped: readonly FirstRecord[]): TableRemark {
  const text = at(skipped, 0).fields.filter(isFilled).join(" ");
  const begun = text.length > 40 ? `${text.slice(0, 39)}…` : text;
  const what =
    skipped.length === 1
      ? `the first line, ${quoted(begun)}, stands`
      : `${skipped.length} lines, from ${quoted(begun)} on, stand`;
  return {
    code: "header",
    text: `${what} before the names of the columns and ${skipped.length === 1 ? "was" : "were"} left out`,
    columns: [],
  };
}

/** A record of a text, and the start of the next line. */
interface FirstLine extends FirstRecord {
  readonly end: number;
}

/** The first records of a text, without the last one if it may be incomplete. */
function firstLines(text: string, delimiter: string): FirstLine[] {
  const limit = Math.min(text.length, 65536);
  const lines: FirstLine[] = [];
  let [from, start, apart, inside] = [0, 0, false, false];
  let fields: string[] = [];
  for (let i = 0; i <= limit && lines.length < 50; i++) {
    const char = i === text.length ? "\n" : i === limit ? "" : (text[i] ?? "");
    if (char === '"') inside = !inside;
    const ends = !inside && (char === "\n" || char === "\r");
    if (!ends && (inside || char !== delimiter)) continue;
    fields.push(
      text
        .slice(from, i)
        .trim()
        .replace(/^"(.*)"$/s, "$1"),
    );
    from = i + 1;
    if (!ends) continue;
    if (char === "\r" && text[i + 1] === "\n") i++;
    if (text.slice(start, i).trim() === "") apart = true;
    else {
      lines.push({ fields, apart, end: Math.min(i + 1, text.length) });
      apart = false;
    }
    [from, start, fields] = [i + 1, i + 1, []];
  }
  return lines;
}

/** The text before the table, and the remark about it; undefined if there is none. */
export function leadInOf(
  text: string,
  delimiters: readonly string[],
): { readonly length: number; readonly remark: TableRemark } | undefined {
  let widest = 0;
  let found: readonly FirstLine[] = [];
  for (const delimiter of delimiters) {
    const lines = firstLines(text, delimiter);
    const before = recordsBefore(lines);
    const width = before === 0 ? 0 : at(lines, before).fields.length;
    if (width > widest) [widest, found] = [width, lines.slice(0, before)];
  }
  const last = found.at(-1);
  return last && { length: last.end, remark: leadInRemark(found) };
}
