// Arrays in parts: each rank holds its share, and together they hold the array.
import { expect, test } from "vitest";
import type { HostArray } from "../formats/index.ts";
import type { TypedArray } from "../graph/dtype.ts";
import type { Communicator } from "../runtime/index.ts";
import { rand, tensor } from "../tensor/index.ts";
import { readNow } from "../tensor/reading.ts";
import { Holdings, type NamedHeld, valuesIn } from "./holdings.ts";

const refused = (): never => {
  throw new Error("only allGather is asked for");
};

/** Rank `rank` of `size`, whose allGather finds the other ranks' data in `parts`. */
function worldOf(rank: number, size: number, parts: () => readonly TypedArray[]): Communicator {
  const allGather = <T extends TypedArray>(values: T): T => {
    const whole = Reflect.construct(values.constructor, [size * values.length]) as T;
    parts().forEach((part, from) => {
      whole.set(part, from * values.length);
    });
    return whole;
  };
  const rest = { allReduce: refused, beginAllReduce: refused, progress: refused, borrow: refused, giveBack: refused };
  const more = { broadcast: refused, reduceScatter: refused, beginAllGather: refused, beginAllGatherInto: refused };
  const last = { beginReduceScatter: refused, barrier: refused, abort: refused };
  const together = { cut: refused, value: refused, drawShare: refused };
  return { rank, size, description: "three in one", together, allGather, ...rest, ...more, ...last };
}

function heldByThree(state: Readonly<Record<string, HostArray>>, asked: string): Holdings[] {
  const held: NamedHeld[] = [];
  const parts = (): TypedArray[] => held.map((each) => valuesIn(each[asked] ?? refused()));
  const holdings = [0, 1, 2].map((rank) => new Holdings(worldOf(rank, 3, parts)));
  for (const each of holdings) held.push(each.hold(state));
  return holdings;
}

test.each([
  ["float32", 3072],
  ["float64", 3073],
  ["int32", 3074],
  ["bfloat16", 1025],
] as const)("three ranks hold a third of %s[%i] each, and have all of it together", (dtype, length) => {
  const x = rand([length], { dtype: "float32" }).mul(1000).to(dtype);
  const array = { dtype, shape: [length], data: x.dataSync() };
  for (const holdings of heldByThree({ x: array }, "x")) {
    const held = holdings.hold({ x: array });
    expect(valuesIn(held["x"] ?? refused())).toHaveLength(Math.ceil(length / 3));
    expect(holdings.whole(held)["x"]).toEqual(array);
  }
});

test("small arrays, and all arrays without other ranks, are held whole", () => {
  const small = { dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
  const [first = refused()] = heldByThree({ small }, "small");
  expect(first.hold({ small })["small"]).toBe(small);
  const large = { dtype: "float32", shape: [5000], data: new Float32Array(5000) } as const;
  expect(new Holdings(undefined).hold({ large })["large"]).toBe(large);
});

test("tensors are read, and parts stay parts", () => {
  const holdings = new Holdings(undefined);
  const part = { dtype: "float32", shape: [2, 2], part: tensor([1, 2, 3, 4]) } as const;
  const held = readNow(holdings.take({ whole: tensor([[5, 6]]), part }));
  expect(held["whole"]).toEqual({ dtype: "float32", shape: [1, 2], data: Float32Array.of(5, 6) });
  expect(held["part"]).toEqual({ dtype: "float32", shape: [2, 2], part: Float32Array.of(1, 2, 3, 4) });
});
