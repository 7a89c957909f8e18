// Estimates the cost of a kernel, scalar or vectorised: decides which axis is vectorised and whether threads pay.
import type { Axis } from "../../graph/scalar.ts";
import { isMathFn } from "./mathFn.ts";
import type { Step } from "./steps.ts";
import { halvedIn, type Linear, operands, strideOf, type Value, visitParts } from "./values.ts";

/** Functions that are computed one lane at a time, or by a long helper. */
const slowFns: ReadonlySet<string> = new Set(["sin", "cos", "tan", "atan", "atan2", "pow", "expm1", "log1p"]);

export const isHeavy = (value: Value): boolean =>
  (value.kind === "unary" || value.kind === "binary") && isMathFn(value.fn) && value.dtype === "float32";

/** How a machine computes lanes. */
export interface LaneModel {
  readonly lanes: number;
  /** Whether float64 is vectorised too. */
  readonly doubles: boolean;
  /** Whether the tail of a row is computed with masked lanes instead of one element at a time. */
  readonly masked: boolean;
  /** Whether lanes that share elements in pairs need only one load. */
  readonly halves: boolean;
  /** The cost of a gather, in simple instructions. */
  readonly scattered: number;
}

/** What all lanes of one access cost where they are neighbours, and where they lie anywhere. */
interface LaneCosts {
  readonly contiguous: number;
  readonly anywhere: number;
}

/** Extents of the loops a value depends on, through the results of reductions too. */
export class Dependence {
  readonly #locals = new Map<number, ReadonlySet<number>>();
  readonly #extents = new Map<number, number>();

  readonly model: LaneModel;

  constructor(axes: readonly Axis[], steps: readonly Step[], model: LaneModel) {
    this.model = model;
    for (const axis of axes) this.#extents.set(axis.id, axis.extent);
    this.#visit(steps);
  }

  #visit(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === "for") {
        for (const axis of step.axes) this.#extents.set(axis.id, axis.extent);
        this.#visit(step.body);
      } else if (step.kind === "reduce") {
        for (const axis of step.axes) this.#extents.set(axis.id, axis.extent);
        const outer = new Set(this.axesOf(step.value));
        for (const axis of step.axes) outer.delete(axis.id);
        this.#locals.set(step.local.id, outer);
      } else if (step.kind === "scan") this.#extents.set(step.axis.id, step.axis.extent);
      else if (step.kind === "check") for (const axis of step.axes) this.#extents.set(axis.id, axis.extent);
    }
  }

  /** Every axis the value depends on. */
  axesOf(value: Value): ReadonlySet<number> {
    let found: Set<number> | undefined;
    for (const dep of value.deps) {
      const through = this.#locals.get(dep);
      if (through === undefined) continue;
      found ??= new Set(value.deps);
      found.delete(dep);
      for (const axis of through) found.add(axis);
    }
    return found ?? value.deps;
  }

  points(axes: ReadonlySet<number>): number {
    let product = 1;
    for (const axis of axes) product *= this.#extents.get(axis) ?? 1;
    return product;
  }
}

/**
 * Whether these steps can be vectorised along the axis: a scan cannot, nor can float64 on some machines. A walk whose places are looked up should not:
 * its lanes would be far apart, and go from memory to memory one by one.
 */
export function canVectorize(steps: readonly Step[], axis: Axis, dependence: Dependence): boolean {
  let possible = true;
  const { doubles } = dependence.model;
  const visit = visitParts((value) => {
    if (value.dtype === "float64" && !doubles && dependence.axesOf(value).has(axis.id)) possible = false;
    return true;
  });
  const varies = (atom: Value): boolean => dependence.axesOf(atom).has(axis.id);
  const walk = (list: readonly Step[], inOrder = false): void => {
    for (const step of list) {
      if (step.kind === "scan" || step.kind === "check") possible = false;
      else if (step.kind === "for") walk(step.body, inOrder || !step.parallel);
      else {
        visit(step.value);
        if (step.kind === "store") {
          if (inOrder && strideOf(step.index, varies, axis.id).irregular) possible = false;
          for (const { atom } of step.index.terms) visit(atom);
          // Stores of a uniform value are vectorised too.
          if (step.value.dtype === "float64" && !doubles) possible = false;
        }
        if (step.kind === "reduce" && step.local.dtype === "float64" && !doubles) possible = false;
      }
    }
  };
  walk(steps);
  return possible;
}

/**
 * The estimated cost of all points of the steps, in simple instructions. `lane` is the axis that becomes lanes; in its
 * absence each inner loop takes its own best.
 */
