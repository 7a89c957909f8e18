// The train room: fit, events, metrics, models from descriptions.
export { type Evaluation, Evaluator, type Inverse, type Resident, residentOf } from "./evaluation.ts";
export type { EventListener, Metrics, TrainEvent } from "./events.ts";
export {
  arraysOf,
  type EarlyStopping,
  type EpochRecord,
  type EpochSchedule,
  type FitOptions,
  fit,
  type History,
  type TrainState,
} from "./fit.ts";
export * as metrics from "./metrics.ts";
export {
  type ActivationName,
  activationNames,
  buildModel,
  type ModelDescription,
  type ModelName,
  modelNames,
} from "./models.ts";
export {
  defaultLoss,
  type LossName,
  lossNames,
  makeObjective,
  type Objective,
  type Task,
  taskOf,
} from "./objectives.ts";
export { fitStream } from "./stream.ts";
