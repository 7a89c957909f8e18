// The levels of thoroughness for tables, by name; in a separate file, so that the command line loads nothing else.
export const presetNames = ["fast", "good", "best"] as const;
export type PresetName = (typeof presetNames)[number];
