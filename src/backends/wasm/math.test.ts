// The mathematical functions in WebAssembly against the reference in double precision, over their whole range.
import { describe, expect, test } from "vitest";
import { InternalError } from "../../graph/errors.ts";
import type { UnaryFn } from "../../graph/scalar.ts";
import { type MathFn, mathFns } from "../analysis/mathFn.ts";
import { binaryFunction, unaryFunction } from "../reference/math.ts";
import type { EmitContext } from "./emitter.ts";
import { mathHelper } from "./math.ts";
import { type FunctionBuilder, ModuleBuilder } from "./module.ts";

type Call = (...x: number[]) => number;

/** All functions of one float type, callable from JavaScript. */
function functions(type: "f32" | "f64"): (fn: MathFn) => Call {
  const module = new ModuleBuilder({ module: "env", name: "memory", minPages: 1, maxPages: 1, shared: false });
  const helpers = new Map<string, FunctionBuilder>();
  const context: Pick<EmitContext, "module" | "helper"> = {
    module,
    helper: (name, make) => {
      const made = helpers.get(name) ?? make();
      helpers.set(name, made);
      return made;
    },
  };
  for (const name of mathFns) {
    const helper = mathHelper(context as EmitContext, name, type);
    const f = module.function(name, helper.params, [type], { export: true });
    for (let place = 0; place < helper.params.length; place++) f.get(place);
    f.call(helper);
  }
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory } });
  return (fn) => {
    const call = exports[fn];
    if (typeof call !== "function") throw new InternalError(`no ${fn}`);
    return (...x) => call(...x);
  };
}

/** The spacing of floats at y. */
function spacing(y: number, type: "f32" | "f64"): number {
  const [bits, least] = type === "f32" ? [23, 2 ** -149] : [52, 5e-324];
  return Math.max(least, 2 ** (Math.floor(Math.log2(Math.abs(y))) - bits));
}

function ulps(got: number, exact: number, type: "f32" | "f64"): number {
  const rounded = type === "f32" ? Math.fround(exact) : exact;
  if (Object.is(got, rounded) || (Number.isNaN(got) && Number.isNaN(rounded))) return 0;
  if (got === 0 && rounded === 0) return Number.POSITIVE_INFINITY;
  if (!Number.isFinite(got) || !Number.isFinite(rounded)) return Number.POSITIVE_INFINITY;
  return Math.abs(got - exact) / spacing(exact, type);
}

const special = [
  0,
  -0,
  1,
  -1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
  1e-45,
  -1e-45,
  1e-310,
  -5e-324,
  88.8,
  -104,
  0.5,
  -0.5,
  2,
  -3,
  1e22,
  1e5,
  1e6 + 1,
  Math.PI / 2,
  -Math.PI,
  709.9,
  -745.2,
  1e300,
  -1e300,
];

/** Worst errors over every 4 million floats and a wide sweep of doubles, rounded up; the bounds of this test. */
const bounds: Record<Exclude<MathFn, "pow" | "atan2">, [number, number]> = {
  exp: [1, 1],
  expm1: [1.6, 2],
  log: [1, 1],
  log1p: [2.2, 2],
  sin: [1, 1],
  cos: [1, 1],
  tan: [1, 2],
  atan: [1, 1],
  tanh: [2.4, 3],
  sigmoid: [2.2, 2],
  erf: [1.2, 12],
};

describe("functions of one value", () => {
  const single = functions("f32");
  const double = functions("f64");
  for (const [name, [bound32, bound64]] of Object.entries(bounds)) {
    const fn = name as UnaryFn & MathFn;
    const exact = unaryFunction(fn, "float64");
    test(`${fn} of float32`, () => {
      const call = single(fn);
      const value = new Float32Array(1);
      const bits = new Uint32Array(value.buffer);
      let worst = 0;
      const see = (x: number): void => {
        worst = Math.max(worst, ulps(call(x), exact(x), "f32"));
      };
      for (const x of special) see(Math.fround(x));
      for (let pattern = 0; pattern < 2 ** 32; pattern += 99991) {
        bits[0] = pattern;
        see(value[0] ?? 0);
      }
      expect(worst).toBeLessThanOrEqual(bound32);
    });
    test(`${fn} of float64`, () => {
      const call = double(fn);
      let worst = 0;
      const see = (x: number): void => {
        worst = Math.max(worst, ulps(call(x), exact(x), "f64"));
      };
      for (const x of special) see(x);
      for (let i = 0; i < 20000; i++) {
        const fraction = (i * 0.6180339887) % 1;
        const sign = i % 2 ? 1 : -1;
        see(sign * 10 ** ((i % 400) / 12 - 14) * (1 + fraction));
        see(sign * fraction * (i % 3 ? 8 : 750));
      }
      expect(worst).toBeLessThanOrEqual(bound64);
    });
  }
});

describe("functions of two values", () => {
  const single = functions("f32");
  const double = functions("f64");
  for (const fn of ["pow", "atan2"] as const) {
    const exact = binaryFunction(fn, "float64");
    test(`${fn}: edges and a sweep`, () => {
      let worst = 0;
      for (const a of special)
        for (const b of [...special, 7, 1 / 3]) worst = Math.max(worst, ulps(double(fn)(a, b), exact(a, b), "f64"));
      for (let i = 0; i < 20000; i++) {
        const a = 10 ** (((i * 7919) % 600) / 40 - 8) * (1 + ((i * 0.618) % 1));
        const b = (((i * 0.7548) % 1) - 0.5) * (i % 5 ? 20 : 300);
        worst = Math.max(worst, ulps(double(fn)(a, b), exact(a, b), "f64"));
        const [a32, b32] = [Math.fround(a), Math.fround(b)];
        worst = Math.max(worst, ulps(single(fn)(a32, b32), exact(a32, b32), "f32"));
      }
      expect(worst).toBeLessThanOrEqual(1);
    });
  }
});
