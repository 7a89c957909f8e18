// scan: a differentiable loop over time that is compiled once for any length.
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describeType, type LoopBody, type Node } from "../graph/node.ts";
import { finalOf, loop, stackOf } from "../graph/ops/scan.ts";
import { stepLeaf } from "../graph/ops/scanBody.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { arange, zeros } from "./creation.ts";
import { cat } from "./functional.ts";
import { gradEnabled } from "./gradMode.ts";
import { callTraced, refusePromises } from "./results.ts";
import { RecordedLoop } from "./steps.ts";
import { Tensor } from "./tensor.ts";
import { type TensorTree, type Tree, tensorTree } from "./trees.ts";

/** Tensors in arrays and plain objects, with any shapes. */
export type AnyShapes<T> = T extends Tensor
  ? Tensor
  : T extends undefined
    ? undefined
    : { readonly [K in keyof T]: AnyShapes<T[K]> };

export interface ScanOptions {
  /** From the last row to the first. Outputs keep the positions of their rows. Default false. */
  readonly reverse?: boolean;
  /** The number of steps. It follows from the inputs, and is required without inputs. */
  readonly length?: number;
  /**
   * For its gradient, a loop keeps the intermediates of each step. With `checkpoint: k` it keeps only the state at every k-th step and recomputes the
   * rest: memory for about T / k + k steps instead of T, for one more forward pass. √T needs the least. Default: keep everything.
   */
  readonly checkpoint?: number;
}

const scanKinds: OptionKinds<ScanOptions> = { reverse: kind.boolean, length: kind.number, checkpoint: kind.number };

/**
 * A loop over time: stateₜ₊₁, outputₜ = step(stateₜ, inputsₜ, t), for t = 0, 1, …, T − 1. The state and the outputs are tensors, or arrays and plain
 * objects of tensors. The inputs are [T, …]; the step gets row t of each. Returns the last state, and the outputs stacked to [T, …].
 *
 * The step is recorded and compiled once: start-up time and program size do not depend on T. It may read any tensor and parameter. Gradients flow to
 * those, to the initial state and to the inputs. A carried value keeps its shape and dtype. Random numbers differ from step to step. Throws
 * ShapeError if inputs differ in length or a carried value changes shape or dtype. Source: jax.lax.scan.
 *
 * ```ts
 * const [total, sums] = scan((sum, x) => [sum.add(x), sum.add(x)], zeros([]), tensor([1, 2, 3])); // 6, [1, 3, 6]
 * ```
 */
export function scan<const S, const X, const Y>(
  step: (state: AnyShapes<S>, input: AnyShapes<X>, t: Tensor) => readonly [state: AnyShapes<S>, output: Y],
  initial: S,
  inputs: X,
  options?: ScanOptions,
): [state: AnyShapes<S>, outputs: AnyShapes<Y>];
export function scan(
  step: (state: never, input: never, t: Tensor) => unknown,
  initial: Tree,
  inputs: Tree,
  options: ScanOptions = {},
): [state: Tree, outputs: Tree] {
  checkKind("scan", "the step", step, kind.func());
  const { reverse = false, length, checkpoint } = checkOptions("scan", options, scanKinds);
  const state = tensorTree("scan", "the initial state", initial);
  const rows = inputs === undefined ? undefined : tensorTree("scan", "the inputs", inputs);
  const steps = countSteps(rows, length);
  const every = checkEvery(checkpoint, steps);
  const recorded = new RecordedLoop(steps);
  let output: TensorTree | undefined;
  const flat: FlatStep = (carried, row) => {
    const t = row.at(-1) as Tensor;
    // The stand-ins have the structure of the state and of the inputs.
    const given = [state.with(carried), rows?.with(row), t];
    const result = recorded.record(t.node, () => callTraced("scan", step as Traced, given));
    refusePromises("scan", result);
    if (!Array.isArray(result) || result.length !== 2)
      throw new HebbError(
        `scan: the step must return [state, output], got ${Array.isArray(result) ? `${result.length} values` : kind.describe(result)}; return [state, undefined] if there is no output`,
      );
    const next = tensorTree("scan", "the state that the step returns", result[0]);
    checkCarried(state, next);
    output = result[1] === undefined ? undefined : tensorTree("scan", "the output of the step", result[1]);
    return { next: next.tensors, outputs: output?.tensors ?? [] };
  };
  const stacked = [...(rows?.tensors ?? []), arange(steps)];
  const { finals, stacks } = runChecked(flat, state.tensors, stacked, { steps, reverse, every });
  return [state.with(finals), output?.with(stacks)];
}

type Traced = (...args: readonly unknown[]) => unknown;

/** The step as a function of lists of tensors. */
type FlatStep = (
  carried: readonly Tensor[],
  rows: readonly Tensor[],
) => { readonly next: readonly Tensor[]; readonly outputs: readonly Tensor[] };

interface FlatResult {
  readonly finals: readonly Tensor[];
  readonly stacks: readonly Tensor[];
}

interface HowToRun {
  readonly steps: number;
  readonly reverse: boolean;
}

