// Tensors on an asynchronous device: the same bits as on the reference, and failures reported with the next value that is read.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  compile,
  gradCheck,
  inspect,
  inspectStep,
  nn,
  optim,
  Parameter,
  rand,
  randn,
  State,
  seed,
  type Tensor,
  tensor,
  zeros,
} from "../../src/index.ts";
import { both, leave, useLater } from "./both.ts";

afterEach(leave);

const network = (): nn.Sequential =>
  new nn.Sequential(new nn.Linear(3, 8), new nn.Tanh(), new nn.Dropout(0.2), new nn.Linear(8, 2));
const rows = (): Tensor =>
  tensor(
    Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    { shape: [8, 3] },
  );
const labels = (): Tensor => tensor(Int32Array.of(0, 1, 1, 0, 1, 0, 0, 1));

async function stateOf(model: nn.Module): Promise<number[][]> {
  return Promise.all(model.parameters().map(async (parameter) => [...(await parameter.data())]));
}

describe("values", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["a chain", async () => (await rows().matmul(rows().t()).softmax(1).data()).join()],
    ["one number", () => rows().square().mean().item()],
    ["nested arrays", () => rows().topk(2, 1).values.toArray()],
    ["draws", async () => [await rand([5]).toArray(), await randn([5]).toArray()]],
    ["a large result", async () => (await rand([30, 30]).mul(2).data()).join()],
    [
      "a long loop of results that are dropped",
      async () => {
        let sum = 0;
        for (let i = 0; i < 20; i++) sum += await randn([24, 24]).sum().item();
        return sum;
      },
    ],
  ])("%s", async (_, program) => {
    const [expected, found] = await both(program);
    expect(found).toEqual(expected);
  });

  it("are not available synchronously, and the error says so", () => {
    useLater();
    const x = rows().sum();
    expect(() => x.itemSync()).toThrow(/is asynchronous; await data\(\), item\(\) or toArray\(\)/);
    expect(() => x.dataSync()).toThrow(/is asynchronous/);
  });
});

