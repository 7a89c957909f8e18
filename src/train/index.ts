// The train room: fit, events, metrics, the doctor, models from descriptions, writing text.
export { type Finding, type FindingCode, findingCodes } from "./doctor/finding.ts";
export { Doctor, type DoctorOptions } from "./doctor/index.ts";
export { type Evaluation, Evaluator, type Inverse, type MetricFunction } from "./evaluation.ts";
export type { EventListener, Histogram, Metrics, NamedScores, TrainEvent } from "./events.ts";
export {
  type Augment,
  type AugmentContext,
  type InMemory,
  Resident,
  RowStream,
  type RowStreamOptions,
  type Rows,
  residentOf,
  type Samples,
  samplesOf,
  TokenWindows,
  updatesIn,
} from "./feeds.ts";
export { type FindLrOptions, findLr, type LrCurve } from "./findLr.ts";
export { fit } from "./fit.ts";
export type { Callback, EarlyStopping, FitOptions, History, TrainSchedule } from "./fitOptions.ts";
export { type GenerateOptions, generate } from "./generate.ts";
export { csvLog, jsonlLog, tensorBoardLog } from "./logs.ts";
export * as metrics from "./metrics.ts";
export { Gpt, type GptOptions } from "./models/gpt.ts";
export { LstmLanguage, type LstmLanguageOptions } from "./models/lstm.ts";
export {
  buildModel,
  isLanguage,
  type LanguageDescription,
  type ModelDescription,
  makeActivation,
  type NetworkDescription,
} from "./models.ts";
export * from "./names.ts";
export {
  defaultLoss,
  type LossFunction,
  makeObjective,
  type Objective,
  type Task,
  taskOf,
} from "./objectives.ts";
export { augmentBy, makeOptimizer, makeSchedule, type OptimizerChoice, type ScheduleChoice } from "./recipes.ts";
export { arraysOf, type EpochRecord, type TrainState } from "./state.ts";
export { fitStream } from "./stream.ts";
