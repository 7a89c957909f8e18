// The actions of hebb runs, known before the command is loaded.
export const runActions = ["list", "compare", "best", "plot"] as const;
export type RunAction = (typeof runActions)[number];
