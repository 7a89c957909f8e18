// Code that reads values while it runs: synchronously and by promise, with errors where they occur and the right context in each part.
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { type Tensor, tensor } from "./index.ts";
import { answered, either, itemOf, type Reading, readLater, readNow, settled, valuesOf, within } from "./reading.ts";

const failing = (): Tensor => tensor([1, 2]).indexSelect(0, tensor(Int32Array.of(5)));

function* sumOf(a: Tensor, b: Tensor): Reading<number> {
  const [first = [], second = []] = yield* valuesOf([a, b]);
  return Number(first[0]) + Number(second[0]) + (yield* itemOf(a));
}

describe("readings", () => {
  it("give the same result synchronously and by promise", async () => {
    const [a, b] = [tensor([1]).mul(2), tensor([3])];
    expect([readNow(sumOf(a, b)), await readLater(sumOf(a, b))]).toEqual([7, 7]);
  });

  it("get an error where they read, and may continue", async () => {
    const careful = function* (): Reading<string> {
      try {
        yield* itemOf(failing());
        return "read";
      } catch (error) {
        return `caught: ${String(error)}`;
      }
    };
    expect(readNow(careful())).toMatch(/caught: .*index 5 is out of range/);
    expect(await readLater(careful())).toMatch(/caught: .*index 5 is out of range/);
    expect(() => readNow(itemOf(failing()))).toThrow(/index 5 is out of range/);
    await expect(readLater(itemOf(failing()))).rejects.toThrow(/index 5 is out of range/);
  });

  it("wait for a promise if possible, and otherwise throw", async () => {
    expect(await readLater(answered(Promise.resolve(4)))).toBe(4);
    expect(await readLater(answered(itemOf(tensor(5))))).toBe(5);
    // From another realm, as in a callback run by a test runner or in a frame: not an instance of this Promise.
    expect(await readLater(answered(runInNewContext("Promise.resolve(6)")))).toBe(6);
    expect([readNow(answered("stop")), readNow(answered(itemOf(tensor(5))))]).toEqual(["stop", 5]);
    expect(() => readNow(answered(Promise.resolve(4)))).toThrow(
      /returned a promise, but its result is needed synchronously/,
    );
  });

  it("have their context in each of their parts, without affecting other code", async () => {
    let inside = false;
    const seen: boolean[] = [];
    const work = function* (): Reading<void> {
      try {
        seen.push(inside);
        yield* answered(Promise.resolve().then(() => void seen.push(inside)));
        seen.push(inside);
        yield* either<void>(
          () => void seen.push(inside),
          async () => void seen.push(inside),
        );
        throw new Error("over");
      } finally {
        seen.push(inside);
      }
    };
    const around = within((part) => {
      inside = true;
      try {
        return part();
      } finally {
        inside = false;
      }
    }, work());
    await expect(readLater(around)).rejects.toThrow("over");
    expect(seen).toEqual([true, false, true, false, true]);
  });

  it("a settled tensor has its value and no history", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const after = settled(x.mul(3));
    expect([after.toArraySync(), after.requiresGrad, after.node.inputs.length]).toEqual([[3, 6], false, 0]);
  });
});
