// Overlapping windows: adjacent rows of results are computed together, so that shared elements are loaded once.
import { rewrite, visitScalar } from "../../compiler/indexing.ts";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import {
  type Axis,
  add,
  axisValue,
  int,
  type Local,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
} from "../../graph/scalar.ts";
import { axesIn, replaceAxes } from "./axes.ts";
import { combineFn } from "./combine.ts";
import { isLinear, stridesOf } from "./operand.ts";
import { extentOf, type Step, stepsOf } from "./steps.ts";
import { operands, type Value, type ValueTable } from "./values.ts";

type Reduce = Extract<Statement, { kind: "reduce" }>;

/** Larger windows stay loops, as do those whose weights would not fit in registers. */
const largestWindow = 64;
const mostWeights = 16;
/** Candidates for how many results are computed together, best first: each needs a register, and loads what is not shared again. */
const together = [4, 5, 3, 2, 7];

interface Jammed {
  readonly kernel: LoopKernel;
  /** The results of the windows, in the order of the rows. */
  readonly results: readonly Local[];
  readonly combine: Reduce["combine"];
}

/** Whether neighbouring results along some axis share their elements, which are few. */
export function hasWindows({ axes, body }: LoopKernel): boolean {
  const [window] = body;
  return (
    window?.kind === "reduce" && extentOf(window.axes) <= largestWindow && axes.some((axis) => overlaps(window, axis))
  );
}

/** The kernel's axes and steps, several rows of overlapping windows together. */
export function stepsInWindows(kernel: LoopKernel, newTable: () => ValueTable): ReturnType<typeof stepsOf> {
  const jammed = jam(kernel);
  if (jammed === undefined) return stepsOf(kernel, newTable);
  const { axes, steps, table } = stepsOf(jammed.kernel, newTable, largestWindow);
  return { axes, steps: inOrderOfMemory(steps, table, jammed), table };
}

/** The kernel with several neighbours along an axis as one point; undefined where no windows overlap along any but the last. */
function jam(kernel: LoopKernel): Jammed | undefined {
  const [window, ...rest] = kernel.body;
  if (window?.kind !== "reduce" || window.local.dtype !== "float32") return undefined;
  const points = extentOf(window.axes);
  if (points < 2 || points > (loadsIn(window.value) === 1 ? largestWindow : mostWeights)) return undefined;
  if (rest.some(({ kind }) => kind !== "let" && kind !== "store")) return undefined;
  const axis = kernel.axes.slice(0, -1).find((one) => overlaps(window, one));
  const count = together.find((size) => axis !== undefined && axis.extent % size === 0);
  if (axis === undefined || count === undefined) return undefined;
  const outer = newAxis(axis.extent / count);
  const rows = Array.from({ length: count }, (_, row) => [
    [axis.id, add(mul(axisValue(outer), int(count)), int(row))] as const,
  ]);
  const axes = kernel.axes.map((one) => (one === axis ? outer : one));
  return { ...atOnce({ ...kernel, axes }, window, rows), combine: window.combine };
}

/** The kernel's body at several points of its axes at once, its only reduction first: what the axes are there, point by point. */
function atOnce(
  kernel: LoopKernel,
  window: Reduce,
  points: readonly (readonly (readonly [number, Scalar])[])[],
): { readonly kernel: LoopKernel; readonly results: readonly Local[] } {
  const results: Local[] = [];
  const body: Statement[] = [];
  const stores: Statement[] = [];
  for (const point of points) {
    const by = new Map(point);
    const locals = new Map<number, Local>();
    const fresh = (local: Local): Local => {
      const own = newLocal(local.dtype);
      locals.set(local.id, own);
      return own;
    };
    const here = (scalar: Scalar): Scalar =>
      rewrite(replaceAxes(scalar, by), (part) => {
        const own = part.kind === "local" ? locals.get(part.local.id) : undefined;
        return own && localValue(own);
      });
    const result = fresh(window.local);
    results.push(result);
    body.push({ ...window, local: result, value: here(window.value) });
    for (const statement of kernel.body.slice(1)) {
      if (statement.kind === "let") {
        const value = here(statement.value);
        stores.push({ ...statement, local: fresh(statement.local), value });
      } else if (statement.kind === "store")
        stores.push({ ...statement, index: here(statement.index), value: here(statement.value) });
    }
  }
  return { kernel: { ...kernel, body: [...body, ...stores] }, results };
}

