// Cases of loops over time and their results, against the same recurrence in plain numbers.
import type { Node } from "../../../src/graph/node.ts";
import { add, mul, sub } from "../../../src/graph/ops/elementwise.ts";
import { matmul } from "../../../src/graph/ops/matmul.ts";
import { slice } from "../../../src/graph/ops/movement.ts";
import { sum } from "../../../src/graph/ops/reduce.ts";
import { finalOf, loop, stackOf } from "../../../src/graph/ops/scan.ts";
import { stepLeaf } from "../../../src/graph/ops/scanBody.ts";
import { scan, tensor, zeros } from "../../../src/tensor/index.ts";
import { absolute, type Case, floats, input, numbers, spread, type ValueCase } from "../case.ts";
import type { Value } from "../run.ts";

type Step = (state: Node, row: Node) => { readonly next: Node; readonly output: Node };

interface Loop {
  readonly whole: Node;
  /** The state before a step, the next state, and the output. */
  readonly state: Node;
  readonly next: Node;
  readonly output: Node;
}

/** One carried value and one stacked input. */
function loopOf(step: Step, initial: Node, rows: Node, reverse = false): Loop {
  const [steps = 0, ...shape] = rows.shape;
  const [state, row] = [stepLeaf(initial), stepLeaf({ shape, dtype: rows.dtype })];
  const { next, output } = step(state, row);
  const whole = loop(
    { carried: [state], rows: [row], next: [next], outputs: [output], keeps: "costly" },
    { initial: [initial], stacked: [rows], steps, reverse },
  );
  return { whole, state, next, output };
}

/** What the recurrence gives at each step, stored at the positions of the rows. */
function recurrence(
  initial: readonly number[],
  rows: Value,
  step: (state: number[], row: number[], t: number) => number[],
  reverse = false,
): { readonly before: number[]; readonly after: number[]; readonly last: number[] } {
  const [steps = 0] = rows.shape;
  const width = steps === 0 ? 0 : rows.data.length / steps;
  const before: number[][] = [];
  const after: number[][] = [];
  let state = [...initial];
  for (let k = 0; k < steps; k++) {
    const t = reverse ? steps - 1 - k : k;
    before[t] = state;
    state = step(state, rows.data.slice(t * width, (t + 1) * width), t);
    after[t] = state;
  }
  return { before: before.flat(), after: after.flat(), last: state };
}

const plus = (state: number[], row: number[]): number[] => state.map((value, place) => value + (row[place] ?? 0));
const sums = (x: Value, rows: Value, reverse = false) => recurrence(x.data, rows, plus, reverse);
const adding: Step = (state, row) => ({ next: add(state, row), output: state });

/** Running sums: every step adds a term. */
function sumsCase(
  op: "scanStack" | "scanFinal",
  name: string,
  steps: number,
  width: number,
  more: Partial<ValueCase> = {},
): ValueCase {
  const own = (x: Value, rows: Value): number[] => (op === "scanStack" ? sums(x, rows).after : sums(x, rows).last);
  return {
    op,
    kind: "forward",
    name,
    dtypes: numbers,
    inputs: [spread([width], 1, -9, 9), spread([steps, width], 2, -9, 9)],
    build: (x, rows) => {
      const { whole, next } = loopOf(adding, x, rows);
      return op === "scanStack" ? stackOf(whole, next) : finalOf(whole, 0);
    },
    truth: own,
    magnitude: (x, rows) => own(absolute(x), absolute(rows)),
    bound: { ulps: 1, terms: steps + 1 },
    gradient: true,
    ...more,
  };
}

/** s′ = s · W + x, [2, 3], where W is the same in every step. */
function products(x: Value, rows: Value, weight: Value) {
  return recurrence(x.data, rows, (state, row) =>
    row.map((value, place) => {
      const [i, j] = [Math.floor(place / 3), place % 3];
      return [0, 1, 2].reduce((total, k) => total + (state[3 * i + k] ?? 0) * (weight.data[3 * k + j] ?? 0), value);
    }),
  );
}

