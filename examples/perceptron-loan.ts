// One neuron decides loans by Rosenblatt's rule; AND and OR it learns too; XOR it never can, and one hidden layer can.
import { pathToFileURL } from "node:url";
import { compile, data, nn, noGrad, optim, seed, type Tensor, tensor } from "../src/index.ts";

export interface Outcome {
  /** Share of right decisions on loans that were not learned from, and the share of the commoner decision among them. */
  readonly loanAccuracy: number;
  readonly majority: number;
  /** Mistakes in the last pass over the four rows of each gate. */
  readonly gates: Readonly<Record<"and" | "or" | "xor", number>>;
  /** The lowest number of mistakes on XOR over 1,000 passes. */
  readonly bestXor: number;
  readonly hiddenXor: number;
}

const whole = (dataset: data.Dataset): [Tensor, Tensor] =>
  new data.DataLoader(dataset).batch(Array.from({ length: dataset.length }, (_, row) => row));

async function mistakes(model: nn.Module, x: Tensor, y: Tensor): Promise<number> {
  const wrong = noGrad(() =>
    model
      .forward(x)
      .gt(0.5)
      .ne(y.reshape([y.size, 1]).gt(0.5)),
  );
  return wrong.to("float32").sum().item();
}

export async function run(log: (line: string) => void = console.log): Promise<Outcome> {
  seed(0);
  const { train, validation } = data.prepareTable(data.loans({ count: 600, noise: 0.1, seed: 3 }), {
    target: "approved",
    validation: 0.25,
    seed: 0,
  });
  if (validation === undefined) throw new Error("the split left nothing to validate with");
  const officer = new nn.Perceptron(train.features.shape[0] ?? 0);
  const [x, y] = whole(train);
  const { mistakes: passes } = officer.learn(x, y, { epochs: 15 });
  log(`loans: mistakes in each pass over ${train.length}: ${passes.join(" ")}`);
  const [held, wanted] = whole(validation);
  const loanAccuracy = 1 - (await mistakes(officer, held, wanted)) / validation.length;
  const yes = (await wanted.to("float32").mean().item()) as number;
  const majority = Math.max(yes, 1 - yes);
  log(
    `loans: ${(100 * loanAccuracy).toFixed(1)} % right on ${validation.length} new ones; always the commoner answer: ${(100 * majority).toFixed(1)} %`,
  );

  const learn = (name: "and" | "or" | "xor", epochs: number): readonly number[] =>
    new nn.Perceptron(2).learn(...whole(data.gate(name)), { epochs }).mistakes;
  const [and, or, xor] = [learn("and", 100), learn("or", 100), learn("xor", 1000)];
  const last = (values: readonly number[]): number => values[values.length - 1] ?? Number.NaN;
  const bestXor = Math.min(...xor);
  log(`AND: no mistake after ${and.length} passes, OR: after ${or.length}`);
  log(`XOR: at least ${bestXor} mistakes in each of ${xor.length} passes — no line separates it`);

  const hidden = new nn.Sequential(new nn.Linear(2, 4), new nn.Tanh(), new nn.Linear(4, 1), new nn.Sigmoid());
  const optimizer = new optim.Adam(hidden.parameters(), { lr: 0.1 });
  const [inputs, outputs] = whole(data.gate("xor"));
  const step = compile((a: Tensor, b: Tensor) => {
    const loss = nn.functional.bce(hidden.forward(a), b);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (let epoch = 0; epoch < 300; epoch++) step(inputs, outputs);
  const hiddenXor = await mistakes(hidden, inputs, outputs);
  log(
    `XOR with one hidden layer of 4: ${hiddenXor} mistakes; outputs ${[...noGrad(() => hidden.forward(inputs)).dataSync()].map((p) => p.toFixed(3)).join(" ")}`,
  );
  log(`the arithmetic of AND's neuron at (1, 1): ${await arithmetic()}`);
  return { loanAccuracy, majority, gates: { and: last(and), or: last(or), xor: last(xor) }, bestXor, hiddenXor };
}

async function arithmetic(): Promise<string> {
  const neuron = new nn.Perceptron(2);
  neuron.learn(...whole(data.gate("and")), { epochs: 100 });
  const [w1 = 0, w2 = 0] = await neuron.weight.data();
  const bias = await neuron.bias.item();
  const score = await neuron.score(tensor([[1, 1]])).item();
  return `${w1}·1 + ${w2}·1 + (${bias}) = ${score} ≥ 0, so it answers 1`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await run();
