// Adafactor keeps rows and columns of the last two dims: a stack of equal matrices moves like one of them.
import { expect, it } from "vitest";
import { Parameter, tensor } from "../tensor/index.ts";
import { Adafactor } from "./index.ts";

const matrix = [
  [1, -2, 0.5],
  [3, 0.25, -1],
];

it.each([
  ["a stack", [2, 2, 3]],
  ["a stack of stacks", [4, 1, 2, 3]],
])("%s", (_, shape) => {
  const copies = shape.reduce((product, extent) => product * extent, 1) / 6;
  const one = new Parameter(tensor(matrix));
  const many = new Parameter(tensor(Array.from({ length: copies }, () => matrix.flat()).flat(), { shape }));
  const optimizers = [one, many].map((parameter) => new Adafactor([parameter], { lr: 0.1, weightDecay: 0.01 }));
  for (let step = 0; step < 3; step++)
    [one, many].forEach((parameter, place) => {
      parameter.grad = undefined;
      parameter.square().mul(parameter).sum().backward();
      optimizers[place]?.step();
    });
  const expected = [...one.dataSync()];
  expect(expected).not.toEqual(matrix.flat());
  many.dataSync().forEach((value, place) => {
    expect(value).toBeCloseTo(expected[place % 6] ?? Number.NaN, 5);
  });
});
