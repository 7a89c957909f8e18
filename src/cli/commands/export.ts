// hebb export: converts a run or a file of arrays to another format. hebb import: turns a file into a run folder.
import { basename } from "node:path";
import { exportTo } from "../../run/export.ts";
import type { ExportName } from "../../run/exportNames.ts";
import { importFile } from "../../run/import.ts";
import { bytesInWords } from "../bytes.ts";
import { newFolder } from "../newFolder.ts";
import { err, out } from "../output.ts";

export interface ExportArguments {
  readonly to: ExportName;
  readonly out?: string | undefined;
  readonly json: boolean;
}

const short = (difference: number): string => String(Number(difference.toPrecision(2)));
const counted = (value: number): string => value.toLocaleString("en-US");

export async function exportCommand(from: string, args: ExportArguments): Promise<number> {
  const report = await exportTo(from, args.to, args.out);
  if (args.json) {
    out.json(report);
    return 0;
  }
  for (const note of report.notes) err.line(note);
  const compared = [`largest difference in a value ${short(report.difference)}`];
  if (report.outputs !== null) compared.push(`in an output ${short(report.outputs)}`);
  out.line(
    `${report.path}: ${counted(report.arrays)} arrays, ${counted(report.parameters)} values, ${bytesInWords(report.bytes)}`,
    `read back and compared: ${compared.join(", ")}`,
  );
  return 0;
}

export interface ImportArguments {
  readonly out?: string | undefined;
  readonly like?: string | undefined;
  readonly json: boolean;
}

export async function importCommand(path: string, args: ImportArguments): Promise<number> {
  const { like } = args;
  const name = basename(path).replace(/\.\w+$/, "");
  const report = await importFile(path, { like, folder: () => args.out ?? newFolder(name) });
  if (args.json) out.json(report);
  else
    out.line(`${report.from} → ${report.run}: ${counted(report.arrays)} arrays, ${counted(report.parameters)} values`);
  return 0;
}
