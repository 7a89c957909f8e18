// Detects from the environment who started this process: mpirun, srun or nobody.
import { HebbError } from "../graph/errors.ts";

export interface Launch {
  /** The MPI that the launcher belongs to, where it tells. */
  readonly kind: "Open MPI" | "MPICH" | "unknown";
  readonly startedBy: string;
  /** How many processes it started, where it tells. */
  readonly size: number | undefined;
  /** Which of them this is. */
  readonly rank: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const rankIn = (text: string | undefined): number => (Number.isSafeInteger(Number(text)) ? Number(text) : 0);

const countIn = (text: string | undefined): number | undefined => {
  const count = Number(text);
  return text !== undefined && Number.isSafeInteger(count) && count > 0 ? count : undefined;
};

/** Undefined: no launcher. Slurm sets its variables for a batch script too, so a task of a step is asked for. */
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

/** The launch, which there must be. */
export function requireLaunch(environment?: Environment): Launch {
  const launch = launchIn(environment);
  if (launch !== undefined) return launch;
  throw new HebbError(
    "this process was started without mpirun or srun, so there are no other ranks; start it with mpirun -n 4 and the same command, or train in one process without distributed",
  );
}
