// k-fold cross-validation: the data in k parts, each held out once, with the preprocessing fitted on the others.
import { listColumns } from "../data/columnNames.ts";
import * as data from "../data/index.ts";
import { classLabels, fittedRows } from "../data/tabular.ts";
import { HebbError } from "../graph/errors.ts";
import type { JobData } from "./config.ts";
import type { Prepared, RawData } from "./source.ts";
import type { Fitting } from "./tableChoices.ts";

export interface Fold {
  readonly data: Pick<Prepared, "preprocessing" | "train" | "validation"> & Pick<JobData, "preprocessing">;
}

/** The folds of a table or of images, with the mix of classes kept. */
export function foldsOf(
  raw: RawData,
  options: {
    readonly target?: string | undefined;
    readonly folds: number;
    readonly seed: number;
    readonly fitting: Fitting;
  },
): Fold[] {
  const { folds, seed, fitting } = options;
  if (raw.kind === "images") {
    const { images, labels, names } = raw;
    if (labels === undefined)
      throw new HebbError(`${names.images} holds images without labels; name the label file with --labels FILE`);
    data.checkImagesAndLabels(images, labels, names);
    return data.kFold(labels.data.length, folds, { seed, labels: labels.data }).map(({ train, validation }) => {
      const preprocessing = data.fitImagePreprocessing(images, labels, { rows: train, names });
      const { features, targets, count } = data.applyImagePreprocessing(preprocessing, images, labels, names);
      const all = new data.Dataset({
        features,
        featureShape: preprocessing.shape,
        targets: targets ?? new Int32Array(count),
      });
      return { data: { preprocessing, train: all.subset(train), validation: all.subset(validation) } };
    });
  }
  if (raw.kind !== "table") throw new HebbError("only tables and images can be folded; leave --folds out");
  const target = options.target ?? raw.target;
  if (target === undefined)
    throw new HebbError(
      `${raw.name}: name the column to predict with --target COLUMN; the columns are ${listColumns(raw.table.columnNames)}`,
    );
  const usable = data.usableRows(raw.table, { ...fitting, target });
  const labels = classLabels(raw.table, usable, { ...fitting, target });
  const splits = data.kFold(usable.length, folds, labels === undefined ? { seed } : { seed, labels });
  return splits.map(({ train, validation }) => {
    const rows = (places: Int32Array): Int32Array => Int32Array.from(places, (place) => usable[place] ?? 0);
    const preprocessing = data.fitPreprocessing(raw.table, { ...fitting, target, rows: rows(train) });
    const part = (places: Int32Array): data.Dataset => fittedRows(preprocessing, raw.table, rows(places));
    return { data: { preprocessing, train: part(train), validation: part(validation) } };
  });
}
