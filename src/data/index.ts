// The public names of the data room; everything here also runs in a browser (files.ts, which reads files, is separate).
export { type AugmentOptions, type AugmentPlace, augmentation, augmentImages } from "./augment.ts";
export { BytePairVocabulary, type Merge } from "./bpe.ts";
export type { FileBytes } from "./bytes.ts";
export type { Cell } from "./cells.ts";
export type { TypeChoices } from "./chosenTypes.ts";
export type { ColumnType, ColumnTypeName } from "./columnType.ts";
export { inferColumnType } from "./columnTypes.ts";
export { type CsvOptions, formatCsv, parseCsv } from "./csv.ts";
export { Dataset, type DatasetOptions, type Field, gatherSamples } from "./dataset.ts";
export { decodeText, type EncodingName } from "./encoding.ts";
export { type ColumnExplanation, explainTable } from "./explain.ts";
export { inferTask } from "./fitTarget.ts";
export {
  type FitPreprocessingOptions,
  fitPreprocessing,
  type MissingPolicy,
  usableRows,
} from "./fitting.ts";
export { blobs, circles, curve, type Gate, type GeneratorOptions, gate, loans, moons, spirals } from "./generators.ts";
export { type GuessedTarget, guessTarget } from "./guessTarget.ts";
export { checkImagesAndLabels, formatIdx, gunzip, type IdxArray, type IdxOptions, parseIdx, readIdx } from "./idx.ts";
export {
  type AppliedImages,
  applyImagePreprocessing,
  type FitImageOptions,
  fitImagePreprocessing,
  type ImagePreprocessing,
  type LabelArray,
} from "./images.ts";
export { iris } from "./iris.ts";
export { DataLoader } from "./loader.ts";
export type { NumberFormat } from "./numbers.ts";
export {
  type DecodeOptions,
  decodePicture,
  fitPicture,
  type Picture,
  type PictureFit,
  planesOf,
  readPictureHeader,
  resizePicture,
  toChannels,
} from "./pixels.ts";
export { prefetch } from "./prefetch.ts";
export { type AppliedTable, type ApplyPreprocessingOptions, applyPreprocessing } from "./preprocess.ts";
export {
  type CycleName,
  classWeights,
  type InputEncoding,
  inverseTarget,
  type TablePreprocessing,
  type TargetEncoding,
  type Task,
} from "./preprocessing.ts";
export { Random, type RandomState, threefry2x32 } from "./random.ts";
export type { Reading } from "./reading.ts";
export type { Unread } from "./rowEncoder.ts";
export { BatchSampler, batchesIn, type SamplerOptions, type SamplerState } from "./sampler.ts";
export {
  type PreparedSeries,
  type PrepareSeriesOptions,
  prepareSeries,
  type Series,
  seriesWindows,
  type WindowOptions,
  windowStarts,
} from "./series.ts";
export { kFold, type Split, type SplitOptions, trainValidationSplit } from "./split.ts";
export { type Column, type ColumnSummary, Table } from "./table.ts";
export { type TableFinding, tableFindings } from "./tableFindings.ts";
export type { TableRemark } from "./tableRemarks.ts";
export { type PreparedTable, type PrepareTableOptions, prepareTable, tableDataset } from "./tabular.ts";
export { CharacterVocabulary, nextTokenWindows, TokenSequence, type Vocabulary } from "./text.ts";
