// The state after an evaluation fails, and which leaves a gradient reaches.
import { expect, it } from "vitest";
import {
  compile,
  flush,
  Parameter,
  rand,
  randomState,
  State,
  seed,
  setRandomState,
  type Tensor,
  tensor,
} from "./index.ts";

const table = tensor([
  [1, 2],
  [3, 4],
]);
const lookUp = (row: number): Tensor => table.indexSelect(0, tensor([row], { dtype: "int32" })).reshape([2]);

it("keeps assignments made before a failed check, and drops those made after it", () => {
  const [early, late] = [new State(tensor([0, 0])), new State(tensor([0, 0]))];
  early.assign(early.add(1));
  late.assign(late.add(1));
  lookUp(1);
  late.assign(late.add(2));
  lookUp(5);
  lookUp(6);
  late.assign(late.add(4));
  early.assign(lookUp(0));
  const other = tensor([1, 2]).add(1);
  expect(() => other.toArraySync()).toThrow(/at \[0\], index 5 is out of range/);
  expect(other.toArraySync()).toEqual([2, 3]);
  expect(early.toArraySync()).toEqual([1, 1]);
  expect(late.toArraySync()).toEqual([3, 3]);
});

it("drops an assignment whose value cannot be computed, with its error, and keeps the others", () => {
  const wrong = lookUp(5);
  expect(() => flush()).toThrow(/5 is out of range/);
  const broken = new State(tensor([7, 8]));
  const sound = new State(tensor([0, 0]));
  broken.assign(wrong);
  sound.assign(sound.add(1));
  expect(() => flush()).toThrow(/5 is out of range/);
  expect(broken.toArraySync()).toEqual([7, 8]);
  expect(sound.toArraySync()).toEqual([1, 1]);
});

it("a state takes over the memory of an assigned value without other readers, so that its next change copies nothing", () => {
  const weight = new State(tensor([0, 0]));
  weight.assign(rand([2]));
  flush();
  expect(weight.cell.lent).toBeUndefined();
});

it("readers of a state with a pending assignment, and holders of the assigned value, keep their values", () => {
  const weight = new State(tensor([0, 0]));
  const given = tensor([1, 2]).add(1);
  weight.assign(given);
  const early = weight.mul(10);
  const kept = weight.detach();
  const step = compile(() => void weight.assign(weight.add(1)));
  step();
  step();
  expect(early.toArraySync()).toEqual([20, 30]);
  expect(kept.toArraySync()).toEqual([2, 3]);
  expect(given.toArraySync()).toEqual([2, 3]);
  expect(weight.toArraySync()).toEqual([4, 5]);
});

it("a value from the host does not overtake a pending check", () => {
  const rate = new State(1);
  lookUp(5);
  expect(() => rate.assign(2)).toThrow(/5 is out of range/);
  expect(rate.itemSync()).toBe(1);
  rate.assign(2);
  expect(rate.itemSync()).toBe(2);
});

it("checks run even if no value is read, and do not pile up", () => {
  expect(() => {
    for (let i = 0; i < 3000; i++) lookUp(i === 1500 ? 2 : 1);
  }).toThrow(/2 is out of range/);
  flush();
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

it("a failed compiled step takes back its random draws and leaves its states unchanged", () => {
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
    /2 is out of range, .* below 2, .*; what this step assigns .* is as it was before/,
  );
  expect(total.itemSync()).toBe(2);
  expect(randomState()).toEqual(before);
  const next = step(table, good).toArraySync();
  setRandomState(before);
  expect(step(table, good).toArraySync()).toEqual(next);
});
