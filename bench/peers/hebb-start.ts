// A fresh process: import our library, build a network, do one training step, print STEP.   usage: hebb-start.mjs tiny|mlp
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { compile, ones, rand, type Tensor, zeros } from "../../src/tensor/index.ts";

const tiny = process.argv[2] === "tiny";
const model = tiny
  ? new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 8), new nn.Tanh(), new nn.Linear(8, 1))
  : new nn.Sequential(
      new nn.Linear(784, 128),
      new nn.ReLU(),
      new nn.Linear(128, 64),
      new nn.ReLU(),
      new nn.Linear(64, 10),
    );
const optimizer = tiny
  ? new optim.SGD(model.parameters(), { lr: 0.1 })
  : new optim.Adam(model.parameters(), { lr: 1e-3 });
const step = compile((x: Tensor, y: Tensor) => {
  const output = model.forward(x);
  const loss = tiny ? nn.functional.bceWithLogits(output, y) : nn.functional.crossEntropy(output, y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});
const [x, y] = tiny ? [rand([32, 2]), ones([32, 1])] : [rand([64, 784]), zeros([64], { dtype: "int32" })];
const loss = await step(x, y).item();
console.log("STEP", loss);
process.exit(0);
