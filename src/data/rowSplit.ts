// Splits of rows that belong together or follow each other in time: held-out rows must be as new as future ones.
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { Random } from "./random.ts";
import { kFold, type Split, trainValidationSplit } from "./split.ts";

/** The held-out part: a share of the rows, or one of several folds. */
export type HeldOut =
  | { readonly kind: "share"; readonly share: number; readonly seed: number }
  | { readonly kind: "fold"; readonly number: number; readonly of: number; readonly seed: number };

/** The rows of a table to split, and their grouping or order. */
export interface RowsToSplit {
  readonly count: number;
  /** The class of each row: each part keeps the mix of classes. */
  readonly labels?: ArrayLike<number | string | undefined> | undefined;
  /** The group of each row: each group is wholly in training or wholly held out. */
  readonly groups?: readonly string[] | undefined;
  /** The time of each row: held-out rows come after all training rows. */
  readonly times?: Float64Array | undefined;
}

/** The random stream that shuffles groups. */
const groupStream = 0x53504c58;

export function splitRows({ count, labels, groups, times }: RowsToSplit, held: HeldOut): Split {
  if (groups !== undefined) return splitGroups(groups, held);
  if (times !== undefined) return splitTimes(times, held);
  const given = labels === undefined ? { seed: held.seed } : { seed: held.seed, labels };
  if (held.kind === "share") return trainValidationSplit(count, { ...given, validation: held.share });
  const split = kFold(count, held.of, given)[held.number - 1];
  if (split === undefined) throw new HebbError(`there is no fold ${held.number} of ${held.of}`);
  return split;
}

const partsOf = (count: number, isHeld: (row: number) => boolean): Split => {
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  return { train: rows.filter((row) => !isHeld(row)), validation: rows.filter(isHeld) };
};

/** Groups in a seeded order, with their numbers of rows. */
function shuffledGroups(groups: readonly string[], seed: number): [string, number][] {
  const sizes = new Map<string, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const found = [...sizes];
  const order = new Random(seed, groupStream).permutation(found.length);
  return Array.from(order, (place) => at(found, place));
}

function splitGroups(groups: readonly string[], held: HeldOut): Split {
  const shuffled = shuffledGroups(groups, held.seed);
  const wanted = held.kind === "fold" ? held.of : 2;
  if (!(held.kind === "share" && held.share === 0) && shuffled.length < wanted)
    throw new HebbError(
      `there ${shuffled.length === 1 ? "is one group" : `are ${shuffled.length} groups`} of rows, too few to hold ${held.kind === "fold" ? `${wanted} folds` : "any"} out; name a column with more of them`,
    );
  const out = new Set(held.kind === "share" ? groupsOfShare(shuffled, held.share) : groupsOfFold(shuffled, held));
  return partsOf(groups.length, (row) => out.has(at(groups, row)));
}

/** Picks groups until they have about the requested share of rows. */
function groupsOfShare(shuffled: readonly [string, number][], share: number): string[] {
  const rows = shuffled.reduce((sum, [, size]) => sum + size, 0);
  const wanted = share * rows;
  const chosen: string[] = [];
  let taken = 0;
  for (const [group, size] of shuffled) {
    if (chosen.length === shuffled.length - 1) break;
    // The group that overshoots is taken if that is closer.
    if (taken + size / 2 > wanted && (chosen.length > 0 || share === 0)) continue;
    chosen.push(group);
    taken += size;
    if (taken >= wanted) break;
  }
  return chosen;
}

/** The largest groups first, each into the fold with the fewest rows. */
function groupsOfFold(
  shuffled: readonly [string, number][],
  { number, of }: Extract<HeldOut, { kind: "fold" }>,
): string[] {
  const sizes = new Array<number>(of).fill(0);
  const chosen: string[] = [];
  for (const [group, size] of [...shuffled].sort(([, a], [, b]) => b - a)) {
    const fold = sizes.indexOf(Math.min(...sizes));
    sizes[fold] = at(sizes, fold) + size;
    if (fold === number - 1) chosen.push(group);
  }
  return chosen;
}

/** Holds out the last rows; rows of the same time stay together. With folds, each comes after all its training rows. */
function splitTimes(times: Float64Array, held: HeldOut): Split {
  // Rows without a time are for training.
  const known = times.map((time) => (Number.isNaN(time) ? Number.NEGATIVE_INFINITY : time));
  const sorted = known.slice().sort();
  const { length } = sorted;
  const cut = (place: number): number =>
    place <= 0 ? Number.NEGATIVE_INFINITY : place >= length ? Number.POSITIVE_INFINITY : at(sorted, place);
  if (held.kind === "share") {
    if (held.share === 0) return partsOf(length, () => false);
    const limit = cut(length - Math.max(1, Math.round(held.share * length)));
    const split = partsOf(length, (row) => at(known, row) >= limit);
    if (split.train.length > 0) return split;
    throw new HebbError(
      "all rows are of one time, so none is later than the others; name a column that tells them apart",
    );
  }
  const part = length / (held.of + 1);
  const [from, to] = [cut(Math.round(held.number * part)), cut(Math.round((held.number + 1) * part))];
  const rows = Int32Array.from(known.keys());
  const train = rows.filter((row) => at(known, row) < from);
  const validation = rows.filter((row) => at(known, row) >= from && at(known, row) < to);
  if (train.length > 0 && validation.length > 0) return { train, validation };
  throw new HebbError(`there are too few different times for ${held.of} folds; use fewer`);
}
