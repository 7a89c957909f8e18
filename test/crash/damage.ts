// Damage to every file of a run: what is opened is the same, or refused, or falls back and says so.
import { join } from "node:path";
import { benchFor } from "./run.ts";
import { runScript } from "./script.ts";

/** Damages so many copies. Returns how many came to which end; throws where one came to a wrong one. */
export async function damageEverything(
  count: number,
  seed: number,
  say: (text: string) => void = () => {},
): Promise<ReadonlyMap<string, number>> {
  const { folder, script, remove } = await benchFor("damaged.ts");
  const outcomes = new Map<string, number>();
  try {
    await runScript(script, [join(folder, "runs"), String(count), String(seed)], {}, (line) => {
      const { round, outcomes: told } = JSON.parse(line) as { round?: number; outcomes?: [string, number][] };
      if (round !== undefined) say(`${round} damaged`);
      for (const [outcome, times] of told ?? []) outcomes.set(outcome, times);
    });
    return outcomes;
  } finally {
    remove();
  }
}
