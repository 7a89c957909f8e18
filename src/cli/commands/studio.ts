// hebb studio: serves the page, opened with a table, a run with its weights and curves, or the first problem.
import { existsSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { addressError } from "../../data/fileErrors.ts";
import { type FileKind, InputFile } from "../../data/inputFile.ts";
import { isTableKind, wholeTable } from "../../data/tableFile.ts";
import { HebbError } from "../../graph/errors.ts";
import { type ServedFiles, serveLocally } from "../localServer.ts";
import { out } from "../output.ts";
import { csvOfTable, type Opening, runOpening } from "../studioRun.ts";
import { openBrowser, studioFiles } from "../studioServer.ts";

export interface StudioOptions {
  readonly port?: number | undefined;
  readonly target?: string | undefined;
  /** Whether to open a browser. */
  readonly open: boolean;
  readonly json: boolean;
}

const problems = new Set(["loans", "moons", "circles", "spirals", "blobs", "curve", "iris", "and", "or", "xor"]);

/** A table of any format as the text that the page reads, in UTF-8. */
async function textOfTable(path: string, kind: FileKind): Promise<string> {
  if (kind === "table") return InputFile.use(path, async (file) => (await file.decoded()).text);
  if (!isTableKind(kind)) throw new HebbError(`${path} is not a table, a text or a run folder; give one of them`);
  return csvOfTable(await InputFile.use(path, (file) => wholeTable(file, kind, {})));
}

async function openingOf(source: string | undefined, target: string | undefined): Promise<Opening> {
  const plain = (query: string): Opening => ({ query, files: new Map() });
  if (source === undefined) return plain("");
  if (problems.has(source) && !existsSync(source)) return plain(`#data=${source}`);
  if (!existsSync(source))
    throw (
      addressError(source) ??
      new HebbError(
        `${source} does not exist; give a run folder, a CSV table, a text, or one of ${[...problems].join(", ")}`,
      )
    );
  if (statSync(source).isDirectory()) return runOpening(source, basename(resolve(source)));
  const kind = await InputFile.use(source, (file) => file.kind());
  if (kind === "text")
    return {
      query: `?text=${encodeURIComponent(basename(source))}`,
      files: new Map([
        ["text.txt", await InputFile.use(source, async (file) => Buffer.from((await file.decoded()).text))],
      ]),
    };
  const column = target === undefined ? "" : `&target=${encodeURIComponent(target)}`;
  return {
    query: `?table=${encodeURIComponent(basename(source))}${column}`,
    files: new Map([["table.csv", Buffer.from(await textOfTable(source, kind))]]),
  };
}

/** Serves until interrupted. */
export async function studio(source: string | undefined, options: StudioOptions): Promise<void> {
  const { query, files: own } = await openingOf(source, options.target);
  const files: ServedFiles = new Map([...(await studioFiles()), ...own]);
  const { address } = await serveLocally(files, options.port ?? 0);
  const whole = `${address}${query}`;
  const opened = options.open && openBrowser(whole);
  if (options.json) out.json({ address: whole });
  else
    out.line(
      `hebb Studio: ${whole}`,
      `${opened ? "It is open in your browser." : "Open it in a browser."} Ctrl-C stops it.`,
    );
}
