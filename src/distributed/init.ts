// distributed.init: this process joins the ranks that mpirun, srun or an MPIJob started.
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

/** The ranks of this program, and what this machine has for each. */
export interface World extends Communicator {
  /** Threads for each rank, so that those of a machine fill its cores together. */
  readonly threads: number;
  /** Whether this rank is the one that writes and speaks: rank 0. */
  readonly speaks: boolean;
  /** Ranks below this one that still run: of a failure that all have, the first of those left is to tell. */
  readonly before: number;
}

/** Ranks of other versions would round, order or name things otherwise. */
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
 * Joins the ranks that mpirun, srun or an MPIJob started, over the MPI that they belong to, and makes them the current world: collectives
 * and SyncBatchNorm talk to it, and `fit` takes it as `world`. Called again, gives the same world. When the process ends it takes leave of
 * the others; when it fails, it ends them too. Throws HebbError where no launcher started it, where MPI's library is missing, and where
 * koffi is. Source: torch.distributed.init_process_group with the backend "mpi".
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

/** Milliseconds that a rank leaves to each before it, to tell a failure that all have, and to all of them at most. */
const turn = 1500;
const mostTurns = 6000;

/** Waits for those before this rank to tell a failure that they have too, and end all. */
function waitForTurn(before: number): void {
  if (before > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(turn * before, mostTurns));
}

/**
 * When the process ends it takes leave of the others. A failure that nothing handles is reported, for Node would do so too late, and ends them; so
 * does process.exit with another code than 0, after which the others would wait for ever.
 */
function endTogether(mpi: Mpi, neighbours: Neighbours): void {
  let failure: { readonly error: unknown } | undefined;
  process.on("uncaughtExceptionMonitor", (error) => {
    failure = { error };
  });
  // Node tells it where the program is over, with whatever code, and not where process.exit was called.
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
    // The launcher tells the code of the first that ends.
    if (!mpi.finalize()) process.exitCode = 1;
  });
}
