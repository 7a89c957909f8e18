// hebb with its defaults on the tables of bench/tables.json, with the splits from bench/tables.py; hebb.json next to sklearn.json.
//
//   HEBB_TABLES=~/tables node scripts/run.mjs bench/tables.ts          HEBB_TABLES_ONLY=adult,churn and HEBB_TABLES_SEEDS=0 select a part
//   … bench/tables.ts NAME '{"preset":"fast"}'                         other choices, into NAME.json
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HebbError } from "../src/graph/errors.ts";
import type { TrainChoices } from "../src/run/choices.ts";
import { makeJob, readFor, startJob } from "../src/run/job.ts";

interface Entry {
  readonly name: string;
  readonly target: string;
  readonly task: "classification" | "regression";
}

const folder = process.env["HEBB_TABLES"];
if (folder === undefined)
  throw new HebbError("name the folder of the tables with HEBB_TABLES; bench/tables.py says how they are made");
const [name = "hebb", given = "{}"] = process.argv.slice(2);
const tables: readonly Entry[] = JSON.parse(readFileSync(join("bench", "tables.json"), "utf8"));
const only = process.env["HEBB_TABLES_ONLY"]?.split(",");
const seeds = (process.env["HEBB_TABLES_SEEDS"] ?? "0,1,2").split(",").map(Number);
const file = join(folder, `${name}.json`);
const results: Record<string, Record<string, number | string>> = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf8"))
  : {};
const silent = { progress: () => {}, warn: () => {}, note: () => {} };

for (const table of tables) {
  if (only !== undefined && !only.includes(table.name)) continue;
  for (const seed of seeds) {
    const key = `${table.name} ${seed} ${name}`;
    if (key in results) continue;
    const [started, used] = [performance.now(), process.cpuUsage()];
    const split = join(folder, "splits", `${table.name}-${seed}`);
    const choices: TrainChoices = {
      target: table.target,
      task: table.task,
      seed,
      testData: `${split}-test.csv`,
      ...JSON.parse(given),
    };
    const job = await makeJob(await readFor(`${split}-train.csv`, choices, silent), choices, null, silent);
    const out = mkdtempSync(join(tmpdir(), "tables-"));
    const { metrics } = await startJob(job, join(out, "run"), {
      tell: () => {},
      onInterrupt: () => () => {},
      doctor: false,
      logs: false,
    });
    rmSync(out, { recursive: true });
    const test = metrics?.test;
    if (!test) throw new HebbError(`${key}: the run was not measured`);
    const { user, system } = process.cpuUsage(used);
    const { accuracy, loss, rocAuc, rmse, r2 } = test;
    const figures =
      table.task === "regression"
        ? { rmse, r2 }
        : { accuracy, logLoss: loss, ...(rocAuc === undefined ? {} : { auc: rocAuc }) };
    const own: Record<string, number | string> = {
      ...Object.fromEntries(Object.entries(figures).map(([figure, value]) => [figure, value ?? Number.NaN])),
      seconds: (performance.now() - started) / 1000,
      cpu: (user + system) / 1e6,
      megabytes: process.memoryUsage().rss / 2 ** 20,
      chosen: job.config.chosen ?? "",
    };
    results[key] = own;
    writeFileSync(file, JSON.stringify(results, null, 1));
    console.log(key, JSON.stringify(own));
  }
}
