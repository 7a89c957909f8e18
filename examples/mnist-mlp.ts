// Handwritten digits with a plain network: 784 pixels → 128 → 64 → 10 digits.
import { nn } from "../src/index.ts";
import { trainOnDigits } from "./shared/digits.ts";

await trainOnDigits(
  () =>
    new nn.Sequential(
      new nn.Flatten(),
      new nn.Linear(784, 128),
      new nn.ReLU(),
      new nn.Linear(128, 64),
      new nn.ReLU(),
      new nn.Linear(64, 10),
    ),
  5,
);
