// The epilogue's statements as numbered values, emitted as the tiles need them: element by element or in lanes.
import type { Statement } from "../../../compiler/kernel.ts";
import type { Axis, Local } from "../../../graph/scalar.ts";
import { hoistInvariants } from "../../analysis/hoist.ts";
import { boundIn, convert, type Step, storedIn } from "../../analysis/steps.ts";
import { ValueTable } from "../../analysis/values.ts";
import type { EmitContext } from "../emitter.ts";
import { Expressions } from "../expression.ts";
import type { FunctionBuilder } from "../module.ts";

export class EpilogueExpressions extends Expressions {
  /** Lanes start at the tile's first element, which may be odd. */
  protected override readonly lanesAtPairs = false;

  /** `body`: the statements to emit. Their stores decide which loads may move. */
  constructor(f: FunctionBuilder, context: EmitContext, body: readonly Statement[]) {
    const stored = storedIn(body);
    const facts = (buffer: number) => ({ length: context.buffer(buffer).length, stored: stored.has(buffer) });
    super(f, context, new ValueTable(facts));
  }

  /** Binds the local that holds the sum. */
  bindResult(local: Local, wasmLocal: number): void {
    this.values.opaque(local);
    this.bindLocal(local, wasmLocal);
  }

  /** Emits in lanes if they are bound. */
  emitStatements(statements: readonly Statement[]): void {
    for (const step of this.#steps(statements)) {
      if (step.kind === "force") {
        if (this.vectorized && this.isVarying(step.value)) this.pushVector(step.value);
        else this.pushScalar(step.value);
        this.f.op("drop");
      } else if (step.kind === "store") {
        if (this.vectorized) this.storeVector(step.buffer, step.index, step.value, step.accumulate);
        else this.storeScalar(step.buffer, step.index, step.value, step.accumulate);
      }
    }
  }

  /** Hoists values that are invariant in loops over these axes and locals. */
  hoistStatements(statements: readonly Statement[], axes: readonly Axis[], result: Local, lanes: boolean): void {
    const steps = this.#steps(statements);
    const bound = boundIn(steps, new Set([result.id, ...axes.map(({ id }) => id)]));
    for (const step of steps) hoistInvariants([step], bound, this.hoisting(lanes));
  }

  #steps(statements: readonly Statement[]): Step[] {
    return convert(statements, this.values, { into: new Map(), gone: new Set() });
  }
}
