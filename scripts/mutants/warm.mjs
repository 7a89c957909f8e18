// One vitest that stays warm: a message names the test files to run, and the answer says whether one failed.   usage: forked by runner.mjs, with a
// folder
import { createVitest } from "vitest/node";

const [, , root] = process.argv;

/** In the order of the requests. */
class AsAsked {
  async sort(files) {
    return files;
  }
  async shard(files) {
    return files;
  }
}

/** Tests finished since the last request, because vitest itself keeps earlier results. */
let ended = [];
const vitest = await createVitest("test", {
  root,
  watch: false,
  bail: 1,
  maxWorkers: 1,
  fileParallelism: false,
  reporters: [{ onTestModuleEnd: (module) => ended.push(module) }],
  silent: true,
  update: false,
  sequence: { sequencer: AsAsked },
});
// Files are matched against the configuration only once.
const specifications = new Map(
  (await vitest.globTestSpecifications()).map((specification) => [specification.moduleId, specification]),
);

process.on("message", async ({ changed, tests }) => {
  ended = [];
  vitest.state.filesMap.clear();
  for (const file of changed) vitest.invalidateFile(file);
  const chosen = tests.map((test) => specifications.get(test));
  const { unhandledErrors } = await vitest.runTestSpecifications(chosen, false);
  const failed = ended.find((module) => module.state() === "failed");
  const cases = failed === undefined ? [] : [...failed.children.allTests("failed")].map(({ fullName }) => fullName);
  process.send({
    failed: failed?.moduleId,
    cases,
    error: unhandledErrors.length > 0 ? String(unhandledErrors[0]) : undefined,
    passed: ended.filter((module) => module.state() === "passed" || module.state() === "skipped").length,
  });
});
process.send("ready");
