// Damages every file of a run. The opened run is the same, or is refused, or falls back to an earlier checkpoint and says so.
import { join } from "node:path";
import { benchFor } from "./run.ts";
import { runScript } from "./script.ts";

/** Damages `count` copies. Returns the number of each outcome; throws at a wrong one. */
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
