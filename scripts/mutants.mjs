// Plants one small fault at a time in a copy of the sources and says whether the tests of its room notice.   usage: --help
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mutationsOf } from "./mutants/find.mjs";
import { rooms } from "./mutants/rooms.mjs";

const { values: options } = parseArgs({
  options: {
    rooms: { type: "string", default: Object.keys(rooms).join() },
    sample: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    seconds: { type: "string" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(`npm run mutants -- [options]
  --rooms ${Object.keys(rooms).join()}   which rooms (all)
  --sample 10      faults in each
  --seed 1         which of all possible ones
  --only TEXT      files whose path contains this
  --seconds S      after which a run counts as noticed, since it does not end (five times the tests without a fault)
  --list           the faults, without running tests`);
  process.exit(0);
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** Numbers in [0, 1) that follow from the seed (mulberry32). */
function draws(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sourcesIn = (path) =>
  statSync(join(root, path)).isDirectory()
    ? readdirSync(join(root, path), { recursive: true })
        .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
        .map((name) => join(path, name))
        .sort()
    : [path];

function sampled(room) {
  const files = rooms[room].files.flatMap(sourcesIn).filter((file) => file.includes(options.only ?? ""));
  const all = files.flatMap((file) =>
    mutationsOf(readFileSync(join(root, file), "utf8")).map((mutation) => ({ room, file, ...mutation })),
  );
  const draw = draws(Number(options.seed));
  const chosen = all.map((mutation) => ({ mutation, key: draw() })).sort((a, b) => a.key - b.key);
  return chosen.slice(0, Number(options.sample)).map(({ mutation }) => mutation);
}

const shown = ({ file, line, from, to }) =>
  `${file}:${line}  ${JSON.stringify(from.trim())} → ${to === "" ? "nothing" : JSON.stringify(to.trim())}`;

const chosen = options.rooms.split(",").flatMap((room) => {
  if (rooms[room] === undefined) throw new Error(`no room "${room}"; there are ${Object.keys(rooms).join(", ")}`);
  return sampled(room);
});
if (options.list) {
  for (const mutation of chosen) console.log(shown(mutation));
  process.exit(0);
}

const copy = mkdtempSync(join(tmpdir(), "hebb-mutants-"));
process.on("exit", () => rmSync(copy, { recursive: true, maxRetries: 20, force: true }));
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
for (const name of ["src", "test", "scripts", "docs", "package.json", "tsconfig.json", "vitest.config.ts"])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

/** "killed" where a test fails, "killed (time)" where none ends, else "survived". */
function outcomeOf(tests, seconds) {
  return new Promise((resolve) => {
    const args = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--bail", "1", "--reporter", "dot", ...tests];
    const child = spawn(process.execPath, args, { cwd: copy, stdio: "ignore", detached: true });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid, "SIGKILL");
    }, 1000 * seconds);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve(late ? "killed (time)" : code === 0 ? "survived" : "killed");
    });
  });
}

const started = performance.now();
const scores = new Map();
let done = 0;
for (const room of new Set(chosen.map(({ room: name }) => name))) {
  const { tests } = rooms[room];
  const before = performance.now();
  if ((await outcomeOf(tests, 600)) !== "survived")
    throw new Error(`${room}: its tests fail without any fault: ${tests}`);
  const seconds = Number(options.seconds ?? Math.max(60, (5 * (performance.now() - before)) / 1000));
  for (const mutation of chosen.filter((other) => other.room === room)) {
    const path = join(copy, mutation.file);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.slice(0, mutation.start) + mutation.to + text.slice(mutation.end));
    const outcome = await outcomeOf(tests, seconds);
    writeFileSync(path, text);
    done++;
    const score = scores.get(room) ?? { killed: 0, all: 0 };
    scores.set(room, { killed: score.killed + (outcome === "survived" ? 0 : 1), all: score.all + 1 });
    const left = ((performance.now() - started) / done / 60_000) * (chosen.length - done);
    console.log(`${outcome.padEnd(13)} ${shown(mutation)}   [${done}/${chosen.length}, ${left.toFixed(0)} min left]`);
  }
}
const share = ({ killed, all }) => `${killed} of ${all} noticed, ${((100 * killed) / all).toFixed(0)} %`;
for (const [room, score] of scores) console.log(`${room.padEnd(10)} ${share(score)}`);
const totals = [...scores.values()];
const total = { killed: totals.reduce((sum, { killed }) => sum + killed, 0), all: done };
console.log(`${"all".padEnd(10)} ${share(total)}, seed ${options.seed}, from ${relative(process.cwd(), root) || "."}`);
