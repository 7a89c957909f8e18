// Float labels: every classification loss says what labels must be and how to convert them, before it checks their shape.
import { expect, it } from "vitest";
import { HebbError, nn, type Tensor, tensor, zeros } from "../../index.ts";

const F = nn.functional;
const column = tensor([[0], [1]]);
const row = tensor([0, 1]);

const losses: readonly (readonly [string, (labels: Tensor) => Tensor])[] = [
  ["crossEntropy", (labels) => F.crossEntropy(zeros(2, 3), labels)],
  ["nll", (labels) => F.nll(zeros(2, 3), labels)],
  ["multiMargin", (labels) => F.multiMargin(zeros(2, 3), labels)],
  ["CrossEntropyLoss", (labels) => new nn.CrossEntropyLoss().forward(zeros(2, 3), labels)],
];

it.each(losses)("%s", (name, loss) => {
  expect(() => loss(row)).toThrow(HebbError);
  expect(() => loss(row)).toThrow(`${name}: labels must be whole numbers (int32), got float32 [2]`);
  expect(() => loss(row)).toThrow('labels.to("int32")');
  expect(() => loss(column)).toThrow('got float32 [2, 1]; convert them: labels.reshape([2]).to("int32")');
  expect(loss(row.to("int32")).itemSync()).toBeGreaterThanOrEqual(0);
});

it("probabilities of another number of classes are reported with their shape", () => {
  expect(() => F.crossEntropy(zeros(2, 3), zeros(2, 4))).toThrow(/or probabilities \[2, 3\], got float32 \[2, 4\]/);
});
