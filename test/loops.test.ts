// Loops over time against the same loops written out: values and gradients on every backend, draws, checks, memory; and what scan refuses.
import { beforeAll, describe, expect, it } from "vitest";
import { mul } from "../src/graph/ops/elementwise.ts";
import { slice } from "../src/graph/ops/movement.ts";
import { finalOf, loop } from "../src/graph/ops/scan.ts";
import { stepLeaf } from "../src/graph/ops/scanBody.ts";
import {
  bernoulli,
  compile,
  grad,
  HebbError,
  inspect,
  nn,
  noGrad,
  Parameter,
  rand,
  randn,
  State,
  scan,
  seed,
  stack,
  type Tensor,
  tensor,
  useBackend,
  valueAndGrad,
  zeros,
} from "../src/index.ts";
import { assertTensorsClose } from "../src/testing/index.ts";
import { allDevices } from "./conformance/devices.ts";
import { evaluate, valueOf } from "./conformance/run.ts";

const steps = 6;

/** x [T, 2, 6], h, c, w, b and a factor for each element. */
type Inputs = readonly [x: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor, scale: Tensor];

function example(): Inputs {
  seed(3);
  const draw = (...shape: number[]): Tensor => randn(shape, { dtype: "float64" });
  return [draw(steps, 2, 6), draw(2, 3), draw(2, 3), draw(6, 3), draw(6), draw(2, 3)];
}

/** Two carried values, a product, a broadcast, a constant used elementwise, slices, gates and a kink. */
function cell(h: Tensor, c: Tensor, x: Tensor, [, , , w, b, scale]: Inputs): [h: Tensor, c: Tensor] {
  const gates = h.matmul(w.t()).add(b).add(x);
  const forget = gates.slice(1, 0, 3).sigmoid();
  const fresh = gates.slice(1, 3, 6).tanh();
  const next = forget.mul(c).add(fresh.mul(scale)).relu().add(fresh);
  return [next.tanh().mul(forget), next];
}

interface How {
  readonly reverse?: boolean;
  readonly checkpoint?: number;
}

const looped = (inputs: Inputs, how: How): Tensor => {
  const [state, outputs] = scan(
    ({ h, c }, x, t) => {
      const [next, inner] = cell(h, c, x, inputs);
      return [
        { h: next, c: inner },
        { y: next.mul(t.add(1).to("float64")), before: h },
      ];
    },
    { h: inputs[1], c: inputs[2] },
    inputs[0],
    how,
  );
  return total(state.h, state.c, outputs.y, outputs.before);
};

const unrolled = (inputs: Inputs, { reverse = false }: How): Tensor => {
  let [, h, c] = inputs;
  const ys: Tensor[] = [];
  const befores: Tensor[] = [];
  for (let k = 0; k < steps; k++) {
    const t = reverse ? steps - 1 - k : k;
    befores[t] = h;
    [h, c] = cell(h, c, inputs[0].select(0, t), inputs);
    ys[t] = h.mul(t + 1);
  }
  return total(h, c, stack(ys), stack(befores));
};

/** A number that depends on every result differently. */
const total = (h: Tensor, c: Tensor, ys: Tensor, befores: Tensor): Tensor =>
  h.sum().add(c.square().sum()).add(ys.mul(ys).mean()).add(befores.sin().sum());

type Loop = (inputs: Inputs, how: How) => Tensor;
const slopes =
  (loop: Loop, how: How) =>
  (...own: Inputs) =>
    valueAndGrad((...all: Inputs) => loop(all, how))(...own);

/** Both add up a few hundred terms of size 1 to 10 in float64, in different orders. */
const close = { rtol: 1e-11, atol: 1e-11 };

