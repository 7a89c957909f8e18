// Gradients as graphs: accumulation, depth, errors, higher orders, forward mode, custom gradients.
import { describe, expect, it } from "vitest";
import { evaluate, inputNode, valueOf } from "../../test/conformance/run.ts";
import { createReferenceDevice } from "../backends/reference/index.ts";
import { apply } from "./apply.ts";
import { gradients, jvp, withGradient } from "./autodiff.ts";
import { gradient, type Node, notDifferentiable, type Op, withScope } from "./node.ts";
import { full } from "./ops/creation.ts";
import { add, cast, exp, floor, gt, mul, sin, stopGradient, where } from "./ops/elementwise.ts";
import { argmax, sum } from "./ops/reduce.ts";
import { printGraph } from "./print.ts";

const device = createReferenceDevice();
const float = (...shape: number[]): Node => inputNode({ shape, dtype: "float64" });
const one = full([], 1, "float64");

/** The values of one output for given inputs. */
function run(inputs: readonly number[][], build: (...nodes: Node[]) => Node | undefined): readonly number[] {
  const values = inputs.map((data) => valueOf("float64", [data.length], data));
  const [value] = evaluate(device, values, (nodes) => [build(...nodes) as Node]);
  return value?.data ?? [];
}

const copyOp = (name: string, rule: Op["gradient"]): Op => ({
  name,
  infer: ([x]) => x as Node,
  gradient: rule,
  rule: { kind: "element", element: ({ input, index }) => input(0, index) },
});

describe("gradients", () => {
  it("sums gradients that arrive along several paths", () => {
    expect(run([[3, -2]], (x) => gradients(sum(add(mul(x, x), x)), [x])[0])).toEqual([7, -3]);
  });

  it("takes a gradient of the output, and requires one unless the output is a single number", () => {
    const seed = (x: Node): Node => full(x.shape, 10, x.dtype);
    expect(run([[3, -2]], (x) => gradients(mul(x, x), [x], seed(x))[0])).toEqual([60, -40]);
    const x = float(2);
    expect(() => gradients(x, [x])).toThrow(/only a scalar may leave out its gradient/);
    expect(() => gradients(x, [x], full([3], 1, "float64"))).toThrow(
      /float64\[3\] does not fit the output float64\[2\]/,
    );
  });

  it("passes through 50,000 operations, and so does the listing", () => {
    const x = float();
    let y = x;
    for (let k = 0; k < 50_000; k++) y = add(y, one);
    const [slope] = gradients(y, [x]);
    expect(slope?.shape).toEqual([]);
    expect(printGraph([y]).split("\n")).toHaveLength(50_003);
  });

  it("returns nothing if no gradient flows", () => {
    const [x, y] = [float(2), float(2)];
    expect(gradients(sum(mul(x, stopGradient(y))), [y, float(3)])).toEqual([undefined, undefined]);
  });

  it("walks only the paths to the requested values", () => {
    const trap = copyOp(
      "trap",
      gradient(() => {
        throw new Error("walked");
      }),
    );
    const [x, y] = [float(2), float(2)];
    expect(gradients(sum(mul(x, apply(trap, [y], {}))), [x])[0]?.shape).toEqual([2]);
    expect(() => gradients(sum(mul(x, apply(trap, [y], {}))), [y])).toThrow("walked");
  });

  it("stops at integers, and rejects a non-differentiable float with the reason and the module", () => {
    const x = float(4);
    const place = cast(argmax(x), "float64");
    expect(gradients(place, [x])).toEqual([undefined]);
    const opaque = copyOp("opaque", notDifferentiable("it keeps its reasons to itself"));
    const inside = withScope("encoder.fc1", () => apply(opaque, [x], {}));
    expect(() => gradients(sum(inside), [x])).toThrow(
      'opaque has no gradient: it keeps its reasons to itself (in "encoder.fc1")',
    );
  });

  it("names the op whose gradient has the wrong shape", () => {
    const x = float(2);
    const wrong = apply(
      copyOp(
        "wrong",
        gradient(() => [full([3], 1, "float64")]),
      ),
      [x],
      {},
    );
    expect(() => gradients(sum(wrong), [x])).toThrow(
      /gradient of wrong: input 0 is float64\[2\], but its gradient is float64\[3\]/,
    );
  });

  it("can be differentiated again", () => {
    const power = (x: Node): Node => mul(mul(x, x), mul(x, x));
    const slope = (y: Node, x: Node): Node => gradients(sum(y), [x])[0] as Node;
    expect(run([[2, -1]], (x) => slope(slope(slope(power(x), x), x), x))).toEqual([48, -24]);
  });

  it("gives step functions a slope of 0", () => {
    expect(run([[1.5, -2]], (x) => gradients(sum(mul(floor(x), x)), [x])[0])).toEqual([1, -2]);
  });
});

describe("jvp", () => {
  it("is the derivative along the tangents", () => {
    const [x, y] = [0.7, -1.3];
    const [dx, dy] = [0.5, 2];
    const found = run([[x], [y], [dx], [dy]], (a, b, da, db) => jvp(mul(sin(a), exp(b)), [a, b], [da, db]));
    const exact = Math.cos(x) * Math.exp(y) * dx + Math.sin(x) * Math.exp(y) * dy;
    expect(found[0]).toBeCloseTo(exact, 14);
  });

  it("is 0 if nothing flows", () => {
    expect(run([[1, 2]], (x) => jvp(stopGradient(x), [x], [x]))).toEqual([0, 0]);
  });
});

describe("withGradient", () => {
  /** The step of a spiking neuron, with a straight line for its slope. */
  const step = (x: Node): Node =>
    withGradient(where(gt(x, full([], 0, x.dtype)), full([], 1, x.dtype), full([], 0, x.dtype)), [x], (grad) => [
      mul(grad, x),
    ]);

  it("keeps the value and replaces the slope", () => {
    expect(run([[3, -2]], step)).toEqual([1, 0]);
    expect(run([[3, -2]], (x) => gradients(sum(step(x)), [x])[0])).toEqual([3, -2]);
    expect(run([[3, -2]], (x) => gradients(sum(gradients(sum(step(x)), [x])[0] as Node), [x])[0])).toEqual([1, 1]);
  });

  it("is reported if its gradient does not fit", () => {
    const x = float(2);
    const y = withGradient(x, [x], () => [one]);
    expect(() => gradients(sum(y), [x])).toThrow(
      /gradient of custom: input 1 is float64\[2\], but its gradient is float64\[\]/,
    );
  });
});
