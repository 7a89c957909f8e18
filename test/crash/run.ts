// The run of the crash tests: a small one whose every bit is known, and what must not depend on how often it is interrupted.
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openRun, readEvents } from "../../src/formats/node.ts";
import { bundleInto } from "../suite/bundle.ts";
import { removeFolder } from "../suite/removeFolder.ts";

/** Options of `train`, in a separate process or in this one. */
export const training = {
  data: "moons",
  hidden: [24, 24],
  dropout: 0.2,
  batchSize: 4,
  epochs: 8,
  optimizer: "adamw",
  schedule: "cosine",
  seed: 3,
} as const;

/** Everything about a run that does not depend on the clock. */
export interface Outcome {
  readonly model: string;
  readonly events: string;
  readonly table: string;
}

/** Kinds of events that report when something was done, not what. */
const ofTheClock = new Set(["checkpoint", "interrupted"]);

export function outcomeOf(folder: string): Outcome {
  let started = false;
  const events = readEvents(openRun(folder)).events.flatMap((event): string[] => {
    const { type, seconds: _, run: __, ...rest } = event;
    if (typeof type !== "string" || ofTheClock.has(type)) return [];
    // A resumed run reports its start again.
    if (type === "start") {
      if (started) return [];
      started = true;
      return [type];
    }
    return [JSON.stringify({ type, ...rest })];
  });
  const table = readFileSync(join(folder, "epochs.csv"), "utf8").replace(/^((?:[^,\n]*,){3})[\d.]+,/gm, "$1");
  return { model: readFileSync(join(folder, "model.safetensors"), "base64"), events: events.join("\n"), table };
}

/** Throws if an outcome is not the expected one. */
export function checkSame(outcome: Outcome, expected: Outcome, what: string): void {
  for (const part of ["model", "events", "table"] as const)
    if (outcome[part] !== expected[part])
      throw new Error(
        `${what}: the ${part} differs\n${part === "model" ? "" : `${outcome[part]}\ninstead of\n${expected[part]}`}`,
      );
}

export interface Bench {
  readonly folder: string;
  /** The bundled script. */
  readonly script: string;
  remove(): void;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A temporary folder with a script of this folder bundled, so that its processes start quickly. */
export async function benchFor(entry: string): Promise<Bench> {
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "hebb-crash-"));
  await bundleInto(folder, { script: join(root, "test/crash", entry) });
  return {
    folder,
    script: join(folder, "script.mjs"),
    remove: () => removeFolder(folder),
  };
}

export const hasConfig = (folder: string): boolean => existsSync(join(folder, "config.json"));
