// How thorough a training of a table is, by name: apart, so that the command line reads it without the rest.
export const presetNames = ["fast", "good", "best"] as const;
export type PresetName = (typeof presetNames)[number];
