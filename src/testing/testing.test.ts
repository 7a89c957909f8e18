// Equality of tensors: unequal ones are never called equal, JSON keeps the values, and hebb/testing compares them.
import { deepStrictEqual, notDeepStrictEqual } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { HebbError, nn, optim, Parameter, State, tensor, zeros } from "../index.ts";
import { assertTensorsClose, type TensorMatchers, tensorMatchers } from "./index.ts";

declare module "vitest" {
  interface Matchers<T> extends TensorMatchers<T> {}
}
expect.extend(tensorMatchers);

describe("deep equality", () => {
  const unequal: readonly (readonly [string, unknown, unknown])[] = [
    ["tensors", tensor([1, 2]), tensor([3, 4])],
    ["what is not computed yet", tensor([1]).add(1), tensor([1]).add(2)],
    ["states", new State(tensor([1])), new State(tensor([2]))],
    ["parameters", new Parameter(tensor([1])), new Parameter(tensor([2]))],
    ["models", new nn.Linear(2, 3), new nn.Linear(2, 3)],
    ["nested models", new nn.Residual(new nn.Linear(2, 2)), new nn.Residual(new nn.Linear(2, 2))],
    ["state dicts", new nn.Linear(2, 3).stateDict(), new nn.Linear(2, 3).stateDict()],
  ];
  it.each(unequal)("distinguishes %s of one shape", (_, a, b) => {
    expect(a).not.toEqual(b);
    expect(a).not.toStrictEqual(b);
    expect([a]).not.toEqual([b]);
    expect(isDeepStrictEqual(a, b)).toBe(false);
    notDeepStrictEqual(a, b);
    expect(a).toEqual(a);
    deepStrictEqual(a, a);
  });

  it("holds for a state dict until the model is trained", () => {
    const model = new nn.Linear(2, 1);
    const before = model.stateDict();
    expect(model.stateDict()).toEqual(before);
    model
      .forward(zeros([1, 2]).add(1))
      .sum()
      .backward();
    new optim.SGD(model.parameters(), { lr: 0.1 }).step();
    expect(model.stateDict()).not.toEqual(before);
  });
});

describe("JSON", () => {
  it("keeps the values, including NaN, infinities and -0", () => {
    const values = [1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
    expect(JSON.stringify(tensor(values))).toBe(
      '{"shape":[5],"dtype":"float32","data":[1.5,"NaN","Infinity","-Infinity","-0"]}',
    );
    expect(JSON.stringify(tensor([[true], [false]]))).toBe('{"shape":[2,1],"dtype":"bool","data":[1,0]}');
    expect(JSON.parse(JSON.stringify({ a: tensor(7) }))).toEqual({ a: { shape: [], dtype: "float32", data: [7] } });
  });

  it("is loaded by loadStateDict, bit for bit", () => {
    const [model, copy] = [new nn.BatchNorm1d(2), new nn.BatchNorm1d(2)];
    model.weight?.assign(tensor([Number.NaN, -0]));
    model.bias?.assign(tensor([1 / 3, Number.NEGATIVE_INFINITY]));
    copy.loadStateDict(JSON.parse(JSON.stringify(model.stateDict())));
    expect([...(copy.weight?.dataSync() ?? [])]).toEqual([Number.NaN, -0]);
    expect([...(copy.bias?.dataSync() ?? [])]).toEqual([Math.fround(1 / 3), Number.NEGATIVE_INFINITY]);
  });

  it("also works for optimizers", () => {
    const train = (model: nn.Linear, optimizer: optim.Adam): void => {
      optimizer.zeroGrad();
      model
        .forward(zeros([1, 2]).add(1))
        .square()
        .sum()
        .backward();
      optimizer.step();
    };
    const [model, copy] = [new nn.Linear(2, 1), new nn.Linear(2, 1)];
    const [first, second] = [new optim.Adam(model.parameters()), new optim.Adam(copy.parameters())];
    train(model, first);
    copy.loadStateDict(JSON.parse(JSON.stringify(model.stateDict())));
    second.loadStateDict(JSON.parse(JSON.stringify(first.stateDict())));
    train(model, first);
    train(copy, second);
    assertTensorsClose(copy.stateDict(), model.stateDict(), { atol: 0, rtol: 0 });
  });

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [null, /takes values by name.*got null/],
    [{ weight: null, bias: zeros([1]) }, /"weight" is null, not a tensor/],
    [{ weight: { shape: [1, 2], dtype: "float32", data: ["x", 1] }, bias: zeros([1]) }, /"weight" is an object, not a/],
    [{ weight: { shape: [1, 2], dtype: "float32", data: [1] }, bias: zeros([1]) }, /nor an array .* of its size/],
    [{ weight: { data: [1, 2] }, bias: zeros([1]) }, /"weight" is an object, not a tensor/],
  ];
  it.each(wrong)("values that are not a state dict are refused: %o", (values, message) => {
    const model = new nn.Linear(2, 1);
    const load = () => Reflect.apply(model.loadStateDict, model, [values]);
    expect(load).toThrow(HebbError);
    expect(load).toThrow(message);
  });
});

