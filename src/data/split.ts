// Seeded splits of rows: train and validation (stratified by class), and k folds.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { Random } from "./random.ts";

export interface SplitOptions {
  /** The share of rows for validation, from 0 (none) to below 1 (default 0.2). */
  readonly validation?: number;
  readonly seed?: number;
  /** One label per row: every class is then split in the same proportion. */
  readonly labels?: ArrayLike<number | string | undefined>;
}

export interface Split {
  /** Row numbers from 0, ascending. */
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** Separate streams keep the uses of one seed independent. */
const splitStream = 0x53504c54;

const kinds: OptionKinds<SplitOptions> = { validation: kind.number, seed: kind.number, labels: kind.anything };

function checkRows(where: string, count: number): void {
  if (!(Number.isSafeInteger(count) && count >= 0))
    throw new HebbError(
      `${where}: takes a number of rows first, got ${typeof count === "number" ? count : describe(count)}`,
    );
}

function strata(where: string, count: number, labels: SplitOptions["labels"]): number[][] {
  if (labels === undefined) return [Array.from({ length: count }, (_, i) => i)];
  if (typeof labels !== "object" || labels === null || typeof labels.length !== "number")
    throw new HebbError(`${where}: labels must be a list of one for each row, got ${describe(labels)}`);
  if (labels.length !== count)
    throw new HebbError(`${where}: ${labels.length} labels for ${count} rows; give one label for each row`);
  const groups = new Map<number | string | undefined, number[]>();
  for (let row = 0; row < count; row++) {
    const group = groups.get(labels[row]);
    if (group) group.push(row);
    else groups.set(labels[row], [row]);
  }
  return [...groups.values()];
}

/**
 * Splits rows 0 … count-1 at random. With labels, each class contributes the same share; the largest remainders decide the last rows. Each
 * class keeps at least one training row, as long as the other classes can supply the share. The same seed always gives the same split.
 */
export function trainValidationSplit(count: number, options: SplitOptions = {}): Split {
  checkRows("trainValidationSplit", count);
  checkOptions("trainValidationSplit", options, kinds);
  const share = options.validation ?? 0.2;
  if (!(share >= 0 && share < 1)) {
    throw new HebbError(
      `trainValidationSplit: validation ${share} is not a valid share of the rows; use a number from 0 to below 1, such as 0.2`,
    );
  }
  const random = new Random(options.seed ?? 0, splitStream);
  const groups = strata("trainValidationSplit", count, options.labels).map((rows) => {
    const order = Int32Array.from(rows);
    random.shuffle(order);
    return { order, exact: order.length === 1 && options.labels ? 0 : order.length * share };
  });
  const wanted = share === 0 ? 0 : Math.min(count - 1, Math.max(1, Math.round(count * share)));
  const taken = groups.map((group) => Math.floor(group.exact));
  const byRemainder = groups
    .map((_, i) => i)
    .sort((a, b) => {
      const left = (groups[a]?.exact ?? 0) % 1;
      const right = (groups[b]?.exact ?? 0) % 1;
      return right - left || a - b;
    });
  let missing = wanted - taken.reduce((sum, n) => sum + n, 0);
  // Each class keeps at least one training row, as long as other classes can supply the share.
  for (const kept of [1, 0]) {
    for (let before = -1; missing > 0 && missing !== before; ) {
      before = missing;
      for (const i of byRemainder) {
        if (missing === 0) break;
        const now = taken[i] ?? 0;
        if (now + kept < (groups[i]?.order.length ?? 0)) {
          taken[i] = now + 1;
          missing--;
        }
      }
    }
  }
  const validation: number[] = [];
  const train: number[] = [];
  groups.forEach(({ order }, i) => {
    order.forEach((row, place) => {
      (place < (taken[i] ?? 0) ? validation : train).push(row);
    });
  });
  return { train: Int32Array.from(train).sort(), validation: Int32Array.from(validation).sort() };
}

/** k splits whose validation parts are disjoint and cover every row; with labels, each has the same mix of classes. */
export function kFold(count: number, folds: number, options: Omit<SplitOptions, "validation"> = {}): Split[] {
  checkRows("kFold", count);
  checkOptions("kFold", options, { seed: kinds.seed, labels: kinds.labels });
  if (!Number.isInteger(folds) || folds < 2 || folds > count) {
    throw new HebbError(
      `kFold: ${typeof folds === "number" ? folds : describe(folds)} folds of ${count} rows cannot be made; use a whole number from 2 to the number of rows`,
    );
  }
  const random = new Random(options.seed ?? 0, splitStream + 1);
  const foldOf = new Int32Array(count);
  let next = 0;
  for (const rows of strata("kFold", count, options.labels)) {
    const order = Int32Array.from(rows);
    random.shuffle(order);
    for (const row of order) foldOf[row] = next++ % folds;
  }
  const all = Int32Array.from(foldOf.keys());
  return Array.from({ length: folds }, (_, fold) => {
    return {
      train: all.filter((row) => foldOf[row] !== fold),
      validation: all.filter((row) => foldOf[row] === fold),
    };
  });
}
