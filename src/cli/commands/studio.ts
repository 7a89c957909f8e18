// hebb studio: the page, opened with a table, a run with its weights and curves, or the first problem.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { addressError } from "../../data/fileErrors.ts";
import { InputFile } from "../../data/inputFile.ts";
import { HebbError } from "../../graph/errors.ts";
import { type ServedFiles, serveLocally } from "../localServer.ts";
import { out } from "../output.ts";
import { type Opening, runOpening } from "../studioRun.ts";
import { openBrowser, studioFiles } from "../studioServer.ts";

export interface StudioOptions {
  readonly port?: number | undefined;
  readonly target?: string | undefined;
  /** Whether to ask for a browser. */
  readonly open: boolean;
  readonly json: boolean;
}

const problems = new Set(["loans", "moons", "circles", "spirals", "blobs", "curve", "iris", "and", "or", "xor"]);

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
    files: new Map([["table.csv", readFileSync(source)]]),
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
      `${opened ? "It opens in your browser." : "Open it in a browser."} Ctrl-C ends it.`,
    );
}
