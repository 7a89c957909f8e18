// hebb studio: the page, opened with a table, a run's table and settings, or the first problem.
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { openRun, readConfig } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { openBrowser, type StudioFiles, serveStudio, studioFiles } from "../studioServer.ts";

export interface StudioOptions {
  readonly port?: number | undefined;
  readonly target?: string | undefined;
  /** Whether to ask for a browser. */
  readonly open: boolean;
  readonly json: boolean;
}

/** What to open: a query and a fragment for the page, and the table beside it. */
interface Opening {
  readonly query: string;
  readonly table: Uint8Array | undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const problems = new Set(["loans", "moons", "circles", "spirals", "blobs", "curve", "iris", "and", "or", "xor"]);

/** A run's choices in the words of the page. What the page does not know is left as it is there. */
function fragmentOf(config: Readonly<Record<string, unknown>>): string {
  const parts: string[] = [];
  const put = (key: string, value: unknown): void => {
    if (typeof value === "number" || typeof value === "string") parts.push(`${key}=${encodeURIComponent(value)}`);
  };
  const model = isRecord(config["model"]) ? config["model"] : {};
  const hidden = Array.isArray(model["hidden"]) ? model["hidden"] : [];
  const convolutions = model["kind"] === "cnn" ? [`c16.${model["activation"]}`, `c32.${model["activation"]}`] : [];
  put("layers", [...convolutions, ...hidden.map((units) => `${units}.${model["activation"]}`)].join("_"));
  put("dropout", model["dropout"]);
  put("loss", config["loss"] === "bceWithLogits" ? "bce" : config["loss"]);
  put("optimizer", config["optimizer"]);
  put("lr", config["lr"]);
  put("decay", config["weightDecay"]);
  put("batch", config["batchSize"]);
  put("seed", config["seed"]);
  put("dataSeed", config["seed"]);
  put("test", config["validation"]);
  return parts.join("&");
}

function openingOf(source: string | undefined, target: string | undefined): Opening {
  if (source === undefined) return { query: "", table: undefined };
  if (problems.has(source) && !existsSync(source)) return { query: `#data=${source}`, table: undefined };
  if (!existsSync(source))
    throw new HebbError(
      `${source} does not exist; give a run folder, a CSV table, or one of ${[...problems].join(", ")}`,
    );
  const tableQuery = (path: string, column: string | undefined): string =>
    `?table=${encodeURIComponent(basename(path))}${column === undefined ? "" : `&target=${encodeURIComponent(column)}`}`;
  if (!statSync(source).isDirectory()) return { query: tableQuery(source, target), table: readFileSync(source) };
  const config = readConfig(openRun(source));
  const data = String(config["data"] ?? "");
  const fragment = fragmentOf(config);
  if (problems.has(data)) return { query: `#data=${data}&${fragment}`, table: undefined };
  if (!/\.(csv|tsv|txt)$/i.test(data) || !existsSync(data))
    throw new HebbError(
      `the run's data ${data} is no table that is still there; open the Studio and drop the files on it`,
    );
  const column = typeof config["target"] === "string" ? config["target"] : target;
  return { query: `${tableQuery(data, column)}#${fragment}`, table: readFileSync(data) };
}

/** Serves until interrupted. */
export async function studio(source: string | undefined, options: StudioOptions): Promise<void> {
  const { query, table } = openingOf(source, options.target);
  const files: StudioFiles = await studioFiles();
  const all = table === undefined ? files : new Map([...files, ["table.csv", table]]);
  const { address } = await serveStudio(all, options.port ?? 0);
  const whole = `${address}${query}`;
  const opened = options.open && openBrowser(whole);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ address: whole })}\n`
      : `hebb Studio: ${whole}\n${opened ? "It opens in your browser." : "Open it in a browser."} Ctrl-C ends it.\n`,
  );
}