describe("training", () => {
  const trained = (compiled: boolean) => async (): Promise<unknown> => {
    const model = network();
    const optimizer = new optim.AdamW(model.parameters(), { lr: 0.05 });
    const schedule = new optim.StepLR(optimizer, 3);
    const take = (x: Tensor, y: Tensor): Tensor => {
      const loss = nn.functional.crossEntropy(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    };
    const step = compiled ? compile(take) : take;
    const [x, y] = [rows(), labels()];
    const losses: Promise<number>[] = [];
    for (let i = 0; i < 8; i++) {
      losses.push(step(x, y).item());
      schedule.step();
    }
    return [await Promise.all(losses), await stateOf(model)];
  };

  it.each([true, false])("gives the same losses and weights (compiled: %s)", async (compiled) => {
    const [expected, found] = await both(trained(compiled));
    expect(found).toEqual(expected);
  });

  it("accumulates gradients that are kept between calls", async () => {
    const [expected, found] = await both(async () => {
      const w = new Parameter(Float32Array.of(1, 2, 3));
      const step = compile((x: Tensor) => w.mul(x).square().sum().backward());
      step(tensor([1, 2, 3]));
      step(tensor([2, 0, 1]));
      return (await w.grad?.data())?.join();
    });
    expect(found).toEqual(expected);
  });
});

describe("state", () => {
  it("keeps an old value for those who read it", async () => {
    const [expected, found] = await both(async () => {
      const state = new State(Float32Array.of(1, 2));
      const old = state.mul(1);
      const doubled = compile(() => void state.assign(state.mul(2)));
      const before = state.add(0);
      doubled();
      state.assign(state.add(1));
      const after = state.data();
      return [await old.toArray(), await before.toArray(), [...(await after)]];
    });
    expect(found).toEqual(expected);
  });
});

describe("a failing check", () => {
  const broken = (): Tensor => tensor(Int32Array.of(0, 1, 7, 0, 1, 0, 0, 1));
  beforeEach(() => {
    useLater();
    seed(1);
  });

  const setUp = (compiled: boolean) => {
    const model = new nn.Linear(3, 2);
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const take = (x: Tensor, y: Tensor): Tensor => {
      const loss = nn.functional.crossEntropy(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    };
    return { model, step: compiled ? compile(take) : take };
  };

  it.each([true, false])(
    "is reported with the next value, and nothing is assigned meanwhile (compiled: %s)",
    async (compiled) => {
      const { model, step } = setUp(compiled);
      await step(rows(), labels()).item();
      const before = await stateOf(model);
      const bad = step(rows(), broken());
      // These run after the failed one, whose error nobody has read yet.
      const behind = [step(rows(), labels()), step(rows(), labels())];
      await expect(behind[1]?.item()).rejects.toThrow(/crossEntropy: in row 2, label 7 is out of range/);
      await expect(bad.item()).rejects.toThrow(/crossEntropy: in row 2, label 7 is out of range/);
      await expect(behind[0]?.item()).rejects.toThrow(/crossEntropy: in row 2, label 7 is out of range/);
      expect(await stateOf(model)).toEqual(before);
      // Once the error is read, it is over.
      const after = await step(rows(), labels()).item();
      expect(after).toBeGreaterThan(0);
      expect(await stateOf(model)).not.toEqual(before);
    },
  );

  it.each(["another step", "a value of the host"])(
    "leaves weights alone that are also held elsewhere, before %s",
    async (next) => {
      const { model, step } = setUp(true);
      await step(rows(), labels()).item();
      const expected = await model.weight.data();
      const held = model.weight.detach();
      const bad = step(rows(), broken());
      const heldSince = model.weight.detach();
      if (next === "another step") step(rows(), labels());
      else model.weight.assign(new Array(6).fill(9));
      await expect(bad.item()).rejects.toThrow(/label 7 is out of range/);
      expect(await held.data()).toEqual(expected);
      expect(await heldSince.data()).toEqual(expected);
    },
  );

  it("is reported for a parameter created after it, which has no value until one is assigned", async () => {
    const { step } = setUp(true);
    const bad = step(rows(), broken());
    const made = new Parameter(rand([3]).add(1));
    await expect(bad.item()).rejects.toThrow(/label 7 is out of range/);
    await expect(made.data()).rejects.toThrow(/label 7 is out of range/);
    expect(await made.assign([1, 2, 3]).toArray()).toEqual([1, 2, 3]);
  });

  it("leaves earlier values alone", async () => {
    const { step } = setUp(true);
    const good = step(rows(), labels());
    const bad = step(rows(), broken());
    await expect(bad.item()).rejects.toThrow(/label 7 is out of range/);
    expect(await good.item()).toBeGreaterThan(0);
  });
});

it("synchronous reads are refused with a remedy", () => {
  useLater();
  const remedy = /needs values synchronously, .* is asynchronous; do this on a synchronous device, such as openDevice/;
  const w = new Parameter(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] });
  expect(() => nn.init.orthogonal(w)).toThrow(remedy);
  expect(() => nn.init.sparse(w, 0.5)).toThrow(remedy);
  expect(() => nn.init.truncNormal(w)).toThrow(remedy);
  const closure = (): Tensor => {
    const loss = w.square().sum();
    loss.backward();
    return loss;
  };
  expect(() => new optim.LBFGS([w]).step(closure)).toThrow(remedy);
  expect(() => new nn.Perceptron(2).learn(zeros([2, 2]), zeros([2]))).toThrow(remedy);
  expect(() => inspectStep(() => w.sum())).toThrow(remedy);
  expect(() => inspect(() => rows().sum())).toThrow(/is asynchronous/);
  expect(() => gradCheck((x) => x.square().sum(), [tensor([1, 2], { dtype: "float64" })])).toThrow(/is asynchronous/);
});