/** The loop, in chunks of `every` steps if there are more: each chunk is a step of an outer loop, which keeps only states. */
function runChecked(
  step: FlatStep,
  initial: readonly Tensor[],
  stacked: readonly Tensor[],
  { steps, reverse, every }: HowToRun & { readonly every: number | undefined },
): FlatResult {
  if (every === undefined || every >= steps) return run(step, initial, stacked, { steps, reverse, keeps: "costly" });
  const pieces = Math.floor(steps / every);
  const whole = pieces * every;
  const piece: FlatStep = (carried, rows) => {
    const { finals, stacks } = run(step, carried, rows, { steps: every, reverse, keeps: "costly" });
    return { next: finals, outputs: stacks };
  };
  const inPieces = (state: readonly Tensor[]): FlatResult => {
    const cut = stacked.map((x) => x.slice(0, 0, whole).reshape([pieces, every, ...x.shape.slice(1)]));
    const { finals, stacks } = run(piece, state, cut, { steps: pieces, reverse, keeps: "carried" });
    return { finals, stacks: stacks.map((x) => x.reshape([whole, ...x.shape.slice(2)])) };
  };
  if (whole === steps) return inPieces(initial);
  const rest = (state: readonly Tensor[]): FlatResult =>
    run(
      step,
      state,
      stacked.map((x) => x.slice(0, whole)),
      { steps: steps - whole, reverse, keeps: "costly" },
    );
  const [first, second] = reverse ? [rest, inPieces] : [inPieces, rest];
  const before = first(initial);
  const after = second(before.finals);
  const [low, high] = reverse ? [after, before] : [before, after];
  return { finals: after.finals, stacks: low.stacks.map((x, place) => cat([x, high.stacks[place] as Tensor])) };
}

/** Runs one loop. */
function run(
  step: FlatStep,
  initial: readonly Tensor[],
  stacked: readonly Tensor[],
  { steps, reverse, keeps }: HowToRun & { readonly keeps: LoopBody["keeps"] },
): FlatResult {
  const leafOf = (like: Tensor, shape = like.shape): Node => stepLeaf({ shape, dtype: like.dtype });
  const carried = initial.map((x) => leafOf(x));
  const rows = stacked.map((x) => leafOf(x, x.shape.slice(1)));
  const seen = (leaves: readonly Node[], like: readonly Tensor[]): Tensor[] =>
    leaves.map((leaf, place) => Tensor.of(leaf, gradEnabled() && like[place]?.requiresGrad === true));
  const { next, outputs } = step(seen(carried, initial), seen(rows, stacked));
  if (steps === 0)
    return { finals: initial, stacks: outputs.map(({ shape, dtype }) => zeros([0, ...shape], { dtype })) };
  const nodes = (tensors: readonly Tensor[]): Node[] => tensors.map(({ node }) => node);
  const whole = loop(
    { carried, rows, next: nodes(next), outputs: nodes(outputs), keeps },
    { initial: nodes(initial), stacked: nodes(stacked), steps, reverse },
  );
  // A gradient may reach every result through the state.
  const sources = [...initial, ...stacked, ...next, ...outputs];
  return {
    finals: initial.map((_, place) => Tensor.from(finalOf(whole, place), sources)),
    stacks: outputs.map(({ node }) => Tensor.from(stackOf(whole, node), sources)),
  };
}

function countSteps(rows: TensorTree | undefined, length: number | undefined): number {
  if (length !== undefined && !(Number.isInteger(length) && length >= 0))
    throw new HebbError(`scan: length must be a whole number of 0 or more, got ${length}`);
  let steps = length;
  rows?.tensors.forEach(({ shape }, place) => {
    const [own] = shape;
    const path = rows.paths[place];
    if (own === undefined)
      throw new ShapeError(`scan: ${path} is a single number; inputs are [T, …], with a row for each step`);
    if (steps !== undefined && steps !== own)
      throw new ShapeError(`scan: ${path} must have a row for each of the ${steps} steps, got ${formatShape(shape)}`);
    steps = own;
  });
  if (steps === undefined)
    throw new HebbError("scan: without inputs the number of steps is needed; pass { length: 10 }");
  return steps;
}

function checkEvery(checkpoint: number | undefined, steps: number): number | undefined {
  if (checkpoint !== undefined && !(Number.isInteger(checkpoint) && checkpoint >= 1))
    throw new HebbError(
      `scan: checkpoint must be a whole number of steps from 1, got ${checkpoint}; ${Math.max(1, Math.round(Math.sqrt(steps)))} keeps the fewest values for ${steps} steps`,
    );
  return checkpoint;
}

function checkCarried(state: TensorTree, next: TensorTree): void {
  if (next.structure !== state.structure)
    throw new HebbError(
      `scan: the step must return a state like the one it gets: ${state.structure}, got ${next.structure}`,
    );
  state.tensors.forEach((before, place) => {
    const after = next.tensors[place] as Tensor;
    if (sameShape(before.shape, after.shape) && before.dtype === after.dtype) return;
    const path = state.paths[place]?.replace("the initial state", "the state");
    throw new ShapeError(
      `scan: the step makes ${describeType(after)} of ${path}, which starts as ${describeType(before)}; a carried value keeps its shape and dtype`,
    );
  });
}
