// Results of compiled functions have no history. backward outside refuses them instead of leaving out a part of the gradient.
import { expect, it } from "vitest";
import {
  checkpoint,
  compile,
  grad,
  jvp,
  noGrad,
  Parameter,
  State,
  scan,
  type Tensor,
  tensor,
  vjp,
  vmap,
  zeros,
} from "../index.ts";

const gradOf = (x: Tensor) => x.grad?.toArraySync();
const weight = () => new Parameter(tensor([1, 2]));
const refused =
  /result of the compiled function "encode" has no history outside it.*call backward inside the function.*\.detach\(\)/;

/** A compiled function of a parameter, and its result for 3. */
function encoded() {
  const w = weight();
  const encode = compile(function encode(x: Tensor) {
    return w.mul(x);
  });
  return { w, encode, result: encode(tensor([3, 3])) };
}

it("names no function that has no name", () => {
  const w = weight();
  const result = compile((x: Tensor) => w.mul(x))(tensor([3, 3]));
  expect(() => result.sum().backward()).toThrow(/^backward: a result of a compiled function has no history outside it/);
});

it("refuses a loss that needs the gradients of both the result and a parameter, and changes no gradient", () => {
  const { w, result } = encoded();
  const loss = w.square().sum().add(result.sum());
  expect(() => loss.backward()).toThrow(refused);
  expect(w.grad).toBeUndefined();
  expect(() => result.sum().backward()).toThrow(refused);
  expect(() => result.backward(tensor([1, 1]))).toThrow(refused);
});

it("takes a detached result as a constant", () => {
  const { w, result } = encoded();
  w.mul(result.detach()).sum().backward();
  expect(gradOf(w)).toEqual([3, 6]);
  w.grad = undefined;
  w.mul(noGrad(() => result.add(1)))
    .sum()
    .backward();
  expect(gradOf(w)).toEqual([4, 7]);
});

it("takes results as data: whole numbers, conditions, states, new leaves", () => {
  const { w, result } = encoded();
  w.mul(result.gt(4)).sum().backward();
  expect(gradOf(w)).toEqual([0, 1]);
  w.grad = undefined;
  w.mul(new State(result)).sum().backward();
  expect(gradOf(w)).toEqual([3, 6]);
  w.grad = undefined;
  const own = result.mul(2);
  own.requiresGrad = true;
  w.mul(own).sum().backward();
  expect([w, own].map(gradOf)).toEqual([
    [6, 12],
    [1, 2],
  ]);
});

it("accepts a result that depends on nothing that requires a gradient", () => {
  const w = weight();
  const frozen = new Parameter(tensor([1, 2]), { requiresGrad: false });
  const results = [
    compile((x: Tensor) => frozen.mul(x))(tensor([3, 3])),
    compile((x: Tensor) => noGrad(() => w.mul(x)))(tensor([3, 3])),
    compile((x: Tensor) => w.detach().mul(x))(tensor([3, 3])),
    noGrad(() => compile((x: Tensor) => w.mul(x))(tensor([3, 3]))),
    compile((x: Tensor) => {
      const own = x.detach();
      own.requiresGrad = true;
      own.mul(w.detach()).sum().backward();
      return own.mul(w.detach());
    })(tensor([3, 3])),
  ];
  for (const result of results) {
    w.grad = undefined;
    w.mul(result).sum().backward();
    expect(gradOf(w)).toEqual([3, 6]);
  }
});

it("respects frozen parameters", () => {
  const { w, encode } = encoded();
  const other = weight();
  w.requiresGrad = false;
  other
    .mul(encode(tensor([3, 3])))
    .sum()
    .backward();
  expect(gradOf(other)).toEqual([3, 6]);
  w.requiresGrad = true;
  expect(() =>
    other
      .mul(encode(tensor([3, 3])))
      .sum()
      .backward(),
  ).toThrow(refused);
});

it("remembers through reading, long chains and further compiled functions", () => {
  const { w, result } = encoded();
  const sum = result.add(1);
  sum.dataSync();
  expect(() => w.mul(sum).sum().backward()).toThrow(refused);
  let long = result;
  for (let k = 0; k < 1100; k++) long = long.add(1);
  expect(() => w.mul(long).sum().backward()).toThrow(refused);
  const second = compile(function second(x: Tensor, y: Tensor) {
    return { plain: x.mul(2), through: y.add(x), order: y.argsort(), stopped: y.detach() };
  });
  const clean = second(tensor([1, 1]), tensor([1, 1]));
  w.mul(clean.through).sum().backward();
  const { plain, through, stopped } = second(tensor([1, 1]), result);
  w.mul(plain).mul(stopped).sum().backward();
  expect(() => w.mul(through).sum().backward()).toThrow(/compiled function "second"/);
  expect(second.signatures()).toBe(1);
  const third = compile(function third() {
    return result.mul(2);
  });
  expect(() => w.mul(third()).sum().backward()).toThrow(/compiled function "third"/);
});

it("refuses the result inside a compiled function that closes over it, and takes it as an argument", () => {
  const { w, result } = encoded();
  expect(() => compile(() => w.mul(result).sum().backward())()).toThrow(refused);
  compile((x: Tensor) => w.mul(x).sum().backward())(result);
  expect(gradOf(w)).toEqual([3, 6]);
});

it("refuses the result through scan, checkpoint, vmap and functions made by grad", () => {
  const { w, result } = encoded();
  const [last] = scan((state, x) => [state.add(x.mul(result)), undefined], zeros([2]), tensor([[1, 1]]));
  expect(() => w.mul(last).sum().backward()).toThrow(refused);
  expect(() =>
    w
      .mul(checkpoint((x) => x.exp(), result))
      .sum()
      .backward(),
  ).toThrow(refused);
  const kept = checkpoint((x) => x.mul(result), w);
  expect(() => kept.sum().backward()).toThrow(refused);
  const each = vmap((x: Tensor) => x.mul(result.sum()))(w);
  expect(() => each.sum().backward()).toThrow(refused);
  const slope = grad((x: Tensor) => x.mul(result).square().sum())(w);
  expect(() => w.mul(slope).sum().backward()).toThrow(refused);
});

it("is a constant for grad, jvp and vjp, which differentiate only the inputs", () => {
  const { result, encode } = encoded();
  const x = tensor([1, 1]);
  expect(grad((v: Tensor) => v.mul(result).sum())(x).toArraySync()).toEqual([3, 6]);
  expect(jvp((v) => v.mul(result).sum(), [x], [x])[1].itemSync()).toBe(9);
  expect(vjp((v) => v.mul(result), x)[1](x).toArraySync()).toEqual([3, 6]);
  // An inner compiled function is differentiated as part of the outer one.
  expect(grad((v: Tensor) => encode(v).sum())(x).toArraySync()).toEqual([1, 2]);
});
