// The table of decisions about each column, for a terminal.
import type { ColumnExplanation } from "../data/index.ts";
import { visible } from "../graph/visible.ts";

/** The maximum width of cells; longer ones are cut. */
const widest = 64;
const cut = (text: string): string => (text.length > widest ? `${text.slice(0, widest - 1)}…` : text);

/** One line for each column of a table, below a header line. */
export function columnLines(columns: readonly ColumnExplanation[]): string[] {
  const heads = ["column", "type", "gaps", "features", "encoding", "why"];
  const rows = columns.map(({ column, role, type, why, gaps, encoding, features }) => [
    visible(column),
    type,
    String(gaps),
    role === "input" ? String(features) : role === "not used" ? "–" : role,
    encoding,
    why,
  ]);
  const table = [heads, ...rows].map((cells) => cells.map(cut));
  const widths = heads.map((_, place) => Math.max(...table.map((cells) => cells[place]?.length ?? 0)));
  return table.map((cells) =>
    cells
      .map((cell, place) => {
        const width = widths[place] ?? cell.length;
        return heads[place] === "gaps" || heads[place] === "features" ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
