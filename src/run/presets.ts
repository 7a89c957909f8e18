// How thoroughly a table is trained, by name; a separate file, so that the command line reads it without the rest.
export const presetNames = ["fast", "good", "best"] as const;
export type PresetName = (typeof presetNames)[number];
