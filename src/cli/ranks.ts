// The ranks of one command: they join if mpirun or srun started them, and end together when one fails.
import type { World } from "../distributed/index.ts";
import { HebbError } from "../graph/errors.ts";
import { gatherTexts } from "../runtime/index.ts";

let world: World | undefined;
/** The number of this process among those of its launcher, before it has joined them. */
let launched = 0;

/** How long a rank leaves it to those before it to tell a failure that they have too, in milliseconds: for each, and at most. */
const turn = 1500;
const mostTurns = 6000;

/** Joins the other ranks, if there are any; undefined: this process is alone. */
export async function joinRanks(distributed: "mpi" | undefined): Promise<World | undefined> {
  const { init, launchIn } = await import("../distributed/index.ts");
  const launch = launchIn();
  if (distributed === undefined && (launch === undefined || launch.size === 1)) return undefined;
  launched = launch?.rank ?? 0;
  world = init();
  return world;
}

/** Before a failure is reported: of several ranks that have it, the first speaks and ends the others. */
export function waitForTurn(): void {
  const before = world?.before ?? launched;
  if (before > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(turn * before, mostTurns));
}

/** After it: the other ranks, which may wait for this one, end too. */
export function endRanks(exitCode: number): void {
  if (world !== undefined && exitCode !== 0) world.abort(exitCode);
}

/** Which rank a failure is of, where that is not clear. */
export function ofThisRank(error: unknown): unknown {
  if (world === undefined || world.rank === 0 || !(error instanceof HebbError) || /^rank \d/.test(error.message))
    return error;
  return new HebbError(`rank ${world.rank}: ${error.message}`);
}

/** Arguments that a rank may have for itself. */
const own: readonly string[] = ["out", "json", "quiet", "threads", "backend", "distributed"];

/** Names a rank that was started with other arguments than rank 0, whose training it would join. */
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
