// The full attack on hebb studio: the command in a separate process, next to files that it must not serve.
// usage: node --import tsx test/server/full.ts [requests, default 10000] [seed]
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removeFolder } from "../suite/removeFolder.ts";
import { checkAlive, hugeRequests, manyAtOnce, randomRequests, slowRequests, type Target } from "./attack.ts";

const [count = 10_000, seed = Date.now() % 1e6] = process.argv.slice(2).map(Number);
const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hebb-attack-"));
writeFileSync(join(folder, "secret.txt"), "a secret");
writeFileSync(join(folder, "data.csv"), "a,b\n1,x\n2,y\n");
symlinkSync("/etc/passwd", join(folder, "link"));

const child = spawn(
  process.execPath,
  [join(root, "scripts/run.mjs"), join(root, "src/cli/main.ts"), "studio", "data.csv", "--json", "--no-open"],
  { cwd: folder, stdio: ["ignore", "pipe", "inherit"] },
);
let ended: number | NodeJS.Signals | null | undefined;
child.on("exit", (code, signal) => {
  ended = code ?? signal;
});

/** The resident memory of the process in bytes, on Linux. */
function resident(): number {
  try {
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? Number.NaN);
  } catch {
    return Number.NaN;
  }
}

try {
  const address = await new Promise<string>((resolve) =>
    child.stdout.once("data", (text: Buffer) => resolve((JSON.parse(text.toString()) as { address: string }).address)),
  );
  const { port } = new URL(address);
  const files = new Map<string, Uint8Array>();
  const page = await (await fetch(address)).text();
  for (const name of [
    "index.html",
    "studio.js",
    "studio.css",
    "worker.js",
    "table.csv",
    ...(page.match(/part-\w+\.js/g) ?? []),
  ])
    files.set(name, Buffer.from(await (await fetch(new URL(name, address))).arrayBuffer()));
  const target: Target = { port: Number(port), files };
  const before = resident();
  const say = (what: string): void =>
    console.log(`${what}; alive, ${((resident() - before) / 2 ** 20).toFixed(0)} MiB more than at first`);

  const statuses = await randomRequests(target, count, seed);
  const told = [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, times]) => `${status === 0 ? "closed" : status}: ${times}`);
  say(`${count} random requests of seed ${seed} (${told.join(", ")})`);
  await hugeRequests(target, 2 ** 30);
  say("headers of 1 MiB, bodies of 1 GiB");
  await manyAtOnce(target, 1000);
  say("1000 connections at once that read nothing");
  await slowRequests(target, 200, 10_000);
  say("200 slow requests, all closed");
  await checkAlive(target, [...files.keys()]);
  if (ended !== undefined) throw new Error(`the server ended with ${ended}`);
  console.log("nothing was given away");
} finally {
  child.kill();
  removeFolder(folder);
}
