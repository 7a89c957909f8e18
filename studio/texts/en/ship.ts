// Ship, in English.
import { type Child, rich } from "../rich.ts";
import type { Value } from "../value.ts";

// page/ship/Ship.tsx
export const weightsSafetensors = "Weights, safetensors";
export const withPyTorchsNamesHebbPyTorchAnd = "with PyTorch's names; hebb, PyTorch and others read them";
export const programTypeScript = "Program, TypeScript";
export const trainsThisNetworkFromTheStart = "trains this network from the start to this very step";
export const projectJSON = "Project, JSON";
export const theWholeExperimentWithItsData = "the whole experiment with its data: drop it on this page to go on";
export const isReadyLargestDifference = (name: Value, difference: Value) =>
  `${name} is ready: largest difference ${difference}`;
export const largestDifference = (difference: Value) => `✓ largest difference ${difference} · `;
export const download = (name: Child) => rich`Download ${name}`;
export const checking = "Checking …";
export const writeAndCheck = "Write and check";
export const takeItWithYou = "Take it with you";
export const everyFileIsReadBackAnd = "Every file is read back and run again before it is given out.";
export const aLinkToThisExperiment = "A link to this experiment";
export const itHoldsTheSettingsAndThe = (step: Child) =>
  rich`It holds the settings and the step. Whoever opens it repeats the same ${step} steps and sees the same numbers.`;
export const link = "Link";
export const copied = "Copied";
export const copy = "Copy";
export const yourDataAreNotInThe =
  "It holds the settings and the step, but not your data. To show somebody this experiment, send the project file.";

// page/ship/Try.tsx
export const theWordSoFar = "the word so far";
export const tryIt = "Try it";