describe.each(["reference", "wasm", "c"] as const)("on %s, scan", (backend) => {
  beforeAll(() => {
    useBackend({ backend, threads: 1 });
  });

  it.each([{}, { reverse: true }, { checkpoint: 2 }, { checkpoint: 4 }, { checkpoint: 4, reverse: true }])(
    "is the loop written out, %j",
    (how) => {
      const inputs = example();
      assertTensorsClose(compile(slopes(looped, how))(...inputs), compile(slopes(unrolled, how))(...inputs), close);
      assertTensorsClose(slopes(looped, how)(...inputs), slopes(unrolled, how)(...inputs), close);
    },
  );

  it.each([{}, { checkpoint: 2 }])("has gradients of gradients, %j", (how) => {
    const second =
      (loop: Loop) =>
      (...own: Inputs) =>
        grad((...all: Inputs) =>
          grad((...inner: Inputs) => loop(inner, how))(...all).reduce(
            (sum, slope) => sum.add(slope.square().sum()),
            tensor(0).to("float64"),
          ),
        )(...own);
    const inputs = example();
    assertTensorsClose(compile(second(looped))(...inputs), compile(second(unrolled))(...inputs), {
      rtol: 1e-9,
      atol: 1e-9,
    });
  });

  it("draws different numbers at every step, the same with checkpoints, and the same again from the same seed", () => {
    const noise = (how: How) => (x: Tensor) =>
      scan((sum, row) => [sum.add(row), rand([3]).add(bernoulli(row.mul(0).add(0.5)))], zeros([3]), x, how)[1];
    const run = (fn: (x: Tensor) => Tensor): number[] => {
      seed(5);
      return [...fn(zeros([7, 3])).dataSync()];
    };
    const plain = run(noise({}));
    expect(new Set(plain.slice(0, 7).map((value) => value % 1)).size).toBeGreaterThan(5);
    expect(run(noise({}))).toEqual(plain);
    expect(run(noise({ checkpoint: 3 }))).toEqual(plain);
    expect(run(compile(noise({})))).toEqual(plain);
    seed(5);
    const first = compile(noise({}));
    const [a, b] = [first(zeros([7, 3])), first(zeros([7, 3]))];
    expect([...a.dataSync()]).not.toEqual([...b.dataSync()]);
  });

  it("looks up positions at every step, and a wrong one stops the step before it assigns", () => {
    const table = new Parameter(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    );
    const counter = new State(tensor(0));
    const look = compile((places: Tensor) => {
      const [sum] = scan(
        (state, place) => [state.add(nn.functional.embedding(place, table).sum(0)), undefined],
        zeros([2]),
        places,
      );
      counter.assign(counter.add(1));
      return sum;
    });
    expect(
      look(
        tensor(
          [
            [0, 2],
            [1, 1],
          ],
          { dtype: "int32" },
        ),
      ).toArraySync(),
    ).toEqual([12, 16]);
    expect(() =>
      look(
        tensor(
          [
            [0, 2],
            [1, 3],
          ],
          { dtype: "int32" },
        ),
      ).dataSync(),
    ).toThrow(/3 is out of range/);
    expect(counter.itemSync()).toBe(1);
    const slope = grad(
      (t: Tensor) =>
        scan(
          (state, place) => [state.add(t.indexSelect(0, place).square().sum()), undefined],
          zeros([]),
          tensor(
            [
              [0, 2],
              [1, 1],
            ],
            { dtype: "int32" },
          ),
        )[0],
    )(tensor([1, 2, 3]));
    expect(slope.toArraySync()).toEqual([2, 8, 6]);
  });

  it("runs no step where there is none", () => {
    const [state, output] = scan((s, x) => [s.add(x), [s.mul(2)]], tensor([1, 2]), zeros([0, 2]));
    expect([state.toArraySync(), output[0]?.shape]).toEqual([
      [1, 2],
      [0, 2],
    ]);
  });
});

it("a loop of no steps reads no row", () => {
  // A row before the first lies outside the device's memory.
  const width = 2 ** 24;
  const values = [valueOf("float32", [0, width], []), valueOf("float32", [1], [2])];
  const found = allDevices().map((device) => {
    const [last] = evaluate(device, values, ([stacked, initial]) => {
      if (!stacked || !initial) throw new Error("no inputs");
      const state = stepLeaf(initial);
      const row = stepLeaf({ shape: [width], dtype: "float32" });
      const next = [mul(state, slice(row, 0, 0, 1))];
      const how = { initial: [initial], stacked: [stacked], steps: 0, reverse: true };
      return [finalOf(loop({ carried: [state], rows: [row], next, outputs: [], keeps: "costly" }, how), 0)];
    });
    device.close();
    return last?.data;
  });
  for (const one of found) expect(one).toEqual([2]);
});