const three = [spread([2, 3], 3, -1, 1), spread([4, 2, 3], 4, -1, 1), spread([3, 3], 5, -1, 1)];

export const loopCases: readonly Case[] = [
  sumsCase("scanStack", "running sums", 5, 3),
  sumsCase("scanStack", "running sums of many steps", 100, 40, { gradient: false }),
  {
    ...sumsCase("scanStack", "the states before the steps, from the last row to the first", 5, 3),
    build: (x, rows) => {
      const { whole, state } = loopOf(adding, x, rows, true);
      return stackOf(whole, state);
    },
    truth: (x, rows) => sums(x, rows, true).before,
    magnitude: (x, rows) => sums(absolute(x), absolute(rows), true).before,
  },
  sumsCase("scanStack", "one step", 1, 3, { kind: "edge" }),
  sumsCase("scanStack", "rows without elements", 3, 0, { kind: "edge", gradient: false }),
  {
    op: "scanStack",
    kind: "edge",
    name: "NaN and infinities go on from step to step",
    dtypes: floats,
    inputs: [input([2], 1, 2), input([3, 2], 0, 1, Number.NaN, Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY)],
    build: (x, rows) => {
      const { whole, next } = loopOf(adding, x, rows);
      return stackOf(whole, next);
    },
    truth: (x, rows) => sums(x, rows).after,
  },
  {
    op: "scanStack",
    kind: "error",
    name: "stacked inputs of unequal length",
    build: () => scan((state, [a, b]) => [state.add(a).add(b), undefined], zeros([]), [zeros([3]), zeros([4])]),
    message: /the inputs\[1\] must have a row for each of the 3 steps, got \[4\]/,
  },

  sumsCase("scanFinal", "a sum", 6, 4),
  sumsCase("scanFinal", "a sum of one step", 1, 4, { kind: "edge" }),
  {
    op: "scanFinal",
    kind: "forward",
    name: "a product in every step, with the gradient of its constant side",
    dtypes: floats,
    inputs: three,
    build: (x, rows, weight) => {
      const step: Step = (state, row) => ({ next: add(matmul(state, weight as Node), row), output: state });
      return finalOf(loopOf(step, x as Node, rows as Node).whole, 0);
    },
    truth: (x, rows, weight) => products(x as Value, rows as Value, weight as Value).last,
    magnitude: (x, rows, weight) =>
      products(absolute(x as Value), absolute(rows as Value), absolute(weight as Value)).last,
    // The errors of four steps add up, each from a sum of four terms.
    bound: { ulps: 4, terms: 4 },
    gradient: true,
  },
  {
    op: "scanFinal",
    kind: "forward",
    name: "the constant on the left, seen through a transpose, and a broadcast beside it",
    dtypes: floats,
    inputs: [spread([3, 2], 6, -1, 1), spread([4, 3, 2], 7, -1, 1), spread([3, 3], 8, -1, 1), spread([2], 9, -1, 1)],
    build: (x, rows, weight, bias) => {
      const step: Step = (state, row) => ({
        next: add(matmul(weight as Node, state), add(row, bias as Node)),
        output: state,
      });
      return finalOf(loopOf(step, x as Node, rows as Node).whole, 0);
    },
    truth: (x, rows, weight, bias) => left(x as Value, rows as Value, weight as Value, bias as Value),
    magnitude: (x, rows, weight, bias) =>
      left(absolute(x as Value), absolute(rows as Value), absolute(weight as Value), absolute(bias as Value)),
    bound: { ulps: 4, terms: 5 },
    gradient: true,
  },
  {
    op: "scanFinal",
    kind: "error",
    name: "a carried value of another shape",
    build: () => scan((state, x) => [state.add(x), undefined], zeros([2]), zeros([3, 4, 2])),
    message: /makes float32\[4, 2\] of the state, which starts as float32\[2\]/,
  },

  {
    op: "scan",
    kind: "forward",
    name: "states and outputs of one loop, and a constant that every element is multiplied by",
    dtypes: floats,
    inputs: [spread([3], 1, -1, 1), spread([4, 3], 2, -1, 1), spread([3], 3, -1, 1)],
    build: (x, rows, scale) => {
      const step: Step = (state, row) => ({ next: add(mul(state, scale as Node), row), output: mul(state, row) });
      const { whole, output } = loopOf(step, x as Node, rows as Node);
      return add(finalOf(whole, 0), sum(stackOf(whole, output), [0], false));
    },
    truth: (x, rows, scale) => scaled(x as Value, rows as Value, scale as Value),
    magnitude: (x, rows, scale) => scaled(absolute(x as Value), absolute(rows as Value), absolute(scale as Value)),
    bound: { ulps: 8, terms: 5 },
    gradient: true,
  },
  {
    op: "scan",
    kind: "forward",
    name: "a loop in a loop",
    dtypes: floats,
    inputs: [spread([2], 4, -1, 1), spread([3, 4, 2], 5, -1, 1)],
    build: (x, rows) => {
      const outer: Step = (state, row) => {
        const inner = loopOf((s, r) => ({ next: sub(r, mul(s, r)), output: s }), state, row);
        return { next: finalOf(inner.whole, 0), output: sum(stackOf(inner.whole, inner.state), [0], false) };
      };
      const { whole, output } = loopOf(outer, x, rows);
      return add(finalOf(whole, 0), sum(stackOf(whole, output), [0], false));
    },
    truth: (x, rows) => nested(x, rows, -1),
    magnitude: (x, rows) => nested(absolute(x), absolute(rows), 1),
    bound: { ulps: 24, terms: 12 },
    gradient: true,
  },
  {
    op: "scan",
    kind: "edge",
    name: "one step, whose input is a part of another value",
    dtypes: floats,
    inputs: [spread([3], 1), spread([5, 3], 2)],
    build: (x, rows) => {
      const { whole, next } = loopOf(adding, x, slice(rows, 0, 2, 3));
      return add(finalOf(whole, 0), sum(stackOf(whole, next), [0], false));
    },
    truth: (x, rows) => x.data.map((value, place) => 2 * (value + (rows.data[6 + place] ?? 0))),
    magnitude: (x, rows) => x.data.map((value, place) => 2 * (Math.abs(value) + Math.abs(rows.data[6 + place] ?? 0))),
    bound: { ulps: 2, terms: 2 },
    gradient: true,
  },
  {
    op: "scan",
    kind: "error",
    name: "no steps to count",
    build: () => scan((state) => [state, undefined], tensor(1), undefined),
    message: /pass \{ length: 10 \}/,
  },
];