/** Few long sums that share what they read, as in the weight gradient of a depthwise convolution, are one pass over memory. */
const mostSums = 12;
const shortestSum = 64;
/** The fewest points that must remain for threads to share. */
const fewestPoints = 16;

/** The kernel with the sums at all points of its last axes side by side, where those are few. */
export function sumsAtOnce(kernel: LoopKernel): LoopKernel {
  const [window, ...rest] = kernel.body;
  if (window?.kind !== "reduce" || window.local.dtype !== "float32" || !runsAlong(window)) return kernel;
  if (extentOf(window.axes) < shortestSum || rest.some(({ kind }) => kind !== "let" && kind !== "store")) return kernel;
  const loads: ReadonlySet<number>[] = [];
  visitScalar(window.value, (scalar) => {
    if (scalar.kind === "load") loads.push(axesIn(scalar.index));
  });
  /** Some load is the same at all points of the axes from this one on. */
  const share = (from: number): boolean =>
    loads.length > 1 && loads.some((used) => kernel.axes.slice(from).every(({ id }) => !used.has(id)));
  const taps = kernel.axes.filter((_, from) => share(from) && extentOf(kernel.axes.slice(from)) <= mostSums);
  const outer = kernel.axes.slice(0, kernel.axes.length - taps.length);
  if (extentOf(taps) < 2 || extentOf(outer) < fewestPoints) return kernel;
  let points: (readonly [number, Scalar])[][] = [[]];
  for (const { id, extent } of taps) {
    points = points.flatMap((point) => Array.from({ length: extent }, (_, i) => [...point, [id, int(i)] as const]));
  }
  return atOnce({ ...kernel, axes: outer }, window, points).kernel;
}

/** Whether all loads are contiguous along the last axis of the sum, or have stride 2. */
function runsAlong({ axes, value }: Reduce): boolean {
  const lane = axes.filter(({ extent }) => extent > 1).at(-1);
  let runs = lane !== undefined;
  visitScalar(value, (scalar) => {
    if (scalar.kind !== "load" || lane === undefined) return;
    const stride = isLinear(scalar.index) ? (stridesOf(scalar.index).strides.get(lane.id) ?? 0) : 0;
    runs &&= stride === 1 || stride === 2;
  });
  return runs;
}

function loadsIn(value: Scalar): number {
  let loads = 0;
  visitScalar(value, ({ kind }) => {
    if (kind === "load") loads++;
  });
  return loads;
}

/** Whether windows that are neighbours along the axis have elements in common. */
function overlaps(window: Reduce, axis: Axis): boolean {
  let found = false;
  visitScalar(window.value, (scalar) => {
    if (scalar.kind !== "load" || !isLinear(scalar.index)) return;
    const { strides } = stridesOf(scalar.index);
    const step = strides.get(axis.id) ?? 0;
    found ||= window.axes.some(({ id, extent }) => {
      const ahead = step / (strides.get(id) ?? 0);
      return Number.isInteger(ahead) && ahead > 0 && ahead < extent;
    });
  });
  return found;
}

/** The steps with the windows' elements in the order of memory: each is loaded, used by all results that need it, and forgotten. */
function inOrderOfMemory(steps: readonly Step[], table: ValueTable, { results, combine }: Jammed): Step[] {
  const partial: { readonly value: Value; readonly place: number }[] = [];
  for (const result of results) {
    let value = table.of(localValue(result));
    while (value.kind === "binary" && value.fn === combineFn[combine]) {
      partial.push({ value, place: placeOf(value.b) });
      value = value.a;
    }
  }
  // Partial sums follow memory order.
  partial.reverse().sort((a, b) => a.place - b.place);
  return [...partial.map(({ value }): Step => ({ kind: "force", value })), ...steps];
}

/** The constant offset of the load whose index has the most terms. */
function placeOf(value: Value): number {
  let [most, place] = [-1, 0];
  const visit = (part: Value): void => {
    if (part.kind !== "load") return operands(part).forEach(visit);
    if (part.index.terms.length <= most) return;
    [most, place] = [part.index.terms.length, part.index.constant];
  };
  visit(value);
  return place;
}