describe("assertTensorsClose", () => {
  it("accepts differences of rounding", () => {
    const x = tensor([1, 2, 3]);
    assertTensorsClose(x.div(3).mul(3), x);
    assertTensorsClose(x, [1, 2, 3]);
    assertTensorsClose(x, Float32Array.of(1, 2, 3));
    assertTensorsClose(tensor(2), 2);
    assertTensorsClose(tensor([1, Number.POSITIVE_INFINITY]), [1, Number.POSITIVE_INFINITY]);
    assertTensorsClose({ a: x, b: [x, tensor(1)] }, { a: x, b: [x, 1] });
    assertTensorsClose(tensor([Number.NaN]), [Number.NaN], { equalNan: true });
    assertTensorsClose(zeros([0, 2]), zeros([0, 2]));
    assertTensorsClose(tensor([1.05]), [1], { atol: 0.1 });
  });

  it.each([
    [
      tensor([1, 2]),
      [1, 3],
      /1 of 2 elements differ, most at \[1\]: 2, expected 3, 1 apart where 0.0000139 is allowed/,
    ],
    [tensor([1, Number.NaN]), [1, 2], /most at \[1\]: NaN, expected 2$/],
    [tensor([Number.NaN]), [Number.NaN], /NaN, expected NaN/],
    [tensor([1]), [[1]], /the shape is \[1\], expected \[1, 1\]/],
    [tensor([1]), tensor([1], { dtype: "float64" }), /the dtype is float32, expected float64/],
    [tensor([2], { dtype: "int32" }), tensor([3], { dtype: "int32" }), /2, expected 3/],
    [{ a: tensor(1) }, { a: tensor(1), b: tensor(2) }, /there is no "b"/],
    [{ a: tensor(1), c: tensor(2) }, { a: tensor(1) }, /"c" is not expected/],
    [{ a: { b: tensor(1) } }, { a: { b: tensor(2) } }, /a\.b: 1 of 1 element differs, most: 1, expected 2/],
    ["x", tensor(1), /cannot compare "x" with a Tensor/],
    [tensor(1), null, /cannot compare/],
  ] as const)("says what differs: %#", (actual, expected, message) => {
    const run = () => Reflect.apply(assertTensorsClose, undefined, [actual, expected]);
    expect(run).toThrow(HebbError);
    expect(run).toThrow(message);
  });

  it("refuses unknown options", () => {
    expect(() => Reflect.apply(assertTensorsClose, undefined, [1, 1, { tolerance: 1 }])).toThrow(/no option tolerance/);
  });
});

describe("toBeCloseToTensor", () => {
  it("is a matcher for Vitest, and for any runner that uses { pass, message }", () => {
    expect(tensor([1, 2])).toBeCloseToTensor([1, 2]);
    expect(tensor([1, 2])).not.toBeCloseToTensor([1, 2.1]);
    expect(new nn.Linear(2, 1).stateDict()).not.toBeCloseToTensor(new nn.Linear(2, 1).stateDict());
    expect(() => expect(tensor([1])).toBeCloseToTensor([2])).toThrow(/1 of 1 element differs/);
    expect(() => expect(tensor([1])).not.toBeCloseToTensor([1])).toThrow(/but they are/);
    const result = tensorMatchers.toBeCloseToTensor.call(undefined, tensor([1]), [1]);
    expect(result.pass).toBe(true);
  });
});
