// The choices of a user about a training; everything else follows from the data.
import type {
  ActivationName,
  AugmentName,
  LossName,
  ModelName,
  OptimizerName,
  ScheduleName,
  TokenizerName,
} from "../train/index.ts";
import type { PresetName } from "./presets.ts";
import type { TableArguments } from "./tableChoices.ts";

/** Choices by the names of their flags. */
export interface TrainChoices extends TableArguments {
  readonly target?: string | undefined;
  readonly labels?: string | undefined;
  /** An SQL statement whose rows form the table. */
  readonly sql?: string | undefined;
  /** The sheet of an Excel file. */
  readonly sheet?: string | undefined;
  readonly testData?: string | undefined;
  readonly testLabels?: string | undefined;
  readonly model?: ModelName | undefined;
  /** The folder of a pretrained model. */
  readonly base?: string | undefined;
  /** The rank of the matrices trained in addition to the frozen layers of the base. */
  readonly lora?: number | undefined;
  /** Trains only the head of the base. */
  readonly headOnly?: boolean | undefined;
  readonly hidden?: readonly number[] | undefined;
  readonly activation?: ActivationName | undefined;
  readonly dropout?: number | undefined;
  readonly loss?: LossName | undefined;
  readonly optimizer?: OptimizerName | undefined;
  readonly lr?: number | undefined;
  readonly weightDecay?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly accumulate?: number | undefined;
  readonly epochs?: number | undefined;
  readonly patience?: number | undefined;
  readonly monitor?: string | undefined;
  readonly schedule?: ScheduleName | undefined;
  readonly warmup?: number | undefined;
  readonly clipNorm?: number | undefined;
  readonly clipValue?: number | undefined;
  readonly ema?: number | undefined;
  readonly classWeights?: "balanced" | "none" | undefined;
  readonly augment?: readonly AugmentName[] | undefined;
  readonly histograms?: number | undefined;
  readonly layers?: number | undefined;
  readonly width?: number | undefined;
  readonly heads?: number | undefined;
  readonly context?: number | undefined;
  readonly tokenizer?: TokenizerName | undefined;
  readonly vocabulary?: number | undefined;
  readonly seed: number;
  readonly validation?: number | undefined;
  readonly folds?: number | undefined;
  /** Whether the model is trained again after it is measured, including the held-out rows. */
  readonly refit?: boolean | undefined;
  readonly stream?: boolean | undefined;
  /** The thoroughness of the search for the best choices. */
  readonly preset?: PresetName | undefined;
  /** The time in seconds for a search and the training after it. */
  readonly time?: number | undefined;
}
