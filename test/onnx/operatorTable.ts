// The imported operators, as a section of docs/onnx.md between two marks.
import { operators } from "../../src/formats/onnx/import/operators.ts";

const [begin, end] = ["<!-- imported operators -->", "<!-- end of imported operators -->"];

function rows(): string {
  return Object.entries(operators)
    .map(([domain, table]) => {
      const names = Object.keys(table).sort();
      return `**${domain === "" ? "ai.onnx" : domain}** (${names.length}): ${names.join(", ")}.`;
    })
    .join("\n\n");
}

export const operatorTable = {
  /** The page with the current table. */
  into(page: string): string {
    const [before, rest] = page.split(begin);
    const after = rest?.split(end)[1];
    if (before === undefined || after === undefined) throw new Error(`docs/onnx.md has no ${begin}`);
    return `${before}${begin}\n${rows()}\n${end}${after}`;
  },
};
