// Tensors from typed arrays of every kind, from sizes given one by one, and from values that are not numbers.
import { expect, it } from "vitest";
import { HebbError, ones, Parameter, rand, randn, ShapeError, State, tensor, zeros } from "../index.ts";

it.each([
  [Float64Array.of(1.5), "float64"],
  [Float32Array.of(1.5), "float32"],
  [Int32Array.of(-1), "int32"],
  [Uint8Array.of(255), "uint8"],
  [Uint8ClampedArray.of(255), "uint8"],
  [Int8Array.of(-1), "int8"],
  [Int16Array.of(-1), "int16"],
  [Uint16Array.of(65535), "int32"],
  [Uint32Array.of(2 ** 31 - 1), "int32"],
  [BigInt64Array.of(-5n), "int32"],
  [BigUint64Array.of(5n), "int32"],
] as const)("a typed array keeps its type, or takes the one that holds it: %o", (data, dtype) => {
  const made = tensor(data);
  expect(made.dtype).toBe(dtype);
  expect(made.toArraySync()).toEqual([Number(data[0])]);
});

it("whole numbers that a dtype cannot hold exactly are refused with their position, not rounded", () => {
  const labels = BigInt64Array.of(1n, 1610521604143693812n, 1610521604143693813n);
  expect(() => tensor(labels)).toThrow(HebbError);
  expect(() => tensor(labels)).toThrow(/1610521604143693812 \(at 1\) does not fit int32/);
  expect(() => tensor(labels, { dtype: "float64" })).toThrow(
    /1610521604143693812 \(at 1\) does not fit float64; encode the values as classes/,
  );
  expect(() => tensor(BigInt64Array.of(16777217n), { dtype: "float32" })).toThrow(/does not fit float32/);
  expect(() => tensor(Uint32Array.of(2 ** 31))).toThrow(/2147483648 \(at 0\) does not fit int32/);
  expect(tensor(BigInt64Array.of(2n ** 53n), { dtype: "float64" }).itemSync()).toBe(2 ** 53);
});

it("sizes are given as a list or one by one", () => {
  expect(zeros(2, 3).shape).toEqual([2, 3]);
  expect(ones(2).toArraySync()).toEqual([1, 1]);
  expect(rand(2, 1).shape).toEqual([2, 1]);
  expect(randn(3).shape).toEqual([3]);
  expect(() => zeros(2, -1)).toThrow(ShapeError);
  expect(() => Reflect.apply(zeros, undefined, [2, { dtype: "int32" }])).toThrow(/sizes must be whole numbers/);
});

it("a state from a plain array is refused, not read as bytes", () => {
  expect(() => Reflect.construct(State, [[1.5, 2.5]])).toThrow(/make a tensor of it with tensor\(…\)/);
  expect(() => Reflect.construct(Parameter, [[1.5, 2.5]])).toThrow(HebbError);
  expect(() => new State(tensor([1, 2]), { shape: [3] })).toThrow(/2 values do not fill a shape \[3\]/);
});
