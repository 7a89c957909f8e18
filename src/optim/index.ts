// The optim room: optimizers, clipping, averages of weights, learning-rate schedules and finder.
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
export { type AverageState, EMA, type EMAOptions, type LoadedAverageState, SWA, WeightAverage } from "./averaging.ts";
export { clipGradNorm, clipGradValue } from "./clip.ts";
export { ChainedScheduler, SequentialLR, WarmUp, type WarmUpOptions } from "./combined.ts";
export { CyclicLR, type CyclicOptions, OneCycleLR, type OneCycleOptions, SWALR, type SWALROptions } from "./cycles.ts";
export { type FinderOptions, type FinderPoint, type FinderSuggestion, findLearningRate, LRFinder } from "./finder.ts";
export { Adafactor, type AdafactorOptions, LAMB, type LambOptions } from "./layerwise.ts";
export { LBFGS, type LBFGSOptions, type LBFGSState } from "./lbfgs.ts";
export { Muon, type MuonOptions } from "./muon.ts";
export {
  type GroupState,
  type LoadedOptimizerState,
  Optimizer,
  type OptimizerState,
  type UpdateContext,
} from "./optimizer.ts";
export { commonKinds, type OptimizerKind, type OptionsOf } from "./optimizerOptions.ts";
export { type CommonOptions, type GroupInit, ParameterGroup, type Params } from "./parameterGroup.ts";
export { type PlateauOptions, type PlateauState, ReduceLROnPlateau } from "./plateau.ts";
export { Schedule, type Scheduled, type ScheduleState } from "./schedule.ts";
export {
  ConstantLR,
  type ConstantLROptions,
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  type CosineOptions,
  ExponentialLR,
  type GammaOptions,
  LambdaLR,
  LinearLR,
  type LinearLROptions,
  MultiplicativeLR,
  MultiStepLR,
  PolynomialLR,
  type PolynomialLROptions,
  type StepFunction,
  StepLR,
  type WarmRestartOptions,
} from "./schedules.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
export { ASGD, type ASGDOptions, Rprop, type RpropOptions } from "./signs.ts";
export { Lookahead, type LookaheadOptions, type LookaheadState, SAM, type SamOptions } from "./wrapped.ts";
