// hebb serve beside onnxruntime behind the same server: answers a second and the time that clients wait; then SIGTERM under load.
// usage: node --import tsx bench/serve.ts [clients=1000] [seconds=60]; onnxruntime-node from the folder in HEBB_PEERS, if any
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportTo } from "../src/run/export.ts";
import { loadRun, type Prediction } from "../src/run/index.ts";

const [clients = 1000, seconds = 60] = process.argv.slice(2).map(Number);
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hebb-serve-"));
process.on("exit", () => rmSync(folder, { recursive: true, maxRetries: 20, force: true }));
const hebb = [join(root, "scripts/run.mjs"), join(root, "src/cli/main.ts")];

interface Flower {
  readonly row: string;
  readonly wanted: string | number;
}

function post(
  address: string,
  agent: Agent,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const sent = request(`${address}/predict`, { method: "POST", agent, headers }, (got) => {
      let text = "";
      got.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      got.on("end", () => resolve({ status: got.statusCode ?? 0, text }));
      got.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The address that a server prints as JSON. */
const addressOf = (server: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    server.stdout?.on("data", (text: Buffer) => {
      const found = /"address": ?"([^"]+)"/.exec(text.toString("utf8"))?.[1];
      if (found !== undefined) resolve(found);
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });

interface Load {
  readonly times: number[];
  wrong: number;
  lost: number;
}

/** Each client asks again as soon as it is answered, until `ended`. */
async function load(address: string, flowers: readonly Flower[], ended: () => boolean): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const result: Load = { times: [], wrong: 0, lost: 0 };
  const client = async (start: number): Promise<void> => {
    for (let i = start; !ended(); i++) {
      const { row, wanted } = flowers[i % flowers.length] as Flower;
      const began = performance.now();
      try {
        const { status, text } = await post(address, agent, row);
        result.times.push(performance.now() - began);
        if (status !== 200 || (JSON.parse(text) as Prediction).prediction !== wanted) result.wrong++;
      } catch {
        result.lost++;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => client(7 * i)));
  agent.destroy();
  return result;
}

async function measure(name: string, server: ChildProcess, flowers: readonly Flower[]): Promise<void> {
  const address = await addressOf(server);
  const until = (milliseconds: number): (() => boolean) => {
    const end = performance.now() + milliseconds;
    return () => performance.now() > end;
  };
  await load(address, flowers, until(3000));
  const began = performance.now();
  const { times, wrong, lost } = await load(address, flowers, until(1000 * seconds));
  const taken = (performance.now() - began) / 1000;
  const sorted = Float64Array.from(times).sort();
  const quantile = (share: number): string =>
    (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
  console.log(
    `${name.padEnd(18)} ${(times.length / taken).toFixed(0).padStart(7)} answers/s   p50 ${quantile(0.5)} ms   p99 ${quantile(0.99)} ms   most ${quantile(1)} ms   ${wrong} wrong   ${lost} lost`,
  );
  let ended = false;
  const last = load(address, flowers, () => ended);
  setTimeout(() => server.kill("SIGTERM"), 1000);
  // Clients go on for a moment after the signal, as behind a balancer that has not heard of it.
  setTimeout(() => {
    ended = true;
  }, 1200);
  const stopped = await last;
  console.log(
    `${" ".repeat(18)} SIGTERM under load: ${stopped.times.length} answers, ${stopped.wrong} wrong, ${stopped.lost} lost`,
  );
  if (server.exitCode === null) await new Promise((resolve) => server.once("exit", resolve));
}

const run = join(folder, "flowers");
spawnSync(process.execPath, [...hebb, "train", "iris", "--out", run], { stdio: ["ignore", "ignore", "inherit"] });
const rows = Array.from({ length: 150 }, (_, i) => ({
  sepal_length: 4.5 + (i % 30) / 10,
  sepal_width: 2 + (i % 7) / 3,
  petal_length: 1 + (i % 50) / 10,
  petal_width: (i % 25) / 10,
}));
const loaded = await loadRun(run);
const predictions = await loaded.predict(rows);
const flowers = rows.map((row, i): Flower => ({ row: JSON.stringify(row), wanted: predictions[i]?.prediction ?? "" }));

const { model = "a processor" } = cpus()[0] ?? {};
console.log(
  `${model}, ${cpus().length} cores, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}; ${clients} clients, ${seconds} s`,
);
const stdio: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];
await measure("hebb", spawn(process.execPath, [...hebb, "serve", run, "--port", "0", "--json"], { stdio }), flowers);
if (process.env["HEBB_PEERS"] === undefined)
  console.log("onnxruntime is left out: HEBB_PEERS names no folder with onnxruntime-node");
else {
  const onnx = join(folder, "flowers.onnx");
  await exportTo(run, "onnx", onnx);
  const { target } = loaded.preprocessing.kind === "table" ? loaded.preprocessing : { target: undefined };
  const classes = JSON.stringify(target?.kind === "classes" ? target.classes : []);
  const peer = spawn(process.execPath, [join(root, "bench/peers/ortServe.mjs"), onnx, classes], { stdio });
  await measure("onnxruntime-node", peer, flowers);
}
