// npm test: the tests that changes since the last commit can affect, nearest first, as many as fit into two minutes. All of them in CI, by `npm cit`
// and by --all.
// usage: node scripts/test.mjs [--all] [--since COMMIT] [files and options of vitest]
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { importersIn, stepsFrom } from "./importers.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
const secondsAllowed = 110;
const workers = Math.min(2, availableParallelism());
/** Seconds of a test file that test/durations.json does not list: it lists those of five and more. */
const short = 2;
/** Tests that start a program or read a file instead of importing it. */
const started = [
  { changed: /^studio\//, tests: /^test\/studio\// },
  { changed: /^src\/(cli|run)\//, tests: /^test\/e2e\// },
  { changed: /^examples\//, tests: /^test\/examples\.test/ },
  { changed: /\.md$/, tests: /^test\/docs\.test/ },
];

const args = process.argv.slice(2);
const take = (flag, values) => {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args.splice(at, 1 + values);
};
const all = take("--all", 0) !== undefined;
const [, since = "HEAD"] = take("--since", 1) ?? [];
const asked = args.some((arg) => !arg.startsWith("-"));
const everything = all || process.env.CI !== undefined || process.env.npm_command === "install-ci-test";
if (everything || asked) run(args);

const git = (...command) =>
  execFileSync("git", command, { encoding: "utf8" })
    .split("\n")
    .filter((line) => line !== "");
const changed = [...git("diff", "--name-only", since), ...git("ls-files", "--others", "--exclude-standard")];
const tests = git("ls-files", "--cached", "--others", "--exclude-standard", "*.test.ts");
const steps =
  changed.length === 0
    ? new Map(tests.map((file) => [file, 0]))
    : stepsFrom(await importersIn(root, tests), changed, (file) => (changed.includes(file) ? unimported(file) : []));
const durations = JSON.parse(readFileSync("test/durations.json", "utf8"));
const near = tests
  .flatMap((file) => {
    const distance = steps.get(file);
    return distance === undefined ? [] : [{ file, distance, seconds: (durations[file] ?? short) / workers }];
  })
  .sort((a, b) => a.distance - b.distance || a.seconds - b.seconds);
const chosen = [];
let seconds = 0;
for (const test of near) {
  if (chosen.length > 0 && seconds + test.seconds > secondsAllowed) continue;
  seconds += test.seconds;
  chosen.push(test.file);
}
const files = (count) => `${count} test file${count === 1 ? "" : "s"}`;
const rest = near.length > chosen.length ? `; the other ${near.length - chosen.length}: npm test -- --all` : "";
console.log(
  changed.length === 0
    ? `Nothing has changed since ${since}: the ${files(chosen.length)} that take least, about ${seconds.toFixed(0)} s${rest}`
    : `${changed.length} changed: ${files(near.length)} can see it; the nearest ${chosen.length} run, about ${seconds.toFixed(0)} s${rest}`,
);
if (chosen.length > 0) run([...chosen, ...args]);

/** The tests next to a source, and those that start or read it. */
function unimported(file) {
  const beside = tests.filter((test) => dirname(test) === dirname(file));
  const bySource = started
    .filter((rule) => rule.changed.test(file))
    .flatMap((rule) => tests.filter((test) => rule.tests.test(test)));
  return [...beside, ...bySource];
}

function run(list) {
  const { status, signal } = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...list], {
    stdio: "inherit",
    env: { ...process.env, HEBB_TEST_BUILT: "1" },
  });
  process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}
