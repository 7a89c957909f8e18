// A short training run, printed as JSON. The tests of the C backend start it in separate processes.
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { backendInfo } from "../../src/runtime/index.ts";
import { compile, randint, randn, seed } from "../../src/tensor/index.ts";

seed(7);
const model = new nn.Sequential(new nn.Linear(20, 33), new nn.LayerNorm(33), new nn.GELU(), new nn.Linear(33, 5));
const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 });
const [x, y] = [randn([40, 20]), randint(0, 5, [40])];
const step = compile(() => {
  const loss = nn.functional.crossEntropy(model.forward(x), y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});
const losses = Array.from({ length: 5 }, () => step().itemSync());
console.log(JSON.stringify({ ...backendInfo(), losses }));
