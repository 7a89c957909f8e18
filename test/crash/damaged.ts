// A process that opens damaged copies of a run: flipped bits, truncated files and missing pieces, in every file.
// usage: damaged.ts FOLDER how-many seed
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { resume, train } from "../../src/cli/commands/train.ts";
import { Random } from "../../src/data/index.ts";
import { loadLatestCheckpoint, openRun } from "../../src/formats/node.ts";
import { HebbError } from "../../src/graph/errors.ts";
import { loadRun } from "../../src/run/loadRun.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { checkSame, outcomeOf, training } from "./run.ts";

const [base = "", count = "2000", seed = "1"] = process.argv.slice(2);
const copy = join(base, "copy");
const [paused, finished] = [join(base, "paused"), join(base, "finished")];
const manner = { json: true, saveEvery: 0 } as const;

let said = "";
for (const stream of [process.stdout, process.stderr])
  stream.write = (text: string | Uint8Array): boolean => {
    said += String(text);
    return true;
  };

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();

/** The bytes with one bit flipped, the end cut off, or a piece cut out. */
function damage(bytes: Buffer, random: Random): { readonly bytes: Buffer; readonly how: string } {
  const [place, kind] = [random.integer(Math.max(1, bytes.length)), random.integer(4)];
  if (bytes.length === 0) return { bytes: Buffer.from("x"), how: "a byte added" };
  if (kind === 0) return { bytes: bytes.subarray(0, place), how: `cut off at ${place} of ${bytes.length}` };
  if (kind === 1) {
    const end = Math.min(bytes.length, place + 1 + random.integer(200));
    return { bytes: Buffer.concat([bytes.subarray(0, place), bytes.subarray(end)]), how: `${place} to ${end} cut out` };
  }
  const copied = Buffer.from(bytes);
  const bit = random.integer(8);
  copied[place] = (copied[place] ?? 0) ^ (1 << bit);
  return { bytes: copied, how: `bit ${bit} of byte ${place} flipped` };
}

/** The outcome, or the message that refused the run. */
async function attempt<T>(work: () => Promise<T>): Promise<T | HebbError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HebbError) return error;
    throw error;
  }
}

mkdirSync(base, { recursive: true });
const { data, ...options } = { ...training, epochs: 4, batchSize: 32 };
await train(data, { ...options, ...manner, pauseAfter: 2, out: paused });
cpSync(paused, finished, { recursive: true });
await resume(finished, manner);
const expected = outcomeOf(finished);
const rows = Array.from({ length: 5 }, (_, k) => ({ x: k / 4, y: 1 - k / 2 }));
const predicted = JSON.stringify(await (await loadRun(finished)).predict(rows));
const last = loadLatestCheckpoint(openRun(paused))?.sequence;

const outcomes = new Map<string, number>();
const tell = (outcome: string): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);

/** A finished run predicts the same, or is refused. */
async function checkPredictions(): Promise<void> {
  const answers = await attempt(async () => JSON.stringify(await (await loadRun(copy)).predict(rows)));
  if (answers instanceof HebbError) return tell("refused to predict");
  if (answers !== predicted) throw new Error(`it predicts ${answers} instead of ${predicted}`);
  tell("predicted the same");
}

/** A resumed run ends with the same bits, or is refused. It says so when it starts from an earlier checkpoint, or when its log is incomplete. */
async function checkResumed(): Promise<void> {
  const newest = await attempt(async () => loadLatestCheckpoint(openRun(copy))?.sequence);
  const code = await attempt(() => resume(copy, manner));
  if (code instanceof HebbError) return tell("refused to go on");
  if (code !== 0) throw new Error(`going on ended with ${code}`);
  const warned = said.includes("warning");
  if (newest !== last && !warned) throw new Error(`checkpoint ${String(newest)} was taken for ${last} without a word`);
  const now = outcomeOf(copy);
  checkSame(warned ? { ...expected, model: now.model } : now, expected, "gone on");
  tell(warned ? "fell back or left something out, and said so" : "went on to the same bits");
}

const random = new Random(Number(seed));
for (let round = 0; round < Number(count); round++) {
  const whole = round % 3 === 0;
  const from = whole ? finished : paused;
  removeFolder(copy);
  cpSync(from, copy, { recursive: true });
  const files = filesIn(copy);
  const name = files[random.integer(files.length)] ?? "";
  const { bytes, how } = damage(readFileSync(join(copy, name)), random);
  writeFileSync(join(copy, name), bytes);
  said = "";
  try {
    await (whole ? checkPredictions() : checkResumed());
  } catch (error) {
    throw new Error(
      `seed ${seed}, round ${round}, ${name}, ${how}: ${error instanceof Error ? error.stack : String(error)}\n${said}`,
    );
  }
  if (round % 50 === 49) writeSync(3, `${JSON.stringify({ round: round + 1 })}\n`);
}
writeSync(3, `${JSON.stringify({ outcomes: [...outcomes] })}\n`);
