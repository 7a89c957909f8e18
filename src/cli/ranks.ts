// The ranks of one command: they join if mpirun or srun started them, and all end when one fails.
import type { World } from "../distributed/index.ts";
import { HebbError } from "../graph/errors.ts";
import { gatherTexts } from "../runtime/index.ts";

let world: World | undefined;
/** The rank of this process according to its launcher, before it has joined. */
let launched = 0;

/** Milliseconds that a rank leaves lower ranks to report a common failure: for each, and the maximum in total. */
const turn = 1500;
const mostTurns = 6000;

/** Joins the other ranks, if there are any; undefined: this process is the only one. */
export async function joinRanks(distributed: "mpi" | undefined): Promise<World | undefined> {
  const { init, launchIn } = await import("../distributed/index.ts");
  const launch = launchIn();
  if (distributed === undefined && (launch === undefined || launch.size === 1)) return undefined;
  launched = launch?.rank ?? 0;
  world = init();
  return world;
}

/** Called before a failure is reported: of several ranks with the same failure, the first reports it and ends the others. */
export function waitForTurn(): void {
  const before = world?.before ?? launched;
  if (before > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(turn * before, mostTurns));
}

/** Called after it: ends the other ranks, which may wait for this one. */
export function endRanks(exitCode: number): void {
  if (world !== undefined && exitCode !== 0) world.abort(exitCode);
}

/** Adds the rank to a failure, if it is not clear. */
export function ofThisRank(error: unknown): unknown {
  if (world === undefined || world.rank === 0 || !(error instanceof HebbError) || /^rank \d/.test(error.message))
    return error;
  return new HebbError(`rank ${world.rank}: ${error.message}`);
}

/** Arguments that may differ between ranks. */
const own: readonly string[] = ["out", "json", "quiet", "threads", "backend", "distributed"];

/** Finds a rank that was started with other arguments than rank 0. */
export function checkArguments(among: World, args: object): void {
  const said = Object.entries(args).filter(([name, value]) => !own.includes(name) && value !== undefined);
  const [first = "{}", ...others] = gatherTexts(among, JSON.stringify(Object.fromEntries(said)));
  const wanted: Readonly<Record<string, unknown>> = JSON.parse(first);
  for (const [place, text] of others.entries()) {
    const theirs: Readonly<Record<string, unknown>> = JSON.parse(text);
    const name = [...Object.keys(wanted), ...Object.keys(theirs)].find(
      (each) => JSON.stringify(wanted[each]) !== JSON.stringify(theirs[each]),
    );
    if (name === undefined) continue;
    const [here, there] = [wanted[name], theirs[name]].map((value) => JSON.stringify(value) ?? "none");
    throw new HebbError(
      `rank ${place + 1} was started with another ${name} than rank 0: ${there}, not ${here}; give all ranks the same arguments`,
    );
  }
}
