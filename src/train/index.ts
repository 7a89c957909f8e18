// The train room: Trainer and fit, callbacks, events, metrics, the doctor, models from descriptions, text generation.
export type { Callback, Kept, Rest, StepMoment, Training } from "./callback.ts";
export { DoctorCallback } from "./callbacks/doctorCallback.ts";
export { EarlyStopping, type EarlyStoppingOptions } from "./callbacks/earlyStopping.ts";
export { Histograms } from "./callbacks/histograms.ts";
export { LrSchedule, type ScheduleEvery, type TrainSchedule } from "./callbacks/lrSchedule.ts";
export { type Save, Saving, type SavingOptions } from "./callbacks/saving.ts";
export { consoleLog } from "./consoleLog.ts";
export type { Failure } from "./divergence.ts";
export { isJudged } from "./doctor/course.ts";
export { CourseDoctor } from "./doctor/courseDoctor.ts";
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
export { type FindLrOptions, findLr, findLrLater, type LrCurve } from "./findLr.ts";
export { fit } from "./fit.ts";
export type { FitOptions, History } from "./fitOptions.ts";
export { type GenerateOptions, generate } from "./generate.ts";
export {
  type Dependence,
  type DependenceOptions,
  type FeatureGroup,
  type Importance,
  type PermutationOptions,
  partialDependence,
  permutationImportance,
} from "./influence.ts";
export { type CsvLogOptions, csvLog, jsonlLog, type Log, tensorBoardLog } from "./logs.ts";
export * as metrics from "./metrics.ts";
export { Gpt, type GptOptions } from "./models/gpt.ts";
export { LstmLanguage, type LstmLanguageOptions } from "./models/lstm.ts";
export { Tabular, type TabularOptions } from "./models/tabular.ts";
export {
  buildModel,
  isLanguage,
  type LanguageDescription,
  type ModelDescription,
  makeActivation,
  type NetworkDescription,
  type TabularDescription,
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
export { type PartState, progressIn, type SavedPart } from "./parts.ts";
export { augmentBy, makeOptimizer, makeSchedule, type OptimizerChoice, type ScheduleChoice } from "./recipes.ts";
export { stateFromFirst } from "./sharedState.ts";
export { arraysOf, arraysOfLater, type EpochRecord, type TrainState } from "./state.ts";
export { fitStream } from "./stream.ts";
export { Trainer } from "./trainer.ts";
export type { CommonOptions, TrainerOptions } from "./trainerOptions.ts";
export type { Best } from "./watch.ts";
