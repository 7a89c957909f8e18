// One neuron decides loans: it learns what a line can separate, but never XOR; with a hidden layer XOR is easy.
import { compile, data, nn, noGrad, optim, seed, type Tensor, tensor } from "../src/index.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const everything = (dataset: data.Dataset): [Tensor, Tensor] =>
  new data.DataLoader(dataset).batch(Array.from({ length: dataset.length }, (_, row) => row));

/** Accuracy of a network whose outputs are between 0 and 1. */
async function accuracy(model: nn.Module, x: Tensor, y: Tensor): Promise<number> {
  const right = noGrad(() => model.forward(x).gt(0.5).eq(y.gt(0.5)));
  return right.to("float32").mean().item();
}

// Loan applications with income and debt, standardised. The officer draws a line; applications close to it are left out.
function loans(count: number, random: data.Random): [Tensor, Tensor] {
  const features: [number, number][] = [];
  const approved: [number][] = [];
  while (features.length < count) {
    const [income, debt] = [random.normal(), random.normal()];
    const score = income - 1.5 * debt + 0.4;
    if (Math.abs(score) < 0.15) continue;
    features.push([income, debt]);
    approved.push([score > 0 ? 1 : 0]);
  }
  return [tensor(features), tensor(approved, { dtype: "float32" })];
}

const random = new data.Random(3, 1);
const [applications, decisions] = loans(300, random);
const [fresh, rightAnswers] = loans(300, random);
const officer = new nn.Perceptron(2);
const { mistakes, converged } = officer.learn(applications, decisions, { epochs: 100 });
const [income = 0, debt = 0] = await officer.weight.data();
const bias = await officer.bias.item();
console.log(`loans: mistakes in each pass over 300: ${mistakes.join(" ")}${converged ? " (a line was found)" : ""}`);
console.log(`loans: approve if ${income.toFixed(2)}·income + (${debt.toFixed(2)})·debt + ${bias.toFixed(2)} ≥ 0`);
console.log(`loans: ${percent(await accuracy(officer, fresh, rightAnswers))} right on 300 new ones`);
const score = 1 * income + 0.5 * debt + bias;
console.log(
  `an application with income 1, debt 0.5: 1 × ${income.toFixed(2)} + 0.5 × ${debt.toFixed(2)} + ${bias.toFixed(2)} = ${score.toFixed(2)} → ${score >= 0 ? "approved" : "declined"}`,
);

// Gates: the four rows of a truth table.
for (const [name, epochs] of [
  ["and", 100],
  ["or", 100],
  ["xor", 1000],
] as const) {
  const history = new nn.Perceptron(2).learn(...everything(data.gate(name)), { epochs });
  const passes = history.mistakes.length;
  console.log(
    `${name.toUpperCase()}: ${history.converged ? `no mistake after ${passes} passes` : `never fewer than ${Math.min(...history.mistakes)} mistakes in ${passes} passes: no line separates it`}`,
  );
}

// One hidden layer folds the plane, and then a line is enough.
seed(0);
const hidden = new nn.Sequential(new nn.Linear(2, 4), new nn.Tanh(), new nn.Linear(4, 1), new nn.Sigmoid());
const optimizer = new optim.Adam(hidden.parameters(), { lr: 0.1 });
const [inputs, outputs] = everything(data.gate("xor"));
const step = compile(() => {
  const loss = nn.functional.bce(hidden.forward(inputs), outputs);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});
for (let epoch = 0; epoch < 300; epoch++) step();
const answers = await noGrad(() => hidden.forward(inputs)).data();
console.log(
  `XOR with a hidden layer of 4: ${percent(await accuracy(hidden, inputs, outputs))} right, outputs ${Array.from(answers, (p) => p.toFixed(3)).join(" ")}`,
);