describe("scan", () => {
  beforeAll(() => {
    useBackend({ backend: "wasm", threads: 1 });
  });

  it("takes any nesting, and a number of steps in place of inputs", () => {
    const [state, [odd]] = scan(
      ({ deep: [a], b }, _, t) => [{ deep: [a.add(t)], b: b.mul(2) }, [t.mul(2).add(1)]],
      { deep: [tensor(0, { dtype: "int32" })], b: tensor([1, 1]) },
      undefined,
      { length: 4 },
    );
    expect(state.deep[0].itemSync()).toBe(6);
    expect(state.b.toArraySync()).toEqual([16, 16]);
    expect(odd.toArraySync()).toEqual([1, 3, 5, 7]);
  });

  it("reaches parameters by backward, and needs no gradients under noGrad", () => {
    const weight = new Parameter(tensor([2]));
    const power = (): Tensor => scan((s) => [s.mul(weight), undefined], tensor([1]), undefined, { length: 3 })[0].sum();
    power().backward();
    expect(weight.grad?.toArraySync()).toEqual([12]);
    expect(noGrad(power).requiresGrad).toBe(false);
  });

  it("shows its results to inspect", () => {
    const seen = inspect(() => scan((s, x) => [s.add(x), undefined], zeros([]), tensor([1, 2]))[0]);
    expect(seen.map(({ op }) => op)).toContain("scanFinal");
    expect(seen.at(-1)?.value[0]).toBe(3);
  });

  it("is printed as a loop", async () => {
    const sums = compile(function sums(x: Tensor) {
      return scan((s, row) => [s.add(row), s.mul(2)], zeros([2]), x)[1];
    });
    sums(zeros([5, 2]));
    await expect(sums.explain()).toMatchFileSnapshot("golden/kernels/scan.txt");
  });

  const one = (): Tensor => tensor([1]);
  let leaked: Tensor | undefined;
  const counter = new State(tensor([0]));
  it.each<[string, () => unknown, RegExp]>([
    [
      "a state of another dtype",
      () => scan((s) => [s.gt(0), undefined], one(), undefined, { length: 2 }),
      /makes bool\[1\] of the state, which starts as float32\[1\]; a carried value keeps/,
    ],
    [
      "a state of another structure",
      () => scan(({ a }) => [{ a, b: a }, undefined], { a: one() }, undefined, { length: 2 }),
      /a state like the one it gets: \{ a \}, got \{ a, b \}/,
    ],
    [
      "no pair", // @ts-expect-error the types want a pair
      () => scan((s) => s, one(), undefined, { length: 2 }),
      /must return \[state, output\]/,
    ],
    [
      "a number in the state",
      () => scan((s) => [s, undefined], [one(), 3], undefined, { length: 2 }),
      /the initial state\[1\] must be a tensor, got 3/,
    ],
    [
      "an async step",
      // @ts-expect-error the types want no promise
      () => scan(async (s) => [s, undefined], one(), undefined, { length: 2 }),
      /the function is async/,
    ],
    ["a single number as input", () => scan((s) => [s, undefined], one(), tensor(1)), /the inputs is a single number/],
    [
      "a fraction of steps",
      () => scan((s) => [s, undefined], one(), undefined, { length: 1.5 }),
      /length must be a whole number/,
    ],
    [
      "a checkpoint of none",
      () => scan((s) => [s, undefined], one(), undefined, { length: 100, checkpoint: 0 }),
      /10 keeps the fewest values for 100 steps/,
    ],
    [
      "a value read in the step",
      () => scan((s) => [s.mul(s.itemSync()), undefined], one(), undefined, { length: 2 }),
      /recorded before they run.*return it from there/,
    ],
    [
      "a state assigned in the step",
      () =>
        scan(
          (s) => {
            counter.assign(s);
            return [s, undefined];
          },
          one(),
          undefined,
          { length: 2 },
        ),
      /assigned inside the step/,
    ],
    [
      "a tensor that leaves the step",
      () => {
        scan(
          (s) => {
            leaked = s.add(1);
            return [s, undefined];
          },
          one(),
          undefined,
          { length: 2 },
        );
        leaked?.dataSync();
      },
      /recorded before they run.*return it from there/,
    ],
    [
      "a tensor that leaves the step of a compiled function",
      () =>
        compile((x: Tensor) => {
          scan(
            (s) => {
              leaked = s.add(1);
              return [s, undefined];
            },
            x,
            undefined,
            { length: 2 },
          );
          return leaked ?? x;
        })(one()),
      /is used outside it; return it from there/,
    ],
    [
      "backward in the step",
      () =>
        scan(
          (s) => {
            s.sum().backward();
            return [s, undefined];
          },
          one(),
          undefined,
          { length: 2 },
        ),
      /backward was called inside the step/,
    ],
  ])("refuses %s", (_, wrong, message) => {
    expect(wrong).toThrow(HebbError);
    expect(wrong).toThrow(message);
  });

  it("an LSTM over 1,000 steps is a program of a few kernels at any length", () => {
    const lstm = new nn.LSTM(8, 16);
    const train = compile(function train(x: Tensor) {
      lstm.zeroGrad();
      lstm.forward(x)[0].square().mean().backward();
      return lstm.parameters().map(({ grad: slope }) => slope as Tensor);
    });
    const kernels = (length: number): number => {
      train(rand([length, 2, 8]));
      return (train.explain().split("\n\n")[1] ?? "").match(/kernel /g)?.length ?? 0;
    };
    expect(kernels(1000)).toBe(kernels(10));
    expect(kernels(10)).toBeLessThan(25);
  });
});
