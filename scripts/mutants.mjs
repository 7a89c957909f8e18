// Plants one small fault at a time in a copy of the sources and checks whether the tests of its room notice.   usage: --help
import { readdirSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { importersIn, stepsFrom } from "./importers.mjs";
import { equivalent } from "./mutants/equivalent.mjs";
import { differs, mutationsOf } from "./mutants/find.mjs";
import { known } from "./mutants/known.mjs";
import { rooms } from "./mutants/rooms.mjs";
import { Runner } from "./mutants/runner.mjs";

const { values: options } = parseArgs({
  options: {
    rooms: { type: "string", default: Object.keys(rooms).join() },
    sample: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    seconds: { type: "string" },
    jobs: { type: "string", default: String(Math.max(1, Math.floor(availableParallelism() / 2))) },
    list: { type: "boolean", default: false },
    known: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(`npm run mutants -- [options]
  --rooms ${Object.keys(rooms).join()}   which rooms (all)
  --sample 10      faults in each
  --seed 1         which of all possible ones
  --only TEXT      files whose path contains this
  --seconds S      after which a run counts as noticed, since it does not end (20 s and four times the tests without a fault)
  --jobs N         faults at once (half of the cores)
  --list           the faults, without running tests
  --known          the faults of scripts/mutants/known.mjs instead, each with the test that must notice it`);
  process.exit(0);
}

const root = fileURLToPath(new URL("..", import.meta.url));
/** The sources as of the start, because they may be edited meanwhile. */
const texts = new Map();
function textOf(file) {
  if (!texts.has(file)) texts.set(file, readFileSync(join(root, file), "utf8"));
  return texts.get(file);
}

/** Numbers in [0, 1) from the seed (mulberry32). */
function draws(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const filesIn = (paths, ending) =>
  paths.flatMap((path) =>
    statSync(join(root, path)).isDirectory()
      ? readdirSync(join(root, path), { recursive: true })
          .map((name) => join(path, name))
          .filter(ending)
          .sort()
      : [path],
  );
const isTest = (name) => name.endsWith(".test.ts");
const isSource = (name) => name.endsWith(".ts") && !isTest(name);

/** The requested number of faults of a room; those that leave the compiled code unchanged do not count. */
async function sampled(room) {
  const files = filesIn(rooms[room].files, isSource).filter((file) => file.includes(options.only ?? ""));
  const draw = draws(Number(options.seed));
  const all = files
    .flatMap((file) => mutationsOf(textOf(file)).map((mutation) => ({ room, file, ...mutation, key: draw() })))
    .sort((a, b) => a.key - b.key);
  const chosen = [];
  for (const mutation of all) {
    if (chosen.length >= Number(options.sample)) break;
    if (await differs(textOf(mutation.file), mutation)) chosen.push(mutation);
  }
  return chosen;
}

function knownFaults() {
  return known.map(({ what, file, from, to, tests }) => {
    const text = textOf(file);
    const start = text.indexOf(from);
    if (start < 0 || text.includes(from, start + 1)) throw new Error(`${file} must hold ${JSON.stringify(from)} once`);
    return {
      room: what,
      file,
      tests,
      line: text.slice(0, start).split("\n").length,
      start,
      end: start + from.length,
      from,
      to,
    };
  });
}

const lineOf = ({ file, line }) => textOf(file).split("\n")[line - 1].trim();
const reasonFor = (fault) =>
  equivalent.find(
    ({ file, line, from, to }) =>
      file === fault.file && line === lineOf(fault) && from === fault.from.trim() && to === fault.to.trim(),
  )?.why;
const short = (text) => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
const shown = ({ file, line, from, to }) =>
  `${file}:${line}  ${JSON.stringify(short(from.trim()))} → ${to === "" ? "nothing" : JSON.stringify(short(to.trim()))}`;

const asked = options.rooms.split(",");
const absent = asked.find((room) => rooms[room] === undefined);
if (absent !== undefined) throw new Error(`no room "${absent}"; there are ${Object.keys(rooms).join(", ")}`);
const faults = options.known ? knownFaults() : (await Promise.all(asked.map(sampled))).flat();
if (options.list) {
  for (const fault of faults) console.log(`${shown(fault)}\n    ${lineOf(fault)}`);
  process.exit(0);
}

process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
const runners = Array.from({ length: Number(options.jobs) }, () => new Runner(root));
const started = performance.now();

/** The tests of each room, and their time without a fault. */
const testsOf = new Map();
const secondsOf = new Map();
for (const { room, tests } of faults)
  if (!testsOf.has(room)) testsOf.set(room, filesIn(tests ?? rooms[room].tests, isTest));
const every = [...new Set([...testsOf.values()].flat())];
const importers = await importersIn(root, every);
/** Calls `work` for every item, with one call per runner at a time. */
async function inTurn(items, work) {
  const queue = [...items];
  const next = async (runner) => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(runner, item);
  };
  await Promise.all(runners.map(next));
}
await inTurn(every, async (runner, test) => {
  const before = performance.now();
  const { outcome, by } = await runner.run([test], undefined, 600);
  if (outcome !== "survived") throw new Error(`${test} fails without any fault: ${by}`);
  secondsOf.set(test, (performance.now() - before) / 1000);
});

/** The tests of the room that import the changed file: near and short ones first. */
function testsFor({ room, file }) {
  const steps = stepsFrom(importers, [file]);
  const cost = (test) => secondsOf.get(test) * (1 + steps.get(test) / 10);
  return testsOf
    .get(room)
    .filter((test) => steps.has(test))
    .sort((a, b) => cost(a) - cost(b));
}

const counts = new Map([...testsOf.keys()].map((room) => [room, { noticed: 0, planted: 0, equivalent: 0 }]));
let done = 0;
await inTurn(faults, async (runner, fault) => {
  const count = counts.get(fault.room);
  const why = reasonFor(fault);
  const tests = testsFor(fault);
  let result = { outcome: "equivalent", by: why };
  if (why === undefined) {
    const usual = tests.reduce((sum, test) => sum + secondsOf.get(test), 0);
    result =
      tests.length === 0
        ? { outcome: "survived", by: "no test of the room imports it" }
        : await runner.run(tests, fault, Number(options.seconds ?? 20 + 4 * usual));
    if (result.outcome !== "survived") count.noticed++;
  } else count.equivalent++;
  count.planted++;
  done++;
  const left = ((performance.now() - started) / done / 60_000) * (faults.length - done);
  console.log(`${result.outcome.padEnd(13)} ${shown(fault)}   [${done}/${faults.length}, ${left.toFixed(0)} min left]`);
  console.log(`              ${result.outcome === "survived" ? lineOf(fault) : result.by}`);
});

const share = ({ noticed, planted, equivalent: same }) =>
  `${noticed} of ${planted - same} noticed, ${((100 * noticed) / (planted - same)).toFixed(0)} %; ${same} more change nothing`;
for (const [room, count] of counts) console.log(`${room.padEnd(11)} ${share(count)}`);
const sum = (key) => [...counts.values()].reduce((total, count) => total + count[key], 0);
const total = { noticed: sum("noticed"), planted: sum("planted"), equivalent: sum("equivalent") };
console.log(`${"all".padEnd(11)} ${share(total)}; ${options.known ? "the known faults" : `seed ${options.seed}`}`);
process.exit(0);
