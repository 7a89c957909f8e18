// What is left standing when an evaluation fails, and which leaves a gradient reaches.
import { expect, it } from "vitest";
import { compile, Parameter, rand, randomState, State, seed, setRandomState, type Tensor, tensor } from "./index.ts";

it("an assignment whose value cannot be computed is dropped with its error, and the others hold", () => {
  const table = tensor([
    [1, 2],
    [3, 4],
  ]);
  const broken = new State(tensor([7, 8]));
  const sound = new State(tensor([0, 0]));
  broken.assign(table.indexSelect(0, tensor([5], { dtype: "int32" })).reshape([2]));
  sound.assign(sound.add(1));
  const other = tensor([1, 2]).add(1);
  expect(() => other.toArraySync()).toThrow(/5 is out of range/);
  expect(other.toArraySync()).toEqual([2, 3]);
  expect(broken.toArraySync()).toEqual([7, 8]);
  expect(sound.toArraySync()).toEqual([1, 1]);
});

it("a parameter frozen after it was read gets no gradient", () => {
  const frozen = new Parameter(tensor([1, 2]));
  const learned = new Parameter(tensor([3, 4]));
  frozen.mul(learned).sum().itemSync();
  frozen.requiresGrad = false;
  frozen.mul(learned).sum().backward();
  expect(frozen.grad).toBeUndefined();
  expect(learned.grad?.toArraySync()).toEqual([1, 2]);
  frozen.requiresGrad = true;
  frozen.mul(learned).sum().backward();
  expect(frozen.grad?.toArraySync()).toEqual([3, 4]);
});

it("a compiled step that fails takes its random draws back, and says that its assignments are not to be trusted", () => {
  seed(3);
  const total = new State(0);
  const step = compile((table: Tensor, at: Tensor) => {
    total.assign(total.add(rand([]).mul(0)).add(table.indexSelect(0, at).sum()));
    return rand([2]);
  });
  const table = tensor([1, 2]);
  const [good, bad] = [tensor([1], { dtype: "int32" }), tensor([2], { dtype: "int32" })];
  step(table, good);
  const before = randomState();
  expect(() => step(table, bad)).toThrow(
    /2 is out of range, .* below 2; assigned before it stopped, load them anew: a state without a name; whatever else it assigns is as it was/,
  );
  expect(randomState()).toEqual(before);
  const next = step(table, good).toArraySync();
  setRandomState(before);
  expect(step(table, good).toArraySync()).toEqual(next);
});
