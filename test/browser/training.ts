// A tiny training run. Its final weights are compared bit for bit between Node and a browser.
import { backendInfo, compile, nn, optim, seed, type Tensor, tensor } from "../../src/index.ts";

/** The bits of every weight after 40 steps, as hexadecimal text, and the backend that ran it. */
export function train(): { weights: string; losses: readonly number[]; backend: string } {
  seed(7);
  const model = new nn.Sequential(
    new nn.Linear(2, 16),
    new nn.Tanh(),
    new nn.Linear(16, 16),
    new nn.ReLU(),
    new nn.Linear(16, 3),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const points = Array.from({ length: 48 }, (_, i) => [Math.cos(i) * (1 + (i % 3)), Math.sin(i * 1.7)]);
  const x = tensor(points);
  const y = tensor(Int32Array.from(points, (_, i) => i % 3));
  const step = compile((input: Tensor, target: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(input), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const losses = Array.from({ length: 40 }, () => step(x, y).itemSync());
  const weights = model
    .parameters()
    .map((parameter) => Float32Array.from(parameter.dataSync()))
    .map((data) => Array.from(new Uint32Array(data.buffer), (bits) => bits.toString(16)).join(" "))
    .join("\n");
  return { weights, losses, backend: backendInfo().description };
}
