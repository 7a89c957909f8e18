// The entry point "hebb/run": opens a trained run and predicts with its model.
export {
  type ExplainOptions,
  type JobConfig,
  type LoadedRun,
  loadRun,
  type Prediction,
  type PredictOptions,
  type RawRows,
} from "./loadRun.ts";
export type { RowExplanation } from "./understanding/explain.ts";
export { type Understanding, understand } from "./understanding/understanding.ts";