export function costOf(
  steps: readonly Step[],
  lane: Axis | undefined,
  dependence: Dependence,
  around: readonly Axis[],
): number {
  const { lanes, masked, scattered } = dependence.model;
  const stores: LaneCosts = { contiguous: 1, anywhere: 0.8 * scattered };
  const seen = new Set<Value>();
  let total = 0;

  /** Whatever depends on the lanes cannot be hoisted out of the loops around them. */
  const outer = around.filter((axis) => axis !== lane).map(({ id }) => id);
  const perPoint = (scalarCost: number, laneCost: number, axes: ReadonlySet<number>, own: Axis | undefined): void => {
    const inLanes = lane !== undefined && axes.has(lane.id);
    const points = dependence.points(inLanes ? new Set([...axes, ...outer]) : axes);
    if (own === undefined || !axes.has(own.id)) {
      total += points * scalarCost;
      return;
    }
    const whole = Math.floor(own.extent / lanes);
    const rest = own.extent % lanes;
    total +=
      (points / own.extent) * (whole * laneCost + (masked ? Math.ceil(rest / lanes) * laneCost : rest * scalarCost));
  };

  const value = (item: Value, own: Axis | undefined): void => {
    if (seen.has(item) || item.kind === "const") return;
    seen.add(item);
    const axes = dependence.axesOf(item);
    if (item.kind === "load") {
      const contiguous = item.dtype === "float32" || item.dtype === "int32" ? 1 : 3;
      access(item.index, axes, own, { contiguous, anywhere: scattered });
      return;
    }
    if (item.kind === "unary" || item.kind === "binary") {
      if (item.fn === "div" || item.fn === "sqrt" || item.fn === "mod")
        perPoint(4, item.dtype === "float32" ? 5 : 12, axes, own);
      else if (slowFns.has(item.fn)) perPoint(60, 120, axes, own);
      else if (isMathFn(item.fn)) perPoint(40, 32, axes, own);
      else perPoint(1, 1, axes, own);
    } else if (item.kind !== "axis" && item.kind !== "local") perPoint(1, 1, axes, own);
    for (const operand of operands(item)) value(operand, own);
  };

  const access = (
    index: Linear,
    axes: ReadonlySet<number>,
    own: Axis | undefined,
    { contiguous, anywhere }: LaneCosts,
  ): void => {
    for (const { atom } of index.terms) if (atom.kind !== "axis") value(atom, own);
    if (own === undefined) return perPoint(1.5, 1.5, axes, own);
    const varies = (atom: Value): boolean => dependence.axesOf(atom).has(own.id);
    const { stride, irregular } = strideOf(index, varies, own.id);
    const laneCost = irregular
      ? dependence.model.halves && halvedIn(index, varies, own.id) !== undefined
        ? 3
        : anywhere + 4
      : stride === 1
        ? contiguous
        : stride === 2 || stride === -1
          ? 3
          : anywhere;
    perPoint(1.5, laneCost, axes, own);
  };

  const walk = (list: readonly Step[], around: ReadonlySet<number>, own: Axis | undefined): void => {
    for (const step of list) {
      switch (step.kind) {
        case "force":
          value(step.value, own);
          break;
        case "store":
          value(step.value, own);
          access(step.index, around, own, stores);
          break;
        case "scan":
          value(step.value, undefined);
          access(step.index, new Set([...around, step.axis.id]), undefined, stores);
          break;
        case "check":
          value(step.holds, undefined);
          break;
        case "for": {
          const inner = own ?? (step.parallel ? bestLane(step.axes, step.body, dependence) : undefined);
          walk(step.body, new Set([...around, ...step.axes.map((axis) => axis.id)]), inner);
          break;
        }
        case "reduce": {
          const inner = own ?? bestLane(step.axes, [step], dependence);
          value(step.value, inner);
          perPoint(1, 1, new Set([...around, ...step.axes.map((axis) => axis.id)]), inner);
          break;
        }
      }
    }
  };
  walk(steps, new Set(around.map((axis) => axis.id)), lane);
  return total;
}

/** The axis along which lanes are cheapest, if lanes pay at all. */
export function bestLane(axes: readonly Axis[], steps: readonly Step[], dependence: Dependence): Axis | undefined {
  const { lanes, masked } = dependence.model;
  let best: Axis | undefined;
  let bestCost = localCost(steps, axes, undefined, dependence);
  for (const axis of [...axes].reverse()) {
    // Rows shorter than the lanes cost the same in lanes, unless lanes are masked.
    if ((masked && axis.extent < lanes / 4) || !canVectorize(steps, axis, dependence)) continue;
    const cost = localCost(steps, axes, axis, dependence);
    if (cost < bestCost) {
      best = axis;
      bestCost = cost;
    }
  }
  return best;
}

/** Cost of the values directly in these steps, with all of them along one axis or none. */
function localCost(
  steps: readonly Step[],
  axes: readonly Axis[],
  lane: Axis | undefined,
  dependence: Dependence,
): number {
  // Reductions count as plain loops here: the choice is about one axis for all of the body.
  const flat = steps.map((step): Step => (step.kind === "reduce" ? { kind: "force", value: step.value } : step));
  return costOf(flat, lane ?? unlikely, dependence, axes);
}

/** An axis that nothing depends on. */
const unlikely: Axis = { id: -1, extent: 1 };
