// What loops do not change is computed before them: which values that is, and in what order.
import type { Axis } from "../../graph/scalar.ts";
import { type Step, visitSteps } from "./steps.ts";
import { eachOperand, type Linear, type Value } from "./values.ts";

/** How an emitter keeps what loops do not change. */
export interface Hoisting {
  /** Computes a value. An axis or a local is there already, but maybe not in lanes. */
  compute(value: Value): void;
  /** Adds up what is known of the address of an element; without it, only the parts of its index are computed. */
  address?(buffer: number, index: Linear, isKnown: (atom: Value) => boolean): void;
}

/** Computes what the steps need and the loops around them, which bind `bound`, do not change. */
export function hoistInvariants(steps: readonly Step[], bound: ReadonlySet<number>, hoisting: Hoisting): void {
  // A shared part is visited once: expressions are graphs, and walking them as trees would take for ever.
  const seen = { always: new Set<Value>(), sometimes: new Set<Value>() };
  const varies = ({ deps }: Value): boolean => !isDisjoint(deps, bound);
  /** `conditional`: it is needed on one side of a select only, and may fault on the other. */
  const isKnown = (value: Value, conditional: boolean): boolean =>
    !value.pinned && !(conditional && value.unsafe) && !varies(value);
  const visit = (value: Value, conditional: boolean): void => {
    const visited = conditional ? seen.sometimes : seen.always;
    if (visited.has(value)) return;
    visited.add(value);
    if (value.kind === "const") return;
    if (isKnown(value, conditional)) hoisting.compute(value);
    else if (value.kind === "load") visitPlace(value.buffer, value.index, conditional);
    else if (value.kind === "select") {
      visit(value.condition, conditional);
      visit(value.a, true);
      visit(value.b, true);
    } else eachOperand(value, (operand) => visit(operand, conditional));
  };
  const visitPlace = (buffer: number, index: Linear, conditional: boolean): void => {
    const inSums = hoisting.address !== undefined;
    for (const { atom } of index.terms) if (!inSums || varies(atom)) visit(atom, conditional);
    hoisting.address?.(buffer, index, (atom) => isKnown(atom, conditional));
  };
  visitSteps(
    steps,
    (value) => visit(value, false),
    (index, buffer) => visitPlace(buffer, index, false),
  );
}

function isDisjoint(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  for (const item of a) if (b.has(item)) return false;
  return true;
}

/** How an emitter writes a nest: a loop, and what loops over these axes do not change before them. */
interface NestWriter {
  loop(axis: Axis, body: () => void): void;
  hoist(axes: readonly Axis[]): void;
}

/** Plain loops over the axes, the first outermost, around a body that loops over `inside`. */
export function nestLoops(
  axes: readonly Axis[],
  inside: readonly Axis[],
  { loop, hoist }: NestWriter,
  body: () => void,
): void {
  const visit = (place: number): void => {
    const axis = axes[place];
    if (axis === undefined) return body();
    loop(axis, () => {
      const rest = [...axes.slice(place + 1), ...inside];
      if (rest.length > 0) hoist(rest);
      visit(place + 1);
    });
  };
  visit(0);
}
