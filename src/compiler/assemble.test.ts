// Cats with parts computed in place: the same numbers as with a copy, and no kernel that copies.
import { describe, expect, it } from "vitest";
import { cat, compile, grad, stack, type Tensor, tensor } from "../tensor/index.ts";

const size = [16, 20] as const;
const elements = size[0] * size[1];

/** Small integers, so that every sum is exact. */
const values = (seed: number): Tensor =>
  tensor(
    Float32Array.from({ length: elements }, (_, place) => ((place * 7 + seed * 13) % 11) - 5),
    { shape: [...size] },
  );

/** A name, and a function of two tensors that returns tensors. */
const cases: readonly (readonly [string, (x: Tensor, y: Tensor) => Tensor[]])[] = [
  ["computed parts, read by a product", (x, y) => [cat([x.add(1), y.mul(2), x.sub(y)]).matmul(y.transpose(0, 1))]],
  ["parts that are inputs", (x, y) => [cat([x, y.mul(2), y]).matmul(y.transpose(0, 1))]],
  [
    "a part that is a result too",
    (x, y) => {
      const part = x.mul(y);
      return [part, cat([part, x.add(y)]).matmul(x.transpose(0, 1))];
    },
  ],
  [
    "a part that stands twice, and in two cats",
    (x, y) => {
      const part = x.matmul(y.transpose(0, 1)).relu();
      return [
        cat([part, part, part.add(1)])
          .transpose(0, 1)
          .matmul(cat([part.mul(2), part, part])),
      ];
    },
  ],
  ["a cat of cats", (x, y) => [cat([cat([x.add(1), y.add(2)]), cat([y.mul(3), x.mul(4)])]).matmul(y.transpose(0, 1))]],
  [
    "stacked steps, each made of the last, as in a recurrent network",
    (x, y) => {
      const steps: Tensor[] = [x.add(1)];
      for (let step = 0; step < 5; step++) steps.push((steps.at(-1) as Tensor).minimum(3).mul(y).relu().sub(2));
      return [stack(steps).reshape([-1, size[1]]).transpose(0, 1).matmul(cat(steps)), stack(steps).select(0, -1)];
    },
  ],
  [
    "elements of the whole, read where its last part is made",
    (x, y) => {
      const last = x.matmul(y.transpose(0, 1)).matmul(y);
      const whole = cat([y.add(1), last]);
      return [last.add(whole.slice(0, 3, 3 + size[0])), whole.matmul(x.transpose(0, 1))];
    },
  ],
  [
    "the gradient",
    (x, y) => [
      grad((v: Tensor) =>
        cat([v.mul(y), v.add(y), v])
          .matmul(y.transpose(0, 1))
          .mul(2)
          .sum(),
      )(x),
    ],
  ],
];

describe("assembled cats", () => {
  for (const [name, make] of cases) {
    it(`give the numbers of separate steps: ${name}`, () => {
      const [x, y] = [values(1), values(2)];
      const separate = make(x, y).map((result) => [...result.dataSync()]);
      const together = compile(make)(x, y).map((result) => [...result.dataSync()]);
      expect(together).toEqual(separate);
    });
  }

  it("leave no kernel that selects among parts", () => {
    const step = compile((x: Tensor, y: Tensor) => {
      const steps: Tensor[] = [x.matmul(y)];
      for (let at = 1; at < 12; at++) steps.push((steps.at(-1) as Tensor).matmul(y).tanh());
      return stack(steps).reshape([-1, 16]).transpose(0, 1).matmul(cat(steps));
    });
    step(tensor(new Float32Array(256), { shape: [16, 16] }), tensor(new Float32Array(256), { shape: [16, 16] }));
    const kernels = [...step.explain().matchAll(/^kernel (\S+):/gm)].map(([, kernel]) => kernel);
    // Twelve steps in place, one copy for the second cat, and the product.
    expect(kernels.filter((kernel) => kernel !== "copy")).toHaveLength(13);
    expect(kernels.some((kernel) => kernel?.includes("cat"))).toBe(false);
  });
});
