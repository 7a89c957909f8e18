// Every op under vmap: the batched graph, and that of its gradient, gives the results of the graphs of single examples.
import { afterAll, beforeAll, expect, it } from "vitest";
import { gradients } from "../../src/graph/autodiff.ts";
import { Batcher } from "../../src/graph/batching/batcher.ts";
import { batchingRule } from "../../src/graph/batching/rules.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import type { Node } from "../../src/graph/node.ts";
import { alias } from "../../src/graph/ops/alias.ts";
import { allOps } from "../../src/graph/ops/all.ts";
import { cast, mul } from "../../src/graph/ops/elementwise.ts";
import { reshape, slice } from "../../src/graph/ops/movement.ts";
import { sum } from "../../src/graph/ops/reduce.ts";
import { stepLeaf } from "../../src/graph/ops/scanBody.ts";
import { sizeOf } from "../../src/graph/shape.ts";
import type { ValueCase } from "../conformance/case.ts";
import { allDevices } from "../conformance/devices.ts";
import { inputNode, Runner, type Value, valueOf } from "../conformance/run.ts";
import { isDifferentiable, valueCases } from "../conformance/suite.ts";

const [reference, ...others] = allDevices();
beforeAll(() => {
  for (const device of others) device.close();
});
afterAll(() => reference.close());

const examples = 3;
/** A sum in another order: 2⁻⁵² for each of a few hundred terms. */
const relative = 1e-12;

/** The input of all examples: the same numbers, shifted by one place for each. */
function batch(value: Value): Value {
  const count = value.data.length;
  const data = Array.from({ length: examples }, (_, k) => value.data.map((_, i) => value.data[(i + k) % count] ?? 0));
  return { ...value, shape: [examples, ...value.shape], data: data.flat() };
}

const exampleOf = (node: Node, place: number): Node =>
  alias(reshape(slice(node, 0, place, place + 1), node.shape.slice(1)));

/** The result, and the gradients of Σ result² by the float inputs. */
function results(entry: ValueCase, inputs: readonly Node[]): readonly Node[] {
  const output = entry.build(...inputs);
  const wrt = inputs.filter(({ dtype }) => isFloat(dtype));
  const smooth = entry.kind === "forward" && isFloat(output.dtype) && isDifferentiable(entry);
  if (!smooth || entry.gradient === false || entry.gradient === "none" || wrt.length === 0) return [output];
  const found = gradients(sum(mul(output, output)), wrt);
  return [output, ...found.filter((node) => node !== undefined)];
}

/** Which inputs are batched: each alone, and all together. */
function choices(count: number): (readonly boolean[])[] {
  const single = Array.from({ length: count }, (_, own) => Array.from({ length: count }, (_, k) => k === own));
  return count > 1 ? [...single, new Array<boolean>(count).fill(true)] : single;
}

function compare(entry: ValueCase, own: readonly boolean[]): void {
  const dtype = entry.dtypes.includes("float64") ? "float64" : (entry.dtypes[0] ?? "float32");
  const values = entry.inputs.map((spec, k) => {
    const value = valueOf(spec.dtype ?? dtype, spec.shape, spec.data);
    return own[k] ? batch(value) : value;
  });
  const inputs = values.map((value) => inputNode(value));
  const leaves = inputs.map(({ shape, dtype: type }, k) =>
    own[k] ? stepLeaf({ shape: shape.slice(1), dtype: type }) : undefined,
  );
  const stand = inputs.map((node, k) => leaves[k] ?? node);
  const batcher = new Batcher(
    new Map(leaves.flatMap((leaf, k) => (leaf === undefined ? [] : [[leaf, inputs[k] as Node] as const]))),
    { by: "test", size: examples, randomness: "same" },
  );
  const batched = batcher.wide(results(entry, stand));
  const single = Array.from({ length: examples }, (_, place) =>
    results(
      entry,
      inputs.map((node, k) => (own[k] ? exampleOf(node, place) : node)),
    ),
  );
  const runner = new Runner(
    reference,
    inputs,
    [...batched, ...single.flat()].map((node) => cast(node, node.dtype)),
  );
  try {
    const found = runner.run(values);
    batched.forEach((node, k) => {
      expect(node.shape).toEqual([examples, ...((single[0] as readonly Node[])[k]?.shape ?? [])]);
      const actual = found[k]?.data ?? [];
      const wanted = single.flatMap((_, place) => [...(found[batched.length * (place + 1) + k]?.data ?? [])]);
      const scale = Math.max(0, ...wanted.filter(Number.isFinite).map(Math.abs));
      const wrong = wanted.flatMap((value, i) => {
        const one = actual[i] ?? Number.NaN;
        return Object.is(one, value) || one === value || Math.abs(one - value) <= relative * scale
          ? []
          : [`result ${k}[${i}]: ${one}, alone ${value}`];
      });
      expect(wrong).toEqual([]);
    });
  } finally {
    runner.release();
  }
}

/** Draws depend on their key alone; loops have a separate vmap test. */
const tried = valueCases.filter(
  ({ op, inputs }) =>
    inputs.length > 0 &&
    inputs.every(({ shape }) => sizeOf(shape) <= 200) &&
    !/random|uniform|normal|bernoulli|randint|permutation|multinomial/.test(op),
);

it("has a rule for every op that has inputs", () => {
  const without = allOps.filter(({ rule }) => rule.kind !== "loop" && rule.kind !== "result");
  expect(without.filter((op) => batchingRule(op) === undefined).map(({ name }) => name)).toEqual(["full", "iota"]);
});

it.each([...new Set(tried.map(({ op }) => op))])("%s", (op) => {
  for (const entry of tried.filter((each) => each.op === op))
    for (const own of choices(entry.inputs.length)) {
      try {
        compare(entry, own);
      } catch (error) {
        throw new Error(`${entry.name}, ${own}: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
    }
});
