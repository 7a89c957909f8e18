// Small trainings on every processor end with the loss of the reference.
import { afterAll, describe, expect, it } from "vitest";
import { compile, nn, optim, rand, randint, seed, useBackend } from "../../src/index.ts";

const steps = 8;
/** Sums are added in an order that depends on the vector width: a few ulps a step, which training amplifies. */
const relative = 1e-4;

const networks: Readonly<Record<string, () => number>> = {
  "a perceptron of three layers": () => {
    const model = new nn.Sequential(
      new nn.Linear(13, 32),
      new nn.Tanh(),
      new nn.Linear(32, 16),
      new nn.GELU(),
      new nn.Linear(16, 3),
    );
    return train(model, new optim.AdamW(model.parameters(), { lr: 0.01 }), [32, 13]);
  },
  "a convolutional network": () => {
    const model = new nn.Sequential(
      new nn.Conv2d(1, 6, 3, { padding: 1 }),
      new nn.BatchNorm2d(6),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(6 * 16, 3),
    );
    return train(model, new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 }), [8, 1, 8, 8]);
  },
};

function train(model: nn.Module, optimizer: optim.Optimizer, shape: readonly number[]): number {
  const x = rand(shape);
  const labels = randint(0, 3, [shape[0] ?? 1]);
  const step = compile(() => {
    const loss = nn.functional.crossEntropy(model.forward(x), labels);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  let loss = Number.NaN;
  for (let i = 0; i < steps; i++) loss = step().itemSync();
  return loss;
}

async function lossOn(backend: "reference" | "wasm" | "c", learn: () => number): Promise<number> {
  await useBackend({ backend });
  seed(1);
  return learn();
}

afterAll(() => useBackend({ backend: "reference" }));

describe.each(Object.entries(networks))("%s", (_, learn) => {
  it.each(["wasm", "c"] as const)("on %s", async (backend) => {
    const expected = await lossOn("reference", learn);
    const loss = await lossOn(backend, learn);
    expect(Math.abs(loss / expected - 1), `${loss} against ${expected}`).toBeLessThan(relative);
    expect(loss).toBeLessThan(Math.log(3));
  });
});
