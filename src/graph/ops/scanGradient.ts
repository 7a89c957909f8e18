// The gradient of a loop: a loop that runs backwards and reads the residuals of the first one. The gradients of constants
// that are computed outside of it are in scanConstants.ts.
import { at } from "../at.ts";
import { pullback, type Seed } from "../autodiff.ts";
import { isFloat } from "../dtype.ts";
import type { LoopBody, Node, ResultGradient } from "../node.ts";
import { dependents, overInputs, topologicalOrder } from "../walk.ts";
import { full } from "./creation.ts";
import { add } from "./elementwise.ts";
import { inputsWithin, stepLeaf } from "./scanBody.ts";
import { type ConstantUse, constantUses, gradientFromUse } from "./scanConstants.ts";
import { bodyOf, type LoopOps, scanAttributes, scanInputs, scanResult } from "./scanParts.ts";
import { standIns } from "./scanResiduals.ts";

const zeros = (like: Node): Node => full(like.shape, 0, like.dtype);

/** The gradient of each input of the loop, from those of its results. */
export function scanGradient(
  ops: LoopOps,
  node: Node,
  results: readonly ResultGradient[],
  needs: (k: number) => boolean,
): (Node | undefined)[] {
  const body = bodyOf(node);
  const { constants, carried, rows } = body;
  const leaves = [...constants, ...carried, ...rows];
  const active = activeLeaves(body, new Set(leaves.filter((leaf, k) => isFloat(leaf.dtype) && needs(k))));
  const isActive = (leaf: Node): boolean => active.has(leaf);

  // The gradients of the results: of carried values after the last step, and one row per stack.
  const finals = new Map<number, Node>();
  const stacks = new Map<Node, Node>();
  const sum = <K>(map: Map<K, Node>, key: K, grad: Node): void => {
    const before = map.get(key);
    map.set(key, before === undefined ? grad : add(before, grad));
  };
  for (const { result, grad } of results) {
    const { kind, value } = scanResult(result);
    if (kind === "final") sum(finals, value, grad);
    else sum(stacks, at(body.order, value), grad);
  }

  const carries = carried.filter(isActive);
  const slopes = new Map(carries.map((leaf) => [leaf, stepLeaf(leaf)]));
  const stackLeaves = [...stacks].map(([value, grad]) => ({ value, grad, leaf: stepLeaf(value) }));
  const seeds: Seed[] = [
    ...carries.map((leaf) => ({ node: body.next[carried.indexOf(leaf)] as Node, grad: slopes.get(leaf) as Node })),
    ...stackLeaves.map(({ value, leaf }) => ({ node: value, grad: leaf })),
  ].filter(({ node: value }) => isFloat(value.dtype));

  // If their uses allow it, gradients of constants are computed outside the loop, for all steps at once.
  const uses = new Map<Node, readonly ConstantUse[] | undefined>(
    constants.filter(isActive).map((leaf) => [leaf, constantUses(body, leaf, seeds)]),
  );
  const outside = [...uses.values()].flatMap((list) => list ?? []);
  const summed = [...uses].flatMap(([leaf, list]) => (list === undefined ? [leaf] : []));
  const inputRows = rows.filter(isActive);
  const wrt = [...carries, ...summed, ...inputRows, ...outside.map(({ at }) => at)];
  const found = pullback(seeds, wrt, new Set(leaves));
  const slopeOf = new Map(wrt.map((value, place) => [value, found[place]]));

  // The same over the residuals of the steps.
  const totals = new Map(summed.map((leaf) => [leaf, stepLeaf(leaf)]));
  const slope = (value: Node): Node => slopeOf.get(value) ?? zeros(value);
  const values = [
    ...carries.map(slope),
    ...summed.map((leaf) => add(totals.get(leaf) as Node, slope(leaf))),
    ...[...inputRows, ...outside.map(({ at }) => at)].map(slope),
  ];
  const own = new Set([...slopes.values(), ...totals.values(), ...stackLeaves.map(({ leaf }) => leaf)]);
  const forward = new Set(body.order);
  const around = topologicalOrder(values, {
    inputsOf: (value) => (forward.has(value) || own.has(value) ? [] : value.inputs),
  });
  const left = standIns(
    ops,
    node,
    around.filter((value) => forward.has(value)),
  );
  const replaced = new Map<Node, Node>(left.values);
  for (const value of around) {
    if (own.has(value) || replaced.has(value)) continue;
    replaced.set(
      value,
      overInputs(
        value,
        value.inputs.map((input) => replaced.get(input) ?? input),
      ),
    );
  }
  const moved = values.map((value) => replaced.get(value) ?? value);
  const carriedCount = carries.length + summed.length;
  const outputs = moved.slice(carriedCount);
  const inputs = scanInputs(node);
  const back = ops.loop(
    {
      carried: [...slopes.values(), ...totals.values()],
      rows: [...left.rows.map(({ leaf }) => leaf), ...stackLeaves.map(({ leaf }) => leaf)],
      next: moved.slice(0, carriedCount),
      outputs,
      keeps: "costly",
    },
    {
      initial: [...carries.map((leaf) => finals.get(carried.indexOf(leaf)) ?? zeros(leaf)), ...summed.map(zeros)],
      stacked: [...left.rows.map(({ stack }) => stack), ...stackLeaves.map(({ grad }) => grad)],
      steps: scanAttributes(node).steps,
      reverse: !scanAttributes(node).reverse,
    },
  );
  const stackAt = (place: number): Node => ops.stackOf(back, outputs[place] as Node);
  const gradients = new Map<Node, Node>();
  carries.forEach((leaf, place) => {
    gradients.set(leaf, ops.finalOf(back, place));
  });
  summed.forEach((leaf, place) => {
    gradients.set(leaf, ops.finalOf(back, carries.length + place));
  });
  inputRows.forEach((leaf, place) => {
    gradients.set(leaf, stackAt(place));
  });
  outside.forEach((use, place) => {
    const grad = stackAt(inputRows.length + place);
    const operand = use.other === undefined ? undefined : ops.stackOf(node, use.other);
    sum(
      gradients,
      use.constant,
      gradientFromUse(use, inputs.constants[constants.indexOf(use.constant)] as Node, operand, grad),
    );
  });
  return leaves.map((leaf, k) => (needs(k) ? gradients.get(leaf) : undefined));
}

/** The leaves that need a gradient: the requested ones, and carried values that come to depend on them. */
function activeLeaves(body: LoopBody, asked: ReadonlySet<Node>): ReadonlySet<Node> {
  const active = new Set(asked);
  const inputsOf = inputsWithin(body);
  for (let before = -1; before < active.size; ) {
    before = active.size;
    const touched = dependents(body.order, active, inputsOf);
    body.carried.forEach((leaf, place) => {
      if (isFloat(leaf.dtype) && touched.has(body.next[place] as Node)) active.add(leaf);
    });
  }
  return active;
}
