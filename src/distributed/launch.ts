// Detects from the environment whether mpirun or srun started this process.
import { HebbError } from "../graph/errors.ts";

export interface Launch {
  /** The MPI of the launcher, if it says. */
  readonly kind: "Open MPI" | "MPICH" | "unknown";
  readonly startedBy: string;
  /** The number of processes, if the launcher says. */
  readonly size: number | undefined;
  /** The rank of this process. */
  readonly rank: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const rankIn = (text: string | undefined): number => (Number.isSafeInteger(Number(text)) ? Number(text) : 0);

const countIn = (text: string | undefined): number | undefined => {
  const count = Number(text);
  return text !== undefined && Number.isSafeInteger(count) && count > 0 ? count : undefined;
};

/** Undefined without a launcher. Slurm also sets its variables for a batch script, so a variable of a job step is required. */
export function launchIn(environment: Environment = process.env): Launch | undefined {
  const { OMPI_COMM_WORLD_SIZE, OMPI_COMM_WORLD_RANK, PMI_SIZE, PMIX_RANK, PMI_RANK } = environment;
  const { SLURM_STEP_NUM_TASKS, SLURM_PROCID } = environment;
  const rank = rankIn(OMPI_COMM_WORLD_RANK ?? PMIX_RANK ?? PMI_RANK);
  if (OMPI_COMM_WORLD_SIZE !== undefined)
    return { kind: "Open MPI", startedBy: "mpirun of Open MPI", size: countIn(OMPI_COMM_WORLD_SIZE), rank };
  const slurm = SLURM_PROCID !== undefined && SLURM_STEP_NUM_TASKS !== undefined;
  if (PMIX_RANK !== undefined)
    return {
      kind: slurm ? "unknown" : "Open MPI",
      startedBy: slurm ? "srun" : "mpirun",
      size: countIn(SLURM_STEP_NUM_TASKS),
      rank,
    };
  if (PMI_RANK !== undefined)
    return {
      kind: "MPICH",
      startedBy: slurm ? "srun" : "mpirun of MPICH",
      size: countIn(PMI_SIZE) ?? countIn(SLURM_STEP_NUM_TASKS),
      rank,
    };
  return undefined;
}

/** The launch; throws without one. */
export function requireLaunch(environment?: Environment): Launch {
  const launch = launchIn(environment);
  if (launch !== undefined) return launch;
  throw new HebbError(
    "this process was started without mpirun or srun, so there are no other ranks; start it with mpirun -n 4 and the same command, or train in one process without distributed",
  );
}
