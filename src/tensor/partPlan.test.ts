// The plan of a cut step: gradients are sent in the order in which they are computed, and each update waits only for its own.
import { expect, it } from "vitest";
import { sourceNode } from "../graph/node.ts";
import { collective } from "../graph/ops/collective.ts";
import { add, exp, mul, stopGradient } from "../graph/ops/elementwise.ts";
import { slice } from "../graph/ops/movement.ts";
import { Argument, Cell } from "../runtime/index.ts";
import { cutAtCollectives } from "./cutting.ts";
import { planParts } from "./partPlan.ts";

const shape = [1024, 1024];
const type = { shape, dtype: "float32" } as const;
const sum = { collective: "allReduce", ranks: 2 } as const;

/** Two weights of 4 MB: the gradient of the second is computed first. */
function step() {
  const [first, second] = [new Cell("float32", shape, 0, "first"), new Cell("float32", shape, 0, "second")];
  const x = sourceNode(type, new Argument(0));
  const near = exp(x);
  const far = exp(mul(near, near));
  const updates = [
    { node: add(sourceNode(type, first), collective(far, sum)), updates: first },
    { node: add(sourceNode(type, second), collective(near, sum)), updates: second },
  ];
  return { cut: cutAtCollectives(updates, [], 1), near, far };
}

it("first sends the bucket that is ready first, and updates in the order of arrival", () => {
  const { cut } = step();
  const [backward, update] = planParts(cut, { argumentCount: 1, ranks: 2 });
  const inputs = backward?.buckets.map(({ members }) => members.map(({ depth }) => depth));
  expect(inputs).toEqual([[2], [4]]);
  expect(backward?.stages).toBe(2);
  expect(backward?.outputs.map(({ stage }) => stage).sort()).toEqual([0, 1]);
  expect(update?.stages).toBe(2);
  const updated = update?.outputs.map(({ updates, stage }) => [updates instanceof Cell ? updates.name : "", stage]);
  expect(updated).toEqual([
    ["first", 1],
    ["second", 0],
  ]);
});

it("releases the memory of a bucket after the last stage that reads it", () => {
  const plans = planParts(step().cut, { argumentCount: 1, ranks: 2 });
  expect(plans.map(({ spent }) => spent)).toEqual([
    [[], []],
    [[0], [1]],
  ]);
});

/** New weights of two states, whose parts each rank gathers. `tied`: the new value of the second depends on the old value of the first. */
function gathering(tied = false) {
  const [first, second] = [new Cell("float32", [40_000], 0, "first"), new Cell("float32", [39_999], 0, "second")];
  const gathered = { collective: "allGather", ranks: 2 } as const;
  const moved = exp(slice(sourceNode(first, first), 0, 0, 20_000));
  const later = exp(
    exp(tied ? slice(sourceNode(first, first), 0, 20_000) : slice(sourceNode(second, second), 0, 0, 20_000)),
  );
  const updates = [
    { node: collective(moved, gathered), updates: first },
    { node: stopGradient(slice(collective(later, gathered), 0, 0, 39_999)), updates: second },
  ];
  return planParts(cutAtCollectives(updates, [], 1), { argumentCount: 1, ranks: 2 });
}

const landed = (plans: ReturnType<typeof planParts>): string[] =>
  plans.flatMap(({ buckets }) => buckets.flatMap(({ lands = [] }) => lands.map(({ name }) => name)));

it("writes gathered weights directly to their states, and leaves the last part none of them", () => {
  const plans = gathering();
  expect(landed(plans)).toEqual(["first", "second"]);
  expect(plans.at(-1)?.outputs).toEqual([]);
});

it("does not overwrite a state whose old value a later stage reads", () => {
  const plans = gathering(true);
  expect(landed(plans)).toEqual(["second"]);
  expect(plans.at(-1)?.outputs.length).toBe(1);
});
