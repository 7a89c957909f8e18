// A small training on one device, with every kind of state.
import {
  type ComputeDevice,
  compile,
  defaultDevice,
  Generator,
  nn,
  optim,
  type Tensor,
  withGenerator,
} from "../../src/index.ts";
import { labels, rows } from "./pairs.ts";

export interface Training {
  readonly model: nn.Module;
  readonly optimizer: optim.AdamW;
  /** Takes a step and returns its loss once it is available. */
  step(): Promise<number>;
  parameters(): Promise<number[][]>;
}

export interface Kind {
  readonly compiled: boolean;
  readonly seed?: number;
}

/** Draws from its own generator, as runs of `fit` do, so that trainings side by side do not disturb each other. */
export function training(device: ComputeDevice, { compiled, seed = 3 }: Kind): Training {
  const generator = new Generator(seed);
  const model = withGenerator(
    generator,
    () =>
      new nn.Sequential(
        new nn.Linear(3, 8),
        new nn.BatchNorm1d(8),
        new nn.Tanh(),
        new nn.Dropout(0.2),
        new nn.Linear(8, 2),
      ),
  );
  if (device !== defaultDevice) model.toDevice(device);
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.05 });
  const schedule = new optim.StepLR(optimizer, 2);
  const take = (x: Tensor, y: Tensor): Tensor => {
    const loss = nn.functional.crossEntropy(model.forward(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  };
  const step = compiled ? compile(take) : take;
  const [x, y] = [rows(), labels()];
  return {
    model,
    optimizer,
    step: async () => {
      const loss = withGenerator(generator, () => step(x, y)).item();
      schedule.step();
      return loss;
    },
    parameters: () => Promise.all(model.parameters().map(async (parameter) => [...(await parameter.data())])),
  };
}

/** The losses of some steps, and the weights after them. */
export async function course(run: Training, steps = 6): Promise<unknown> {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push(await run.step());
  return [losses, await run.parameters()];
}
