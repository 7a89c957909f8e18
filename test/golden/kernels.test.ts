// Fusion, as text: the graph, the kernels and the cost of programs that matter. A change here is a change of design.
import { beforeAll, describe, expect, it } from "vitest";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { useBackend } from "../../src/runtime/index.ts";
import { compile, ones, seed, type Tensor, zeros } from "../../src/tensor/index.ts";

beforeAll(() => {
  useBackend({ backend: "reference" });
});

/** A training step on inputs of zeros; only its program matters. */
function stepOf(
  model: nn.Module,
  optimizer: optim.Optimizer,
  loss: (output: Tensor, target: Tensor) => Tensor,
): (x: Tensor, y: Tensor) => string {
  return (x, y) => {
    const step = compile((input: Tensor, target: Tensor) => {
      const value = loss(model.forward(input), target);
      optimizer.zeroGrad();
      value.backward();
      optimizer.step();
      return value;
    });
    step(x, y);
    return `${step.explain()}\n`;
  };
}

describe("kernels of", () => {
  it("a tiny network's training step", async () => {
    seed(0);
    const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1));
    const explain = stepOf(model, new optim.SGD(model.parameters(), { lr: 0.1 }), nn.functional.bceWithLogits);
    await expect(explain(zeros([32, 2]), zeros([32, 1]))).toMatchFileSnapshot("kernels/tiny-step.txt");
  });

  it("a classifier's training step with Adam", async () => {
    seed(0);
    const model = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10));
    const explain = stepOf(model, new optim.Adam(model.parameters(), { lr: 0.001 }), nn.functional.crossEntropy);
    await expect(explain(zeros([2, 784]), zeros([2], { dtype: "int32" }))).toMatchFileSnapshot(
      "kernels/classifier-step.txt",
    );
  });

  it("a convolution's training step", async () => {
    seed(0);
    const model = new nn.Sequential(
      new nn.Conv2d(1, 2, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(8, 3),
    );
    const explain = stepOf(
      model,
      new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 }),
      nn.functional.crossEntropy,
    );
    await expect(explain(zeros([2, 1, 4, 4]), zeros([2], { dtype: "int32" }))).toMatchFileSnapshot(
      "kernels/convolution-step.txt",
    );
  });

  it("softmax and layer normalisation: one kernel each", async () => {
    const softmax = compile((x: Tensor) => x.softmax(-1));
    softmax(zeros([8, 16]));
    const norm = compile((x: Tensor) => nn.functional.layerNorm(x, [16]));
    norm(zeros([8, 16]));
    expect(softmax.explain()).toContain("1 kernel,");
    expect(norm.explain()).toContain("1 kernel,");
    await expect(`${softmax.explain()}\n\n${norm.explain()}\n`).toMatchFileSnapshot("kernels/rows.txt");
  });

  it("causal attention: heads are views, not copies", async () => {
    const [batch, time, heads, width] = [2, 4, 2, 4];
    const attention = compile((qkv: Tensor) => {
      const parts = qkv.reshape([batch, time, 3, heads, width]).permute([2, 0, 3, 1, 4]);
      const [q, k, v] = [0, 1, 2].map((part) => parts.select(0, part)) as [Tensor, Tensor, Tensor];
      const scores = q.matmul(k.transpose(-1, -2)).mul(0.5);
      const masked = scores.maskedFill(ones([time, time]).tril().eq(0), Number.NEGATIVE_INFINITY);
      return masked
        .softmax(-1)
        .matmul(v)
        .permute([0, 2, 1, 3])
        .reshape([batch, time, heads * width]);
    });
    attention(zeros([batch, time, 3 * heads * width]));
    await expect(`${attention.explain()}\n`).toMatchFileSnapshot("kernels/attention.txt");
  });

  it("a product of bytes with sums in int32: one kernel, which reads bytes", async () => {
    const product = compile((x: Tensor, w: Tensor) => x.to("int32").matmul(w.t().to("int32")));
    product(zeros([4, 64], { dtype: "uint8" }), zeros([32, 64], { dtype: "int8" }));
    expect(product.explain()).toContain("1 kernel,");
    await expect(`${product.explain()}\n`).toMatchFileSnapshot("kernels/bytes.txt");
  });

  it("a network in floats of 16 bits: products read them as stored, and intermediate values are rounded by the kernel that computes them", async () => {
    seed(0);
    const texts = (["bfloat16", "float16"] as const).map((dtype) => {
      const network = new nn.Sequential(new nn.Linear(64, 32), new nn.ReLU(), new nn.Linear(32, 8));
      const forward = compile((x: Tensor) => network.forward(x));
      forward((dtype === "float16" ? network.half() : network.bfloat16()) && zeros([4, 64], { dtype }));
      expect(forward.explain()).toContain("2 kernels,");
      return forward.explain();
    });
    await expect(`${texts[0]}\n`).toMatchFileSnapshot("kernels/halves.txt");
  });
});
