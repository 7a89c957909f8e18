// Handwritten digits with a plain network: 784 pixels → 128 → 64 → 10 digits.
import { pathToFileURL } from "node:url";
import { nn } from "../src/index.ts";
import { type Options, type Outcome, trainOnDigits } from "./mnist.ts";

export const run = (
  log: (line: string) => void = console.log,
  options: Options = { epochs: 5 },
): Promise<Outcome | undefined> =>
  trainOnDigits(
    () =>
      new nn.Sequential(
        new nn.Flatten(),
        new nn.Linear(784, 128),
        new nn.ReLU(),
        new nn.Linear(128, 64),
        new nn.ReLU(),
        new nn.Linear(64, 10),
      ),
    options,
    log,
  );

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await run();
