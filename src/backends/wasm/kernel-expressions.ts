// Scalar expressions and statements of a kernel, emitted where its own loops want them: for the epilogues of contractions.
import type { Statement } from "../../compiler/kernel.ts";
import type { Axis, Local, Scalar } from "../../graph/scalar.ts";
import type { EmitContext, ExpressionEmitter } from "./emitter.ts";
import { Expressions } from "./expression.ts";
import { LoopEmitter } from "./loops.ts";
import type { FunctionBuilder } from "./module.ts";
import { boundIn, convert, type Step, storedIn, visitSteps } from "./steps.ts";
import { ValueTable } from "./values.ts";

/** `body`: all statements that will be emitted, because what they store decides what may move. */
export function kernelExpressions(
  f: FunctionBuilder,
  context: EmitContext,
  body: readonly Statement[],
): ExpressionEmitter {
  return new KernelExpressions(f, context, body);
}

class KernelExpressions implements ExpressionEmitter {
  readonly f: FunctionBuilder;
  private readonly table: ValueTable;
  private readonly expressions: Expressions;

  constructor(f: FunctionBuilder, context: EmitContext, body: readonly Statement[]) {
    this.f = f;
    const stored = storedIn(body);
    this.table = new ValueTable((buffer) => ({ length: context.buffer(buffer).length, stored: stored.has(buffer) }));
    this.expressions = new Expressions(f, context, this.table);
  }

  pushBase(buffer: number): void {
    this.expressions.pushBase(buffer);
  }

  bindAxis(axis: Axis, local: number): void {
    this.expressions.bindAxis(axis, local);
  }

  bindLanes(axis: Axis, local: number): void {
    this.expressions.bindLanes(axis, local);
  }

  endLanes(): void {
    this.expressions.endLanes();
  }

  bindLocal(local: Local, wasmLocal: number): void {
    this.table.opaque(local);
    this.expressions.bindLocal(local, wasmLocal);
  }

  pushScalar(value: Scalar): void {
    this.expressions.pushScalar(this.table.of(value));
  }

  pushVector(value: Scalar): void {
    this.expressions.pushVector(this.table.of(value));
  }

  emit(statements: readonly Statement[]): void {
    const steps = this.steps(statements);
    new LoopEmitter(this.expressions, [], steps).emitSteps(steps, 1);
  }

  scope(body: () => void): void {
    this.expressions.scope(body);
  }

  hoist(statements: readonly Statement[], axes: readonly Axis[], locals: readonly Local[], lanes: boolean): void {
    const steps = this.steps(statements);
    const bound = boundIn(steps, new Set([...axes, ...locals].map(({ id }) => id)));
    visitSteps(
      steps,
      (value) => this.expressions.hoistValue(value, bound, lanes),
      (index, buffer) => this.expressions.hoistAddress(buffer, index, bound, lanes),
    );
  }

  private steps(statements: readonly Statement[]): Step[] {
    return convert(statements, this.table, { into: new Map(), gone: new Set() });
  }
}
