// Networks that several benchmarks train.
import * as nn from "../src/nn/index.ts";

/** The network of workload W4, for images of 28 × 28 (see bench/workloads.ts). */
export const digitsCnn = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(1, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(16, 32, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(32 * 49, 128),
    new nn.ReLU(),
    new nn.Linear(128, 10),
  );
