// The record of a failed check: the first failure is kept.
import type { EmitContext } from "./emitter.ts";
import type { FunctionBuilder } from "./module.ts";

/** Three int32 at a fixed address in every memory: site + 1 (0: no failure), index, place. */
export const failureAddress = 64;

/** A function (site, index, place) that records the first failure. Checks run on one thread, one after another. */
export function failureRecorder(context: EmitContext): FunctionBuilder {
  return context.helper("record_failure", () => {
    const f = context.module.function("record_failure", ["i32", "i32", "i32"]);
    f.i32(failureAddress).memory("i32.load").op("i32.eqz");
    f.if(() => {
      f.i32(failureAddress).get(0).i32(1).op("i32.add").memory("i32.store");
      f.i32(failureAddress).get(1).memory("i32.store", 4);
      f.i32(failureAddress).get(2).memory("i32.store", 8);
    });
    return f;
  });
}
