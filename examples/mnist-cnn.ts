// Handwritten digits with a small convolutional network: two convolutions with pooling, then two dense layers.
import { pathToFileURL } from "node:url";
import { nn } from "../src/index.ts";
import { type Options, type Outcome, trainOnDigits } from "./mnist.ts";

export const run = (
  log: (line: string) => void = console.log,
  options: Options = { epochs: 3 },
): Promise<Outcome | undefined> =>
  trainOnDigits(
    () =>
      new nn.Sequential(
        new nn.Conv2d(1, 16, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(16, 32, 3, { padding: 1 }),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(32 * 7 * 7, 128),
        new nn.ReLU(),
        new nn.Linear(128, 10),
      ),
    options,
    log,
  );

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await run();
