// The optim room: optimizers, clipping, learning-rate schedules.
export {
  Adam,
  Adamax,
  type AdamOptions,
  AdamW,
  type MomentOptions,
  NAdam,
  type NAdamOptions,
  RAdam,
  type RAdamOptions,
} from "./adam.ts";
export {
  Adadelta,
  type AdadeltaOptions,
  Adagrad,
  type AdagradOptions,
  Lion,
  type LionOptions,
  RMSprop,
  type RMSpropOptions,
} from "./adaptive.ts";
export { clipGradNorm, clipGradValue } from "./clip.ts";
export {
  type CommonOptions,
  type GroupInit,
  type GroupState,
  type LoadedOptimizerState,
  Optimizer,
  type OptimizerState,
  ParameterGroup,
  type Params,
  type UpdateContext,
} from "./optimizer.ts";
export { type PlateauOptions, type PlateauState, ReduceLROnPlateau } from "./plateau.ts";
export { Schedule, type Scheduled, type ScheduleState } from "./schedule.ts";
export {
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  ExponentialLR,
  LinearLR,
  type LinearLROptions,
  MultiStepLR,
  OneCycleLR,
  type OneCycleOptions,
  PolynomialLR,
  SequentialLR,
  StepLR,
  type WarmRestartOptions,
  WarmUp,
} from "./schedules.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
