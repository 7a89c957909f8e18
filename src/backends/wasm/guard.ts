// Where a failing guard is recorded: the first one stays.
import type { EmitContext } from "./emitter.ts";
import type { FunctionBuilder } from "./module.ts";

/** Three int32 at a fixed address of every memory: site + 1 (0: nothing failed), index, extent. */
export const failureAddress = 64;

/** A function (index, extent, site) that records the failure if it is the first. */
export function guardRecorder(context: EmitContext): FunctionBuilder {
  return context.helper("record_failure", () => {
    const f = context.module.function("record_failure", ["i32", "i32", "i32"]);
    const claim = context.module.memory.shared
      ? () => f.i32(failureAddress).i32(0).get(2).i32(1).op("i32.add").memory("i32.atomic.rmw.cmpxchg")
      : () => f.i32(failureAddress).memory("i32.load");
    claim();
    f.op("i32.eqz").if(() => {
      f.i32(failureAddress).get(2).i32(1).op("i32.add").memory("i32.store");
      f.i32(failureAddress).get(0).memory("i32.store", 4);
      f.i32(failureAddress).get(1).memory("i32.store", 8);
    });
    return f;
  });
}
