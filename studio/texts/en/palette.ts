// The command palette, in English.
import type { Value } from "../value.ts";

// page/Palette.tsx
export const nothingWasSaved = (part: Value) => `nothing was saved: ${part}`;
export const data = (title: Value) => `Data: ${title}`;
export const optimizer = (title: Value) => `Optimizer: ${title}`;
export const saveAPictureOfWhatIs = "Save a picture of what is drawn";
export const recordAVideoOfTheRun = "Record a video of the run";
export const forgetEverythingKeptInThisBrowser = "Forget everything kept in this browser";
export const commandPalette = "Command palette";
export const searchActions = "Search actions";
export const whatShallHappen = "What shall happen?";
export const actions = "Actions";
export const noActionHasTheseWords = "No action has these words.";
