// A process that trains, or resumes an interrupted run, and saves as often as it can.
// usage: trainee.ts FOLDER
import { resume, train } from "../../src/cli/commands/train.ts";
import { tellFailure } from "../../src/cli/failure.ts";
import { hasConfig, training } from "./run.ts";

const folder = process.argv[2] ?? "";
const manner = { json: true, saveEvery: 5 };
try {
  const { data, ...options } = training;
  process.exitCode = hasConfig(folder)
    ? await resume(folder, manner)
    : await train(data, { ...options, ...manner, out: folder });
} catch (error) {
  process.exitCode = tellFailure(error, false);
}
