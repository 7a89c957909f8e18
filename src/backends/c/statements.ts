// Writes the statements of a kernel inside its loops: nests, stores, reductions and scans.
import { newLocal } from "../../graph/scalar.ts";
import { combineFn, identityOf, runningDtype } from "../analysis/combine.ts";
import { bestLane } from "../analysis/cost.ts";
import { extentOf, type Step } from "../analysis/steps.ts";
import { literal, scalarType } from "./lanes.ts";
import { whole } from "./nests.ts";
import { scalarBinary } from "./operations.ts";
import { type Reduce, Reductions } from "./reductions.ts";

export class Statements extends Reductions {
  emitSteps(steps: readonly Step[]): void {
    const { e } = this;
    const vector = e.laneCount > 0;
    const groups = groupsOf(steps);
    for (const step of steps) {
      switch (step.kind) {
        case "force":
          if (vector && e.isVarying(step.value)) e.vector(step.value);
          else e.scalar(step.value);
          break;
        case "store":
          if (vector) e.storeVector(step.buffer, step.index, step.value, step.accumulate);
          else e.storeScalar(step.buffer, step.index, step.value, step.accumulate);
          break;
        case "for":
          this.emitFor(step);
          break;
        case "reduce": {
          const group = groups.get(step);
          if (group !== undefined) this.emitReduces(group);
          break;
        }
        case "scan":
          this.emitScan(step);
          break;
        case "check":
          this.emitCheck(step);
          break;
      }
    }
  }

  private emitCheck({ site, holds, axes, index, place, extent }: Extract<Step, { kind: "check" }>): void {
    const { e } = this;
    e.out.block(`if (!${e.scalar(holds)})`, () =>
      e.scope(() =>
        this.nest(axes, [], [], () => {
          const found = e.out.define("int", "x", e.scalar(index));
          e.out.block(`if ((unsigned)${found} >= ${extent}u)`, () =>
            e.scope(() => e.out.line(`record_failure(base, ${site}, ${found}, ${e.scalar(place)});`)),
          );
        }),
      ),
    );
  }

  private emitFor(step: Extract<Step, { kind: "for" }>): void {
    if (extentOf(step.axes) === 0) return;
    const lane = this.innerLanes && step.parallel ? bestLane(step.axes, step.body, this.dependence) : undefined;
    const plain = step.axes.filter((axis) => axis !== lane);
    this.hoist(step.body, step.axes);
    this.nest(plain, step.body, lane === undefined ? [] : [lane], () => {
      if (lane === undefined) this.emitSteps(step.body);
      else this.laneLoop(lane, whole(lane), step.body, () => this.emitSteps(step.body));
    });
  }

  private emitScan(step: Extract<Step, { kind: "scan" }>): void {
    const { e } = this;
    const { out, context } = e;
    const { combine, axis, value, buffer, index } = step;
    const { dtype } = value;
    if (axis.extent === 0) return;
    const wide = runningDtype(combine, dtype);
    const running = out.name("r");
    out.line(`${scalarType(wide)} ${running} = ${literal(identityOf(combine, wide), wide)};`);
    const result = newLocal(dtype);
    this.hoist([{ kind: "force", value }], [axis]);
    this.loop(axis, whole(axis), () => {
      out.line(`${running} = ${scalarBinary(context, combineFn[combine], wide, running, e.scalar(value))};`);
      e.bindLocal(result, wide === dtype ? running : `(float)${running}`, false);
      e.storeScalar(buffer, index, e.values.opaque(result), false);
    });
  }
}

/** Groups consecutive, independent reductions over the same axes, keyed by the first: each group shares one loop. */
function groupsOf(steps: readonly Step[]): Map<Step, Reduce[]> {
  const groups = new Map<Step, Reduce[]>();
  let group: Reduce[] = [];
  for (const step of steps) {
    if (step.kind !== "reduce") {
      group = [];
      continue;
    }
    const [first] = group;
    const joins =
      first !== undefined &&
      first.parts === step.parts &&
      first.axes.length === step.axes.length &&
      first.axes.every((axis, place) => axis === step.axes[place]) &&
      group.every(({ local }) => !step.value.deps.has(local.id));
    if (joins) group.push(step);
    else {
      group = [step];
      groups.set(step, group);
    }
  }
  return groups;
}
