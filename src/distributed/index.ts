// hebb/distributed: one training run over many processes, with MPI.
export type {
  BroadcastOptions,
  CollectiveOptions,
  Combining,
  Communicator,
  Pending,
  ReduceOptions,
} from "../runtime/index.ts";
export { allGather, allReduce, reduceScatter } from "../tensor/collectives.ts";
export { init, type World } from "./init.ts";
export { type Launch, launchIn } from "./launch.ts";
export { predictSteps, type ScaledStep, type ScalingOptions } from "./scaling.ts";