/** s′ = W · s + x + b, [3, 2]. */
function left(x: Value, rows: Value, weight: Value, bias: Value): number[] {
  return recurrence(x.data, rows, (state, row) =>
    row.map((value, place) => {
      const [i, j] = [Math.floor(place / 2), place % 2];
      const start = value + (bias.data[j] ?? 0);
      return [0, 1, 2].reduce((total, k) => total + (weight.data[3 * i + k] ?? 0) * (state[2 * k + j] ?? 0), start);
    }),
  ).last;
}

/** s′ = a·s + x; the last s, and Σ s·x. */
function scaled(x: Value, rows: Value, scale: Value): number[] {
  const { before, last } = recurrence(x.data, rows, (state, row) =>
    state.map((value, place) => value * (scale.data[place] ?? 0) + (row[place] ?? 0)),
  );
  return last.map((value, place) =>
    before.reduce((total, state, at) => total + (at % 3 === place ? state * (rows.data[at] ?? 0) : 0), value),
  );
}

/** s′ = r ± s·r over all rows of all rows; the last s, and the sum of all earlier states. */
function nested(x: Value, rows: Value, sign: 1 | -1): number[] {
  const flat: Value = { ...rows, shape: [12, 2] };
  const { before, last } = recurrence(x.data, flat, (state, row) =>
    row.map((value, place) => value + sign * value * (state[place] ?? 0)),
  );
  return last.map((value, place) => before.reduce((total, state, at) => total + (at % 2 === place ? state : 0), value));
}
