// distributed.init: joins the ranks that mpirun, srun or an MPIJob started.
import { writeSync } from "node:fs";
import { cpus } from "node:os";
import { inspect } from "node:util";
import { HebbError } from "../graph/errors.ts";
import { version } from "../graph/version.ts";
import { type Communicator, gatherTexts, setCurrentWorld } from "../runtime/index.ts";
import { requireLaunch } from "./launch.ts";
import { Mpi } from "./mpi.ts";
import { meetNeighbours, type Neighbours } from "./neighbours.ts";
import { Ranks } from "./ranks.ts";

/** The ranks of this program, and each rank's share of the machine. */
export interface World extends Communicator {
  /** Threads for each rank, so that the ranks of a machine use all its cores together. */
  readonly threads: number;
  /** Whether this rank writes and reports: rank 0. */
  readonly speaks: boolean;
  /** The number of ranks below this one that still run. If all have the same failure, the first remaining one reports it. */
  readonly before: number;
}

/** Other versions would differ in rounding, order or names. */
function checkVersions(world: Communicator): void {
  const versions = gatherTexts(world, version);
  const rank = versions.findIndex((each) => each !== versions[0]);
  if (rank >= 0)
    throw new HebbError(
      `rank ${rank} runs hebb ${versions[rank]} and rank 0 hebb ${versions[0]}; install the same version on every machine`,
    );
}

let joined: World | undefined;

class MpiWorld extends Ranks implements World {
  readonly #neighbours: Neighbours;

  constructor(mpi: Mpi, neighbours: Neighbours) {
    super(mpi, {
      crowded: neighbours.count > cpus().length,
      neighbours: process.platform === "linux" && mpi.size > 1 && neighbours.count === mpi.size,
    });
    this.#neighbours = neighbours;
  }

  get threads(): number {
    return this.#neighbours.threads;
  }

  get before(): number {
    return this.#neighbours.before();
  }

  get speaks(): boolean {
    return this.rank === 0;
  }
}

/**
 * Joins the ranks that mpirun, srun or an MPIJob started, over their MPI, and makes them the current world: collectives and SyncBatchNorm use it, and
 * `fit` takes it as `world`. Further calls return the same world. When the process ends, it signs off from the others; if it fails, it ends them too.
 * Throws HebbError if no launcher started it, or if MPI's library or koffi is missing. Source: torch.distributed.init_process_group with the backend
 * "mpi".
 */
export function init(): World {
  if (joined !== undefined) return joined;
  const mpi = new Mpi(requireLaunch());
  const first = new Ranks(mpi, { crowded: true });
  checkVersions(first);
  const neighbours = meetNeighbours(first);
  mpi.lost = (waited) => neighbours.lost(waited);
  joined = new MpiWorld(mpi, neighbours);
  setCurrentWorld(joined);
  endTogether(mpi, neighbours);
  return joined;
}

/** Milliseconds that a rank leaves each lower rank to report a common failure, and the maximum for all of them together. */
const turn = 1500;
const mostTurns = 6000;

/** Gives lower ranks time to report a common failure first and end all ranks. */
function waitForTurn(before: number): void {
  if (before > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(turn * before, mostTurns));
}

/**
 * When the process ends, it signs off from the others. An unhandled failure is reported here, because Node would do so too late, and ends them. So
 * does process.exit with a code other than 0, after which the others would wait forever.
 */
function endTogether(mpi: Mpi, neighbours: Neighbours): void {
  let failure: { readonly error: unknown } | undefined;
  process.on("uncaughtExceptionMonitor", (error) => {
    failure = { error };
  });
  // Node emits this event when the program is over, with any code, and not after process.exit.
  let over = false;
  process.on("beforeExit", () => {
    over = true;
  });
  process.on("exit", (code) => {
    if ((failure !== undefined || (code !== 0 && !over)) && !mpi.ended) {
      waitForTurn(neighbours.before());
      const why =
        failure === undefined
          ? `hebb: rank ${mpi.rank} ended with exit code ${code}, and ends all`
          : inspect(failure.error);
      writeSync(2, `${why}\n`);
      mpi.abort(code === 0 ? 1 : code);
    }
    // The launcher reports the code of the first rank that ends.
    if (!mpi.finalize()) process.exitCode = 1;
  });
}
