// What compile promises: one trace per signature, state as cells, no leaked values that do not exist yet.
import { describe, expect, it } from "vitest";
import {
  compile,
  customGradient,
  grad,
  jvp,
  noGrad,
  Parameter,
  rand,
  randomState,
  State,
  seed,
  type Tensor,
  tensor,
  traceGuard,
} from "./index.ts";

describe("compile", () => {
  it("traces once for each signature of shapes, dtypes and plain values", () => {
    let traces = 0;
    const scale = compile((x: Tensor, by: number) => {
      traces++;
      return x.mul(by);
    });
    expect(scale(tensor([1, 2]), 3).toArraySync()).toEqual([3, 6]);
    expect(scale(tensor([5, 7]), 3).toArraySync()).toEqual([15, 21]);
    expect(traces).toBe(1);
    expect(scale(tensor([1, 2, 3]), 3).toArraySync()).toEqual([3, 6, 9]);
    expect(scale(tensor([1, 2]), 4).toArraySync()).toEqual([4, 8]);
    expect(traces).toBe(3);
    expect(scale.signatures()).toBe(3);
  });

  it("distinguishes all plain values that the function can distinguish", () => {
    const x = tensor([1, 2]);
    const times = compile((value: Tensor, by?: number | null) =>
      value.mul(by === undefined ? 10 : by === null ? 20 : by),
    );
    expect(times(x, undefined).toArraySync()).toEqual([10, 20]);
    expect(times(x, null).toArraySync()).toEqual([20, 40]);
    const inverse = compile((value: Tensor, by: number) => tensor(1).div(by).mul(value));
    expect(inverse(x, 0).toArraySync()).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(inverse(x, -0).toArraySync()).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    const second = compile((a: Tensor | string, b: Tensor | string) =>
      typeof a === "string" ? (b as Tensor).mul(100) : a,
    );
    expect(second(x, "$").toArraySync()).toEqual([1, 2]);
    expect(second("$", x).toArraySync()).toEqual([100, 200]);
    const dated = compile((value: Tensor, _when: unknown) => value);
    for (const odd of [new Date(), new Float32Array(2), 1n, () => 1])
      expect(() => dated(x, odd)).toThrow(/arguments must be tensors, numbers/);
  });

  it("reads and writes state cells; a changed scalar does not retrace", () => {
    const rate = new State(0.5);
    const weight = new Parameter(tensor([1, 2]));
    let traces = 0;
    const step = compile((x: Tensor) => {
      traces++;
      weight.assign(weight.sub(x.mul(rate)));
      return weight.sum();
    });
    expect(step(tensor([1, 1])).itemSync()).toBe(2);
    rate.assign(1);
    expect(step(tensor([1, 1])).itemSync()).toBe(0);
    expect(weight.toArraySync()).toEqual([-0.5, 0.5]);
    expect(traces).toBe(1);
  });

  it("keeps an old value that is still referenced when the cell is overwritten in place", () => {
    const cell = new State(tensor([1, 2, 3]));
    const before = cell.add(0);
    const step = compile(() => {
      cell.assign(cell.mul(10));
    });
    step();
    step();
    expect(before.toArraySync()).toEqual([1, 2, 3]);
    expect(cell.toArraySync()).toEqual([100, 200, 300]);
  });

  it("swaps two cells", () => {
    const [a, b] = [new State(tensor([1, 2])), new State(tensor([3, 4]))];
    const swap = compile(() => {
      const kept = a.mul(1);
      a.assign(b);
      b.assign(kept);
    });
    swap();
    expect([a.toArraySync(), b.toArraySync()]).toEqual([
      [3, 4],
      [1, 2],
    ]);
    swap();
    expect([a.toArraySync(), b.toArraySync()]).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("retraces when something it read has changed", () => {
    let mode = "add";
    const fn = compile((x: Tensor) => (traceGuard(() => mode) === "add" ? x.add(1) : x.mul(2)));
    expect(fn(tensor(5)).itemSync()).toBe(6);
    mode = "mul";
    expect(fn(tensor(5)).itemSync()).toBe(10);
    mode = "add";
    expect(fn(tensor(7)).itemSync()).toBe(8);
    expect(fn.signatures()).toBe(2);
  });

  it("returns what the function returns, in arrays and objects", () => {
    const fn = compile((x: Tensor) => ({ sum: x.sum(), parts: [x.neg(), "text"] as const }));
    const { sum, parts } = fn(tensor([1, 2]));
    expect(sum.itemSync()).toBe(3);
    expect((parts[0] as Tensor).toArraySync()).toEqual([-1, -2]);
    expect(parts[1]).toBe("text");
  });

  it("inlines a compiled function called by another", () => {
    const inner = compile((x: Tensor) => x.mul(2));
    const outer = compile((x: Tensor) => inner(x).add(1));
    expect(outer(tensor(4)).itemSync()).toBe(9);
    expect(inner.signatures()).toBe(0);
  });

  it("refuses to read a value while tracing", () => {
    const fn = compile((x: Tensor) => x.mul(x.itemSync()));
    expect(() => fn(tensor(2))).toThrow(/inside a compiled function, where tensors have no values yet/);
    expect(compile((x: Tensor) => x.add(1))(tensor(1)).itemSync()).toBe(2);
  });

  it("refuses to read a traced tensor that leaked", () => {
    let leaked: Tensor | undefined;
    const fn = compile((x: Tensor) => {
      leaked = x.add(1);
      return x;
    });
    fn(tensor(1));
    expect(() => leaked?.itemSync()).toThrow(/made inside a compiled function/);
  });

  it("keeps a gradient that no step consumed, and adds to it at the next call", () => {
    const w = new Parameter(tensor([2]));
    const accumulate = compile((x: Tensor) => {
      w.mul(x).sum().backward();
    });
    accumulate(tensor([3]));
    expect(w.grad?.toArraySync()).toEqual([3]);
    accumulate(tensor([4]));
    accumulate(tensor([5]));
    expect(w.grad?.toArraySync()).toEqual([12]);
    const apply = compile(() => {
      w.assign(w.sub(w.grad ?? 0));
      w.grad = undefined;
    });
    apply();
    expect(w.toArraySync()).toEqual([-10]);
    expect(w.grad).toBeUndefined();
  });

  it("draws new random numbers at each call, the same from the same seed", () => {
    const fn = compile(() => rand([3]));
    seed(5);
    const first = [fn().toArraySync(), fn().toArraySync()];
    expect(first[0]).not.toEqual(first[1]);
    expect(randomState().calls).toBe(2);
    seed(5);
    expect([rand([3]).toArraySync(), rand([3]).toArraySync()]).toEqual(first);
  });

  it("gives a frozen parameter no gradient, and retraces when one is frozen later", () => {
    const [w, v] = [new Parameter(tensor([2])), new Parameter(tensor([3]))];
    const fn = compile(() => {
      w.grad = undefined;
      v.grad = undefined;
      w.mul(v).sum().backward();
    });
    fn();
    expect(w.grad?.toArraySync()).toEqual([3]);
    w.requiresGrad = false;
    fn();
    expect(w.grad).toBeUndefined();
    expect(v.grad?.toArraySync()).toEqual([2]);
  });
});

describe("flags that the function sets itself", () => {
  it("do not retrace it, and keep the values that it sets after each call", () => {
    const weight = new Parameter(tensor([2]));
    const other = new Parameter(tensor([3]));
    let traces = 0;
    const step = compile((leaves: boolean) => {
      traces++;
      weight.requiresGrad = false;
      weight.mul(other).sum().backward();
      weight.requiresGrad = leaves;
      return other.grad as Tensor;
    });
    for (let call = 1; call <= 3; call++) {
      expect(step(true).toArraySync()).toEqual([2 * call]);
      expect([weight.requiresGrad, weight.grad, traces <= 2]).toEqual([true, undefined, true]);
    }
    step(false);
    weight.requiresGrad = true;
    step(false);
    expect(weight.requiresGrad).toBe(false);
    expect(traces).toBe(3);
  });
});

describe("gradients", () => {
  it("accumulates over backward calls and reaches plain tensors", () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    x.square().sum().backward();
    x.sum().backward();
    expect(x.grad?.toArraySync()).toEqual([3, 5, 7]);
  });

  it("computes higher orders", () => {
    const cube = (x: Tensor): Tensor => x.mul(x).mul(x).sum();
    expect(grad(cube)(tensor(2)).itemSync()).toBe(12);
    expect(grad(grad(cube))(tensor(2)).itemSync()).toBe(12);
    expect(grad(grad(grad(cube)))(tensor(2)).itemSync()).toBe(6);
  });

  it("records nothing under noGrad and refuses backward there", () => {
    const w = new Parameter(tensor([1]));
    const y = noGrad(() => w.mul(2));
    expect(y.requiresGrad).toBe(false);
    expect(() => y.sum().backward()).toThrow(/depends on no parameter/);
  });

  it("requires a single number", () => {
    const w = new Parameter(tensor([1, 2]));
    expect(() => w.mul(2).backward()).toThrow(/reduce it to one number/);
  });

  it("requires a custom gradient to return a list of tensors", () => {
    for (const wrong of [tensor([1, 2]), [1], { 0: tensor([1]) }, null]) {
      const own: (x: Tensor) => Tensor = Reflect.apply(customGradient, undefined, [
        (x: Tensor) => x.exp(),
        () => wrong,
      ]);
      const weight = new Parameter(tensor([1, 2]));
      expect(() => own(weight).sum().backward()).toThrow(/customGradient: backward must return a list .* got /);
    }
  });

  it("takes a custom gradient", () => {
    const clipped = customGradient(
      (x) => x.mul(3),
      (grad) => [grad.clamp(-1, 1)],
    );
    const x = tensor([1, 2], { requiresGrad: true });
    clipped(x).mul(10).sum().backward();
    expect(clipped(x).toArraySync()).toEqual([3, 6]);
    expect(x.grad?.toArraySync()).toEqual([1, 1]);
  });

  it("computes forward-mode derivatives along a direction", () => {
    const [value, derivative] = jvp((x) => x.square().sum(), [tensor([1, 2, 3])], [tensor([1, 0, -1])]);
    expect(value.itemSync()).toBe(14);
    expect(derivative.itemSync()).toBe(-4);
  });

  it("cuts a chain that is never read, so that it cannot grow", () => {
    let x = tensor([0]);
    for (let place = 0; place < 20000; place++) x = x.add(1);
    expect(x.itemSync()).toBe(20000);
  });
});

describe("arguments that require a gradient", () => {
  const leaf = (...values: number[]): Tensor => {
    const x = tensor(values);
    x.requiresGrad = true;
    return x;
  };
  const gradOf = (x: Tensor): unknown => x.grad?.toArraySync();

  it("get it inside and outside, call by call, as without compile", () => {
    const step = (x: Tensor): (Tensor | undefined)[] => {
      x.square().sum().backward();
      return [x.grad, x.grad?.mul(2)];
    };
    const compiled = compile(step);
    for (const run of [step, compiled]) {
      const x = leaf(1, 2);
      const read = (): unknown => run(x).map((value) => value?.toArraySync());
      expect(read()).toEqual([
        [2, 4],
        [4, 8],
      ]);
      expect(gradOf(x)).toEqual([2, 4]);
      // Gradients add up until they are cleared.
      expect(read()).toEqual([
        [4, 8],
        [8, 16],
      ]);
      expect(read()).toEqual([
        [6, 12],
        [12, 24],
      ]);
      x.grad = undefined;
      expect(read()).toEqual([
        [2, 4],
        [4, 8],
      ]);
    }
    // With and without an earlier gradient.
    expect(compiled.signatures()).toBe(2);
    expect(() => compiled(tensor([1, 2]))).toThrow(/depends on no parameter that requires a gradient/);
  });

  it("may be cleared inside, be nested anywhere, and be passed twice", () => {
    const fresh = compile((x: Tensor) => {
      x.grad = undefined;
      x.mul(3).sum().backward();
    });
    const [a, b] = [leaf(1, 2), leaf(5)];
    fresh(a);
    fresh(a);
    expect(gradOf(a)).toEqual([3, 3]);
    const clear = compile((x: Tensor) => {
      x.grad = undefined;
    });
    clear(a);
    expect(gradOf(a)).toBeUndefined();
    const product = compile(({ pair: [x, y] }: { pair: [Tensor, Tensor] }) => x.mul(y).sum().backward());
    product({ pair: [a, b] });
    expect([gradOf(a), gradOf(b)]).toEqual([[5, 5], [3]]);
    a.grad = undefined;
    product({ pair: [a, a] });
    expect(gradOf(a)).toEqual([2, 4]);
    product({ pair: [a, tensor([1, 1])] });
    expect(gradOf(a)).toEqual([3, 5]);
  });

  it("may be parameters, and may be inside another compiled function", () => {
    const weight = new Parameter(tensor([1, 2]));
    const learn = compile((w: Tensor, x: Tensor) => {
      w.mul(x).sum().backward();
      return w.grad;
    });
    expect(learn(weight, tensor([3, 4]))?.toArraySync()).toEqual([3, 4]);
    expect(gradOf(weight)).toEqual([3, 4]);
    const outer = compile((x: Tensor) => learn(x, tensor([1, 1])));
    const x = leaf(1, 2);
    expect(outer(x)?.toArraySync()).toEqual([1, 1]);
    expect(gradOf(x)).toEqual([1, 1]);
    weight.requiresGrad = false;
    expect(() => learn(weight, tensor([3, 4]))).toThrow(/depends on no parameter/);
  });

  it("a leaf from outside that is not an argument is refused, with a remedy", () => {
    const x = leaf(1, 2);
    expect(() => compile((y: Tensor) => x.mul(y).sum().backward())(tensor([1]))).toThrow(
      /shape \[2\] was set inside a compiled function that closes over it; pass it as an argument/,
    );
    expect(gradOf(x)).toBeUndefined();
    const inside = compile((y: Tensor) => {
      const own = y.detach();
      own.requiresGrad = true;
      own.square().sum().backward();
      return own.grad;
    });
    expect(inside(tensor([3]))?.toArraySync()).toEqual([6]);
  });

  it("results have no history, and say so", () => {
    const y = compile((x: Tensor) => x.square().sum())(leaf(1));
    expect(y.requiresGrad).toBe(false);
    expect(() => y.backward()).toThrow(/result of a compiled function/);
  });
});

it("a number in place of a tensor gives a clear error", () => {
  const doubled = compile((x: Tensor) => x.mul(2)) as (x: unknown) => unknown;
  expect(() => doubled(3)).toThrow(/compile: .*argument 0 is 3, .*pass tensor\(…\)/);
  expect(() => doubled(undefined)).toThrow(/argument 0 is undefined/);
  const slope = grad((x: Tensor) => x.mul(2).sum()) as (x: unknown) => unknown;
  expect(() => slope(3)).toThrow(/grad.*tensor.*3/);
  // An error of the function itself is left as it is.
  const broken = compile((x: Tensor) => Reflect.apply(Reflect.get(x, "missing"), x, []));
  expect(() => broken(tensor([1]))).toThrow(TypeError);
});
