// hebb serve against onnxruntime behind the same server: answers a second and the latency of clients; then hebb alone among hostile
// bodies and connections; then SIGTERM under load. Every answer is compared with the run's prediction.
// usage: node --import tsx bench/serve.ts [clients=1000] [seconds=60]; onnxruntime-node from the folder in HEBB_PEERS, if any
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";
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
  readonly wanted: Prediction;
}

/** The outcome of a request: an answer, or the error that ended it. A connection that was new when it ended may never have been accepted. */
type Outcome = { readonly status: number; readonly text: string } | { readonly error: string; readonly isNew: boolean };

function post(address: string, agent: Agent, body: string | Buffer): Promise<Outcome> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json" };
    const failed = (error: Error, isNew: boolean): void =>
      resolve({ error: "code" in error ? String(error.code) : error.message, isNew });
    const sent = request(`${address}/predict`, { method: "POST", agent, headers }, (got) => {
      let text = "";
      got.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      got.on("end", () => resolve({ status: got.statusCode ?? 0, text }));
      got.on("error", (error) => failed(error, false));
    });
    sent.on("error", (error) => failed(error, !sent.reusedSocket));
    sent.end(body);
  });
}

/** Invalid bodies, each with its expected status. */
const hostile: readonly (readonly [string | Buffer, number])[] = [
  ["", 400],
  ["[1", 400],
  ["null", 400],
  ["[[1, 2]]", 400],
  [`${"[".repeat(5000)}${"]".repeat(5000)}`, 400],
  ['{"__proto__": {"x": 1}}', 400],
  ["{}", 400],
  ['{"sepal_width": 2}', 400],
  ['[{"sepal_length": {"toString": 1}}]', 400],
  [Buffer.from([0xff, 0xfe, 0x00, 0x80]), 400],
  [JSON.stringify(Array.from({ length: 4097 }, () => ({}))), 413],
];

/** Connections that never finish a request. */
const broken: readonly string[] = [
  "GARBAGE\r\n\r\n",
  "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n[{",
  `GET /health HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
  "POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
];

async function breakConnections(address: string, ended: () => boolean): Promise<number> {
  const { hostname, port } = new URL(address);
  let made = 0;
  for (; !ended(); made++) {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.resume();
    socket.write(broken[made % broken.length] ?? "");
    await new Promise((resolve) => setTimeout(resolve, 5));
    socket.destroy();
  }
  return made;
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
  /** Answers other than the run's, and hostile bodies with another status than expected. */
  wrong: number;
  /** Requests without an answer on accepted connections. */
  lost: number;
  /** New connections that the server no longer accepted. */
  refused: number;
  hostile: number;
  readonly examples: string[];
}

function isRight(text: string, wanted: Prediction): boolean {
  const got: Prediction = JSON.parse(text);
  // Sums over different numbers of rows may round differently: a few units of float32.
  const near = ([name, share]: [string, number]): boolean =>
    Math.abs((got.probabilities?.[name] ?? Number.NaN) - share) < 2 ** -20;
  return got.prediction === wanted.prediction && Object.entries(wanted.probabilities ?? {}).every(near);
}

/** Each client sends its next request after the answer, until `ended`; one request in `among` is hostile. */
async function load(
  address: string,
  flowers: readonly Flower[],
  ended: () => boolean,
  among = Number.POSITIVE_INFINITY,
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const result: Load = { times: [], wrong: 0, lost: 0, refused: 0, hostile: 0, examples: [] };
  const note = (what: string): void => {
    if (result.examples.length < 3) result.examples.push(what.slice(0, 200));
  };
  const client = async (start: number): Promise<void> => {
    for (let i = start; !ended(); i++) {
      const { row, wanted } = flowers[i % flowers.length] as Flower;
      const bad = i % among === among - 1 ? hostile[Math.floor(i / among) % hostile.length] : undefined;
      const began = performance.now();
      const outcome = await post(address, agent, bad?.[0] ?? row);
      if ("error" in outcome) {
        if (outcome.isNew && /ECONNREFUSED|ECONNRESET|EPIPE/.test(outcome.error)) result.refused++;
        else {
          result.lost++;
          note(outcome.error);
        }
      } else if (bad !== undefined) {
        result.hostile++;
        if (outcome.status === bad[1]) continue;
        result.wrong++;
        note(`${outcome.status} for ${String(bad[0]).slice(0, 40)}`);
      } else {
        result.times.push(performance.now() - began);
        if (outcome.status === 200 && isRight(outcome.text, wanted)) continue;
        result.wrong++;
        note(`${outcome.status} ${outcome.text}`);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => client(7 * i)));
  agent.destroy();
  return result;
}

const counts = ({ wrong, lost, refused, examples }: Load): string =>
  `${wrong} wrong   ${lost} lost${refused === 0 ? "" : `   ${refused} not accepted`}${examples.map((each) => `\n    ${each}`).join("")}`;

function timesOf({ times }: Load, taken: number): string {
  const sorted = Float64Array.from(times).sort();
  const quantile = (share: number): string =>
    (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
  return `${(times.length / taken).toFixed(0).padStart(7)} answers/s   p50 ${quantile(0.5)} ms   p99 ${quantile(0.99)} ms   most ${quantile(1)} ms`;
}

/** In a second measurement one request in `among` to this server is hostile. */
async function measure(name: string, server: ChildProcess, flowers: readonly Flower[], among?: number): Promise<void> {
  const address = await addressOf(server);
  const until = (milliseconds: number): (() => boolean) => {
    const end = performance.now() + milliseconds;
    return () => performance.now() > end;
  };
  await load(address, flowers, until(3000));
  const under = async (title: string, one?: number): Promise<void> => {
    const began = performance.now();
    const ended = until(1000 * seconds);
    const [found, made] = await Promise.all([
      load(address, flowers, ended, one),
      one === undefined ? 0 : breakConnections(address, ended),
    ]);
    const taken = (performance.now() - began) / 1000;
    const attack = one === undefined ? "" : `   ${found.hostile} hostile bodies, ${made} broken connections`;
    console.log(`${title.padEnd(18)} ${timesOf(found, taken)}   ${counts(found)}${attack}`);
  };
  await under(name);
  if (among !== undefined) await under("  under attack", among);
  let exited = false;
  server.once("exit", () => {
    exited = true;
  });
  const last = load(address, flowers, () => exited, among);
  setTimeout(() => server.kill("SIGTERM"), 1000);
  const stopped = await last;
  console.log(`${" ".repeat(18)} SIGTERM under load: ${stopped.times.length} answers   ${counts(stopped)}`);
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
const flowers = rows.map(
  (row, i): Flower => ({ row: JSON.stringify(row), wanted: predictions[i] ?? { prediction: "" } }),
);

const { model = "a processor" } = cpus()[0] ?? {};
console.log(
  `${model}, ${cpus().length} cores, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}; ${clients} clients, ${seconds} s`,
);
const stdio: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];
await measure(
  "hebb",
  spawn(process.execPath, [...hebb, "serve", run, "--port", "0", "--json"], { stdio }),
  flowers,
  20,
);
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
