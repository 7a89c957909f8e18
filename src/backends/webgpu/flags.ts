// Constants that browsers define as globals and Node lacks, the layout of the status, and sizes as text.

export const usage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
  queryResults: 0x200,
} as const;
export const mapRead = 0x1;
export const computeStage = 0x4;

/** Words of the status: whether a run failed, the run, the check, the index and its place; then the number of the current run. */
export const statusWords = { failed: 0, run: 1, site: 2, index: 3, place: 4, present: 5, count: 8 } as const;

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MB`;
