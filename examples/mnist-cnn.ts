// Handwritten digits with a small convolutional network: two convolutions with pooling, then two dense layers.
import { nn } from "../src/index.ts";
import { trainOnDigits } from "./shared/digits.ts";

await trainOnDigits(
  () =>
    new nn.Sequential(
      new nn.Conv2d(1, 8, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(8, 16, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(16 * 7 * 7, 64),
      new nn.ReLU(),
      new nn.Linear(64, 10),
    ),
  2,
);
