// A process whose disk fails: it trains and resumes a run, while one system call after another fails in each way.
// usage, with the shim preloaded: faulty.ts FOLDER how-many-calls-of-each-kind
import { closeSync, cpSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { resume, train } from "../../src/cli/commands/train.ts";
import { isLockName } from "../../src/formats/lock.ts";
import { hasModel, loadLatestCheckpoint, loadModel, openRun, readConfig, readEvents } from "../../src/formats/node.ts";
import { HebbError } from "../../src/graph/errors.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { checkSame, hasConfig, outcomeOf, training } from "./run.ts";

/** How calls fail: the n-th alone, or all from the n-th on. */
const modes = ["ENOSPC/once", "ENOSPC/on", "EIO/once", "EIO/on", "EROFS/on", "SHORT/once", "SHORT/on"] as const;

const [base = "", wanted = "1e9"] = process.argv.slice(2);
const run = join(base, "run");
const paused = join(base, "paused");
const manner = { json: true, saveEvery: 0 };
const small = { ...training, epochs: 3, batchSize: 32 } as const;

function command(text: string): number | undefined {
  try {
    return openSync(`/fault/${text}`, "r");
  } catch {
    return undefined;
  }
}

/** Switches failures off; returns the number of calls so far. */
function off(): number {
  const counted = command("off");
  if (counted === undefined) throw new Error("the shim is not preloaded");
  const { size } = fstatSync(counted);
  closeSync(counted);
  return size;
}

let said = "";
const told = process.stdout.write.bind(process.stdout);
for (const stream of [process.stdout, process.stderr])
  stream.write = (text: string | Uint8Array): boolean => {
    said += String(text);
    return true;
  };
const report = (value: object): void => {
  writeSync(3, `${JSON.stringify(value)}\n`);
};

/** Trains in the folder, or resumes there. Returns the exit code, or the message of the failure. */
async function work(): Promise<number | string> {
  const { data, ...options } = small;
  try {
    return await (hasConfig(run) ? resume(run, manner) : train(data, { ...options, ...manner, out: run }));
  } catch (error) {
    // Anything else would be reported with a stack trace.
    if (error instanceof HebbError) return error.message;
    throw new Error(`not a sentence: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

const startAnew = (): void => {
  removeFolder(run);
};
const goOn = (): void => {
  startAnew();
  cpSync(paused, run, { recursive: true });
};

/** What another process would find after this one has ended. */
function checkKept(before: number): void {
  for (const name of readdirSync(base).includes("run") ? readdirSync(run) : [])
    if (isLockName(name)) rmSync(join(run, name));
  if (!hasConfig(run)) {
    if (before > 0) throw new Error("the configuration is gone");
    return;
  }
  const opened = openRun(run);
  readConfig(opened);
  if (hasModel(opened)) loadModel(opened);
  const checkpoint = loadLatestCheckpoint(opened);
  const warnings = [...(checkpoint?.warnings ?? []), ...readEvents(opened).warnings];
  if (warnings.length > 0) throw new Error(`after the failure: ${warnings.join("; ")}`);
  const saved = before + said.split('{"type":"checkpoint"').length - 1;
  if ((checkpoint?.sequence ?? 0) < saved)
    throw new Error(`${saved} checkpoints were told of as saved, the last one there is ${checkpoint?.sequence}`);
}

command(`FOLDER-IS${base}`);
mkdirSync(base, { recursive: true });
if ((await work()) !== 0) throw new Error("the run cannot even be trained without failures");
const expected = outcomeOf(run);
startAnew();
const { data, ...options } = small;
await train(data, { ...options, ...manner, pauseAfter: 1, out: paused });
const before = loadLatestCheckpoint(openRun(paused))?.sequence ?? 0;

for (const mode of modes) {
  for (const [prepare, kept] of [
    [startAnew, 0],
    [goOn, before],
  ] as const) {
    prepare();
    command(`${mode}/-1`);
    await work();
    const calls = off();
    const step = Math.max(1, Math.ceil(calls / Number(wanted)));
    // Different calls in each mode, where only some are tried.
    const first = step === 1 ? 0 : modes.indexOf(mode) % step;
    let [tried, ended, wentOn] = [0, 0, 0];
    for (let call = first; call < calls; call += step) {
      prepare();
      said = "";
      command(`${mode}/${call}`);
      let outcome: number | string;
      try {
        outcome = await work();
      } finally {
        off();
      }
      const what = `${mode}, call ${call} of ${calls}, ${kept > 0 ? "going on" : "from the start"}: ${outcome}`;
      try {
        if (outcome === 0) wentOn++;
        else ended++;
        if (mode.startsWith("SHORT") && outcome !== 0) throw new Error("short reads and writes are not failures");
        checkKept(kept);
        // A failed log has reported it, and may lack the events that it could not write.
        const logged = !said.includes('{"type":"warning"');
        if (outcome === 0 && logged) checkSame(outcomeOf(run), expected, "at once");
        const again = await work();
        if (again !== 0) throw new Error(`going on afterwards: ${again}`);
        const now = outcomeOf(run);
        checkSame(logged ? now : { ...expected, model: now.model }, expected, "afterwards");
      } catch (error) {
        throw new Error(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n${said}`);
      }
      tried++;
    }
    report({ mode: `${mode}, ${kept > 0 ? "going on" : "from the start"}`, calls, tried, ended, wentOn });
  }
}
told("");
