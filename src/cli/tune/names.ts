// The search methods of hebb tune by name, known before the command is loaded.

/** How points are chosen. "halving" draws them at random, all before the first trial. */
export const tuneMethods = ["tpe", "random", "halving"] as const;
export type TuneMethod = (typeof tuneMethods)[number];

/** How poor trials are stopped early. */
export const prunerNames = ["none", "median", "asha"] as const;
export type PrunerName = (typeof prunerNames)[number];
